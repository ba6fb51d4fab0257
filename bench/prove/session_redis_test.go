package prove_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

// load is how much goes on, and for how long Redis is away.
type load struct {
	sessions, perSecond int
	pause, away         time.Duration
}

func sizeOfLoad() load {
	if alone() {
		return load{sessions: *clients, perSecond: 100, pause: 15 * time.Second, away: 5 * time.Minute}
	}
	return load{sessions: 100, perSecond: 30, pause: 3 * time.Second, away: 10 * time.Second}
}

const (
	perMinute       = 100 // that somebody may ask
	attacksPerSec   = 20
	probesPerSec    = 10
	leaversInAPause = 6
)

// What happens to Redis, one after the other; each ends with all of it well again.
var redisFaults = []struct {
	name string
	do   func(t *testing.T, r *redistest.Replicated, size load)
}{
	{"the primary is killed", func(t *testing.T, r *redistest.Replicated, _ load) {
		first := r.AwaitSteady(t)
		first.Kill()
		r.AwaitOther(t, first)
		first.Start(t)
	}},
	{"the primary is cut off behind replicas that lag", func(t *testing.T, r *redistest.Replicated, size load) {
		first := r.AwaitSteady(t)
		first.Lag(true)
		wait(t, size.pause)
		first.Cut(true)
		r.AwaitOther(t, first)
		first.Lag(false)
		first.Cut(false)
	}},
	{"it is flushed", func(t *testing.T, r *redistest.Replicated, _ load) { r.AwaitSteady(t).Flush(t, r.Password) }},
	{"it is restarted empty, sooner than anybody notices", func(t *testing.T, r *redistest.Replicated, _ load) {
		n := r.AwaitSteady(t)
		n.Kill()
		n.Start(t)
	}},
	{"all of it is away", func(t *testing.T, r *redistest.Replicated, size load) {
		r.AwaitSteady(t)
		r.Leave()
		wait(t, size.away)
		r.Return(t)
	}},
}

func wait(t *testing.T, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// Whoever is signed in stays so, whoever signed out is out, and whoever asks too often is refused, whatever becomes of Redis.
func TestSessionsAndLimitsOutliveRedis(t *testing.T) {
	size := sizeOfLoad()
	redis := redistest.StartReplicated(t)
	c := newCrowd(t, redis, size)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	began := time.Now()
	all.Go(func() { beat(ctx, &all, size.perSecond, func() { c.turn(ctx, c.holders[rand.N(len(c.holders))]) }) })
	all.Go(func() { beat(ctx, &all, attacksPerSec, func() { c.attack(ctx, c.attacker) }) })
	all.Go(func() { c.leave(ctx, &all) })
	wait(t, size.pause)
	before := redis.AwaitSteady(t).Copy(t, redis.Password)
	for _, fault := range redisFaults {
		c.during(fault.name, func() {
			fault.do(t, redis, size)
			wait(t, size.pause)
		})
	}
	c.during("it is restored from an old copy", func() {
		redis.AwaitSteady(t).Restore(t, redis.Password, before)
		wait(t, size.pause)
	})
	stop()
	all.Wait()
	c.judge(time.Since(began), before.Len())
}

// leave has somebody sign out every now and then, and those who have try to get in again, until ctx ends.
func (c *crowdOf) leave(ctx context.Context, all *sync.WaitGroup) {
	all.Go(func() { beat(ctx, all, probesPerSec, func() { c.probeOne(ctx) }) })
	tick := time.NewTicker(c.size.pause / leaversInAPause)
	defer tick.Stop()
	for _, h := range c.leavers {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.part(ctx, h)
		}
	}
}

// during notes how a time went.
func (c *crowdOf) during(what string, do func()) {
	c.mu.Lock()
	from := len(c.took)
	c.mu.Unlock()
	do()
	c.mu.Lock()
	defer c.mu.Unlock()
	took := c.took[from:]
	c.t.Logf("%s: %d requests, p95 %s, slowest %s", what, len(took), within95(took).Round(time.Millisecond), slices.Max(append(took, 0)).Round(time.Millisecond))
}

// judge says whether it went as it should.
func (c *crowdOf) judge(in time.Duration, copied int) {
	c.t.Helper()
	failed := 0
	for what, n := range c.faults {
		failed += n
		c.t.Logf("%d failed: %s", n, what)
	}
	p95, ratio := within95(c.took), float64(c.allowed.Load())/(perMinute*in.Minutes())
	c.t.Logf("%d requests of %d sessions in %s: %d failed, p95 %s; %d signed out, %d tries to get in again, %d let in; "+
		"of somebody who asks %d times a second %d were answered and %d refused: %.2f of the limit; %d keys were restored",
		len(c.took), len(c.holders), in.Round(time.Second), failed, p95.Round(time.Millisecond), len(c.gone), c.probed.Load(), c.let.Load(),
		attacksPerSec, c.allowed.Load(), c.refused.Load(), ratio, copied)
	if n := c.signed.Load(); n > 0 {
		c.t.Errorf("%d requests of people who are signed in were told to sign in", n)
	}
	if n := c.let.Load(); n > 0 {
		c.t.Errorf("%d requests of sessions that had been ended were answered", n)
	}
	if failed*1000 > len(c.took) {
		c.t.Errorf("%d of %d requests failed", failed, len(c.took))
	}
	if len(c.gone) == 0 || c.refused.Load() == 0 || copied == 0 {
		c.t.Error("nothing was tried")
	}
	// What may be asked at once is allowed on top: over a few minutes it doesn't show.
	if most := 1.5 * perMinute * (in.Minutes() + atOnce()); float64(c.allowed.Load()) > most {
		c.t.Errorf("%d requests of somebody who asks too often were answered, more than %.0f", c.allowed.Load(), most)
	}
	if alone() && p95 > 500*time.Millisecond {
		c.t.Errorf("95 of 100 requests took up to %s", p95)
	}
}

// atOnce is how many minutes' worth may be asked at once, where that shows.
func atOnce() float64 {
	if alone() {
		return 0
	}
	return 1
}
