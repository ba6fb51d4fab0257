package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/redis"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

func TestSentinelsLeadToThePrimaryAndToTheNextOne(t *testing.T) {
	g := redistest.StartReplicated(t)
	c, err := redis.Open(redis.Options{Sentinels: g.Sentinels(), Master: redistest.PrimaryName, Password: g.Password, SentinelPassword: g.Password})
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
	g.AwaitSteady(t).Kill()
	began := time.Now()
	within(t, 20*time.Second, "a message goes through the next primary", func() bool { return carried("after") })
	within(t, 5*time.Second, "what can do without Redis asks it again", func() bool { return c.Ping(t.Context()) == nil })
	t.Logf("the next primary was found after %v", time.Since(began).Round(100*time.Millisecond))
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
