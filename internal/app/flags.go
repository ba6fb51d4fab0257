package app

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/flags"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/telemetry"
)

// showFlags has the figures of what is decided, and, if there is an Unleash, how it stands.
func (a *App) showFlags() {
	if a.flags == nil {
		return
	}
	for _, s := range flags.All() {
		switchFigures(a.figures, a.flags, s)
	}
	a.figures.Histogram("flag_decision_duration_seconds", "Time that decisions on flags take.", nil, func() telemetry.Distribution {
		times := a.flags.Times()
		d := telemetry.Distribution{Count: times.Count, Sum: times.Sum.Seconds(), Below: map[float64]uint64{}}
		for step, count := range times.Below {
			d.Below[step.Seconds()] = count
		}
		return d
	})
	if !a.flags.Asks() {
		return
	}
	state := func(of func(flags.State) float64) func() float64 {
		return func() float64 { return of(a.flags.State()) }
	}
	a.figures.Gauge("flags_age_seconds", "Time since Unleash last said how the flags are; -1: nobody knows of it.", nil, state(func(s flags.State) float64 {
		if s.Age < 0 {
			return -1
		}
		return s.Age.Seconds()
	}))
	a.figures.Gauge("flags_stale", "1 while changes in Unleash may have been missed for longer than usual.", nil, state(func(s flags.State) float64 { return one(s.Stale) }))
	a.figures.Gauge("flags_unusable", "Flags that are at their safe default, as they hold something in Unleash that isn't done here.", nil, state(func(s flags.State) float64 { return float64(len(s.Unused)) }))
	for outcome, of := range map[string]func(flags.State) int64{
		"answered": func(s flags.State) int64 { return s.Refreshed }, "failed": func(s flags.State) int64 { return s.Failed },
	} {
		a.figures.Counter("flags_refreshes_total", "Times that Unleash was asked for changes, by outcome.", telemetry.Labels{"outcome": outcome}, state(func(s flags.State) float64 { return float64(of(s)) }))
	}
	a.figures.Counter("flags_unsaved_total", "Times that the state of the flags could not be kept on disk.", nil, state(func(s flags.State) float64 { return float64(s.Unsaved) }))
	a.parts.add(resilience.Unleash, func(context.Context) part { return flagsPart(a.flags.State()) })
}

func switchFigures(f *telemetry.Figures, known *flags.Flags, s flags.Switch) {
	count := func(of func(flags.Tally) int64) func() float64 {
		return func() float64 { return float64(of(known.Tally(s))) }
	}
	for decision := range known.Tally(s).Decisions {
		f.Counter("flag_decisions_total", "Decisions on a flag, by what was decided.", telemetry.Labels{"flag": s.Key(), "decision": decision}, count(func(t flags.Tally) int64 { return t.Decisions[decision] }))
	}
	f.Counter("flag_overrides_total", "Decisions that a tester's override made.", telemetry.Labels{"flag": s.Key()}, count(func(t flags.Tally) int64 { return t.Overrides }))
	for cause := range known.Tally(s).Faults {
		f.Counter("flag_faults_total", "Decisions that fell back to the safe default, by cause.", telemetry.Labels{"flag": s.Key(), "cause": cause}, count(func(t flags.Tally) int64 { return t.Faults[cause] }))
	}
}

// flagsPart is how Unleash stands, as it was found when it was last asked for changes. Readiness has nothing to do with it.
func flagsPart(s flags.State) part {
	switch {
	case s.Stale:
		return part{"unavailable", s}
	case s.Why != "" || s.From != flags.FromUnleash:
		return part{trying, s}
	default:
		return part{well, s}
	}
}
