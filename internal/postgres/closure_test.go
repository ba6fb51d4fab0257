package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// illDesk is a desk that closes, with the service that rebooks.
type illDesk struct {
	*desk
	close *closure.Service
}

func newIllDesk(t *testing.T) *illDesk { return illAt(newDesk(t)) }

func illAt(of *desk) *illDesk {
	db := postgres.New(of.pool, keytest.Of(of.t, of.pool))
	source := clinic.Source{Clock: of.clock, NewID: sample.NewID}
	rooms := clinic.NewService(db.Directory(), source)
	return &illDesk{of, &closure.Service{
		Store: postgres.NewClosureStore(db), Visits: of.Service, Clinic: rooms, Providers: provider.NewService(db.Directory(), rooms, source), Source: source,
		Openings: availability.NewFinder(postgres.NewAvailabilityStore(db), rooms, of.clock),
	}}
}

// at is a wall-clock time of Monday.
func at(hour, minute int) civil.DateTime {
	return civil.DateTime{Date: civil.DateOf(sample.Monday), Time: civil.Time{Hour: hour, Minute: minute}}
}

// monday is the whole day, for a provider or, without one, for everybody.
func (d *illDesk) monday(who clinic.Ref, how closure.RebookInput) closure.Close {
	return closure.Close{
		Scope: closure.Scope{Organization: d.Organization, Provider: who.ID}, From: at(0, 0), To: civil.DateTime{Date: civil.DateOf(sample.Monday).AddDays(1)},
		Rebook: how, Key: key(),
	}
}

