package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
)

func (d *desk) change(a access.Actor, ap appointment.Appointment, action appointment.Action, key string) (appointment.Appointment, error) {
	in := appointment.ChangeState{Appointment: ap.Ref(), Action: action}
	if key != "" {
		in.Key = &key
	}
	return d.Change(context.Background(), a, in)
}

func (d *desk) mustChange(a access.Actor, ap appointment.Appointment, action appointment.Action, key string) appointment.Appointment {
	d.t.Helper()
	to, err := d.change(a, ap, action, key)
	if err != nil {
		d.t.Fatalf("%s: %v", action, err)
	}
	return to
}

func TestARepeatedStepAnswersThoughOthersHaveGoneOn(t *testing.T) {
	d := newDesk(t)
	provider, ann, front := d.Provider(1), d.Patient(), d.FrontDesk()
	visit := d.mustBook(ann, d.Slot(provider, 10, 0))
	version := 1
	confirm := appointment.ChangeState{Appointment: visit.Ref(), Action: appointment.Confirm, ExpectedVersion: &version}
	confirm.Key = new(string)
	*confirm.Key = "confirm"
	if _, err := d.Change(context.Background(), ann, confirm); err != nil {
		t.Fatal(err)
	}
	d.mustChange(front, visit, appointment.Arrive, "arrive")
	d.mustChange(d.FrontDesk(), visit, appointment.CheckIn, "")
	for name, again := range map[string]func() (appointment.Appointment, error){
		"an arrival":     func() (appointment.Appointment, error) { return d.change(front, visit, appointment.Arrive, "arrive") },
		"a confirmation": func() (appointment.Appointment, error) { return d.Change(context.Background(), ann, confirm) },
	} {
		if got, err := again(); err != nil || got.Status != appointment.CheckedIn {
			t.Errorf("%s that is asked for again by its key answers %s: %v", name, got.Status, err)
		}
	}
	if _, err := d.change(front, visit, appointment.CheckIn, "arrive"); !errors.As(err, new(appointment.KeyReused)) {
		t.Errorf("another step under the same key got %v", err)
	}
	if n := d.count(`SELECT version FROM appointments`); n != 4 {
		t.Errorf("three steps made version %d", n)
	}
}

// overtaken is a store whose next read of an appointment is followed by somebody else's change.
type overtaken struct {
	appointment.Store
	by func()
}

func (s *overtaken) Appointments(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Appointment, error) {
	found, err := s.Store.Appointments(ctx, refs)
	if by := s.by; by != nil {
		s.by = nil
		by()
	}
	return found, err
}

func TestAStepThatIsSentTwiceAtOnceAnswersTheSame(t *testing.T) {
	d := newDesk(t)
	ann := d.Patient()
	visit := d.mustBook(ann, d.Slot(d.Provider(1), 10, 0))
	db := postgres.New(d.pool, keytest.Of(t, d.pool))
	store := &overtaken{Store: postgres.NewAppointmentStore(db)}
	second := appointment.NewService(store, d.openings, db.Directory(), appointment.Limits{}, d.Source)
	store.by = func() { d.mustChange(ann, visit, appointment.Confirm, "k") }
	k := "k"
	got, err := second.Change(context.Background(), ann, appointment.ChangeState{Appointment: visit.Ref(), Action: appointment.Confirm, Key: &k})
	if err != nil || got.Version != 2 || got.ConfirmedAt == nil {
		t.Errorf("the second of two was told of version %d, confirmed at %v: %v", got.Version, got.ConfirmedAt, err)
	}
}

// A transaction that writes draws a number.
const nextTransaction = `SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int`

func TestWhateverAnswersAReachedStateWrites(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	slot := d.Slot(provider, 10, 0)
	visit := d.mustBook(ann, slot)
	k := "c"
	cancel := appointment.CancelVisit{Appointment: visit.Ref(), Reason: appointment.Transport, Key: &k}
	written := func(why string, f func() error) {
		t.Helper()
		before := d.count(nextTransaction)
		if err := f(); err != nil {
			t.Fatalf("%s: %v", why, err)
		}
		if d.count(nextTransaction) == before {
			t.Errorf("%s wrote nothing", why)
		}
	}
	written("a move to where the visit stands", func() error { _, err := d.move(ann, visit, slot); return err })
	for _, why := range []string{"a cancellation", "the same again"} {
		written(why, func() error { _, err := d.Cancel(context.Background(), ann, cancel); return err })
	}
	cancel.Key = nil
	written("again without a key", func() error { _, err := d.Cancel(context.Background(), ann, cancel); return err })
	if n := d.count(`SELECT max(replays) FROM idempotency_keys WHERE operation = 'cancelAppointment'`); n != 1 {
		t.Errorf("the key was replayed %d times", n)
	}
	other := appointment.CancelVisit{Appointment: visit.Ref(), Reason: appointment.FeelingBetter, Key: &k}
	if _, err := d.Cancel(context.Background(), ann, other); !errors.As(err, new(appointment.KeyReused)) {
		t.Errorf("another cancellation under the same key got %v", err)
	}
	if n := d.count(`SELECT count(*)::int FROM event_log`); n != 2 {
		t.Errorf("a booking and a cancellation made %d events", n)
	}
}

