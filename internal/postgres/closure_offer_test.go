package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// askingDesk is a desk that closes a day at half past eight in the morning, and asks those who have a visit then.
type askingDesk struct {
	*exchange
	wait *waitDesk
	ill  *illDesk
	own  clinic.Ref
	told int // of the letters, those that have been looked at
}

func newAsking(t *testing.T) *askingDesk {
	a := &askingDesk{exchange: newExchange(t)}
	a.wait, a.ill = waitAt(a.desk), illAt(a.desk)
	a.ill.close.Offers, a.Answers.Offers = a.wait.wait, a.wait.wait
	a.own = a.Provider(1)
	return a
}

// visit is one of a patient who can be reached, and knows of it.
func (a *askingDesk) visit(hour, minute int) (access.Actor, appointment.Appointment) {
	a.t.Helper()
	who := a.patient()
	b, err := a.book(who, a.Slot(a.own, hour, minute))
	if err != nil {
		a.t.Fatal(err)
	}
	a.carry()
	a.news()
	return who, b.Appointment
}

// closed is the provider's Monday, once it is closed and all are asked who can be.
func (a *askingDesk) closed(change func(*closure.RebookInput)) closure.Closure {
	a.t.Helper()
	how := closure.RebookInput{Mode: closure.Offer}
	if change != nil {
		change(&how)
	}
	return a.ill.rebooks(a.ill.closes(a.ill.monday(a.own, how)))
}

// news is what texts have told since it was asked the last time, as kinds of messages.
func (a *askingDesk) news() []string {
	a.t.Helper()
	a.carry()
	fresh := a.sms.letters[a.told:]
	a.told = len(a.sms.letters)
	var kinds []string
	for _, l := range fresh {
		kinds = append(kinds, strings.Fields(l.Text)[0])
	}
	return kinds
}

func (a *askingDesk) expectNews(when string, want ...string) {
	a.t.Helper()
	if got := a.news(); !slices.Equal(got, want) {
		a.t.Errorf("%s: told %q, want %q", when, got, want)
	}
}

// asked is the offer that is open for a patient, or nil.
func (a *askingDesk) asked(who access.Actor) *waitlist.Offer {
	a.t.Helper()
	page, err := a.wait.wait.List(context.Background(), who, waitlist.Filter{Organization: a.Organization, Patient: who.PatientID}, paging.Window{Size: 10})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, e := range page.Items {
		if o := a.wait.offer(who, e); o != nil {
			return o
		}
	}
	return nil
}

func (a *askingDesk) waits(d time.Duration) { a.clock.Set(a.clock.Now().Add(d)) }

// reminders are how many are planned of a visit.
func (a *askingDesk) reminders(ap appointment.Appointment) string {
	a.t.Helper()
	a.carry()
	return a.text(`SELECT count(*)::text FROM messages WHERE appointment_id = $1 AND kind = 'REMINDER' AND state IN ('SCHEDULED', 'QUEUED')`, ap.ID)
}

func (a *askingDesk) progress(when string, c closure.Closure, want closure.Progress) {
	a.t.Helper()
	if c = a.ill.now(c); c.Progress != want {
		a.t.Errorf("%s: %+v, want %+v", when, c.Progress, want)
	}
}

