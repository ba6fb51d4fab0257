// Package workers is the back stairs: what happens without anybody waiting for it.
package workers

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// Sweeper is what the rooms of visits offer for tidying up.
type Sweeper interface {
	// Sweep lapses holds that ran out, for limit providers at a time.
	Sweep(ctx context.Context, limit int) (int, error)
	// Lapse cancels what nobody approved in time, limit visits at a time.
	Lapse(ctx context.Context, limit int) (int, error)
	// Tidy takes at most limit rows of a kind out of the way that are over.
	Tidy(ctx context.Context, limit int) (int, error)
	// Equip goes on with visits that were booked before their kind needed what it does, a page each turn.
	Equip(ctx context.Context, turns int) (int, error)
	// Match finds those for whom there is a time on the waitlist, for limit turns at a time.
	Match(ctx context.Context, limit int) (int, error)
	// Rebook goes on with closures that run, for limit visits at a time.
	Rebook(ctx context.Context, limit int) (int, error)
}

// Trimmer is what the event log offers to stay small.
type Trimmer interface {
	// Trim drops entries that needn't be kept, about limit at a time.
	Trim(ctx context.Context, limit int) (int, error)
}

// How often and how much. A hold that runs out is lapsed within a second, so that whoever follows the log learns of it.
const (
	sweepEvery  = 250 * time.Millisecond
	sweepLimit  = 100
	lapseEvery  = time.Second
	lapseLimit  = 100
	tidyEvery   = 30 * time.Second
	tidyLimit   = 5_000
	equipEvery  = time.Second
	equipTurns  = 10
	matchEvery  = 250 * time.Millisecond
	matchLimit  = 20
	rebookEvery = 250 * time.Millisecond
	rebookLimit = 20
	trimEvery   = 10 * time.Second
	trimLimit   = 10_000
	oneRun      = 20 * time.Second
)

// Run sweeps, lapses, tidies, equips visits, offers freed times, rebooks and trims until ctx ends. Several processes may do so at once. A run that fails is logged, and the next one
// comes as usual: nothing depends on the queue.
func Run(ctx context.Context, s Sweeper, t Trimmer, log *slog.Logger) {
	var wg sync.WaitGroup
	wg.Go(func() { repeat(ctx, sweepEvery, sweepLimit, s.Sweep, log.With("job", "sweep")) })
	wg.Go(func() { repeat(ctx, lapseEvery, lapseLimit, s.Lapse, log.With("job", "lapse approvals")) })
	wg.Go(func() { repeat(ctx, tidyEvery, tidyLimit, s.Tidy, log.With("job", "tidy")) })
	wg.Go(func() { repeat(ctx, equipEvery, equipTurns, s.Equip, log.With("job", "equip visits")) })
	wg.Go(func() { repeat(ctx, matchEvery, matchLimit, s.Match, log.With("job", "match waitlist")) })
	wg.Go(func() { repeat(ctx, rebookEvery, rebookLimit, s.Rebook, log.With("job", "rebook")) })
	wg.Go(func() { repeat(ctx, trimEvery, trimLimit, t.Trim, log.With("job", "trim")) })
	wg.Wait()
}

// Once does all of it until there is nothing left to do.
func Once(ctx context.Context, s Sweeper, t Trimmer) error {
	return errors.Join(run(ctx, sweepLimit, s.Sweep), run(ctx, lapseLimit, s.Lapse), run(ctx, tidyLimit, s.Tidy), run(ctx, equipTurns, s.Equip), run(ctx, matchLimit, s.Match), run(ctx, rebookLimit, s.Rebook), run(ctx, trimLimit, t.Trim))
}

func repeat(ctx context.Context, every time.Duration, limit int, job func(context.Context, int) (int, error), log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for bell := (bell{patience: int(busyFor / every)}); ; {
		if err := run(ctx, limit, job); ctx.Err() == nil && bell.rings(err) {
			log.Warn("a run failed; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// busyFor is how long a job may find somebody else at work before that is worth a warning.
const busyFor = 10 * time.Second

// bell says which of a job's failures is worth a warning: one of each streak.
type bell struct {
	patience int // runs that may be busy in a row
	busy     int
	rung     bool
}

func (b *bell) rings(err error) bool {
	if err == nil {
		b.busy, b.rung = 0, false
		return false
	}
	if passing(err) {
		b.busy++
	}
	if b.rung || passing(err) && b.busy <= b.patience {
		return false
	}
	b.rung = true
	return true
}

// passing says whether everything that failed was busy and nothing else.
func passing(err error) bool {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(all.Unwrap(), func(e error) bool { return !passing(e) })
	}
	return errs.Of(err) == errs.Busy
}

// run does a job until there is no more of it.
func run(ctx context.Context, limit int, job func(context.Context, int) (int, error)) error {
	ctx, cancel := context.WithTimeout(ctx, oneRun)
	defer cancel()
	for {
		n, err := job(ctx, limit)
		if err != nil || n < limit {
			return err
		}
	}
}
