package app

import (
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/telemetry"
)

// guardFigures are those of the guard before a vendor: of its breaker, and of who is under way and waits.
func guardFigures(f *telemetry.Figures, g *resilience.Guard) {
	of, read := string(g.Of()), g.State
	breakerFigures(f, of, func() resilience.State {
		s := read()
		return resilience.State{State: s.State, Succeeded: s.Succeeded, Failed: s.Failed, Kept: s.Kept, Opened: s.Opened}
	})
	f.Counter("breaker_calls_total", breakerCalls, telemetry.Labels{"of": of, "outcome": "slow"}, func() float64 { return float64(read().Slow) })
	f.Counter("breaker_calls_total", breakerCalls, telemetry.Labels{"of": of, "outcome": "abandoned"}, func() float64 { return float64(read().Abandoned) })
	labels := telemetry.Labels{"of": of}
	f.Gauge("guard_places", "Calls that may be under way at once.", labels, func() float64 { return float64(g.Policy().Places) })
	f.Gauge("guard_in_flight", "Calls that are under way.", labels, func() float64 { return float64(read().InFlight) })
	f.Gauge("guard_waiting", "Calls that wait for a place.", labels, func() float64 { return float64(read().Waiting) })
	f.Counter("guard_rejected_total", "Calls that were not made, as too many waited.", labels, func() float64 { return float64(read().Rejected) })
	f.Counter("guard_retries_delayed_total", "Retries that were put off, as too many of all calls were retries.", labels, func() float64 { return float64(read().Delayed) })
}
