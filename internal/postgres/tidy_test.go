package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
)

func (d *desk) tidy() {
	d.t.Helper()
	if _, err := d.Tidy(context.Background(), 1000); err != nil {
		d.t.Fatal(err)
	}
}

func TestClaimsLeaveTheIndexWhenNoBufferReachesThemAndComeBackWithTheClock(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(1)
	slot := d.Slot(provider, 10, 0)
	if _, err := d.book(d.Patient(), slot); err != nil {
		t.Fatal(err)
	}
	end := slot.Start.Add(30 * time.Minute)
	over := end.Add(13 * time.Hour)
	for _, step := range []struct {
		at     time.Time
		active int
	}{{over.Add(-time.Microsecond), 2}, {over, 0}, {end.Add(12 * time.Hour), 0}, {end.Add(12*time.Hour - time.Microsecond), 2}, {slot.Start, 2}} {
		d.clock.Set(step.at)
		d.tidy()
		if n := d.count(`SELECT count(*)::int FROM claims WHERE state = 'ACTIVE'`); n != step.active {
			t.Errorf("at %v there are %d active claims, want %d", step.at, n, step.active)
		}
	}
}

func TestWhatIsOverIsForgottenInTime(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	visit, err := d.book(ann, d.Slot(provider, 10, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Cancel(context.Background(), ann, appointment.CancelVisit{Appointment: visit.Appointment.Ref(), Reason: appointment.Other}); err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	for _, step := range []struct {
		after        time.Duration
		keys, claims int
	}{{day - time.Microsecond, 1, 2}, {day, 0, 2}, {7*day - time.Microsecond, 0, 2}, {8 * day, 0, 0}} {
		d.clock.Set(visit.Appointment.CreatedAt.Add(step.after))
		d.tidy()
		for _, c := range []struct {
			table string
			want  int
		}{{"idempotency_keys", step.keys}, {"claims", step.claims}} {
			if n := d.count(`SELECT count(*)::int FROM ` + c.table); n != c.want {
				t.Errorf("after %v there are %d %s, want %d", step.after, n, c.table, c.want)
			}
		}
	}
}

func TestABufferReachesBackToVisitsThatEnded(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(1)
	if _, err := d.book(d.Patient(), d.Slot(provider, 9, 0)); err != nil {
		t.Fatal(err)
	}
	d.Set(`UPDATE visit_kinds SET buffer_before = 6 * 3600 WHERE organization_id = $1`)
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`)
	d.clock.Set(d.Slot(provider, 14, 0).Start)
	d.tidy()
	if _, err := d.book(d.Patient(), d.Slot(provider, 15, 0)); !errors.As(err, new(appointment.SlotTaken)) {
		t.Errorf("15:00 with 6 hours before it, after a visit from 9:00 to 9:30, got %v", err)
	}
	if _, err := d.book(d.Patient(), d.Slot(provider, 15, 30)); err != nil {
		t.Errorf("15:30 with 6 hours before it: %v", err)
	}
}

func TestHoldsAreForgottenAfterTheirClaims(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob, cy := d.Provider(1), d.Patient(), d.Patient(), d.Patient()
	slot := d.Slot(provider, 10, 0)
	booked, lapsing := d.mustHold(ann, slot), d.mustHold(bob, d.Slot(provider, 10, 30))
	if _, err := d.bookHold(ann, booked); err != nil {
		t.Fatal(err)
	}
	next := d.Slot(provider, 10, 0)
	next.Start = next.Start.AddDate(0, 0, 1)
	released := d.mustHold(cy, next)
	if _, err := d.Release(context.Background(), cy, holdRef(released)); err != nil {
		t.Fatal(err)
	}
	d.clock.Set(lapsing.ExpiresAt)
	if _, err := d.Sweep(context.Background(), 100); err != nil {
		t.Fatal(err)
	}
	over := slot.Start.Add(30*time.Minute + 7*24*time.Hour + 12*time.Hour)
	for _, step := range []struct {
		at   time.Time
		want int
	}{{over.Add(-time.Microsecond), 3}, {over, 2}, {over.Add(30 * time.Minute), 1}, {over.Add(24 * time.Hour), 0}} {
		d.clock.Set(step.at)
		d.tidy()
		if n := d.count(`SELECT count(*)::int FROM holds`); n != step.want {
			t.Errorf("at %v there are %d holds, want %d", step.at, n, step.want)
		}
	}
}

func TestAHoldStaysWhileAClaimRefersToIt(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	d.Set(`UPDATE visit_kinds SET buffer_after = 12 * 3600 WHERE organization_id = $1`)
	h := d.mustHold(ann, d.Slot(provider, 10, 0))
	if _, err := d.Release(context.Background(), ann, holdRef(h)); err != nil {
		t.Fatal(err)
	}
	lock := d.begin()
	d.exec(lock, `SELECT FROM claims WHERE organization_id = $1 FOR UPDATE`)
	d.clock.Advance(30 * 24 * time.Hour)
	d.tidy()
	if n := d.count(`SELECT count(*)::int FROM holds`); n != 1 {
		t.Error("a hold went before its claim")
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.tidy()
	if n := d.count(`SELECT count(*)::int FROM holds`) + d.count(`SELECT count(*)::int FROM claims`); n != 0 {
		t.Errorf("%d rows of a hold stay", n)
	}
}
