package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

var errFound = errors.New("found")

// The worker as it runs, and the log as a follower sees it. The first hold finds out how far the worker is.
func TestTheWorkerLapsesAHoldWithinASecond(t *testing.T) {
	pool := pgtest.New(t)
	office, now := sample.NewClinic(t, pool), clock.FrozenAt(sample.Dawn)
	a := wire(Frame{Clock: now, Log: slog.New(slog.DiscardHandler)}, postgres.New(pool, keytest.Of(t, pool)))
	log := postgres.NewLog(postgres.New(pool, nil))
	working, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- a.Work(working) }()
	for _, bound := range []time.Duration{time.Minute, time.Second} {
		provider := office.Provider(1)
		hold := place(t, a, office.Patient(), appointment.PlaceHold{Slot: office.Slot(provider, 10, 0), Key: sample.NewID().String()})
		start, err := log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ended := time.Now()
		now.Set(hold.ExpiresAt)
		ctx, cancel := context.WithTimeout(t.Context(), bound)
		err = live.Follow(ctx, log, start, 10*time.Millisecond, func(e live.Entry) error {
			if e.Topic == "hold.lapsed" && e.Provider == provider.ID {
				return errFound
			}
			return nil
		})
		cancel()
		if !errors.Is(err, errFound) {
			t.Errorf("after %v: %v", time.Since(ended), err)
		}
	}
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func place(t *testing.T, a *App, who access.Actor, in appointment.PlaceHold) appointment.Hold {
	t.Helper()
	hold, err := a.appointments.Hold(t.Context(), who, in)
	if err != nil {
		t.Fatal(err)
	}
	return hold
}