func TestWhoIsAskedKeepsTheirVisitUntilTheyTakeTheOther(t *testing.T) {
	a := newAsking(t)
	who, ap := a.visit(14, 0)
	c := a.closed(nil)
	a.progress("asked", c, closure.Progress{Affected: 1, Offered: 1})
	o := a.asked(who)
	if o == nil || o.Slot.Provider != a.own.ID || !o.Slot.Start.After(ap.Start) || o.Otherwise != string(closure.CancelIt) || !o.ExpiresAt.Equal(a.clock.Now().Add(4*time.Hour)) {
		t.Fatalf("asked: %+v", o)
	}
	if _, err := a.book(a.Patient(), o.Slot); err == nil {
		t.Error("somebody else has the time that is held")
	}
	if now := a.ill.stands(ap); now.Version != ap.Version {
		t.Error("the visit was changed before there is an answer")
	}
	a.expectNews("asked", "OFFER")
	if last := a.sms.letters[len(a.sms.letters)-1].Text; !strings.HasSuffix(last, " instead of "+ap.LocalStart.String()+", or off: true") {
		t.Errorf("the text is %q", last)
	}
	if n := a.reminders(ap); n != "0" {
		t.Errorf("%s reminders of a visit that can't take place", n)
	}
	if got := a.says(number, "1"); got.Effect != reminder.OfferTaken {
		t.Fatalf("taken: %+v", got)
	}
	if now := a.ill.stands(ap); now.Slot() != o.Slot || now.Status != appointment.Booked || now.ID != ap.ID {
		t.Errorf("the visit stands at %+v", now.Slot())
	}
	c = a.ill.rebooks(c)
	a.progress("taken", c, closure.Progress{Affected: 1, Moved: 1})
	item := a.ill.items(c)[0]
	if c.State != closure.Done || item.NewProviderID != a.own.ID || !item.NewStart.Equal(o.Slot.Start) || item.OfferID != o.ID || item.Cause != "" {
		t.Errorf("%s, %+v", c.State, item)
	}
	a.expectNews("taken", "CHANGE")
	if n := a.reminders(ap); n == "0" {
		t.Error("no reminder of the new time")
	}
	if entry := a.wait.offerEntry(who, o); entry.Status != waitlist.Fulfilled || entry.Closure != c.ID {
		t.Errorf("the entry is %+v", entry)
	}
}

func (d *waitDesk) offerEntry(who access.Actor, o *waitlist.Offer) waitlist.Entry {
	d.t.Helper()
	found, err := d.wait.Entries(context.Background(), who, []clinic.Ref{o.Entry()})
	if err != nil {
		d.t.Fatal(err)
	}
	return found[o.Entry()]
}

func TestWhoDeclinesOrIsSilentIsCancelledOrKeptAndToldOnce(t *testing.T) {
	keep := closure.KeepIt
	for name, with := range map[string]struct {
		otherwise *closure.Otherwise
		answer    string // none: silence
		want      closure.Progress
		cause     closure.Cause
		told      []string
	}{
		"declined": {nil, "3", closure.Progress{Affected: 1, Cancelled: 1}, closure.Declined, []string{"CANCELLATION"}},
		"silent":   {nil, "", closure.Progress{Affected: 1, Cancelled: 1}, closure.Unanswered, []string{"CANCELLATION"}},
		"kept":     {&keep, "3", closure.Progress{Affected: 1, Kept: 1}, closure.Declined, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsking(t)
			who, ap := a.visit(14, 0)
			before := a.reminders(ap)
			c := a.closed(func(in *closure.RebookInput) { in.Otherwise = with.otherwise })
			a.expectNews("asked", "OFFER")
			o := a.asked(who)
			if with.answer == "" {
				a.waits(4 * time.Hour)
				a.wait.match()
			} else if got := a.says(number, with.answer); got.Effect != reminder.OfferDeclined {
				t.Fatalf("%+v", got)
			}
			c = a.ill.rebooks(c)
			a.progress("in the end", c, with.want)
			if item := a.ill.items(c)[0]; item.Cause != with.cause || c.State != closure.Done || item.NewStart != nil {
				t.Errorf("%s, %+v", c.State, item)
			}
			a.expectNews("in the end", with.told...)
			if now := a.ill.stands(ap); with.want.Cancelled == 1 && (now.Status != appointment.Cancelled || now.Cancellation.By != appointment.ByClinic) {
				t.Errorf("the visit is %s", now.Status)
			}
			if after := a.reminders(ap); with.want.Kept == 1 && after != before {
				t.Errorf("%s reminders, before %s", after, before)
			}
			if entry := a.wait.offerEntry(who, o); entry.EndedAt == nil {
				t.Errorf("the entry is %+v", entry)
			}
			a.wait.match()
			if _, err := a.book(a.Patient(), o.Slot); err != nil {
				t.Errorf("what nobody took isn't free: %v", err)
			}
		})
	}
}

