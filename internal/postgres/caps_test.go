package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func (d *desk) capDay(provider clinic.Ref, limit int) {
	d.Set(`UPDATE providers SET max_daily_appointments = $3, schedule_revision = schedule_revision + 1
		WHERE organization_id = $1 AND id = $2`, provider.ID, limit)
}

func (d *desk) capWindow(provider clinic.Ref, limit int) {
	d.Set(`INSERT INTO schedule_exceptions (organization_id, id, provider_id, location_id, local_from, local_to, effect, capacity, max_appointments)
		VALUES ($1, $2, $3, $4, '2026-06-08 09:00', '2026-06-08 12:00', 'OPEN', 1, $5)`, sample.NewID(), provider.ID, d.Location, limit)
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1 AND id = $2`, provider.ID)
}

func blockedBy(err error) []availability.Rule {
	var e appointment.SlotUnavailable
	errors.As(err, &e)
	return e.BlockedBy
}

func TestADailyCapHoldsAndCountsFallWithWhatRaisedThem(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	d.capDay(provider, 2)
	d.mustHold(ann, d.Slot(provider, 9, 0))
	first, err := d.book(bob, d.Slot(provider, 10, 0))
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.book(d.Patient(), d.Slot(provider, 11, 0))
	if got := blockedBy(err); !slices.Equal(got, []availability.Rule{availability.DailyCapReached}) {
		t.Fatalf("a third of two a day: %v %v", got, err)
	}
	if len(d.free(provider, d.Patient())) != 0 || len(d.free(provider, ann)) != 15 {
		t.Error("a capped day shows openings, or hides them from whoever has a hold that counts")
	}
	if _, err := d.Cancel(context.Background(), bob, appointment.CancelVisit{Appointment: first.Appointment.Ref(), Reason: appointment.Other}); err != nil {
		t.Fatal(err)
	}
	if _, err = d.book(d.Patient(), d.Slot(provider, 11, 0)); err != nil {
		t.Fatalf("after a cancellation there is room: %v", err)
	}
	d.clock.Advance(5 * 60e9)
	if _, err = d.book(d.Patient(), d.Slot(provider, 12, 0)); err != nil {
		t.Fatalf("a hold that ran out must be released before a cap refuses: %v", err)
	}
	if got := d.count(`SELECT max(booked) FROM party_days`); got != 2 {
		t.Errorf("counted %d", got)
	}
}

func TestWhoeverHoldsTheLastOfADayMayBookAnotherTimeOfIt(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	d.capDay(provider, 1)
	d.mustHold(ann, d.Slot(provider, 9, 0))
	if d.free(provider, ann)[d.Slot(provider, 15, 0).Start] != 1 {
		t.Fatal("her own hold hides the day from its holder")
	}
	if _, err := d.book(ann, d.Slot(provider, 15, 0)); err != nil {
		t.Fatalf("a listed opening can't be booked: %v", err)
	}
	if got := d.count(`SELECT max(booked) FROM party_days`); got != 1 {
		t.Errorf("counted %d", got)
	}
}

func TestLoweringACapRefusesNewOnesAndDropsNone(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	d.capDay(provider, 3)
	visit, err := d.book(ann, d.Slot(provider, 9, 0))
	if err != nil {
		t.Fatal(err)
	}
	held := d.mustHold(ann, d.Slot(provider, 10, 0))
	d.capDay(provider, 1)
	if _, err := d.book(d.Patient(), d.Slot(provider, 11, 0)); !slices.Contains(blockedBy(err), availability.DailyCapReached) {
		t.Fatalf("a new one got %v", err)
	}
	if _, err := d.bookHold(ann, held); err != nil {
		t.Fatalf("a hold from before the cap was lowered can't be booked: %v", err)
	}
	if _, err := d.move(ann, visit.Appointment, d.Slot(provider, 13, 0)); err != nil {
		t.Fatalf("a move within a day that is over its cap raises no count, and got %v", err)
	}
	if got := d.count(`SELECT max(booked) FROM party_days`); got != 2 {
		t.Errorf("counted %d", got)
	}
}

func TestAWindowsCapHoldsWhateverTheLanes(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(2), d.Patient()
	d.capWindow(provider, 1)
	visit, err := d.book(ann, d.Slot(provider, 9, 0))
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.book(d.Patient(), d.Slot(provider, 9, 0))
	if got := blockedBy(err); !slices.Equal(got, []availability.Rule{availability.WindowCapReached}) {
		t.Fatalf("a second of one a window: %v %v", got, err)
	}
	if _, err := d.move(ann, visit.Appointment, d.Slot(provider, 11, 30)); err != nil {
		t.Fatalf("a move within the window: %v", err)
	}
	if _, err := d.book(d.Patient(), d.Slot(provider, 12, 0)); err != nil {
		t.Fatalf("the window ends at noon: %v", err)
	}
	if got := d.count(`SELECT booked FROM window_counts`); got != 1 {
		t.Errorf("counted %d", got)
	}
}

// capWindowTo caps a window from Monday 9:00 to a day of June 2026 at 12:00, and answers its id.
func (d *desk) capWindowTo(provider clinic.Ref, until string, limit int) uuid.UUID {
	id := sample.NewID()
	d.Set(`INSERT INTO schedule_exceptions (organization_id, id, provider_id, location_id, local_from, local_to, effect, capacity, max_appointments)
		VALUES ($1, $2, $3, $4, '2026-06-08 09:00', ('2026-06-' || $5 || ' 12:00')::timestamp, 'OPEN', 1, $6)`, id, provider.ID, d.Location, until, limit)
	d.raiseRules(provider)
	return id
}

func (d *desk) raiseRules(provider clinic.Ref) {
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1 AND id = $2`, provider.ID)
}

