package postgres_test

import (
	"context"
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

func TestClaimsLeaveTheIndexAnHourAfterTheirEndAndComeBackWithTheClock(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(1)
	slot := d.Slot(provider, 10, 0)
	if _, err := d.book(d.Patient(), slot); err != nil {
		t.Fatal(err)
	}
	over := slot.Start.Add(90 * time.Minute) // half an hour of visit, an hour of grace
	for _, step := range []struct {
		at     time.Time
		active int
	}{{over.Add(-time.Microsecond), 2}, {over, 0}, {slot.Start, 2}} {
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
		after                time.Duration
		keys, claims, events int
	}{{day - time.Microsecond, 1, 2, 2}, {day, 0, 2, 2}, {7*day - time.Microsecond, 0, 2, 2}, {8 * day, 0, 0, 0}} {
		d.clock.Set(visit.Appointment.CreatedAt.Add(step.after))
		d.tidy()
		for _, c := range []struct {
			table string
			want  int
		}{{"idempotency_keys", step.keys}, {"claims", step.claims}, {"event_log", step.events}} {
			if n := d.count(`SELECT count(*)::int FROM ` + c.table); n != c.want {
				t.Errorf("after %v there are %d %s, want %d", step.after, n, c.table, c.want)
			}
		}
	}
	if n := d.count(`SELECT forgotten::int FROM log_epoch`); n != 2 {
		t.Errorf("the log is forgotten up to %d", n)
	}
}
