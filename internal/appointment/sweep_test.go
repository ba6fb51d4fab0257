package appointment

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// hall is a store whose providers each have a hold that ran out; lapse says how ending it goes.
type hall struct {
	Store
	lapse func(clinic.Ref) error

	mu  sync.Mutex
	due []clinic.Ref
}

func (h *hall) DueHolds(_ context.Context, _ time.Time, passed []clinic.Ref, limit int) ([]clinic.Ref, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(h.due), func(r clinic.Ref) bool { return slices.Contains(passed, r) })
	return left[:min(limit, len(left))], nil
}

func (h *hall) LapseHolds(_ context.Context, provider clinic.Ref, _ time.Time) (int, error) {
	if err := h.lapse(provider); err != nil {
		return 0, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.due = slices.DeleteFunc(h.due, func(r clinic.Ref) bool { return r == provider })
	return 1, nil
}

func newHall(providers int, lapse func(clinic.Ref) error) (*hall, *Service) {
	h := &hall{lapse: lapse}
	for i := range providers {
		h.due = append(h.due, clinic.Ref{ID: uuid.UUID{15: byte(i)}})
	}
	return h, NewService(h, nil, nil, Limits{}, clinic.Source{Clock: clock.FrozenAt(time.Unix(0, 0))})
}

func TestASweepGoesOnPastProvidersWhoFail(t *testing.T) {
	busy, broken := errs.TryAgain(errors.New("locked")), errors.New("broken")
	for _, limit := range []int{1, 3, 100} {
		h, service := newHall(10, func(r clinic.Ref) error {
			switch r.ID[15] {
			case 0, 1:
				return busy
			case 2:
				return broken
			}
			return nil
		})
		n, err := service.Sweep(t.Context(), limit)
		if n != 7 || len(h.due) != 3 || !errors.Is(err, broken) || !errors.Is(err, busy) {
			t.Errorf("%d at a time: freed %d, left %d: %v", limit, n, len(h.due), err)
		}
	}
}

// One provider's end waits for the others': in turn they would never end.
func TestAStuckProviderHoldsNobodyUp(t *testing.T) {
	var others sync.WaitGroup
	others.Add(20)
	_, service := newHall(21, func(r clinic.Ref) error {
		if r.ID[15] == 0 {
			others.Wait()
		} else {
			others.Done()
		}
		return nil
	})
	if n, err := service.Sweep(t.Context(), 100); n != 21 || err != nil {
		t.Errorf("freed %d: %v", n, err)
	}
}
