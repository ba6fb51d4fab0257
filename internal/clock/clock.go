// Package clock is a foundation: what time it is, and what a wall clock shows in a zone.
package clock

import (
	"sync/atomic"
	"time"
)

// Clock tells the product's time, in UTC, to the microsecond that PostgreSQL keeps.
type Clock interface{ Now() time.Time }

// System is the machine's clock.
type System struct{}

// Now returns the machine's time.
func (System) Now() time.Time { return trim(time.Now()) }

// began is when the process did.
var began = time.Now()

// Uptime is how long the process has run, by a clock that nobody sets.
func Uptime() time.Duration { return time.Since(began) }

// Shifted runs at the machine's speed from another instant.
type Shifted struct{ offset time.Duration }

// StartingAt returns a clock that shows the instant now and runs on.
func StartingAt(instant time.Time) Shifted { return Shifted{offset: time.Until(instant)} }

// Now returns the shifted time.
func (c Shifted) Now() time.Time { return trim(time.Now().Add(c.offset)) }

// Frozen stands still until it is set.
type Frozen struct{ at atomic.Int64 }

// FrozenAt returns a clock that stands at an instant.
func FrozenAt(instant time.Time) *Frozen {
	c := &Frozen{}
	c.Set(instant)
	return c
}

// Set moves the clock.
func (c *Frozen) Set(instant time.Time) { c.at.Store(instant.UnixMicro()) }

// Advance moves the clock by a duration.
func (c *Frozen) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// Now returns the instant that the clock stands at.
func (c *Frozen) Now() time.Time { return time.UnixMicro(c.at.Load()).UTC() }

// Fresh says whether an instant is less than d ago. One that is still to come isn't: the clock was set back since.
func Fresh(at, now time.Time, d time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age < d
}

func trim(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
