package app

import (
	"math"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/graph/throttle"
)

// rate is how many executions are allowed in a window, and at once.
type rate struct {
	limit  int
	window time.Duration
}

// cost is the time in which so many executions come back.
func (r rate) cost(n int) time.Duration {
	return time.Duration(float64(r.window) / float64(r.limit) * float64(n))
}

// executions are as many as come back in a time.
func (r rate) executions(in time.Duration) int {
	const rounding = time.Microsecond
	return max(0, int(float64(in+rounding)/float64(r.window)*float64(r.limit)))
}

// bucket is what one process knows of a caller, by the generic cell rate algorithm (GCRA; ITU-T I.371): when all that they may have
// comes back, if they ask for nothing more. They may ask for what lies within a window from now.
type bucket struct {
	mu      sync.Mutex
	full    time.Time
	pending time.Duration // what Redis has been asked for and hasn't answered yet
}

// hold is what an operation has been given while Redis is asked.
type hold struct {
	rate   rate
	at     time.Time
	cost   time.Duration
	counts time.Time     // when all comes back, this operation included
	before time.Duration // what Redis hadn't answered by then
}

// share is what one of several servers counts, and the most that it allows at once.
type share struct{ cost, room time.Duration }

// hold counts an operation if it is allowed as far as this process knows, else it answers how long to wait.
func (b *bucket) hold(now time.Time, r rate, n int) (hold, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := hold{rate: r, at: now, cost: r.cost(n), before: b.pending}
	b.clamp(now, r.window)
	if wait := b.full.Add(h.cost).Sub(now) - r.window; wait > 0 {
		return h, wait
	}
	b.full = b.full.Add(h.cost)
	b.pending += h.cost
	h.counts = b.full
	return h, 0
}

// clamp keeps the instant between now and a window from now, also when the machine's clock was set back.
func (b *bucket) clamp(now time.Time, window time.Duration) {
	if b.full.Before(now) {
		b.full = now
	}
	if most := now.Add(window); b.full.After(most) {
		b.full = most
	}
}

// told takes over what Redis says: how long it takes until all is back, and whether it counted the operation. It answers how much Redis
// has forgotten of what is known here. Operations that were asked for at the same time may have come to Redis in another order: what
// was pending is no loss.
func (b *bucket) told(h hold, full time.Duration, counted bool) (forgotten time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending -= h.cost
	if !counted {
		b.full = b.full.Add(-h.cost)
	}
	said := h.at.Add(full)
	if said.After(b.full) {
		b.full = said
	}
	if !counted {
		return 0
	}
	return h.counts.Sub(said) - h.before
}

// alone counts a held operation as one that nobody else counts. It answers how long to wait if it is too much.
func (b *bucket) alone(h hold, s share) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending -= h.cost
	b.full = b.full.Add(-h.cost)
	b.clamp(h.at, h.rate.window)
	if wait := b.full.Add(s.cost).Sub(h.at) - s.room; wait > 0 {
		return wait
	}
	b.full = b.full.Add(s.cost)
	return 0
}

// until is how long to wait for an operation to be allowed.
func (b *bucket) until(h hold) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.full.Add(h.cost).Sub(h.at)-h.rate.window, time.Millisecond)
}

// wait is how long until one more is allowed, as far as this process knows.
func (b *bucket) wait(now time.Time, r rate) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, b.full.Add(r.cost(1)).Sub(now)-r.window)
}

// state is what a caller is told.
func (b *bucket) state(now time.Time, policy string, r rate, wait time.Duration) throttle.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clamp(now, r.window)
	used := b.full.Sub(now)
	return throttle.State{
		Policy: policy, Limit: r.limit, Remaining: min(r.limit, r.executions(r.window-used)), Full: used, Wait: int(math.Ceil(wait.Seconds())),
	}
}
