package workers

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Sealer is what the audit room offers to guard the record of who saw what.
type Sealer interface {
	// Seal links what was recorded to the chains, limit events at a time, and answers how many.
	Seal(ctx context.Context, limit int) (int, error)
	// Due says whether so much was sealed that Anchor shall not wait.
	Due() bool
	// Anchor tells outside the database where the chains stand.
	Anchor(ctx context.Context) error
	// Prune drops what has been kept long enough, at most limit events of each chain, and answers how many.
	Prune(ctx context.Context, keep time.Duration, limit int) (int, error)
}

// Sealing is how often and for how long.
type Sealing struct {
	AnchorEvery time.Duration
	Keep        time.Duration
}

const (
	sealEvery  = 500 * time.Millisecond
	sealLimit  = 1000
	pruneEvery = time.Hour
	pruneLimit = 5000
	lastWords  = 5 * time.Second
	lastEvery  = 40 * time.Millisecond
	lastTries  = 3
)

// Seal guards the record until ctx ends; then it seals and anchors what is left. Several processes may do so at once.
func Seal(ctx context.Context, s Sealer, how Sealing, log *slog.Logger) {
	var wg sync.WaitGroup
	wg.Go(func() { repeat(ctx, sealEvery, sealLimit, sealing(s), log.With("job", "seal")) })
	wg.Go(func() { repeat(ctx, how.AnchorEvery, 1, anchoring(s), log.With("job", "anchor")) })
	wg.Go(func() {
		repeat(ctx, pruneEvery, pruneLimit, func(ctx context.Context, limit int) (int, error) { return s.Prune(ctx, how.Keep, limit) }, log.With("job", "prune"))
	})
	wg.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if err := errors.Join(sealLast(ctx, s), s.Anchor(ctx)); err != nil {
		log.Warn("the last events are not anchored yet", "error", err)
	}
}

// sealLast seals a few times: what others were writing when this process was told to stop may be about to end.
func sealLast(ctx context.Context, s Sealer) (err error) {
	tick := time.NewTicker(lastEvery)
	defer tick.Stop()
	for range lastTries {
		if _, err = s.Seal(ctx, sealLimit); ctx.Err() != nil {
			break
		}
		<-tick.C
	}
	return err
}

func sealing(s Sealer) func(context.Context, int) (int, error) {
	return func(ctx context.Context, limit int) (int, error) {
		n, err := s.Seal(ctx, limit)
		if s.Due() {
			err = errors.Join(err, s.Anchor(ctx))
		}
		return n, err
	}
}

func anchoring(s Sealer) func(context.Context, int) (int, error) {
	return func(ctx context.Context, _ int) (int, error) { return 0, s.Anchor(ctx) }
}
