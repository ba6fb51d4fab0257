package postgres_test

import (
	"errors"
	"flag"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

var (
	claimants = flag.Int("claimants", 60, "how many bookings want a room at once")
	crossings = flag.Int("crossings", 20, "rounds of moves that cross")
	meetings  = flag.Int("meetings", 20, "rounds of bookings that exclude each other")
)

// Everybody wants a provider and one of three rooms and of three scanners, at four times that meet.
func TestThreeRoomsHoldThreeVisitsWhoeverComesAtOnce(t *testing.T) {
	for _, mode := range []conflict.Mode{conflict.Off, conflict.Shadow, conflict.Enforce} {
		d := newDesk(t).detecting(mode)
		d.Requiring(`needs = '{exam,scan}'`)
		for range 3 {
			d.Room("exam")
			d.Room("scan")
		}
		doctors := make([]clinic.Ref, 10)
		for i := range doctors {
			doctors[i] = d.Provider(2)
		}
		const times = 4
		patients := make([]access.Actor, *claimants)
		for i := range patients {
			patients[i] = d.Patient()
		}
		var won, refused [times]int
		var mu sync.Mutex
		var all sync.WaitGroup
		for i, ann := range patients {
			all.Go(func() {
				at := i % times
				_, err := d.book(ann, d.Slot(doctors[i/times%len(doctors)], 10+at/2, at%2*30))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won[at]++
				case wasFull(brokenBy(err)), errors.As(err, new(appointment.SlotTaken)):
					refused[at]++
				default:
					t.Errorf("%s: %v %v", mode, err, brokenBy(err))
				}
			})
		}
		all.Wait()
		for at := range times {
			if rooms := d.roomsAt(10+at/2, at%2*30); won[at] != 3 || rooms != 6 {
				t.Errorf("%s: %d visits have %d rooms and scanners at time %d; %d were refused", mode, won[at], rooms, at, refused[at])
			}
		}
		d.withoutDeadlock()
	}
}

// wasFull says whether no room or scanner was left, whatever else was full by then.
func wasFull(broken []availability.Rule) bool {
	return slices.Equal(broken, []availability.Rule{availability.ResourceBusy}) ||
		slices.Equal(broken, []availability.Rule{availability.ProviderBusy, availability.ResourceBusy})
}

func (d *desk) withoutDeadlock() {
	d.t.Helper()
	var n int
	if err := d.pool.QueryRow(d.t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&n); err != nil || n > 0 {
		d.t.Errorf("%d deadlocks, %v", n, err)
	}
}

// Rules reach over days and over patients: whoever isn't met by the days of their visits is met all the same.
func TestOfTwoBookingsAtOnceThatExcludeEachOtherOneIsMade(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Requiring(`repeat_after = 172800`)
	for range *meetings {
		first, second, ann := d.Provider(1), d.Provider(1), d.Patient()
		tomorrow := d.Slot(second, 10, 0)
		tomorrow.Start = tomorrow.Start.AddDate(0, 0, 1)
		d.oneOf(availability.DuplicateVisit, wish{by: ann, to: d.Slot(first, 10, 0)}, wish{by: ann, to: tomorrow})

		mother, ben, cleo := uuid.New(), d.Patient(), d.Patient()
		d.Linked(mother, ben.PatientID, "CAREGIVER")
		d.Linked(mother, cleo.PatientID, "CAREGIVER")
		d.oneOf(availability.CaregiverBusy, wish{by: ben, to: d.Slot(first, 12, 0)}, wish{by: cleo, to: d.Slot(second, 12, 0)})
	}
	d.withoutDeadlock()
}

// oneOf has two visits booked at once, of which a rule lets only one be.
func (d *desk) oneOf(rule availability.Rule, wishes ...wish) {
	d.t.Helper()
	errs := make([]error, len(wishes))
	var all sync.WaitGroup
	for i, w := range wishes {
		all.Go(func() { _, errs[i] = d.book(w.by, w.to) })
	}
	all.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		d.t.Fatalf("%s: of two bookings that exclude each other %v and %v", rule, errs[0], errs[1])
	}
	d.refused(errors.Join(errs...), rule)
}

// Of two patients each has a visit in the morning and one in the afternoon. At once, each has one moved to eleven at the one place and the other to
// half past at the other: either is possible, both are not, and the moves of the two go through the same providers in opposite directions.
func TestMovesThatCrossBreakNoTravelTime(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Set(`UPDATE locations SET latitude = 40.8, longitude = -73.95 WHERE organization_id = $1`)
	harbor := d.Place(40.7, -73.95)
	crossing := crossing{desk: d, harbor: harbor}
	for round := range *crossings {
		if round%100 == 0 {
			crossing.uptown, crossing.downtown = d.Provider(1), d.Provider(1)
			d.At(harbor, crossing.downtown)
		}
		crossing.run(round % 100)
	}
	d.withoutDeadlock()
}

type crossing struct {
	*desk
	harbor           uuid.UUID
	uptown, downtown clinic.Ref
	day              int
}

// up and down are slots of the day at the one place and the other.
func (c crossing) up(hour, minute int) availability.SlotID {
	slot := c.Slot(c.uptown, hour, minute)
	slot.Start = slot.Start.AddDate(0, 0, c.day)
	return slot
}

func (c crossing) down(hour, minute int) availability.SlotID {
	slot := elsewhere(c.Slot(c.downtown, hour, minute), c.harbor)
	slot.Start = slot.Start.AddDate(0, 0, c.day)
	return slot
}

type wish struct {
	by    access.Actor
	visit appointment.Appointment
	to    availability.SlotID
}

func (c crossing) run(day int) {
	c.day = day
	ann, ben := c.Patient(), c.Patient()
	wishes := []wish{
		{ann, c.books(ann, c.up(9, 0)), c.up(11, 0)}, {ann, c.books(ann, c.up(14, 0)), c.down(11, 30)},
		{ben, c.books(ben, c.down(9, 0)), c.down(11, 0)}, {ben, c.books(ben, c.down(14, 0)), c.up(11, 30)},
	}
	errs := make([]error, len(wishes))
	var all sync.WaitGroup
	for i, w := range wishes {
		all.Go(func() {
			_, errs[i] = c.Move(c.t.Context(), w.by, appointment.MoveVisit{Appointment: w.visit.Ref(), Target: appointment.Target{Slot: &w.to}, Key: key()})
		})
	}
	all.Wait()
	for i := 0; i < len(wishes); i += 2 {
		one, other := errs[i], errs[i+1]
		if (one == nil) == (other == nil) {
			c.t.Fatalf("day %d: of two moves that exclude each other %v and %v", day, one, other)
		}
		lost := one
		if one == nil {
			lost = other
		}
		c.refused(lost, availability.PatientTravelTime)
	}
	if n := c.tooFar(); n > 0 {
		c.t.Fatalf("day %d: %d pairs of visits are too far from each other", day, n)
	}
}

// tooFar counts the visits that somebody can't get to in time from their visit before, by what is in the database.
func (c crossing) tooFar() (n int) {
	c.t.Helper()
	if err := c.pool.QueryRow(c.t.Context(), `SELECT count(*) FROM appointments a JOIN appointments b
		ON b.organization_id = a.organization_id AND b.patient_id = a.patient_id AND b.location_id <> a.location_id AND b.starts_at >= a.ends_at
		WHERE a.organization_id = $1 AND b.starts_at - a.ends_at < $2`, c.Organization, 26*time.Minute+41*time.Second).Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}
