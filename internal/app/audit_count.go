package app

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/postgres"
)

// countsEvery is how often refusals of callers whom nobody knows are recorded.
const countsEvery = 5 * time.Second

// keepCounts records them until it is stopped, and what is left then.
func (a *App) keepCounts() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(countsEvery)
		defer tick.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
			a.flushCounts()
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func (a *App) flushCounts() {
	ctx, cancel := context.WithTimeout(context.Background(), postgres.WriteBound)
	defer cancel()
	if err := a.recorder.Flush(ctx); err != nil {
		a.frame.Log.Warn("refusals could not be recorded; it is tried again", "error", err)
	}
}
