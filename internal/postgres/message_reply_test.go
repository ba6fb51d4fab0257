package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// exchange is a post whose patients answer.
type exchange struct {
	*post
	*reminder.Answers
	heard []reminder.Effect
	texts int
}

func newExchange(t *testing.T) *exchange {
	x := &exchange{post: newPost(t)}
	x.Answers = &reminder.Answers{
		Store: x.store, Visits: x.desk.Service, Source: clinic.Source{Clock: x.clock, NewID: sample.NewID},
		Wishes: reminder.NewChoices(postgres.New(x.pool, keytest.Of(t, x.pool)).Directory(), clinic.Source{Clock: x.clock, NewID: sample.NewID}),
		Heard:  func(_ context.Context, _ reminder.ChannelKind, e reminder.Effect) { x.heard = append(x.heard, e) },
	}
	return x
}

const number, another = access.Private("+15005550006"), access.Private("+15005550009")

// says has a number send a text under an id of its own.
func (x *exchange) says(from access.Private, body string) reminder.Answered {
	x.t.Helper()
	x.texts++
	return x.sends(reminder.Inbound{ID: "SM" + time.Duration(x.texts).String(), From: from, Body: body})
}

func (x *exchange) sends(in reminder.Inbound) reminder.Answered {
	x.t.Helper()
	a, err := x.Text(context.Background(), in, "request")
	if err != nil {
		x.t.Fatal(err)
	}
	return a
}

// told is a patient's visit that they were told of.
func (x *exchange) told(hour int) (access.Actor, appointment.Appointment) {
	x.t.Helper()
	pat := x.patient()
	booked, err := x.book(pat, x.Slot(x.Provider(1), hour, 0))
	if err != nil {
		x.t.Fatal(err)
	}
	x.carry()
	return pat, booked.Appointment
}

func (x *exchange) text(query string, args ...any) (text string) {
	x.t.Helper()
	if err := x.pool.QueryRow(context.Background(), query, args...).Scan(&text); err != nil {
		x.t.Fatal(err)
	}
	return text
}

// stands says of a visit its state, whether it is confirmed and its version; and what the last message to the number was answered with.
func (x *exchange) stands(ap appointment.Appointment) string {
	x.t.Helper()
	return x.text(`SELECT format('%s %s %s %s', a.status, a.confirmed_at IS NOT NULL, a.version, (SELECT string_agg(DISTINCT m.response, ',') FROM messages m
		WHERE m.appointment_id = a.id)) FROM appointments a WHERE id = $1`, ap.ID)
}

func (x *exchange) expect(ap appointment.Appointment, want string) {
	x.t.Helper()
	if got := x.stands(ap); got != want {
		x.t.Errorf("the visit is %q, want %q", got, want)
	}
}

func TestAVisitIsConfirmedByTextOnce(t *testing.T) {
	x := newExchange(t)
	_, visit := x.told(10)
	x.expect(visit, "BOOKED f 1 ")
	first := x.says(number, "1")
	if first.Effect != reminder.ConfirmedByReply || first.Facts.Organization != "Clinic" {
		t.Errorf("%+v", first)
	}
	x.expect(visit, "BOOKED t 2 CONFIRMED")
	if got := x.says(number, "ok"); got.Effect != reminder.ConfirmedByReply {
		t.Errorf("again: %+v", got)
	}
	x.expect(visit, "BOOKED t 2 CONFIRMED")
	row := x.text(`SELECT format('%s %s %s %s', actor_kind, client, purpose, request_id) FROM audit_events WHERE entity_id = $1 ORDER BY at DESC, id DESC LIMIT 1`, visit.ID)
	if row != "SYSTEM sms reply PATRQT request" {
		t.Errorf("the record says %q", row)
	}
}