func TestHoldsThatRanOutOnAnotherDayMakeRoomInTheirWindow(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	d.capWindowTo(provider, "10", 2)
	d.mustHold(ann, d.Slot(provider, 9, 0))
	held := d.mustHold(bob, d.Slot(provider, 9, 30))
	wednesday := d.Slot(provider, 10, 0)
	wednesday.Start = wednesday.Start.AddDate(0, 0, 2)
	d.clock.Set(held.ExpiresAt.Add(-time.Microsecond))
	if _, err := d.book(d.Patient(), wednesday); !slices.Contains(blockedBy(err), availability.WindowCapReached) {
		t.Fatalf("a third of two in the window got %v", err)
	}
	d.clock.Set(held.ExpiresAt)
	if _, err := d.book(d.Patient(), wednesday); err != nil {
		t.Fatalf("holds that ran out must be released before a cap refuses: %v", err)
	}
	if got := d.count(`SELECT booked FROM window_counts`); got != 1 {
		t.Errorf("counted %d", got)
	}
}

func TestLoweringAWindowsCapRefusesNewOnesAndDropsNone(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	window := d.capWindowTo(provider, "08", 3)
	first, err := d.book(ann, d.Slot(provider, 9, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.book(bob, d.Slot(provider, 9, 30)); err != nil {
		t.Fatal(err)
	}
	held := d.mustHold(bob, d.Slot(provider, 10, 0))
	d.Set(`UPDATE schedule_exceptions SET max_appointments = 1 WHERE organization_id = $1 AND id = $2`, window)
	d.raiseRules(provider)
	if _, err := d.book(d.Patient(), d.Slot(provider, 11, 0)); !slices.Contains(blockedBy(err), availability.WindowCapReached) {
		t.Fatalf("a new one got %v", err)
	}
	if n := d.count(`SELECT count(*)::int FROM appointments WHERE status = 'BOOKED'`); n != 2 {
		t.Errorf("%d visits are left", n)
	}
	if _, err := d.bookHold(bob, held); err != nil {
		t.Errorf("a hold from before the cap was lowered can't be booked: %v", err)
	}
	if _, err := d.Cancel(context.Background(), ann, appointment.CancelVisit{Appointment: first.Appointment.Ref(), Reason: appointment.Other}); err != nil {
		t.Fatal(err)
	}
	if got := d.count(`SELECT booked FROM window_counts`); got != 2 {
		t.Errorf("counted %d", got)
	}
}

func TestAVisitMovesWithinAWindowThatTakesNobodyAnyMore(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	window := d.capWindowTo(provider, "08", 2)
	visit := d.mustBook(ann, d.Slot(provider, 9, 0))
	d.Set(`UPDATE schedule_exceptions SET max_appointments = 0 WHERE organization_id = $1 AND id = $2`, window)
	d.raiseRules(provider)
	later := d.Slot(provider, 10, 0)
	if _, err := d.book(d.Patient(), later); !slices.Contains(blockedBy(err), availability.WindowCapReached) {
		t.Errorf("a new one got %v", err)
	}
	moved, err := d.move(ann, visit, later)
	if err != nil || !moved.Appointment.Start.Equal(later.Start) {
		t.Errorf("moved to %v: %v", moved.Appointment.Start, err)
	}
	if got := d.count(`SELECT booked FROM window_counts`); got != 1 {
		t.Errorf("counted %d", got)
	}
}
