package app

import (
	"sync/atomic"

	"github.com/mediconnect/mediconnect/internal/telemetry"
)

// measureLimits adds the figures of a process that limits callers.
func (a *App) measureLimits(l *limiter) {
	f := a.figures
	count := func(n *atomic.Int64) func() float64 { return func() float64 { return float64(n.Load()) } }
	for policy, c := range l.counts {
		labels := telemetry.Labels{"policy": policy}
		f.Counter("limits_allowed_total", "Operations that were allowed.", labels, count(&c.allowed))
		f.Counter("limits_refused_total", "Operations that were refused, since their caller asks too often.", labels, count(&c.refused))
		f.Counter("limits_alone_total", "Decisions that were made without Redis.", labels, count(&c.alone))
		f.Counter("limits_reminded_total", "Times that Redis was told what it had forgotten.", labels, count(&c.reminded))
	}
	f.Gauge("limits_servers", "Servers that share limits while Redis is away.", nil, func() float64 { return float64(a.servers.count()) })
}
