package app

import (
	"context"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/workers"
)

// account wires what tells of messages. A process that sends has figures of them.
func (a *App) account(source clinic.Source) {
	store := postgres.NewMessages(a.db)
	a.ledger, a.deadLetters = reminder.NewLedger(store), reminder.NewDeadLetters(store, source, rest)
	a.counts = &messageFigures{read: store.Figures, clock: a.frame.Clock}
	if a.frame.Messaging != nil {
		a.counts.register(a.figures)
	}
}

// counting reads figures of messages beside what else one process of all does.
func (a *App) counting(ctx context.Context, beside func(context.Context)) {
	var all sync.WaitGroup
	all.Go(func() { workers.Measure(ctx, a.counts, a.frame.Log) })
	beside(ctx)
	all.Wait()
	a.counts.forget()
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
