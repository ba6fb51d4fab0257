package app

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/redis"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

// The window of this test is two seconds, so that its minutes pass.
const (
	stormWindow  = 2 * time.Second
	stormLimit   = 200 // a window
	stormPhases  = 5
	stormServers = 2
)

// While Redis is flushed, killed, started again empty and frozen, an attacker who floods both servers gets no more than half as much
// again as is allowed, and somebody who asks for a third of it is never refused.
func TestTheLimitHoldsWhileRedisFails(t *testing.T) {
	server := redistest.Start(t)
	var all sync.WaitGroup
	servers := make([]*limiter, stormServers)
	for i := range servers {
		client, err := redis.Open(redis.Options{URL: server.URL()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		servers[i] = newLimiter(limiting{
			RateSettings: RateSettings{Patient: stormLimit}, window: stormWindow, shared: client.Limits(),
			servers: func() int { return stormServers }, clock: clock.System{},
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	defer func() { stop(); all.Wait() }()
	var taken, refused atomic.Int64
	began := time.Now()
	for _, s := range servers {
		for range 4 {
			all.Go(func() {
				every(ctx, time.Millisecond, func() {
					if s.Allow(ctx, annAsks, 1).Wait == 0 {
						taken.Add(1)
					}
				})
			})
		}
		all.Go(func() {
			every(ctx, stormServers*3*stormWindow/stormLimit, func() {
				if s.Allow(ctx, bobAsks, 1).Wait > 0 {
					refused.Add(1)
				}
			})
		})
	}
	for _, fault := range []func(){
		func() {},
		func() { flush(t, server) },
		func() { killed(t, server) },
		func() { server = redistest.Again(t, server) },
		func() { frozen(t, server, stormWindow/2) },
	} {
		fault()
		<-time.After(stormWindow)
	}
	took := time.Since(began)
	stop()
	all.Wait()
	fair := float64(stormLimit) * float64(took) / float64(stormWindow)
	t.Logf("in %v the attacker got %d, %.2f times what is allowed", took.Round(time.Millisecond), taken.Load(), float64(taken.Load())/fair)
	if got := float64(taken.Load()); got > 1.5*fair || got < 0.5*fair {
		t.Errorf("the attacker got %.0f, where %.0f are allowed", got, fair)
	}
	if n := refused.Load(); n > 0 {
		t.Errorf("somebody who keeps to a third of the limit was refused %d times", n)
	}
}

// every does something again and again until ctx ends.
func every(ctx context.Context, pause time.Duration, do func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

func flush(t *testing.T, server *devstack.Redis) {
	t.Helper()
	if err := redistest.Client(t, server.URL()).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func killed(t *testing.T, server *devstack.Redis) {
	t.Helper()
	if err := syscall.Kill(server.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-server.Done()
}

func frozen(t *testing.T, server *devstack.Redis, d time.Duration) {
	t.Helper()
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if err := syscall.Kill(server.PID(), signal); err != nil {
			t.Fatal(err)
		}
		if signal == syscall.SIGSTOP {
			<-time.After(d)
		}
	}
}
