package resilience

import (
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// gate is a breaker that lets exactly so many probes through after each pause. The library's own permits are not used: it hands one out
// anew for each probe that ends, and one that is given back must be recorded as good or bad.
type gate struct {
	probes uint
	now    func() time.Duration

	mu      sync.Mutex
	breaker circuitbreaker.CircuitBreaker[any] // used under mu alone, and so are its listeners
	left    uint                               // probes that may yet be made, while it is half-open
	era     int                                // begins with each change of state: what was asked in an earlier one says nothing of this
	opened  int64
	since   time.Duration // when it was closed last, unless it is
}

// newGate counts over the last calls. The library takes a window in time; one of no length is one of calls.
func newGate(p Breaking, now func() time.Duration) *gate {
	g := &gate{probes: p.Probes, now: now}
	g.breaker = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(float64(p.Bad)/float64(p.Last), p.Last, 0).
		WithSuccessThreshold(p.Probes).
		WithDelay(p.Pause).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			g.era++
			if e.OldState == circuitbreaker.ClosedState {
				g.since = now()
			}
			if e.NewState == circuitbreaker.OpenState {
				g.opened++
			}
		}).
		Build()
	return g
}

// passes says whether a call would be let through now.
func (g *gate) passes() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch g.breaker.State() {
	case circuitbreaker.OpenState:
		return g.breaker.RemainingDelay() <= 0
	case circuitbreaker.HalfOpenState:
		return g.left > 0
	default:
		return true
	}
}

// ask lets a call through, or doesn't. Whoever is let through tells what came of it, with the era.
func (g *gate) ask() (era int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.breaker.IsClosed() {
		return g.era, true
	}
	if g.breaker.IsOpen() {
		if g.breaker.RemainingDelay() > 0 {
			return 0, false
		}
		g.breaker.HalfOpen()
		g.left = g.probes
	}
	if g.left == 0 {
		return 0, false
	}
	g.left--
	return g.era, true
}

// tell notes what came of a call.
func (g *gate) tell(era int, came outcome) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case era != g.era:
	case came.bad():
		g.breaker.RecordFailure()
	case came == succeeded:
		g.breaker.RecordSuccess()
	case g.breaker.IsHalfOpen():
		g.left++ // the probe has found out nothing
	}
}

// standing is how a gate stands.
type standing struct {
	state  string        // closed, open or half-open
	rest   time.Duration // of the pause
	shut   time.Duration // since it was closed, through all pauses and probes; 0 while it is
	opened int64
}

// stands tells how it stands. A pause that is over is half-open, though nobody has asked yet.
func (g *gate) stands() standing {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, is := g.breaker.State(), standing{rest: g.breaker.RemainingDelay(), opened: g.opened}
	if s == circuitbreaker.OpenState && is.rest <= 0 {
		s = circuitbreaker.HalfOpenState
	}
	if s != circuitbreaker.ClosedState {
		is.shut = g.now() - g.since
	}
	is.state = s.String()
	return is
}
