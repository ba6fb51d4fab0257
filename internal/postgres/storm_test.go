package postgres_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// storm is many patients who hold, book, move and cancel at once over few providers.
type storm struct {
	*desk
	providers []clinic.Ref
	rng       func(n int) int
}

func TestAStormLeavesNoDoubleBookingNoDeadlockAndALogThatTellsItAll(t *testing.T) {
	d := limitedDesk(t, unreachable) // who is limited locks more
	d.Set(`UPDATE visit_kinds SET slot_step = 900, buffer_after = 600 WHERE organization_id = $1`)
	s := storm{d, []clinic.Ref{d.Provider(1), d.Provider(2), d.Provider(3)}, rand.IntN}
	d.capDay(s.providers[1], 9)
	d.capWindow(s.providers[2], 6)
	log := postgres.NewLog(postgres.New(d.pool, nil))
	start, err := log.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	before := d.deadlocks()
	var wg sync.WaitGroup
	for range 24 {
		a := d.Patient()
		wg.Go(func() { s.patient(a) })
	}
	wg.Wait()
	d.clock.Advance(time.Hour)
	for n := 1; n > 0; {
		if n, err = d.Sweep(context.Background(), 100); err != nil {
			t.Fatal(err)
		}
	}
	if after := d.deadlocks(); after != before {
		t.Errorf("%d deadlocks", after-before)
	}
	d.noDoubleBooking()
	d.countsMatchClaims()
	for _, p := range s.providers {
		d.mirrorMatches(log, start, p)
	}
}

func (s storm) patient(a access.Actor) {
	var visits []appointment.Appointment
	for range 25 {
		slot := s.Slot(s.providers[s.rng(len(s.providers))], 9+s.rng(7), 15*s.rng(4))
		var err error
		switch s.rng(5) {
		case 0, 1:
			var b appointment.Booking
			if b, err = s.book(a, slot); err == nil {
				visits = append(visits, b.Appointment)
			}
		case 2:
			_, err = s.hold(a, slot)
		case 3:
			if len(visits) > 0 {
				_, err = s.Move(context.Background(), a, appointment.MoveVisit{
					Appointment: visits[s.rng(len(visits))].Ref(), Target: appointment.Target{Slot: &slot}, Key: key(),
				})
			}
		case 4:
			if len(visits) > 0 {
				i := s.rng(len(visits))
				_, err = s.Cancel(context.Background(), a, appointment.CancelVisit{Appointment: visits[i].Ref(), Reason: appointment.Other})
				visits = slices.Delete(visits, i, i+1)
			}
		}
		if err != nil && !expected(err) {
			s.t.Error(err)
		}
	}
}

func expected(err error) bool {
	return errors.As(err, new(appointment.SlotTaken)) || errors.As(err, new(appointment.SlotUnavailable)) ||
		errors.As(err, new(appointment.PatientConflict)) || errors.As(err, new(appointment.InvalidTransition))
}

// deadlocks is PostgreSQL's own counter.
func (d *desk) deadlocks() int {
	d.count(`SELECT count(*)::int FROM (SELECT pg_stat_clear_snapshot()) s`)
	return d.count(`SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()`)
}

func (d *desk) noDoubleBooking() {
	d.t.Helper()
	if n := d.count(`SELECT count(*)::int FROM claims a JOIN claims b ON a.organization_id = b.organization_id
		AND a.party_id = b.party_id AND a.lane = b.lane AND a.id < b.id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
		WHERE a.state = 'ACTIVE' AND b.state = 'ACTIVE'`); n != 0 {
		d.t.Errorf("%d double bookings", n)
	}
	if n := d.count(`SELECT count(*)::int FROM appointments a WHERE status = 'BOOKED' AND 2 <> (
		SELECT count(*) FROM claims c WHERE c.appointment_id = a.id AND c.state = 'ACTIVE' AND c.starts_at <= a.starts_at AND c.ends_at >= a.ends_at)`); n != 0 {
		d.t.Errorf("%d booked appointments lack a claim", n)
	}
}

func (d *desk) countsMatchClaims() {
	d.t.Helper()
	if n := d.count(`SELECT count(*)::int FROM party_days d WHERE booked <> (
		SELECT count(*) FROM claims c WHERE c.party_id = d.party_id AND c.counted_day = d.day AND c.state IN ('ACTIVE', 'PAST'))`); n != 0 {
		d.t.Errorf("%d days are counted wrong", n)
	}
	if n := d.count(`SELECT count(*)::int FROM window_counts w WHERE booked <> (
		SELECT count(*) FROM claims c WHERE c.party_id = w.provider_id AND w.exception_id = ANY (c.counted_windows) AND c.state IN ('ACTIVE', 'PAST'))`); n != 0 {
		d.t.Errorf("%d windows are counted wrong", n)
	}
	if n := d.count(`SELECT count(*)::int FROM party_days d JOIN providers p ON p.id = d.party_id WHERE d.booked > p.max_daily_appointments`); n != 0 {
		d.t.Errorf("%d days are over their cap", n)
	}
	if n := d.count(`SELECT count(*)::int FROM window_counts w JOIN schedule_exceptions e ON e.id = w.exception_id WHERE w.booked > e.max_appointments`); n != 0 {
		d.t.Errorf("%d windows are over their cap", n)
	}
}

// mirrorMatches replays the log from start and compares the openings that follow from it with the database's.
func (d *desk) mirrorMatches(log *postgres.Log, start live.Cursor, provider clinic.Ref) {
	d.t.Helper()
	ctx := context.Background()
	mirror := live.NewMirror(availability.Taken{})
	last := int64(0)
	d.released(log)
	entries, _, err := log.Read(ctx, start, 1_000_000)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Position <= last {
			d.t.Fatalf("position %d after %d", e.Position, last)
		}
		last = e.Position
		if e.Provider != provider.ID {
			continue
		}
		if err := mirror.Apply(e); err != nil {
			d.t.Fatal(err)
		}
	}
	view, err := postgres.NewAvailabilityStore(postgres.New(d.pool, nil)).View(ctx, provider, availability.Period{From: monday(0), To: monday(24)})
	if err != nil {
		d.t.Fatal(err)
	}
	q := availability.Query{VisitKind: d.VisitKind, From: monday(0), To: monday(24), Now: d.clock.Now(), Statuses: []availability.Status{availability.Free}}
	fromLog := availability.Openings(view.Rules, mirror.Taken(), q)
	fromTables := availability.Openings(view.Rules, view.Taken, q)
	if !slices.Equal(fromLog, fromTables) {
		d.t.Errorf("the log tells %d openings, the tables %d", len(fromLog), len(fromTables))
	}
}

// released waits until everything that is in the log may be read: a look at it is shared for a moment.
func (d *desk) released(log *postgres.Log) {
	d.t.Helper()
	last := int64(d.count(`SELECT max(position)::int FROM event_log`))
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for head := (live.Cursor{}); head.Position < last; <-tick.C {
		var err error
		if head, err = log.Head(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
	}
}

// monday is an hour of the sample's Monday in New York.
func monday(hour int) time.Time {
	return time.Date(2026, 6, 8, 4+hour, 0, 0, 0, time.UTC)
}
