package flags

import (
	"sync"
	"time"
)

// Origin is where the rules that hold came from.
type Origin string

// The origins, from the best to the last.
const (
	FromUnleash   Origin = "unleash"
	FromDisk      Origin = "disk" // what Unleash told this machine's last process
	FromBootstrap Origin = "bootstrap"
	FromNowhere   Origin = "none" // the safe defaults
)

// staleAfter is how many times Unleash may fail to answer before what is known counts as stale: by then a change may have been missed for
// longer than anybody expects.
const staleAfter = 6

// State is how what is known stands.
type State struct {
	From      Origin        `json:"from"`
	Age       time.Duration `json:"-"`
	AgeMs     int64         `json:"ageMs"` // since Unleash last said that it is so; -1: nobody knows of it
	Stale     bool          `json:"stale"`
	Refreshed int64         `json:"refreshed"`        // times that Unleash answered, since the process began
	Failed    int64         `json:"failed"`           // times that it didn't
	Why       string        `json:"why,omitempty"`    // the last of these: timeout, unreachable, unreadable, too long, or a status such as 503; empty: it answered since
	Unsaved   int64         `json:"unsaved"`          // times that the state could not be written to disk
	Unused    []string      `json:"unused,omitempty"` // keys of flags that hold something that isn't done here, and are at their safe default
}

// freshness is when Unleash was last heard of.
type freshness struct {
	mu        sync.Mutex
	confirmed time.Time // zero: never
	state     State
	told      bool // that it is stale
}

// State reads it.
func (f *Flags) State() State {
	known := f.rules.Load()
	f.fresh.mu.Lock()
	defer f.fresh.mu.Unlock()
	is := f.fresh.state
	is.From, is.Age, is.AgeMs = known.from, -1, -1
	if !f.fresh.confirmed.IsZero() {
		is.Age = max(f.opts.Clock.Now().Sub(f.fresh.confirmed), 0)
		is.AgeMs = is.Age.Milliseconds()
	}
	is.Stale = f.opts.URL != nil && (is.Age < 0 && is.Failed > staleAfter || is.Age > staleAfter*f.opts.Refresh)
	for i, d := range known.of {
		if len(d.unusable) > 0 {
			is.Unused = append(is.Unused, all[i].key)
		}
	}
	return is
}

// answered notes that Unleash has confirmed or changed what is known.
func (f *Flags) answered() {
	f.fresh.mu.Lock()
	before := f.fresh.state.Why
	f.fresh.confirmed, f.fresh.state.Why, f.fresh.told = f.opts.Clock.Now(), "", false
	f.fresh.state.Refreshed++
	f.fresh.mu.Unlock()
	if before != "" {
		f.opts.Log.Info("Unleash answers again")
	}
}

// unanswered notes that Unleash didn't.
func (f *Flags) unanswered(why string) {
	f.fresh.mu.Lock()
	first := f.fresh.state.Why == ""
	f.fresh.state.Failed++
	f.fresh.state.Why = why
	f.fresh.mu.Unlock()
	is := f.State()
	if first {
		f.opts.Log.Warn("Unleash doesn't answer: flags stay as they are known", "why", why, "from", string(is.From), "age", is.Age.String())
	}
	f.fresh.mu.Lock()
	newly := is.Stale && !f.fresh.told
	f.fresh.told = f.fresh.told || is.Stale
	f.fresh.mu.Unlock()
	if newly {
		f.opts.Log.Error("flags are stale: changes in Unleash don't arrive", "why", why, "from", string(is.From), "age", is.Age.String())
	}
}

func (f *Flags) unsaved() {
	f.fresh.mu.Lock()
	f.fresh.state.Unsaved++
	first := f.fresh.state.Unsaved == 1
	f.fresh.mu.Unlock()
	if first {
		f.opts.Log.Error("the state of the flags can't be kept on disk: a restart without Unleash would fall back to an older one", "setting", "the folder of flags")
	}
}

// complain logs what of the flags isn't done here.
func (f *Flags) complain(r *rules) {
	for i, d := range r.of {
		for _, what := range d.unusable {
			f.opts.Log.Warn("a flag can't be used as it is set in Unleash", "flag", all[i].key, "what", what)
		}
	}
}

// take has other rules hold, and logs which flags' definitions have changed; not for whom, as that may name somebody.
func (f *Flags) take(next *rules) {
	before := f.rules.Swap(next)
	for i, d := range next.of {
		parts := d.changed(before.of[i])
		if len(parts) == 0 {
			continue
		}
		f.opts.Log.Info("a flag's definition has changed", "flag", all[i].key, "changed", parts, "enabled", d.raw != nil && d.raw.Enabled, "from", string(next.from))
	}
	f.complain(&rules{of: changedOnly(next.of, before.of)})
}

// changedOnly has the definitions that differ, each at its place.
func changedOnly(now, before []*definition) []*definition {
	differ := make([]*definition, len(now))
	for i, d := range now {
		if differ[i] = (&definition{}); len(d.changed(before[i])) > 0 {
			differ[i] = d
		}
	}
	return differ
}