func TestWhoCantBeAskedInTimeIsToldAtOnce(t *testing.T) {
	a := newAsking(t)
	_, soon := a.visit(9, 0)
	a.clock.Set(soon.Start.Add(-20*time.Minute + time.Second))
	c := a.closed(nil)
	a.progress("too late to ask", c, closure.Progress{Affected: 1, Cancelled: 1})
	if item := a.ill.items(c)[0]; item.Cause != closure.TooSoon {
		t.Errorf("%+v", item)
	}
	a.expectNews("too late to ask", "CANCELLATION")

	a = newAsking(t)
	who, ap := a.visit(9, 0)
	a.clock.Set(ap.Start.Add(-20 * time.Minute))
	a.closed(nil)
	if o := a.asked(who); o == nil || !o.ExpiresAt.Equal(ap.Start.Add(-15*time.Minute)) {
		t.Errorf("asked: %+v", o)
	}
}

func TestAPatientIsAskedOneThingAtATime(t *testing.T) {
	a := newAsking(t)
	who, first := a.visit(14, 0)
	b, err := a.book(who, a.Slot(a.own, 15, 0))
	if err != nil {
		t.Fatal(err)
	}
	a.carry()
	a.news()
	c := a.closed(nil)
	a.progress("at first", c, closure.Progress{Affected: 2, Offered: 1, Waiting: 1})
	a.expectNews("at first", "OFFER")
	for range 15 { // however often it is looked at
		a.waits(time.Minute)
		a.ill.rebooks(c)
	}
	a.progress("without an answer", c, closure.Progress{Affected: 2, Offered: 1, Waiting: 1})
	if _, err := a.wait.answer(who, a.asked(who), true); err != nil {
		t.Fatal(err)
	}
	a.waits(time.Minute)
	a.ill.rebooks(c)
	a.progress("then", c, closure.Progress{Affected: 2, Moved: 1, Offered: 1})
	if o := a.asked(who); o == nil || o.Slot.Start.Equal(a.ill.stands(first).Start) {
		t.Fatalf("the second is offered %+v", o)
	}
	if _, err := a.wait.answer(who, a.asked(who), true); err != nil {
		t.Fatal(err)
	}
	if c = a.ill.rebooks(c); c.State != closure.Done || c.Progress != (closure.Progress{Affected: 2, Moved: 2}) {
		t.Errorf("in the end %s, %+v", c.State, c.Progress)
	}
	if a.ill.stands(first).Start.Equal(a.ill.stands(b.Appointment).Start) {
		t.Error("both stand at the same time")
	}
}

