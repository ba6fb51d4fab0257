package app

import (
	"github.com/mediconnect/mediconnect/internal/redis"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/telemetry"
)

const breakerCalls = "Calls that were made, by outcome."

// breakerFigures are those of the breaker before a dependency.
func breakerFigures(f *telemetry.Figures, of string, read func() resilience.State) {
	labels := telemetry.Labels{"of": of}
	f.Gauge("breaker_open", "1 while the dependency is not asked, or only tried, as it has failed too often.", labels, func() float64 { return one(read().State != "closed") })
	f.Counter("breaker_opened_total", "Times that it was found to fail too often.", labels, func() float64 { return float64(read().Opened) })
	f.Counter("breaker_kept_total", "Calls that were not made.", labels, func() float64 { return float64(read().Kept) })
	for outcome, of := range map[string]func(resilience.State) int64{
		"succeeded": func(s resilience.State) int64 { return s.Succeeded }, "failed": func(s resilience.State) int64 { return s.Failed },
	} {
		f.Counter("breaker_calls_total", breakerCalls, telemetry.Labels{"of": labels["of"], "outcome": outcome}, func() float64 { return float64(of(read())) })
	}
}

// caches are what is read through Redis, by name.
type caches map[string]func() redis.CacheCounts

// add notes one, in the place of another of its name.
func (c *caches) add(name string, read func() redis.CacheCounts) {
	if *c == nil {
		*c = caches{}
	}
	(*c)[name] = read
}

// cacheFigures are those of a cache by its name. The hit rate is hits over all three reads.
func cacheFigures(f *telemetry.Figures, name string, read func() redis.CacheCounts) {
	for outcome, of := range map[string]func(redis.CacheCounts) int64{
		"hit": func(c redis.CacheCounts) int64 { return c.Hits }, "miss": func(c redis.CacheCounts) int64 { return c.Misses }, "error": func(c redis.CacheCounts) int64 { return c.Errors },
	} {
		f.Counter("cache_reads_total", "Reads by outcome; error: Redis failed or wasn't asked.", telemetry.Labels{"cache": name, "outcome": outcome}, func() float64 { return float64(of(read())) })
	}
	f.Counter("cache_loads_total", "What was read from PostgreSQL in place of the cache.", telemetry.Labels{"cache": name}, func() float64 { return float64(read().Loads) })
}
