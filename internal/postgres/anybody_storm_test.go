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
	"github.com/mediconnect/mediconnect/internal/errs"
)

// throng are bookings with anybody, all at once.
type throng struct {
	*desk
	providers []clinic.Ref
	patients  []access.Actor
	busy      *atomic.Int64 // how often a time limit was over
}

// throngOf has ten providers with a capacity at each time.
func throngOf(t *testing.T, capacity, bookings int) throng {
	c := throng{desk: newDesk(t), providers: make([]clinic.Ref, 10), patients: make([]access.Actor, bookings), busy: &atomic.Int64{}}
	for i := range c.providers {
		c.providers[i] = c.Provider(capacity)
	}
	for i := range c.patients {
		c.patients[i] = c.Patient()
	}
	c.atOnce(40, func(i int) { // so that no connection is new, and has everything to plan
		if err := c.insists(c.Patient(), c.anybody(warm, i%2*30)); err != nil && !expected(err) {
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
		err := c.insists(c.patients[i], c.anybody(9+i%hours, 0))
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

// insists books, and asks again with the same key where a time limit of the server's was over before there was an answer: how much two hundred
// can wait behind each other in 5 s is the machine's. Whatever is decided is decided in one request.
func (c throng) insists(who access.Actor, target appointment.Target) error {
	in := appointment.BookVisit{Target: target, Key: key()}
	for {
		_, err := c.Book(c.t.Context(), who, in)
		if busy, is := errors.AsType[*errs.Error](err); !is || busy.Kind != errs.Busy || busy.Cause == nil {
			return err
		}
		c.busy.Add(1)
	}
}

// anybody is whoever is free at a time.
func (c throng) anybody(hour, minute int) appointment.Target {
	any := c.anybodyAt(hour, minute)
	return appointment.Target{Any: &any}
}

func (c throng) atOnce(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
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
		t.Logf("%s: the slowest of 200 took %v; %d times a limit was over", mode, longest, c.busy.Load())
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
			slot := c.Slot(c.providers[i%3], 9+i%4, 0)
			switch err := c.insists(others[i], appointment.Target{Slot: &slot}); {
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
