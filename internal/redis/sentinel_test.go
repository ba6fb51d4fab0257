package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/redis"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

func TestSentinelsLeadToThePrimaryAndToTheNextOne(t *testing.T) {
	g := redistest.StartGroup(t)
	c, err := redis.Open(redis.Options{
		Sentinels: g.Addresses(), Master: devstack.SentinelMaster, Password: g.Primary.Password(), SentinelPassword: g.Primary.Password(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	heard := make(chan string, 1000)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // as the feed does: it listens again whenever that ends
		for ctx.Err() == nil {
			_ = c.Bus("news").Listen(ctx, time.Second, func(m []byte) { heard <- string(m) })
		}
	}()
	carried := func(message string) bool {
		if c.Bus("news").Publish(t.Context(), []byte(message)) != nil {
			return false
		}
		select {
		case m := <-heard:
			return m == message
		case <-time.After(50 * time.Millisecond):
			return false
		}
	}
	within(t, 10*time.Second, "a message goes through", func() bool { return carried("before") })
	replicated(t, g)
	kill(t, g.Primary)
	began := time.Now()
	within(t, 20*time.Second, "a message goes through the next primary", func() bool { return carried("after") })
	within(t, 5*time.Second, "what can do without Redis asks it again", func() bool { return c.Ping(t.Context()) == nil })
	t.Logf("the next primary was found after %v", time.Since(began).Round(100*time.Millisecond))
}

// replicated waits until the Sentinels know the replicas, from one of which they will choose.
func replicated(t *testing.T, g redistest.Group) {
	t.Helper()
	for _, s := range g.Sentinels {
		known := redistest.Client(t, s.URL())
		within(t, 15*time.Second, "a Sentinel knows two replicas and two others", func() bool {
			replicas, err := known.Do(t.Context(), "SENTINEL", "REPLICAS", devstack.SentinelMaster).Slice()
			others, otherErr := known.Do(t.Context(), "SENTINEL", "SENTINELS", devstack.SentinelMaster).Slice()
			return err == nil && otherErr == nil && len(replicas) == 2 && len(others) == 2
		})
	}
}

func within(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !is(); <-tick.C {
		if time.Since(began) > limit {
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}
