package conflict

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Limits are what the full detection may do to people who book before it is switched off: whole percents of what a window held. A hundred
// is never passed.
type Limits struct {
	Window    time.Duration // that is looked back over
	Cases     int           // that there are at least, before a share of them counts; 0: the guard sleeps
	Failed    int           // percent of the cases that may fail: errors, panics, time that ran out, and cases that were never begun
	Slow      int           // percent that may take longer than SlowAfter
	SlowAfter time.Duration
	Refused   int // percent of the people whom the basic detection lets be that the full one may refuse
}

// DefaultLimits are those of a server that was told nothing else.
func DefaultLimits() Limits {
	return Limits{Window: time.Minute, Cases: 20, Failed: 5, Slow: 10, SlowAfter: 100 * time.Millisecond, Refused: 20}
}

// Cause is which limit was passed.
type Cause string

// The causes of the contract.
const (
	Failures Cause = "FAILURES"
	Latency  Cause = "LATENCY"
	Refusals Cause = "REFUSALS"
)

// passed says which limit figures pass; empty: none.
func (l Limits) passed(f Figures) Cause {
	over := func(part, percent, whole int) bool { return whole >= l.Cases && 100*part > percent*whole }
	switch {
	case over(f.Failed, l.Failed, f.Cases):
		return Failures
	case over(f.Slow, l.Slow, f.Cases):
		return Latency
	case over(f.Refused, l.Refused, f.People):
		return Refusals
	}
	return ""
}

// Fallback is one time that a process went back to the basic detection.
type Fallback struct {
	ID, Instance uuid.UUID // of the process's life
	At           time.Time
	Cause        Cause
	Figures                 // of the window, as the limit was passed
	RearmedAt    *time.Time // nil: it stands
	RearmedBy    *uuid.UUID // the account
}

// LookEvery is how often a guard looks after its fallback.
const LookEvery = 2 * time.Second

// Guard switches the full detection off, for one process, when it does harm. It stays off until somebody re-arms it. The zero value sleeps.
type Guard struct {
	limits   Limits
	store    Fallbacks
	source   clinic.Source // whose clock nobody sets
	instance uuid.UUID
	tell     func(Fallback)

	tripped atomic.Bool
	news    chan struct{}
	begun   bool // whoever looks has asked the store what stands

	mu     sync.Mutex
	window window
	latest *Fallback // nil: it hasn't tripped
	told   bool      // of the latest
	kept   bool      // the latest is in the store
}

// NewGuard makes the guard of this process. What happens is told beside, while somebody calls Look: a fallback once it begins, and
// once more, with RearmedAt, when it is over.
func NewGuard(limits Limits, store Fallbacks, source clinic.Source, tell func(Fallback)) *Guard {
	return &Guard{
		limits: limits, store: store, source: source, instance: source.NewID(), tell: tell,
		news: make(chan struct{}, 1), window: newWindow(limits.Window, source.Clock.Now()),
	}
}

// Tripped says whether the detection is off.
func (g *Guard) Tripped() bool { return g.tripped.Load() }

// Fallback is the one that the process is in; nil: none.
func (g *Guard) Fallback() *Fallback {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.latest == nil {
		return nil
	}
	f := *g.latest
	return &f
}

// Figures are those of the window now.
func (g *Guard) Figures() Figures {
	if g.limits.Cases == 0 {
		return Figures{}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.window.now(g.source.Clock.Now())
}

// News has a signal once there is something to look after: look at once.
func (g *Guard) News() <-chan struct{} { return g.news }

// Note hears of a case. The one that passes a limit trips the guard at once; nobody waits for more.
func (g *Guard) Note(c Comparison) {
	if g.limits.Cases == 0 || c.abandoned() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.latest != nil {
		return
	}
	now := g.source.Clock.Now()
	f := g.window.note(now, c, g.slow(c.Took))
	if cause := g.limits.passed(f); cause != "" {
		g.fall(&Fallback{ID: g.source.NewID(), Instance: g.instance, At: now, Cause: cause, Figures: f}, false)
	}
}

// slow says whether a case that took so long is slow; to a guard who sleeps none is.
func (g *Guard) slow(took time.Duration) bool {
	return g != nil && g.limits.Cases > 0 && took > g.limits.SlowAfter
}

func (g *Guard) fall(f *Fallback, kept bool) {
	g.latest, g.told, g.kept = f, false, kept
	g.tripped.Store(true)
	g.poke()
}

// poke has whoever looks do so at once.
func (g *Guard) poke() {
	select {
	case g.news <- struct{}{}:
	default: // it is known already
	}
}