func TestATextCountsOnce(t *testing.T) {
	x := newExchange(t)
	_, visit := x.told(10)
	one := reminder.Inbound{ID: "SM-one", From: number, Body: "1"}
	x.sends(one)
	x.says(number, "2")
	x.expect(visit, "BOOKED t 2 ASKED_TO_RESCHEDULE")
	again := x.sends(one)
	if again.Effect != reminder.ConfirmedByReply || again.Facts.Organization != "Clinic" {
		t.Errorf("the same text is answered %+v", again)
	}
	x.expect(visit, "BOOKED t 2 ASKED_TO_RESCHEDULE")
	stop := reminder.Inbound{ID: "SM-stop", From: another, Body: "STOP"}
	x.sends(stop)
	x.says(another, "START")
	x.sends(stop)
	if n := x.text(`SELECT count(*)::text FROM opt_outs`); n != "0" || len(x.heard) != 2 {
		t.Errorf("%s numbers want no more, heard %v", n, x.heard)
	}
}

// A text that the vendor brings again, after the patient has booked anew, is not about the new visit.
func TestATextThatComesAgainCancelsNothingElse(t *testing.T) {
	x := newExchange(t)
	_, first := x.told(10)
	one := reminder.Inbound{ID: "SM-one", From: number, Body: "3"}
	x.sends(one)
	x.expect(first, "CANCELLED f 2 ASKED_TO_CANCEL")
	_, next := x.told(11)
	if again := x.sends(one); again.Effect != reminder.CancelledByReply {
		t.Errorf("the same text is answered %+v", again)
	}
	x.expect(next, "BOOKED f 1 ")
}

// busy is preferences that can't be changed just now.
type busy struct{ reminder.Wishes }

func (busy) Refuse(context.Context, clinic.Ref, reminder.ChannelKind, string) error {
	return errs.TryAgain(nil)
}

func TestStopHoldsThoughPreferencesCannotBeChanged(t *testing.T) {
	x := newExchange(t)
	_, visit := x.told(14)
	wishes := x.Wishes
	x.Wishes = busy{wishes}
	stop := reminder.Inbound{ID: "SM-stop", From: number, Body: "STOP"}
	for range 2 {
		if _, err := x.Text(t.Context(), stop, "request"); errs.Of(err) != errs.Busy {
			t.Errorf("%v", err)
		}
	}
	if len(x.heard) != 1 {
		t.Errorf("heard %v", x.heard)
	}
	x.clock.Set(visit.Start.Add(-2 * time.Hour))
	x.carry()
	x.carry()
	if len(x.sms.letters) != 1 || len(x.email.letters) != 1 {
		t.Fatalf("texts %+v, mails %+v", x.sms.letters, x.email.letters)
	}
	if x.Wishes = wishes; x.sends(stop).Effect != reminder.Stopped {
		t.Error("it isn't answered as before")
	}
	record := `SELECT coalesce(string_agg(request_id, ' ' ORDER BY at), '') FROM audit_events WHERE client = 'replies' AND organization_id = $1`
	if got := x.text(record, x.Organization); got != "SM-stop" {
		t.Errorf("the records of the preferences name %q", got)
	}
	x.says(number, "START")
	x.sends(stop)
	if got := x.text(record, x.Organization); strings.Count(got, "SM-stop") != 1 {
		t.Errorf("an old STOP changed what START said: %q", got)
	}
}

// leaking is a store that loses what came of the next text.
type leaking struct {
	reminder.AnswerStore
	err error
}

func (l *leaking) Keep(ctx context.Context, a reminder.Answered) (err error) {
	if err, l.err = l.err, nil; err != nil {
		return err
	}
	return l.AnswerStore.Keep(ctx, a)
}

func TestATextWhoseEffectWasNotKeptIsAnsweredByIt(t *testing.T) {
	for _, c := range []struct {
		body  string
		want  reminder.Effect
		visit string
	}{{"1", reminder.ConfirmedByReply, "BOOKED t 2 CONFIRMED"}, {"3", reminder.CancelledByReply, "CANCELLED f 2 ASKED_TO_CANCEL"}} {
		x := newExchange(t)
		_, visit := x.told(10)
		x.Store = &leaking{x.Store, errs.TryAgain(nil)}
		in := reminder.Inbound{ID: "SM-lost", From: number, Body: c.body}
		if _, err := x.Text(t.Context(), in, "request"); errs.Of(err) != errs.Busy {
			t.Fatalf("%v", err)
		}
		x.clock.Advance(time.Second)
		x.carry() // also of what was done
		if got := x.sends(in); got.Effect != c.want || got.Facts.Organization != "Clinic" {
			t.Errorf("%s, again: %+v", c.body, got)
		}
		x.expect(visit, c.visit)
	}
}

