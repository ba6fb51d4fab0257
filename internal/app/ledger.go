package app

import (
	"context"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/waitlist"
	"github.com/mediconnect/mediconnect/workers"
)

// account wires what tells of messages. A process that sends has figures of them, and of waitlists.
func (a *App) account(source clinic.Source) {
	store := postgres.NewMessages(a.db)
	a.ledger, a.deadLetters = reminder.NewLedger(store), reminder.NewDeadLetters(store, source, rest)
	a.counts = &messageFigures{measured[reminder.Figures]{read: store.Figures, clock: a.frame.Clock}}
	a.waits = &waitFigures{measured[waitlist.Figures]{read: postgres.NewWaitlistStore(a.db).Figures, clock: a.frame.Clock}}
	if a.frame.Messaging != nil {
		a.counts.register(a.figures)
		a.waits.register(a.figures)
	}
}

// counting reads figures of messages and waitlists beside what else one process of all does.
func (a *App) counting(ctx context.Context, beside func(context.Context)) {
	var all sync.WaitGroup
	all.Go(func() { workers.Measure(ctx, "measure messages", a.counts, a.frame.Log) })
	all.Go(func() { workers.Measure(ctx, "measure waitlists", a.waits, a.frame.Log) })
	beside(ctx)
	all.Wait()
	a.counts.forget()
	a.waits.forget()
}

const usualMessageDays = 400

// messagesKept is how long messages are kept.
func (f Frame) messagesKept() time.Duration {
	days := f.KeepMessageDays
	if days == 0 {
		days = usualMessageDays
	}
	return time.Duration(days) * 24 * time.Hour
}
