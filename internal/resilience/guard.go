package resilience

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// ErrFull is why a dependency wasn't asked: as many calls as may be are under way, and as many wait.
var ErrFull = errors.New("resilience: too many wait for it")

// Guard stands before a vendor: so many calls are under way to it, so many wait, none takes longer than it may, and none is made while
// it fails. It is safe for use by several goroutines.
type Guard struct {
	of     Dependency
	policy Policy
	gate   *gate
	places bulkhead.Bulkhead[any]
	queue  chan struct{} // holds one for each that waits
	budget *Budget
	now    func() time.Duration // by a clock that nobody sets

	inside   atomic.Int64
	kept     atomic.Int64
	rejected atomic.Int64
	delayed  atomic.Int64
	came     [outcomes]atomic.Int64
}

// outcome is what came of a call.
type outcome int

const (
	failed    outcome = iota // a fault of the dependency, or a panic
	slow                     // it was answered, but too late
	succeeded                // it was answered; what the answer says is the caller's
	abandoned                // the caller went away first
	outcomes
)

func (o outcome) bad() bool { return o == failed || o == slow }

// GuardOf makes the guard of a dependency that has places in the table. A process has one for each, which all share who call it.
func GuardOf(d Dependency) *Guard {
	p := PolicyOf(d)
	if p.Places == 0 || p.Breaker == (Breaking{}) {
		panic("resilience: no guard for " + string(d))
	}
	return &Guard{
		of: d, policy: p, gate: newGate(p.Breaker, clock.Uptime), places: bulkhead.New[any](uint(p.Places)), queue: make(chan struct{}, p.Queue),
		budget: NewBudget(clock.Uptime), now: clock.Uptime,
	}
}

// Of is what it stands before.
func (g *Guard) Of() Dependency { return g.of }

// Policy is the table's row that it keeps to.
func (g *Guard) Policy() Policy { return g.policy }

// Enter waits for a place among the calls that are under way, first come, first served, and for as long as ctx allows. Exit gives it
// back, and may be called again. Enter fails with
//
//	ErrOpen  while the dependency isn't asked; who waits finds that out when it is their turn
//	ErrFull  at once, when as many wait as may
//	ctx's    error, when ctx ends first
func (g *Guard) Enter(ctx context.Context) (exit func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !g.gate.passes() {
		g.kept.Add(1)
		return nil, ErrOpen
	}
	if !g.places.TryAcquirePermit() {
		if err := g.wait(ctx); err != nil {
			return nil, err
		}
		if !g.gate.passes() {
			g.places.ReleasePermit()
			g.kept.Add(1)
			return nil, ErrOpen
		}
	}
	g.inside.Add(1)
	return sync.OnceFunc(func() {
		g.inside.Add(-1)
		g.places.ReleasePermit()
	}), nil
}

func (g *Guard) wait(ctx context.Context) error {
	select {
	case g.queue <- struct{}{}:
	default:
		g.rejected.Add(1)
		return ErrFull
	}
	defer func() { <-g.queue }()
	return g.places.AcquirePermit(ctx)
}

// Call makes a call, for who has entered, within the dependency's time: its ctx ends then, and the call must end with it. It fails with
// ErrOpen, and calls nothing, while the dependency isn't asked; else with what the call answers. Fault says of an error whether it is the
// dependency's fault, such as a time-out or a status of 500: an answer that merely refuses is none. A caller who goes away ends the call,
// and that is no fault, unless it was slow by then.
func (g *Guard) Call(ctx context.Context, fault func(error) bool, call func(context.Context) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	era, ok := g.gate.ask()
	if !ok {
		g.kept.Add(1)
		return ErrOpen
	}
	g.budget.Called()
	came := failed // also when it panics, or the probe would be lost for good
	defer func() {
		g.came[came].Add(1)
		g.gate.tell(era, came)
	}()
	bounded, cancel := context.WithTimeout(ctx, g.policy.Call)
	defer cancel()
	began, others := g.now(), &spent{now: g.now}
	err = call(context.WithValue(bounded, spentOf{}, others))
	late := g.policy.Slow > 0 && g.now()-began-time.Duration(others.time.Load()) > g.policy.Slow
	switch blamed := err != nil && (fault(err) || bounded.Err() != nil); {
	case blamed && ctx.Err() != nil && !late:
		came = abandoned
	case blamed:
		came = failed
	case late:
		came = slow
	default:
		came = succeeded
	}
	return err
}

// spent is the time of a call that was not the dependency's.
type spent struct {
	now  func() time.Duration
	time atomic.Int64
}

type spentOf struct{} // the key of a call's *spent

// Apart does, within a call, what the dependency has no part in, such as asking one's own database: the time that it takes isn't held
// against the dependency as slow. The call's limit stays as it is.
func Apart(ctx context.Context, do func()) {
	if others, within := ctx.Value(spentOf{}).(*spent); within {
		began := others.now()
		defer func() { others.time.Add(int64(others.now() - began)) }()
	}
	do()
}

// Again is how long it takes, at the least, until it may be of use to try again, for who got ErrOpen or ErrFull: the rest of the pause,
// and a while that differs from one caller to the next, so that they don't all come at once.
func (g *Guard) Again() time.Duration {
	return g.gate.stands().rest + time.Second + rand.N(4*time.Second)
}

// Shut is how long the dependency has been taken for failing: since it was asked freely last, whatever probes were made meanwhile. It is 0
// while it is asked freely.
func (g *Guard) Shut() time.Duration { return g.gate.stands().shut }

// Retry says whether a call that failed may be made once more now. It may not while such calls are too many of all (see Budget): then
// it may be asked again after a while. It is asked once for each, right before.
func (g *Guard) Retry() (after time.Duration, ok bool) {
	if after, ok = g.budget.Take(); !ok {
		g.delayed.Add(1)
	}
	return after, ok
}

// GuardState is how a guard stands, and what it has counted since the process began.
type GuardState struct {
	State     string `json:"state"`     // of its breaker: closed, open or half-open
	RestMs    int64  `json:"restMs"`    // until it is half-open, while it is open
	ShutMs    int64  `json:"shutMs"`    // since it was closed, while it isn't
	InFlight  int    `json:"inFlight"`  // places that are taken
	Waiting   int    `json:"waiting"`   // for one
	Succeeded int64  `json:"succeeded"` // calls that were answered in time
	Slow      int64  `json:"slow"`      // calls that were answered too late
	Failed    int64  `json:"failed"`    // calls
	Abandoned int64  `json:"abandoned"` // calls whose callers went away
	Kept      int64  `json:"kept"`      // not made, as it was open
	Rejected  int64  `json:"rejected"`  // not made, as too many waited
	Delayed   int64  `json:"delayed"`   // not made again yet, as too many were
	Opened    int64  `json:"opened"`    // times
}

// State reads the guard.
func (g *Guard) State() GuardState {
	is := g.gate.stands()
	return GuardState{
		State: is.state, RestMs: is.rest.Milliseconds(), ShutMs: is.shut.Milliseconds(), Opened: is.opened,
		InFlight: int(g.inside.Load()), Waiting: len(g.queue),
		Succeeded: g.came[succeeded].Load(), Slow: g.came[slow].Load(), Failed: g.came[failed].Load(), Abandoned: g.came[abandoned].Load(),
		Kept: g.kept.Load(), Rejected: g.rejected.Load(), Delayed: g.delayed.Load(),
	}
}