func (d *illDesk) closes(in closure.Close) closure.Closure {
	d.t.Helper()
	c, err := d.close.Close(context.Background(), d.FrontDesk(), in)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func (d *illDesk) visit(slot availability.SlotID) appointment.Appointment {
	d.t.Helper()
	b, err := d.book(d.Patient(), slot)
	if err != nil {
		d.t.Fatal(err)
	}
	return b.Appointment
}

// rebooks does all that is due, and answers how the closure stands then.
func (d *illDesk) rebooks(c closure.Closure) closure.Closure {
	d.t.Helper()
	for n := 1; n > 0; {
		var err error
		if n, err = d.close.Rebook(context.Background(), 50); err != nil {
			d.t.Fatal(err)
		}
	}
	return d.now(c)
}

func (d *illDesk) now(c closure.Closure) closure.Closure {
	d.t.Helper()
	found, err := d.close.Closures(context.Background(), d.FrontDesk(), []clinic.Ref{c.Ref()})
	if err != nil {
		d.t.Fatal(err)
	}
	return found[c.Ref()]
}

func (d *illDesk) items(c closure.Closure) []closure.Item {
	d.t.Helper()
	page, err := d.close.ListItems(context.Background(), c, nil, paging.Window{Size: 100})
	if err != nil {
		d.t.Fatal(err)
	}
	return page.Items
}

func (d *illDesk) stands(ap appointment.Appointment) appointment.Appointment {
	d.t.Helper()
	found, err := d.Standing(context.Background(), ap.Ref())
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}

func TestWhoeverIsInAClosedPeriodComesToTheNearestTimeWithTheirOwnProvider(t *testing.T) {
	d := newIllDesk(t)
	own, other := d.Provider(1), d.Provider(1)
	first, second, elsewhere := d.visit(d.Slot(own, 10, 0)), d.visit(d.Slot(own, 14, 0)), d.visit(d.Slot(other, 10, 0))
	tuesday := d.Slot(own, 9, 0)
	tuesday.Start = tuesday.Start.AddDate(0, 0, 1)
	taken := d.visit(tuesday)
	in := d.monday(own, closure.RebookInput{Mode: closure.Book})
	desk := d.FrontDesk()
	c, err := d.close.Close(context.Background(), desk, in)
	if err != nil || c.State != closure.Running || c.Progress != (closure.Progress{}) || c.Listed {
		t.Fatalf("closed: %+v %v", c, err)
	}
	if len(d.free(own, access.Nobody(""))) != 0 || len(d.free(other, access.Nobody(""))) != 15 {
		t.Error("the period isn't closed, or more than that is")
	}
	if again, err := d.close.Close(context.Background(), desk, in); err != nil || again.ID != c.ID {
		t.Error("the same key closed it twice", err)
	}

	c = d.rebooks(c)
	if want := (closure.Progress{Affected: 2, Moved: 2}); c.Progress != want || c.State != closure.Done || c.FinishedAt == nil {
		t.Fatalf("rebooked: %+v", c)
	}
	if at := d.stands(first); at.ProviderID != own.ID || !at.Start.Equal(tuesday.Start.Add(30*time.Minute)) || at.PatientID != first.PatientID || at.Status != appointment.Booked {
		t.Errorf("the first stands at %s with %s", at.Start, at.ProviderID)
	}
	if at := d.stands(second); !at.Start.Equal(tuesday.Start.Add(time.Hour)) {
		t.Errorf("the second stands at %s", at.Start)
	}
	for _, ap := range []appointment.Appointment{elsewhere, taken} {
		if d.stands(ap).Version != ap.Version {
			t.Error("somebody was moved who needn't be")
		}
	}
	items := d.items(c)
	if len(items) != 2 || items[0].AppointmentID != first.ID || !items[0].Start.Equal(first.Start) || items[0].ProviderID != own.ID ||
		items[0].Outcome != closure.Moved || !items[0].NewStart.Equal(tuesday.Start.Add(30*time.Minute)) || items[0].NewProviderID != own.ID || items[0].SettledAt == nil {
		t.Errorf("items: %+v", items)
	}
}

func TestWhereNobodyElseHasATimeVisitsAreCancelledOrKept(t *testing.T) {
	soon := time.Hour
	keep := closure.KeepIt
	for _, with := range []struct {
		how    closure.RebookInput
		want   closure.Progress
		status appointment.Status
	}{
		{closure.RebookInput{Mode: closure.Book, Within: &soon, SameProvider: true}, closure.Progress{Affected: 1, Cancelled: 1}, appointment.Cancelled},
		{closure.RebookInput{Mode: closure.Book, Within: &soon, SameProvider: true, Otherwise: &keep}, closure.Progress{Affected: 1, Kept: 1}, appointment.Booked},
		{closure.RebookInput{Mode: closure.Book, Within: &soon}, closure.Progress{Affected: 1, Moved: 1}, appointment.Booked},
	} {
		d := newIllDesk(t)
		own, other := d.Provider(1), d.Provider(1)
		ap := d.visit(d.Slot(own, 10, 0))
		c := d.rebooks(d.closes(d.monday(own, with.how)))
		now, item := d.stands(ap), d.items(c)[0]
		if c.Progress != with.want || now.Status != with.status {
			t.Errorf("%+v: %+v, %s", with.how, c.Progress, now.Status)
		}
		switch {
		case with.want.Moved == 1:
			if now.ProviderID != other.ID || !now.Start.Equal(ap.Start) || item.Cause != "" {
				t.Errorf("moved to %+v: %+v", now.Slot(), item)
			}
		case item.Cause != closure.NoAlternative || item.NewStart != nil:
			t.Errorf("why: %+v", item)
		case with.want.Cancelled == 1:
			if by := now.Cancellation; by.By != appointment.ByClinic || by.Reason != appointment.ProviderUnavailable || by.Fee != nil {
				t.Errorf("cancelled as %+v", by)
			}
		}
	}
}

func TestOfADayEverywhereTheEdgesAndWhoIsThereStay(t *testing.T) {
	d := newIllDesk(t)
	d.clock.Set(sample.Monday.Add(13 * time.Hour)) // 09:00
	one, two := d.Provider(1), d.Provider(1)
	before, within, over, after := d.visit(d.Slot(one, 10, 30)), d.visit(d.Slot(one, 11, 0)), d.visit(d.Slot(two, 12, 30)), d.visit(d.Slot(two, 13, 0))
	here := d.visit(d.Slot(two, 11, 30))
	if _, err := d.Change(context.Background(), d.FrontDesk(), appointment.ChangeState{Appointment: here.Ref(), Action: appointment.Arrive}); err != nil {
		t.Fatal(err)
	}
	in := d.monday(clinic.Ref{}, closure.RebookInput{Mode: closure.Book})
	in.From, in.To = at(11, 0), at(12, 45)
	for arrived, want := range map[bool][]appointment.Appointment{false: {within, over}, true: {here}} {
		f, err := d.close.Preview(context.Background(), d.FrontDesk(), closure.Preview{Scope: in.Scope, From: in.From, To: in.To, Arrived: arrived})
		if err != nil {
			t.Fatal(err)
		}
		page, _, err := d.List(context.Background(), d.FrontDesk(), f, appointment.StartAscending, paging.Window{Size: 10})
		n, failed := d.Count(context.Background(), d.FrontDesk(), f)
		same := func(a, b appointment.Appointment) bool { return a.ID == b.ID }
		if err != nil || failed != nil || n != len(want) || !slices.EqualFunc(page.Items, want, same) {
			t.Errorf("shown before: %d, %+v %v %v", n, page.Items, err, failed)
		}
	}
	c := d.rebooks(d.closes(in))
	if want := (closure.Progress{Affected: 2, Moved: 2}); c.Progress != want {
		t.Errorf("%+v", c.Progress)
	}
	for _, ap := range []appointment.Appointment{before, after, here} {
		if now := d.stands(ap); now.Slot() != ap.Slot() {
			t.Errorf("%s was moved to %s", ap.Start, now.Start)
		}
	}
	if now := d.stands(within); !now.Start.Equal(d.Slot(one, 13, 0).Start) {
		t.Errorf("within: %s", now.Start)
	}
}

func TestAPausedClosureBeginsWithNoVisitAndAKilledOneLosesNone(t *testing.T) {
	d := newIllDesk(t)
	own := d.Provider(1)
	var visits []appointment.Appointment
	for hour := range 5 {
		visits = append(visits, d.visit(d.Slot(own, 9+hour, 0)))
	}
	c := d.closes(d.monday(own, closure.RebookInput{Mode: closure.Book}))
	ctx := context.Background()
	if n, err := d.close.Rebook(ctx, 2); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := d.close.Pause(ctx, d.FrontDesk(), c.Ref()); err != nil {
		t.Fatal(err)
	}
	if c = d.rebooks(c); c.State != closure.Paused || c.Progress != (closure.Progress{Affected: 5, Moved: 2, Waiting: 3}) {
		t.Fatalf("paused: %+v", c)
	}
	if c, err := d.close.Resume(ctx, d.FrontDesk(), c.Ref()); err != nil || c.State != closure.Running {
		t.Fatal(c.State, err)
	}
	// Somebody takes an item, and dies.
	if _, ok, err := d.close.Store.Take(ctx, c.Ref(), d.clock.Now(), d.clock.Now().Add(15*time.Second)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	// And a patient moves by themselves, another confirms.
	later := d.Slot(own, 16, 0)
	later.Start = later.Start.AddDate(0, 0, 3)
	last, confirmed := visits[4], visits[3]
	if _, err := d.Move(ctx, d.FrontDesk(), appointment.MoveVisit{Appointment: last.Ref(), Target: appointment.Target{Slot: &later}, Key: key()}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Change(ctx, d.FrontDesk(), appointment.ChangeState{Appointment: confirmed.Ref(), Action: appointment.Confirm}); err != nil {
		t.Fatal(err)
	}
	if c = d.rebooks(c); c.State != closure.Running || c.Progress != (closure.Progress{Affected: 5, Moved: 3, Gone: 1, Waiting: 1}) {
		t.Fatalf("resumed: %+v", c)
	}
	d.clock.Set(d.clock.Now().Add(20 * time.Second))
	if c = d.rebooks(c); c.State != closure.Done || c.Progress != (closure.Progress{Affected: 5, Moved: 4, Gone: 1}) {
		t.Fatalf("in the end: %+v", c)
	}
	if now := d.stands(last); !now.Start.Equal(later.Start) {
		t.Error("who moved by themselves was moved again")
	}
}

func TestTwoWhoRebookDoEachVisitOnce(t *testing.T) {
	d := newIllDesk(t)
	own := d.Provider(1)
	var visits []appointment.Appointment
	for i := range 16 {
		visits = append(visits, d.visit(d.Slot(own, 9+i/2, 30*(i%2))))
	}
	c := d.closes(d.monday(own, closure.RebookInput{Mode: closure.Book}))
	ctx := context.Background()
	failed := make(chan error)
	for range 4 {
		go func() {
			for n := 1; n > 0; {
				var err error
				if n, err = d.close.Rebook(ctx, 3); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range 4 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	d.clock.Set(d.clock.Now().Add(time.Minute)) // whoever lost to the others rests for a moment
	if c = d.rebooks(c); c.Progress != (closure.Progress{Affected: 16, Moved: 16}) {
		t.Errorf("%+v", c)
	}
	for _, ap := range visits {
		if now := d.stands(ap); now.Version != 2 {
			t.Errorf("a visit was changed %d times", now.Version-1)
		}
	}
	// What an item says is done isn't done again, whoever still has it.
	item := d.items(c)[0]
	to := d.Slot(own, 12, 0)
	to.Start = to.Start.AddDate(0, 0, 5)
	now := d.stands(visits[0])
	done, err := d.Displace(ctx, d.FrontDesk(), appointment.Displace{Closure: c.ID, Visit: item.Visit(), Was: now.Slot(), To: &to})
	if done || d.stands(visits[0]).Version != 2 {
		t.Errorf("it was moved again: %v %v", done, err)
	}
}

func TestClosuresAreForWhoeverHasHoursAndVisitsInHand(t *testing.T) {
	d := newIllDesk(t)
	own := d.Provider(1)
	in := d.monday(own, closure.RebookInput{Mode: closure.None})
	ctx := context.Background()
	doctor := d.FrontDesk()
	doctor.Role, doctor.Scopes = access.Provider, access.ScopesOf(access.Provider)
	stranger := d.FrontDesk()
	stranger.Organization = sample.NewID()
	for _, with := range []struct {
		who  access.Actor
		kind errs.Kind
	}{{d.Patient(), errs.Forbidden}, {doctor, errs.Forbidden}, {stranger, errs.NotFound}, {access.Nobody(""), errs.Unauthenticated}} {
		if _, err := d.close.Close(ctx, with.who, in); errs.Of(err) != with.kind {
			t.Errorf("%s closes: %v", with.who.Role, err)
		}
		if _, err := d.close.Preview(ctx, with.who, closure.Preview{Scope: in.Scope, From: in.From, To: in.To}); errs.Of(err) != with.kind {
			t.Errorf("%s looks: %v", with.who.Role, err)
		}
	}
	reason := "Unwell"
	in.Reason = &reason
	c := d.closes(in)
	if c.State != closure.Done || *c.Reason != reason {
		t.Errorf("closed without more: %+v", c)
	}
	if found, err := d.close.Closures(ctx, doctor, []clinic.Ref{c.Ref()}); err != nil || len(found) != 1 {
		t.Error("the doctor doesn't see it", err)
	}
	for _, who := range []access.Actor{d.Patient(), stranger} {
		if found, err := d.close.Closures(ctx, who, []clinic.Ref{c.Ref()}); err != nil || len(found) != 0 {
			t.Errorf("%s sees it: %v", who.Role, err)
		}
	}
	for field, spoil := range map[string]func(*closure.Close){
		"to":     func(in *closure.Close) { in.To = civil.DateTime{Date: in.From.Date.AddDays(32)} },
		"within": func(in *closure.Close) { long := 91 * 24 * time.Hour; in.Rebook.Within = &long },
		"from":   func(in *closure.Close) { in.From.Time.Second = 1 },
	} {
		bad := d.monday(own, closure.RebookInput{Mode: closure.Book})
		spoil(&bad)
		_, err := d.close.Close(ctx, d.FrontDesk(), bad)
		var e *errs.Error
		if !errors.As(err, &e) || e.Kind != errs.InvalidInput || e.Path[len(e.Path)-1] != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
