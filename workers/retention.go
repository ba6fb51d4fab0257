package workers

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Retainer is what the retention room offers so that nothing is kept for longer than it may be.
type Retainer interface {
	// Expire erases patients whose last appointment is years ago, looking through limit of them at a time. Of zero years it erases nobody.
	Expire(ctx context.Context, years, limit int) (int, error)
	// Finish destroys keys that a crash has left of erased patients, looking through limit of them at a time.
	Finish(ctx context.Context, limit int) (int, error)
}

const (
	expireEvery = 24 * time.Hour
	finishEvery = time.Hour
	retainLimit = 1000
)

// Retain erases whoever was kept long enough, at once and daily, until ctx ends. Several processes may do so at once. A run takes as
// long as it takes, in steps that are bounded; one that fails is logged, and the next one comes as usual.
func Retain(ctx context.Context, r Retainer, years int, log *slog.Logger) {
	all := ctx
	expire := func(context.Context, int) (int, error) {
		n, err := r.Expire(all, years, retainLimit)
		if n > 0 {
			log.Info("patients were erased as their time was over", "patients", n)
		}
		return 0, err
	}
	finish := func(context.Context, int) (int, error) {
		n, err := r.Finish(all, retainLimit)
		if n > 0 {
			log.Warn("keys of erased patients were left, and are destroyed now", "keys", n)
		}
		return 0, err
	}
	var wg sync.WaitGroup
	wg.Go(func() { repeat(ctx, expireEvery, 1, expire, log.With("job", "expire")) })
	wg.Go(func() { repeat(ctx, finishEvery, 1, finish, log.With("job", "finish erasures")) })
	wg.Wait()
}
