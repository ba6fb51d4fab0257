package app

import (
	"strings"

	"github.com/mediconnect/mediconnect/internal/telemetry"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// waitFigures are those of waitlists.
type waitFigures struct {
	measured[waitlist.Figures]
}

// register adds them to a process's figures.
func (w *waitFigures) register(f *telemetry.Figures) {
	for _, kind := range waitlist.TurnKinds {
		of := telemetry.Labels{"of": strings.ToLower(string(kind))}
		f.Gauge("waitlist_turns_due", "What waitlists are to be seen to for: freed times, offers that are over, and looks for openings; 100000: or more.", of,
			w.of(func(g waitlist.Figures) float64 { return float64(g[kind].Count) }))
		f.Gauge("waitlist_turns_oldest_seconds", "How long the oldest of them has been due.", of,
			w.of(func(g waitlist.Figures) float64 { return g[kind].Oldest.Seconds() }))
	}
}
