package workers

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Messenger is what the reminder room offers to have patients told.
type Messenger interface {
	// Plan turns notices of changed visits into messages.
	Plan(ctx context.Context, limit int) (int, error)
	// Replan has visits planned anew whose rules have changed, a page each turn.
	Replan(ctx context.Context, turns int) (int, error)
	// Dispatch hands messages that are due soon to the queue.
	Dispatch(ctx context.Context, q reminder.Queue, limit int) (int, error)
	// Reconcile finds messages that the queue has lost, or doesn't hand out.
	Reconcile(ctx context.Context, q reminder.Queue, limit int) (int, error)
	// Settle finds out what became of messages that may have been sent, so many of each channel, and answers how many there were of the one that had
	// the most.
	Settle(ctx context.Context, limit int) (int, error)
	// Expire ends messages that make no sense any more.
	Expire(ctx context.Context, limit int) (int, error)
	// Waiting lists messages of a channel that have been due for a while, or since just now, the longest first: those that follow a task, or, if it is
	// zero, from the first.
	Waiting(ctx context.Context, c reminder.ChannelKind, late time.Duration, after reminder.Task, limit int) ([]reminder.Task, error)
	// Send makes one attempt at a message.
	Send(ctx context.Context, t reminder.Task) (reminder.Verdict, error)
}

const (
	planEvery      = 250 * time.Millisecond
	planLimit      = 100
	replanEvery    = 250 * time.Millisecond
	replanTurns    = 20
	dispatchEvery  = 250 * time.Millisecond
	dispatchLimit  = 1_000
	reconcileEvery = 15 * time.Second
	reconcileLimit = 1_000
	settleEvery    = 2 * time.Second
	settleLimit    = 50
	endEvery       = 5 * time.Second
	endLimit       = 500
)

// Prepare plans messages, anew where rules have changed, finds out what became of lost ones and ends old ones, until ctx ends. Several processes may do so at once.
func Prepare(ctx context.Context, m Messenger, log *slog.Logger) {
	var wg sync.WaitGroup
	wg.Go(func() { repeat(ctx, planEvery, planLimit, m.Plan, log.With("job", "plan messages")) })
	wg.Go(func() { repeat(ctx, replanEvery, replanTurns, m.Replan, log.With("job", "plan messages anew")) })
	wg.Go(func() { repeat(ctx, settleEvery, settleLimit, m.Settle, log.With("job", "settle messages")) })
	wg.Go(func() { repeat(ctx, endEvery, endLimit, m.Expire, log.With("job", "expire messages")) })
	wg.Wait()
}

// Relay hands messages to the queue, and looks after those that it has, until ctx ends. One process of all does so at a time; two at once, as
// there may be for a moment, do no harm.
func Relay(ctx context.Context, m Messenger, q reminder.Queue, log *slog.Logger) {
	over := func(job func(context.Context, reminder.Queue, int) (int, error)) func(context.Context, int) (int, error) {
		return func(ctx context.Context, limit int) (int, error) { return job(ctx, q, limit) }
	}
	var wg sync.WaitGroup
	wg.Go(func() { repeat(ctx, dispatchEvery, dispatchLimit, over(m.Dispatch), log.With("job", "queue messages")) })
	wg.Go(func() {
		repeat(ctx, reconcileEvery, reconcileLimit, over(m.Reconcile), log.With("job", "reconcile messages"))
	})
	wg.Wait()
}
