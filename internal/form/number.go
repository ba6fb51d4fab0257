package form

import (
	"fmt"
	"math"
	"time"

	"cloud.google.com/go/civil"
)

// Count reads a whole number from least to most.
func (c *Check) Count(n, least, most int, path ...string) int {
	c.That(n >= least && n <= most, fmt.Sprintf("This is a number from %d to %d.", least, most), path...)
	return n
}

// OptionalCount is Count for a field that may be left out.
func (c *Check) OptionalCount(n *int, least, most int, path ...string) *int {
	if n == nil {
		return nil
	}
	value := c.Count(*n, least, most, path...)
	return &value
}

// Degrees reads an angle from -most to most. What is less than a micrometre on the ground is zero: PostgreSQL refuses products
// too small for a float.
func (c *Check) Degrees(d, most float64, path ...string) float64 {
	c.That(math.Abs(d) <= most, fmt.Sprintf("This is a number from -%g to %g.", most, most), path...) // NaN isn't
	if math.Abs(d) < 1e-12 {
		return 0
	}
	return d
}

// Span bounds a duration: from Least to Most, in whole units.
type Span struct{ Least, Most, Unit time.Duration }

// Duration reads a duration within its bounds, or the fallback when it is left out.
func (c *Check) Duration(d *time.Duration, fallback time.Duration, within Span, path ...string) time.Duration {
	if d == nil {
		return fallback
	}
	c.That(*d >= within.Least && *d <= within.Most, "This is from "+words(within.Least)+" to "+words(within.Most)+".", path...)
	c.That(*d%within.Unit == 0, "Only whole multiples of "+words(within.Unit)+".", path...)
	return *d
}

// The years that a date may lie in: publications that are a few years old can be imported, typing errors can't.
const (
	firstYear = 2000
	lastYear  = 2199
)

// Date reads a day that exists, in the years 2000 to 2199.
func (c *Check) Date(d civil.Date, path ...string) civil.Date {
	c.That(d.IsValid(), "There is no such day.", path...)
	c.That(d.Year >= firstYear && d.Year <= lastYear, "The year is from 2000 to 2199.", path...)
	return d
}

// Minute reads a wall-clock time on a whole minute.
func (c *Check) Minute(t civil.DateTime, path ...string) civil.DateTime {
	c.Date(t.Date, path...)
	c.That(t.Time.IsValid(), "There is no such time.", path...)
	c.That(t.Time.Second == 0 && t.Time.Nanosecond == 0, "Only whole minutes; an end is exclusive, so the end of a day is 00:00 of the next.", path...)
	return t
}

func words(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == 0:
		return "0"
	case d%day == 0:
		return plural(int64(d/day), "day")
	case d%time.Hour == 0:
		return plural(int64(d/time.Hour), "hour")
	case d%time.Minute == 0:
		return plural(int64(d/time.Minute), "minute")
	}
	return plural(int64(d/time.Second), "second")
}

func plural(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
