package postgres_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

// throng are bookings with anybody, all at once.
type throng struct {
	*desk
	providers []clinic.Ref
	patients  []access.Actor
}

// throngOf has ten providers with a capacity at each time.
func throngOf(t *testing.T, capacity, bookings int) throng {
	c := throng{desk: newDesk(t), providers: make([]clinic.Ref, 10), patients: make([]access.Actor, bookings)}
	for i := range c.providers {
		c.providers[i] = c.Provider(capacity)
	}
	for i := range c.patients {
		c.patients[i] = c.Patient()
	}
	c.atOnce(40, func(i int) { // so that no connection is new, and has everything to plan
		if _, err := c.bookAny(c.Patient(), c.anybodyAt(warm, i%2*30)); err != nil && !expected(err) {
			t.Error(err)
		}
	})
	return c
}

// warm is the hour of visits that nobody counts.
const warm = 16

// come books for everybody at once, each at one of some hours of the day, and says how many are booked and how many are told that nobody is left.
func (c throng) come(hours int) (booked, refused int, longest time.Duration) {
	var won, lost, slowest atomic.Int64
	before := c.deadlocks()
	c.atOnce(len(c.patients), func(i int) {
		began := time.Now()
		_, err := c.bookAny(c.patients[i], c.anybodyAt(9+i%hours, 0))
		for took := int64(time.Since(began)); ; {
			if last := slowest.Load(); took <= last || slowest.CompareAndSwap(last, took) {
				break
			}
		}
		switch {
		case err == nil:
			won.Add(1)
		case errors.As(err, new(appointment.SlotTaken)):
			lost.Add(1)
		default:
			c.t.Errorf("%v %v", err, brokenBy(err))
		}
	})
	if n := c.deadlocks(); n != before {
		c.t.Errorf("%d deadlocks", n-before)
	}
	c.noDoubleBooking()
	c.countsMatchClaims()
	return int(won.Load()), int(lost.Load()), time.Duration(slowest.Load())
}

// atOnce has as many under way as there are connections: no more are in the database when all ask for one, and whoever waits for one of a slow
// machine for too long would be turned away.
func (c throng) atOnce(n int, do func(i int)) {
	var all sync.WaitGroup
	turns := make(chan struct{}, c.pool.Config().MaxConns)
	for i := range n {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			do(i)
		})
	}
	all.Wait()
}

// perProvider is how many visits each has.
func (c throng) perProvider() map[uuid.UUID]int {
	n := map[uuid.UUID]int{}
	for _, p := range c.providers {
		n[p.ID] = c.count(`SELECT count(*)::int FROM appointments WHERE provider_id = $1 AND starts_at < $2`, p.ID, c.Slot(p, warm, 0).Start)
	}
	return n
}

// Exactly as many places as bookings: all are booked, and nobody is refused.
func TestAllAreBookedWhileAnybodyIsFree(t *testing.T) {
	for _, mode := range []conflict.Mode{conflict.Off, conflict.Enforce} {
		c := throngOf(t, 5, 200)
		c.detecting(mode)
		booked, refused, longest := c.come(4)
		if booked != 200 || refused != 0 {
			t.Errorf("%s: %d are booked and %d refused", mode, booked, refused)
		}
		t.Logf("%s: the slowest of 200 took %v", mode, longest)
	}
}

// Twice as many places as bookings: everybody has a tenth of them, within 10 %.
func TestVisitsAreSpreadFairly(t *testing.T) {
	c := throngOf(t, 10, 200)
	if booked, refused, _ := c.come(4); booked != 200 || refused != 0 {
		t.Fatalf("%d are booked and %d refused", booked, refused)
	}
	for provider, n := range c.perProvider() {
		if n < 18 || n > 22 {
			t.Errorf("%v has %d visits of 200 over ten", provider, n)
		}
	}
}

// More bookings than places: as many as there are places, and the others are told so.
func TestNoMoreAreBookedThanThereArePlaces(t *testing.T) {
	c := throngOf(t, 3, 200)
	if booked, refused, _ := c.come(4); booked != 120 || refused != 80 {
		t.Errorf("%d are booked and %d refused, of 120 places", booked, refused)
	}
}

// Meanwhile others book the same times with providers whom they name: while a place is left, whoever takes anybody gets it.
func TestWhoeverTakesAnybodyGetsWhatOthersLeave(t *testing.T) {
	c := throngOf(t, 4, 160)
	var direct atomic.Int64
	var booked, refused int
	var all sync.WaitGroup
	all.Go(func() { booked, refused, _ = c.come(4) })
	others := make([]access.Actor, 80)
	for i := range others {
		others[i] = c.Patient()
	}
	all.Go(func() {
		c.atOnce(len(others), func(i int) {
			switch _, err := c.book(others[i], c.Slot(c.providers[i%3], 9+i%4, 0)); {
			case err == nil:
				direct.Add(1)
			case !expected(err):
				t.Error(err)
			}
		})
	})
	all.Wait()
	if taken := booked + int(direct.Load()); taken != 160 || booked+refused != 160 {
		t.Errorf("%d with anybody and %d with somebody: %d of 160 places; %d were refused", booked, direct.Load(), taken, refused)
	}
	c.noDoubleBooking()
	c.countsMatchClaims()
}
