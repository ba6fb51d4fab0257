// Package resilience is part of the cellar: how long it takes to give up on what the process depends on, and to come back to it. What
// holds for each dependency stands in one table (table.go); the law by which a failed call is made again is in retry.go.
package resilience

import (
	"errors"
	"sync/atomic"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// ErrOpen is why a dependency wasn't asked: it has failed too often just now.
var ErrOpen = errors.New("resilience: it has failed too often to be asked")

// Breaker keeps calls from a dependency that fails, but for one every now and then.
type Breaker struct {
	breaker circuitbreaker.CircuitBreaker[any]
	counts  struct{ succeeded, failed, kept, opened atomic.Int64 }
}

// For makes the breaker of a dependency. A process has one for each.
func For(d Dependency) *Breaker {
	p := PolicyOf(d)
	if p.Breaker == (Breaking{}) {
		panic("resilience: no breaker for " + string(d))
	}
	return p.Breaker.breaker()
}

func (p Breaking) breaker() *Breaker {
	b := &Breaker{}
	b.breaker = circuitbreaker.NewBuilder[any]().
		WithFailureThresholdRatio(p.Bad, p.Last).
		WithSuccessThreshold(p.Probes). // and with it as many probes at a time
		WithDelay(p.Pause).
		OnOpen(func(circuitbreaker.StateChangedEvent) { b.counts.opened.Add(1) }).
		Build()
	return b
}

// Do calls, unless the dependency has failed too often: that is ErrOpen. Any error counts as a failure of the dependency; so the call
// has a time limit of its own and doesn't end because whoever asked for it has gone.
func (b *Breaker) Do(call func() error) (err error) {
	if !b.breaker.TryAcquirePermit() {
		b.counts.kept.Add(1)
		return ErrOpen
	}
	failed := true // also when it panics, or the probe's permit would be lost for good
	defer func() {
		if failed {
			b.counts.failed.Add(1)
			b.breaker.RecordFailure()
			return
		}
		b.counts.succeeded.Add(1)
		b.breaker.RecordSuccess()
	}()
	err = call()
	failed = err != nil
	return err
}

// State is how a breaker stands, and what it has counted since the process began.
type State struct {
	State     string `json:"state"`     // closed, open or half-open
	Succeeded int64  `json:"succeeded"` // calls
	Failed    int64  `json:"failed"`    // calls
	Kept      int64  `json:"kept"`      // calls that were not made
	Opened    int64  `json:"opened"`    // times
}

// State reads the breaker.
func (b *Breaker) State() State {
	return State{
		State: b.breaker.State().String(), Succeeded: b.counts.succeeded.Load(), Failed: b.counts.failed.Load(),
		Kept: b.counts.kept.Load(), Opened: b.counts.opened.Load(),
	}
}
