package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// desk is a clinic with its booking service on a frozen clock.
type desk struct {
	*sample.Clinic
	*appointment.Service
	openings *availability.Service
	clock    *clock.Frozen
	pool     *pgxpool.Pool
	t        *testing.T
}

func newDesk(t *testing.T) *desk { return limitedDesk(t, appointment.Limits{}) }

func limitedDesk(t *testing.T, limits appointment.Limits) *desk {
	pool := pgtest.New(t)
	db := postgres.New(pool, keytest.Of(t, pool))
	at := clock.FrozenAt(sample.Dawn)
	openings := availability.NewService(postgres.NewAvailabilityStore(db), at)
	service := appointment.NewService(postgres.NewAppointmentStore(db), openings, db.Directory(), limits,
		clinic.Source{Clock: at, NewID: sample.NewID})
	return &desk{sample.NewClinic(t, pool), service, openings, at, pool, t}
}

func key() string { return uuid.NewString() }

func (d *desk) book(a access.Actor, slot availability.SlotID) (appointment.Booking, error) {
	return d.Book(context.Background(), a, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Key: key()})
}

func (d *desk) free(provider clinic.Ref, a access.Actor) map[time.Time]int {
	d.t.Helper()
	view, err := d.openings.Slots(context.Background(), a, availability.Listing{
		Provider: provider, VisitKind: d.VisitKind, From: sample.Monday.Add(4 * time.Hour), To: sample.Monday.Add(28 * time.Hour),
	}, everything)
	if err != nil {
		d.t.Fatal(err)
	}
	free := map[time.Time]int{}
	for _, s := range view.Items {
		free[s.Start] = s.Remaining
	}
	return free
}

func TestABookedSlotIsGoneAndComesBackWhenItIsCancelled(t *testing.T) {
	d := newDesk(t)
	provider, patient := d.Provider(1), d.Patient()
	slot := d.Slot(provider, 10, 0)
	before := d.free(provider, access.Nobody("r"))
	if len(before) != 16 || before[slot.Start] != 1 {
		t.Fatalf("a day of 8 hours in half hours has %d openings", len(before))
	}
	booking, err := d.book(patient, slot)
	if err != nil {
		t.Fatal(err)
	}
	if after := d.free(provider, patient); len(after) != 15 || after[slot.Start] != 0 {
		t.Fatalf("the booked slot is still offered: %v", after)
	}
	if _, err = d.book(d.Patient(), slot); !errors.As(err, new(appointment.SlotTaken)) {
		t.Fatalf("a second booking of the slot got %v", err)
	}
	if _, err = d.Cancel(context.Background(), patient, appointment.CancelVisit{
		Appointment: booking.Appointment.Ref(), Reason: appointment.Other,
	}); err != nil {
		t.Fatal(err)
	}
	if after := d.free(provider, patient); len(after) != 16 {
		t.Fatalf("the cancelled slot did not come back: %v", after)
	}
	if _, err = d.book(d.Patient(), slot); err != nil {
		t.Fatalf("the slot that came back can't be booked: %v", err)
	}
}

func TestOneOfManyWinsASlot(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(3)
	slot := d.Slot(provider, 10, 0)
	var mu sync.Mutex
	var won, taken int
	var wg sync.WaitGroup
	for range 60 {
		a := d.Patient()
		wg.Go(func() {
			_, err := d.book(a, slot)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.As(err, new(appointment.SlotTaken)):
				taken++
			default:
				t.Errorf("neither won nor taken: %v", err)
			}
		})
	}
	wg.Wait()
	if won != 3 || taken != 57 {
		t.Fatalf("%d won and %d were told that it is taken", won, taken)
	}
}
