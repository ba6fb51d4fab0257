package wire

import (
	"context"
	"errors"
	"time"

	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// Guarded is what channels share: a guard, and its refusals in the words of reminder.Channel.
type Guarded struct{ Guard *resilience.Guard }

// stopped is why nobody was asked whose ctx had ended.
var stopped = reminder.NotAsked{Why: "stopped"}

// Enter is documented at reminder.Channel. It fails with NotAsked, too, when ctx ends first.
func (g Guarded) Enter(ctx context.Context) (exit func(), err error) {
	exit, err = g.Guard.Enter(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, stopped
	}
	return exit, g.told(err)
}

// MayRetry is documented at reminder.Channel.
func (g Guarded) MayRetry() error {
	if after, ok := g.Guard.Retry(); !ok {
		return reminder.NotAsked{Why: "budget", After: after}
	}
	return nil
}

// Call calls within the guard's time, for who has entered. What the vendor couldn't help is no fault of its: letters that it refuses, and
// whatever leave failed with.
func (g Guarded) Call(ctx context.Context, call func(context.Context) error) error {
	if ctx.Err() != nil {
		return stopped
	}
	err := g.Guard.Call(ctx, faulty, call)
	return g.told(err)
}

// askWait is how long a question waits for a place: with the time of its call it is less than reminder.Timing's Ask, after which another worker asks.
const askWait = 3 * time.Second

// Ask calls to find out about a letter, for who has not entered. A question takes a place among the letters that are in flight, after those
// that wait already, and doesn't wait for longer than 3 seconds. While a vendor is tried again, letters go first: a question is only asked if
// none is there. It fails with NotAsked, too, when it had no place.
func (g Guarded) Ask(ctx context.Context, call func(context.Context) error) error {
	if s := g.Guard.State(); s.State == "half-open" && s.InFlight+s.Waiting > 0 {
		return reminder.NotAsked{Why: "letters first", After: g.Guard.Again()}
	}
	waiting, cancel := context.WithTimeout(ctx, askWait)
	exit, err := g.Guard.Enter(waiting)
	cancel()
	switch {
	case ctx.Err() != nil:
		if err == nil {
			exit()
		}
		return stopped
	case errors.Is(err, context.DeadlineExceeded):
		return reminder.NotAsked{Why: "full", After: g.Guard.Again()}
	case err != nil:
		return g.told(err)
	}
	defer exit()
	return g.Call(ctx, call)
}

func (g Guarded) told(err error) error {
	switch {
	case errors.Is(err, resilience.ErrOpen):
		return reminder.NotAsked{Why: reminder.WhyOpen, After: g.Guard.Again(), Shut: g.Guard.Shut()}
	case errors.Is(err, resilience.ErrFull):
		return reminder.NotAsked{Why: "full", After: g.Guard.Again()}
	}
	return err
}

// faulty says that a failure is the vendor's: it can't be reached, doesn't answer, or answers that it is broken.
func faulty(err error) bool {
	if later, ok := errors.AsType[reminder.Later](err); ok {
		return later.Cause == reminder.VendorUnavailable
	}
	_, unclear := errors.AsType[reminder.Unclear](err)
	return unclear
}