func TestAPatientMayTakeAConfirmationBackTwice(t *testing.T) {
	d := newDesk(t)
	ann := d.Patient()
	visit := d.mustBook(ann, d.Slot(d.Provider(1), 10, 0))
	d.mustChange(ann, visit, appointment.Confirm, "")
	for range 2 {
		if got := d.mustChange(ann, visit, appointment.Undo, ""); got.Version != 3 || got.ConfirmedAt != nil {
			t.Errorf("undone to version %d", got.Version)
		}
	}
}

func TestWhatWasNeverPendingIsntApproved(t *testing.T) {
	d := newDesk(t)
	visit := d.mustBook(d.Patient(), d.Slot(d.Provider(1), 10, 0))
	if _, err := d.change(d.FrontDesk(), visit, appointment.Approve, ""); !errors.As(err, new(appointment.InvalidTransition)) {
		t.Errorf("approving a booked visit got %v", err)
	}
}

func TestAMoveToWhereTheVisitStandsAnswersWhateverVersionWasSeen(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	d.Set(`UPDATE visit_kinds SET max_reschedules = 1 WHERE organization_id = $1`)
	visit := d.mustBook(ann, d.Slot(provider, 10, 0))
	to, version := d.Slot(provider, 11, 0), 1
	for i, k := range []string{"first", "first", "second"} {
		got, err := d.Move(context.Background(), ann, appointment.MoveVisit{
			Appointment: visit.Ref(), Target: appointment.Target{Slot: &to}, ExpectedVersion: &version, Key: k,
		})
		if err != nil || got.Appointment.Version != 2 || got.Replayed != (i > 0) {
			t.Errorf("move %d answers version %d, replayed %v: %v", i, got.Appointment.Version, got.Replayed, err)
		}
	}
}

func TestASecondTapIsAnsweredThoughTheNoticeHasBegun(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	d.Set(`UPDATE visit_kinds SET minimum_notice = 3600 WHERE organization_id = $1`)
	slot := d.Slot(provider, 10, 0)
	d.clock.Set(slot.Start.Add(-time.Hour))
	first := d.mustBook(ann, slot)
	d.clock.Advance(time.Second)
	again, err := d.book(ann, slot)
	if err != nil || !again.Replayed || again.Appointment.ID != first.ID {
		t.Errorf("the same booking a second later got %v, replayed %v", err, again.Replayed)
	}
	d.clock.Advance(5 * time.Minute)
	if _, err := d.book(ann, slot); !errors.As(err, new(appointment.SlotUnavailable)) {
		t.Errorf("after five minutes it got %v", err)
	}
}

func TestAMoveToAnotherProviderAtTheSameTimeIsAMove(t *testing.T) {
	d := newDesk(t)
	ann := d.Patient()
	visit := d.mustBook(ann, d.Slot(d.Provider(1), 10, 0))
	if _, err := d.move(ann, visit, d.Slot(d.Provider(1), 10, 0)); err != nil {
		t.Fatal(err)
	}
	if n := d.count(`SELECT count(*)::int FROM event_log WHERE topic = 'appointment.rescheduled'`); n != 2 {
		t.Errorf("%d providers were told of a move", n)
	}
	if n := d.count(`SELECT count(*)::int FROM audit_events WHERE action = 'appointment.reschedule'`); n != 1 {
		t.Errorf("%d moves are recorded", n)
	}
}

func TestAHoldInALongWindowHidesNothingFromItsHolder(t *testing.T) {
	d := newDesk(t)
	p, ann := d.Provider(1), d.Patient()
	w := d.window(p, 9, 17, 1)
	w.To.Date = w.To.Date.AddDays(20)
	d.put(p, w)
	far := d.Slot(p, 10, 0)
	far.Start = far.Start.AddDate(0, 0, 15)
	d.mustHold(ann, far)
	near := d.Slot(p, 10, 0)
	if d.free(p, ann)[near.Start] != 1 {
		t.Fatal("the holder sees no opening elsewhere in the window")
	}
	if _, listed := d.free(p, d.Patient())[near.Start]; listed {
		t.Error("somebody else is offered an opening of a full window")
	}
	if _, err := d.book(ann, near); err != nil {
		t.Errorf("the listed opening can't be booked: %v", err)
	}
}