func TestAVisitIsCancelledByTextIfThatCostsNothing(t *testing.T) {
	x := newExchange(t)
	_, free := x.told(10)
	if got := x.says(number, "3"); got.Effect != reminder.CancelledByReply {
		t.Fatalf("%+v", got)
	}
	x.expect(free, "CANCELLED f 2 ASKED_TO_CANCEL")
	if by := x.text(`SELECT cancelled_by FROM appointments WHERE id = $1`, free.ID); by != "PATIENT" {
		t.Errorf("cancelled by %s", by)
	}
	if got := x.says(number, "3"); got.Effect != reminder.NoVisit {
		t.Errorf("again: %+v", got)
	}
	x.Set(`UPDATE visit_kinds SET late_fee_minor_units = 2000, late_fee_currency = 'USD', free_cancellation_before = 864000 WHERE organization_id = $1`)
	_, dear := x.told(11)
	if got := x.says(number, "3"); got.Effect != reminder.AskedCancelling {
		t.Errorf("%+v", got)
	}
	x.expect(dear, "BOOKED f 1 ASKED_TO_CANCEL")
}

func TestOfSeveralVisitsNoneIsGuessed(t *testing.T) {
	x := newExchange(t)
	_, first := x.told(10)
	_, second := x.told(11)
	if got := x.says(number, "1"); got.Effect != reminder.WhichVisit {
		t.Fatalf("%+v", got)
	}
	x.expect(first, "BOOKED f 1 ")
	x.expect(second, "BOOKED f 1 ")
	reference := x.text(`SELECT reference FROM messages WHERE appointment_id = $1 AND state = 'SENT'`, first.ID)
	if got := x.says(number, "1 "+reference); got.Effect != reminder.ConfirmedByReply {
		t.Errorf("%+v", got)
	}
	x.expect(first, "BOOKED t 2 CONFIRMED")
	x.expect(second, "BOOKED f 1 ")
	if got := x.says(another, "1 "+reference); got.Effect != reminder.NoVisit {
		t.Errorf("with another's reference: %+v", got)
	}
	if got := x.says(number, "1 AAAAAAAA"); got.Effect != reminder.NoVisit {
		t.Errorf("with one that isn't: %+v", got)
	}
}

func TestATextAnswersNoVisitThatIsOverOrLongToldOf(t *testing.T) {
	x := newExchange(t)
	_, visit := x.told(10)
	x.clock.Set(visit.Start)
	if got := x.says(number, "3"); got.Effect != reminder.NoVisit {
		t.Errorf("once it began: %+v", got)
	}
	x.expect(visit, "BOOKED f 1 ")
	x.clock.Set(sample.Dawn)
	x.Set(`UPDATE messages SET sent_at = sent_at - interval '7 days 1 second' WHERE organization_id = $1`)
	if got := x.says(number, "1"); got.Effect != reminder.NoVisit {
		t.Errorf("after a week: %+v", got)
	}
}

func TestATextDoesNotConfirmATimeThatItsSenderWasNotToldOf(t *testing.T) {
	x := newExchange(t)
	pat, visit := x.told(10)
	slot := x.Slot(clinic.Ref{Organization: visit.OrganizationID, ID: visit.ProviderID}, 14, 0)
	if _, err := x.Move(context.Background(), pat, appointment.MoveVisit{Appointment: visit.Ref(), Target: appointment.Target{Slot: &slot}, Key: key()}); err != nil {
		t.Fatal(err)
	}
	if got := x.says(number, "1"); got.Effect != reminder.VisitMoved {
		t.Errorf("before the news: %+v", got)
	}
	x.expect(visit, "BOOKED f 2 ")
	old := x.text(`SELECT reference FROM messages WHERE appointment_id = $1 AND kind = 'CONFIRMATION' AND state = 'SENT'`, visit.ID)
	x.carry()
	if got := x.says(number, "1 "+old); got.Effect != reminder.VisitMoved {
		t.Errorf("to the old message: %+v", got)
	}
	if got := x.says(number, "1"); got.Effect != reminder.ConfirmedByReply {
		t.Errorf("to the news: %+v", got)
	}
	x.expect(visit, "BOOKED t 3 CONFIRMED")
}