func TestWhoHelpsThemselvesIsLeftAlone(t *testing.T) {
	a := newAsking(t)
	mover, moved := a.visit(13, 0)
	canceller, cancelled := a.visit(14, 0)
	c := a.closed(nil)
	a.progress("asked", c, closure.Progress{Affected: 2, Offered: 2})
	a.news()
	ctx := context.Background()
	to := a.Slot(a.own, 16, 0)
	to.Start = to.Start.AddDate(0, 0, 4)
	if _, err := a.desk.Move(ctx, mover, appointment.MoveVisit{Appointment: moved.Ref(), Target: appointment.Target{Slot: &to}, Key: key()}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.desk.Cancel(ctx, canceller, appointment.CancelVisit{Appointment: cancelled.Ref(), Reason: appointment.Other}); err != nil {
		t.Fatal(err)
	}
	a.expectNews("they did it themselves", "CHANGE", "CANCELLATION")
	if n := a.reminders(moved); n == "0" {
		t.Error("no reminder of the time that the patient has chosen")
	}
	a.waits(4 * time.Hour)
	a.wait.match()
	c = a.ill.rebooks(c)
	a.progress("in the end", c, closure.Progress{Affected: 2, Gone: 2})
	if now := a.ill.stands(moved); now.Slot() != to || now.Status != appointment.Booked {
		t.Errorf("who moved stands at %+v, %s", now.Slot(), now.Status)
	}
	a.expectNews("in the end")
	if n := a.reminders(moved); n == "0" {
		t.Error("no reminder in the end")
	}
}

// What is taken back while somebody is asked is told all the same, should the visit stand: also what would have been told meanwhile.
func TestWhatWasTakenBackWhileSomebodyIsAskedIsToldIfTheVisitStands(t *testing.T) {
	keep := closure.KeepIt
	a := newAsking(t)
	who := a.patient()
	b, err := a.book(who, a.Slot(a.own, 14, 0))
	if err != nil {
		t.Fatal(err)
	}
	c := a.closed(func(in *closure.RebookInput) { in.Otherwise = &keep }) // nobody has told them of the visit yet
	a.expectNews("asked", "OFFER")
	a.waits(4 * time.Hour) // two hours before the visit they would have been reminded
	a.wait.match()
	a.progress("unanswered", a.ill.rebooks(c), closure.Progress{Affected: 1, Kept: 1})
	a.expectNews("kept", "CONFIRMATION")
	if a.ill.stands(b.Appointment).Version != 1 {
		t.Error("the visit was changed")
	}

	a = newAsking(t)
	_, ap := a.visit(16, 0)
	tomorrow := a.reminders(ap)
	c = a.closed(func(in *closure.RebookInput) { in.Otherwise = &keep })
	a.news()
	a.clock.Set(ap.Start.Add(-2*time.Hour + time.Minute)) // its time has come meanwhile
	a.wait.match()
	a.ill.rebooks(c)
	if got := a.news(); tomorrow == "0" || !slices.Equal(got, []string{"REMINDER"}) {
		t.Errorf("of %s reminders %q are told late", tomorrow, got)
	}
}

// Who moves the visit to another place at the same time is told of it, and their offer goes to others.
func TestWhoMovesToAnotherPlaceIsToldAndAskedNoMore(t *testing.T) {
	a := newAsking(t)
	there := a.Place(40.7, -74)
	a.At(there, a.own)
	who, ap := a.visit(14, 0)
	in := a.ill.monday(clinic.Ref{}, closure.RebookInput{Mode: closure.Offer, SameProvider: true})
	in.Scope.Location = a.Location
	c := a.ill.rebooks(a.ill.closes(in))
	a.progress("asked", c, closure.Progress{Affected: 1, Offered: 1})
	a.news()
	other := ap.Slot() // the same time, with the same provider
	other.Location = there
	if _, err := a.desk.Move(context.Background(), who, appointment.MoveVisit{Appointment: ap.Ref(), Target: appointment.Target{Slot: &other}, Key: key()}); err != nil {
		t.Fatal(err)
	}
	a.expectNews("moved", "CHANGE")
	a.waits(15 * time.Minute)
	a.wait.match()
	if o := a.asked(who); o != nil {
		t.Errorf("who has helped themselves is asked still: %+v", o)
	}
	a.progress("in the end", a.ill.rebooks(c), closure.Progress{Affected: 1, Gone: 1})
	a.expectNews("in the end")
}

func TestAPausedClosureStillTakesAnswers(t *testing.T) {
	a := newAsking(t)
	takes, taken := a.visit(13, 0)
	declines, declined := a.visit(14, 0)
	c := a.closed(nil)
	ctx := context.Background()
	if _, err := a.ill.close.Pause(ctx, a.FrontDesk(), c.Ref()); err != nil {
		t.Fatal(err)
	}
	for who, yes := range map[uuid.UUID]bool{takes.PatientID: true, declines.PatientID: false} {
		by := takes
		if who == declines.PatientID {
			by = declines
		}
		if _, err := a.wait.answer(by, a.asked(by), yes); err != nil {
			t.Fatal(err)
		}
	}
	a.ill.rebooks(c)
	a.progress("paused", c, closure.Progress{Affected: 2, Moved: 1, Waiting: 1})
	if a.ill.stands(declined).Status != appointment.Booked || a.ill.stands(taken).Start.Equal(taken.Start) {
		t.Error("a paused closure cancels, or takes no answers")
	}
	if _, err := a.ill.close.Resume(ctx, a.FrontDesk(), c.Ref()); err != nil {
		t.Fatal(err)
	}
	c = a.ill.rebooks(c)
	a.progress("resumed", c, closure.Progress{Affected: 2, Moved: 1, Cancelled: 1})
}

func TestWhatIsOfferedInAPeriodThatClosesIsWithdrawn(t *testing.T) {
	d := newWaitDesk(t)
	own, other := d.Provider(1), d.Provider(1)
	visits, others := d.full(own), d.full(other)
	one, two := d.Patient(), d.Patient()
	closing, staying := d.join(one, func(in *waitlist.Join) { in.Wanted.Providers = []clinic.Ref{own} }), d.join(two, func(in *waitlist.Join) { in.Wanted.Providers = []clinic.Ref{other} })
	d.cancel(visits[d.Slot(own, 14, 0).Start])
	d.cancel(others[d.Slot(other, 14, 0).Start])
	d.match()
	if d.offer(one, closing) == nil || d.offer(two, staying) == nil {
		t.Fatal("nothing is offered")
	}
	ill := illAt(d.desk)
	ill.closes(ill.monday(own, closure.RebookInput{Mode: closure.None}))
	d.match()
	if o := d.offer(one, closing); o != nil {
		t.Errorf("a closed time is offered: %+v", o)
	}
	if e := d.offerEntry(one, &waitlist.Offer{OrganizationID: d.Organization, EntryID: closing.ID}); e.Status != waitlist.Active {
		t.Errorf("who was offered it waits no more: %+v", e)
	}
	if o := d.offer(two, staying); o == nil {
		t.Error("what isn't closed was withdrawn")
	}
}

func TestWhoWasOfferedATimeThatClosesTooIsAskedAnew(t *testing.T) {
	a := newAsking(t)
	who, ap := a.visit(14, 0)
	c := a.closed(nil)
	first := a.asked(who)
	a.ill.closes(func() closure.Close {
		in := a.ill.monday(a.own, closure.RebookInput{Mode: closure.None})
		in.From.Date, in.To.Date = in.From.Date.AddDays(1), in.To.Date.AddDays(1)
		return in
	}())
	a.wait.match()
	c = a.ill.rebooks(c)
	second := a.asked(who)
	if first == nil || second == nil || second.ID == first.ID || second.Slot.Start.Before(sample.Monday.AddDate(0, 0, 2)) {
		t.Fatalf("first %+v, then %+v", first, second)
	}
	a.progress("asked anew", c, closure.Progress{Affected: 1, Offered: 1})
	if a.ill.stands(ap).Version != ap.Version {
		t.Error("the visit was changed")
	}
}

func TestWhoeverIsAskedAndAnswersTwiceAtOnceHasOneAnswer(t *testing.T) {
	for n := range 8 {
		second, a := n%2 == 0, newAsking(t)
		a.wait.off = n%4 < 2 // what is given back is nobody's
		who, ap := a.visit(14, 0)
		c := a.closed(nil)
		o := a.asked(who)
		failed := make(chan error, 2)
		for _, yes := range []bool{true, second} {
			go func() {
				_, err := a.wait.answer(who, o, yes)
				failed <- err
			}()
		}
		for range 2 {
			if err := <-failed; err != nil && (second || !errors.As(err, &appointment.OfferExpired{})) {
				t.Errorf("at once with %v: %v", second, err)
			}
		}
		c = a.ill.rebooks(c)
		now := a.ill.stands(ap)
		if p := c.Progress; c.State != closure.Done || p.Moved+p.Cancelled != 1 || p.Moved == 1 && now.Slot() != o.Slot || p.Cancelled == 1 && now.Status != appointment.Cancelled {
			t.Errorf("%s, %+v, the visit is %s at %s", c.State, p, now.Status, now.Start)
		}
	}
}
