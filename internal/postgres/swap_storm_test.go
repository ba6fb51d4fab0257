package postgres_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

var swaps = flag.Int("swaps", 15, "rounds of swaps, moves and cancellations of the same visits")

// Everybody swaps, moves and cancels the same dozen visits of three providers, some of them one patient's, with caps and rooms that are just
// enough.
func TestAStormOfSwapsLosesNoClaimAndLocksNobodyOut(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.needs("exam")
	for n := range 3 {
		d.mustRoom(n+1, "exam")
	}
	s := swapping{desk: d, providers: []clinic.Ref{d.Provider(1), d.Provider(2), d.Provider(1)}}
	d.capDay(s.providers[1], 8)
	d.capWindow(s.providers[2], 6)
	log := d.newLog()
	start, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		s.patients = append(s.patients, d.Patient())
	}
	before := d.deadlocks()
	for round := range *swaps {
		s.round()
		if round%100 == 0 || t.Failed() {
			d.standing()
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	d.standing()
	if after := d.deadlocks(); after != before {
		t.Errorf("%d deadlocks", after-before)
	}
	for _, p := range s.providers {
		d.mirrorMatches(log, start, p)
	}
	t.Logf("%d swaps, %d moves, %d cancellations, %d refused", s.swapped, s.moved, s.cancelled, s.refused)
	if s.swapped == 0 || s.moved == 0 || s.cancelled == 0 {
		t.Error("nothing was raced for")
	}
}

type swapping struct {
	*desk
	providers []clinic.Ref
	patients  []access.Actor
	visits    []appointment.Appointment

	mu                                 sync.Mutex
	swapped, moved, cancelled, refused int
}

// round books what is missing of a dozen visits, and has eight people change them at once.
func (s *swapping) round() {
	for tries := 0; len(s.visits) < 12 && tries < 200; tries++ {
		if b, err := s.book(s.patients[rand.IntN(len(s.patients))], s.anywhere()); err == nil && !b.Replayed {
			s.visits = append(s.visits, b.Appointment)
		}
	}
	if len(s.visits) < 12 {
		s.t.Fatalf("only %d visits have room", len(s.visits))
	}
	gone := make([]bool, len(s.visits))
	var all sync.WaitGroup
	for who := range 8 {
		all.Go(func() { s.change(who, gone) })
	}
	all.Wait()
	kept := s.visits[:0]
	for i, ap := range s.visits {
		if !gone[i] {
			kept = append(kept, ap)
		}
	}
	s.visits = kept
}

func (s *swapping) change(who int, gone []bool) {
	i, j := rand.IntN(len(s.visits)), rand.IntN(len(s.visits)-1)
	if j >= i {
		j++
	}
	var err error
	done := &s.swapped
	switch {
	case who < 5:
		_, err = s.swap(s.FrontDesk(), s.visits[i], s.visits[j])
	case who < 7:
		_, err = s.move(s.FrontDesk(), s.visits[i], s.anywhere())
		done = &s.moved
	default:
		_, err = s.Cancel(s.t.Context(), s.FrontDesk(), appointment.CancelVisit{Appointment: s.visits[i].Ref(), Reason: appointment.ClinicRequest})
		done = &s.cancelled
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		*done++
		gone[i] = gone[i] || done == &s.cancelled
	case expected(err):
		s.refused++
	default:
		s.t.Errorf("%v, broken: %v, of %+v", err, brokenBy(err), errors.Unwrap(err))
	}
}

func (s *swapping) anywhere() availability.SlotID {
	return s.Slot(s.providers[rand.IntN(len(s.providers))], 9+rand.IntN(5), 30*rand.IntN(2))
}
