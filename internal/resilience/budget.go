package resilience

import (
	"math/rand/v2"
	"sync"
	"time"
)

// The budget of retries, over the last ten seconds.
const (
	budgetWindow = 10 // seconds
	budgetShare  = 10 // one retry for so many first calls
	budgetFloor  = 10 // retries that there may be however few calls there are: one a second
)

// Budget keeps what is called again from being much of all calls, so that a dependency in trouble isn't pressed: a tenth of the first
// calls of the last ten seconds, or ten, if that is more. A retry that it has no room for is delayed, never dropped.
type Budget struct {
	now   func() time.Duration
	began time.Duration

	mu      sync.Mutex
	seconds [budgetWindow]struct {
		at             int64 // which second it counts
		calls, retries int
	}
}

// NewBudget reads the time from a clock that nobody sets, such as clock.Uptime.
func NewBudget(now func() time.Duration) *Budget { return &Budget{now: now, began: now()} }

// Called notes a call that is made, be it the first or a retry.
func (b *Budget) Called() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seconds[b.turn()].calls++
}

// Take takes one retry out of the budget. If nothing is left, it may be asked again after a while, which differs from one caller to
// the next.
func (b *Budget) Take() (after time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	place := b.turn()
	calls, retries := 0, 0
	for _, s := range b.seconds {
		if s.at > b.seconds[place].at-budgetWindow {
			calls, retries = calls+s.calls, retries+s.retries
		}
	}
	if retries >= max(budgetFloor, (calls-retries)/budgetShare) {
		return budgetWindow*time.Second/2 + rand.N(budgetWindow*time.Second), false
	}
	b.seconds[place].retries++
	return 0, true
}

// turn is the place of this second.
func (b *Budget) turn() int {
	second := int64((b.now() - b.began) / time.Second)
	place := int(second % budgetWindow)
	if s := &b.seconds[place]; s.at != second {
		s.at, s.calls, s.retries = second, 0, 0
	}
	return place
}
