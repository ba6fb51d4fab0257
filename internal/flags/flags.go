// Package flags is part of the cellar: which switches are on for whom. What decides them is set in Unleash and kept here, in memory and on
// disk, so that a decision asks nobody.
package flags

import (
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// DefaultRefresh is how often Unleash is asked for changes.
const DefaultRefresh = 10 * time.Second

// Options say where flags come from.
type Options struct {
	URL       *url.URL      // of Unleash's API, such as https://unleash.example.org/api; nil: there is none, and the bootstrap holds
	Token     string        // of a client, by which Unleash knows the environment
	Dir       string        // where the last state is kept; empty: nowhere
	Bootstrap []byte        // what holds before anything else is known, as Unleash's /api/client/features answers; nil: every switch is off
	Instance  string        // a name for this process, which Unleash shows
	Refresh   time.Duration // 0: DefaultRefresh
	Heard     func()        // is called after each time that Unleash was asked, whatever came of it; nil: nobody wants to know
	Clock     clock.Clock
	Log       *slog.Logger
}

// Flags decides switches. It is safe for use by several goroutines; a nil one decides everything by the safe defaults.
type Flags struct {
	opts   Options
	sdk    *evaluator
	source *refresher            // nil: there is no Unleash
	rules  atomic.Pointer[rules] // that hold
	counts counts
	fresh  freshness

	closing sync.Once
}

// New reads the last state, or the bootstrap, and begins to ask Unleash beside. It waits for nobody, and no fault of a file or of Unleash
// keeps it from being made: such faults are logged.
func New(opts Options) (*Flags, error) {
	if opts.Refresh == 0 {
		opts.Refresh = DefaultRefresh
	}
	f := &Flags{opts: opts}
	f.counts.begin()
	f.rules.Store(f.first())
	f.complain(f.rules.Load())
	var err error
	if f.sdk, err = newEvaluator(); err != nil {
		return nil, err
	}
	if opts.URL != nil {
		f.source, err = newRefresher(f)
	}
	return f, err
}

// Close stops asking. What is known still decides. It may be called again.
func (f *Flags) Close() {
	if f != nil {
		f.closing.Do(f.close)
	}
}

func (f *Flags) close() {
	if f.source != nil {
		f.source.close()
	}
	f.sdk.close()
}

// Decide says what a switch is for a subject, asked by a caller. It doesn't fail and asks nobody: what isn't known, or goes wrong, is the
// switch's safe default, and counted. A caller's override comes first (see access.Actor).
func (f *Flags) Decide(s Switch, of Subject, a access.Actor) access.Feature {
	if s.declared == nil {
		return access.Feature{Reason: access.FeatureDefault}
	}
	if f == nil {
		return s.is(0, access.FeatureDefault)
	}
	began := clock.Uptime()
	way, why := f.way(s, of, a)
	f.counts.decided(s, way, why, clock.Uptime()-began)
	return s.is(way, why)
}

func (f *Flags) way(s Switch, of Subject, a access.Actor) (way int, why access.Reason) {
	if wish, wished := a.Overrides[s.key]; wished {
		if at := slices.Index(s.ways(), wish); at >= 0 {
			return at, access.FeatureOverride
		}
	}
	defer func() {
		if recover() != nil {
			f.counts.failed(s, panicked)
			way, why = 0, access.FeatureDefault
		}
	}()
	way, why, odd := f.rules.Load().of[s.at].decide(f.sdk, s, of)
	if odd {
		f.counts.failed(s, unknownVariant)
	}
	return way, why
}

// Asks says whether there is an Unleash.
func (f *Flags) Asks() bool { return f.opts.URL != nil }

func (f *Flags) heard() {
	if f.opts.Heard != nil {
		f.opts.Heard()
	}
}

// policy is how long Unleash is waited for.
func policy() resilience.Policy { return resilience.PolicyOf(resilience.Unleash) }
