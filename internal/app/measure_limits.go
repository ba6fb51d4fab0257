package app

import (
	"sync/atomic"

	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/telemetry"
)

// measureLimits adds the figures of a process that limits callers, and of the Redis that it asks.
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
	if a.redis == nil {
		return
	}
	state := func(of func(resilience.State) float64) func() float64 {
		return func() float64 { return of(a.redis.Breaker()) }
	}
	f.Gauge("redis_breaker_closed", "1 while Redis is asked, 0 while it is only tried.", nil, state(func(s resilience.State) float64 { return one(s.State == "closed") }))
	f.Counter("redis_succeeded_total", "Calls that Redis answered.", nil, state(func(s resilience.State) float64 { return float64(s.Succeeded) }))
	f.Counter("redis_failed_total", "Calls that Redis didn't answer in time, or refused.", nil, state(func(s resilience.State) float64 { return float64(s.Failed) }))
	f.Counter("redis_kept_total", "Calls that were not made, as Redis had failed too often.", nil, state(func(s resilience.State) float64 { return float64(s.Kept) }))
	f.Counter("redis_breaker_opened_total", "Times that Redis was given up for a while.", nil, state(func(s resilience.State) float64 { return float64(s.Opened) }))
}
