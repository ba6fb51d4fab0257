package appointment

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// sweepers is for how many providers holds lapse at a time: enough that a stuck one doesn't hold the others up, and few
// beside the connections that bookings need.
const sweepers = 4

// Sweep lapses every hold that has run out, for limit providers at a time; it answers how many claims that freed. A provider
// who can't be reached is passed over until the next sweep, and the error tells of it.
func (s *Service) Sweep(ctx context.Context, limit int) (int, error) {
	now := s.Clock.Now()
	var past round
	for {
		due, err := s.store.DueHolds(ctx, now, past.stuck, limit)
		if err != nil || len(due) == 0 {
			return past.freed, errors.Join(past.failed, past.busy, err)
		}
		past.add(s.lapse(ctx, due, now))
	}
}

// round is how lapsing went. Being busy is told once, not for each provider.
type round struct {
	freed        int
	stuck        []clinic.Ref
	failed, busy error
}

func (r *round) add(o round) {
	r.freed += o.freed
	r.stuck = append(r.stuck, o.stuck...)
	r.failed = errors.Join(r.failed, o.failed)
	r.busy = cmp.Or(r.busy, o.busy)
}

func (s *Service) lapse(ctx context.Context, due []clinic.Ref, now time.Time) round {
	var (
		work sync.WaitGroup
		mu   sync.Mutex
		all  round
	)
	next := make(chan clinic.Ref)
	for range min(sweepers, len(due)) {
		work.Go(func() {
			for provider := range next {
				one := s.lapseOf(ctx, provider, now)
				mu.Lock()
				all.add(one)
				mu.Unlock()
			}
		})
	}
	for _, provider := range due {
		next <- provider
	}
	close(next)
	work.Wait()
	return all
}

func (s *Service) lapseOf(ctx context.Context, provider clinic.Ref, now time.Time) round {
	n, err := s.store.LapseHolds(ctx, provider, now)
	switch {
	case errs.Of(err) == errs.Busy:
		return round{stuck: []clinic.Ref{provider}, busy: err}
	case err != nil:
		return round{stuck: []clinic.Ref{provider}, failed: err}
	}
	return round{freed: n}
}

// Tidy takes what is over out of the way; it answers how much it did.
func (s *Service) Tidy(ctx context.Context, limit int) (int, error) {
	return s.store.Tidy(ctx, s.Clock.Now(), limit)
}
