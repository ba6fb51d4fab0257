package wire

import (
	"context"
	"errors"

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

func (g Guarded) told(err error) error {
	switch {
	case errors.Is(err, resilience.ErrOpen):
		return reminder.NotAsked{Why: "open", After: g.Guard.Again()}
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