func TestAfterStopTheNextChannelIsUsed(t *testing.T) {
	x := newExchange(t)
	_, visit := x.told(14)
	if got := x.sends(reminder.Inbound{ID: "SM-stop", From: number, Body: "Stop", OptOut: "STOP"}); got.Effect != reminder.Stopped || !got.Heeded {
		t.Fatalf("%+v", got)
	}
	x.expect(visit, "BOOKED f 1 OPTED_OUT")
	x.clock.Set(visit.Start.Add(-2 * time.Hour))
	x.carry()
	x.carry()
	if len(x.sms.letters) != 1 || len(x.email.letters) != 1 || x.email.letters[0].Kind != reminder.Remind {
		t.Fatalf("texts %+v, mails %+v", x.sms.letters, x.email.letters)
	}
	mail := x.email.letters[0].Message
	for range 2 {
		if err := x.Answers.Unsubscribe(context.Background(), mail); err != nil {
			t.Fatal(err)
		}
	}
	if len(x.heard) != 2 {
		t.Errorf("heard %v", x.heard)
	}
	_, later := x.told(15)
	if len(x.sms.letters) != 1 || len(x.email.letters) != 1 {
		t.Errorf("texts %+v, mails %+v", x.sms.letters, x.email.letters)
	}
	if got := x.says(number, "Yes"); got.Effect != reminder.Resumed {
		t.Errorf("%+v", got)
	}
	x.clock.Set(later.Start.Add(-2 * time.Hour))
	x.carry()
	if len(x.sms.letters) != 2 {
		t.Errorf("after START, texts %+v", x.sms.letters)
	}
}

func TestAnAddressThatWantsNoMoreWantsNoneHoweverItIsCapitalised(t *testing.T) {
	x := newExchange(t)
	first := x.Patient()
	x.Reachable(first.PatientID, "", "Pat@Example.org")
	if _, err := x.book(first, x.Slot(x.Provider(1), 10, 0)); err != nil {
		t.Fatal(err)
	}
	x.carry()
	if err := x.Answers.Unsubscribe(t.Context(), x.email.letters[0].Message); err != nil {
		t.Fatal(err)
	}
	second := x.Patient()
	x.Reachable(second.PatientID, "", "pat@example.org")
	if _, err := x.book(second, x.Slot(x.Provider(1), 11, 0)); err != nil {
		t.Fatal(err)
	}
	x.carry()
	if len(x.email.letters) != 1 || x.states()["EMAIL SUPPRESSED OPTED_OUT"] != 1 {
		t.Errorf("mails %+v; %v", x.email.letters, x.states())
	}
}

// Whoever has a phone has one at every clinic, also where they have never been told anything.
func TestStopEndsTextsOfEveryOrganisation(t *testing.T) {
	x := newExchange(t)
	x.told(10)
	x.says(number, "STOP")
	other := sample.NewClinic(t, x.pool)
	who := other.Patient()
	other.Reachable(who.PatientID, number, "elsewhere@example.org")
	if _, err := x.book(who, other.Slot(other.Provider(1), 11, 0)); err != nil {
		t.Fatal(err)
	}
	x.carry()
	x.carry()
	if len(x.sms.letters) != 1 || len(x.email.letters) != 1 || x.email.letters[0].To != "elsewhere@example.org" {
		t.Errorf("after STOP, texts %+v, mails %+v", x.sms.letters, x.email.letters)
	}
}
