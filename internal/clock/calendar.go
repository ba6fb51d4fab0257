package clock

import (
	"iter"
	"slices"
	"sort"
	"time"

	"cloud.google.com/go/civil"
)

// Calendar is a zone's wall clock over a period, looked up once: looking it up costs more than all that is done with it.
type Calendar struct{ segments []Segment }

// CalendarOf looks up a zone's wall clock for instants in [from, to), which must not be empty.
func CalendarOf(from, to time.Time, loc *time.Location) Calendar {
	return Calendar{slices.Collect(Segments(from, to, loc))}
}

// Wall returns what the wall clock shows at an instant of the period, as if it were UTC.
func (c Calendar) Wall(t time.Time) time.Time {
	return t.UTC().Add(c.segments[min(c.at(t), len(c.segments)-1)].Offset)
}

// Instant is as the function Instant, for a local time that the period surrounds by a day on both sides.
func (c Calendar) Instant(local civil.DateTime) time.Time {
	wall := local.In(time.UTC)
	shown := wall
	for _, s := range c.segments[c.at(wall.Add(-day)):] { // no offset has ever reached a day
		before := shown
		shown = wall.Add(-s.Offset)
		if shown.Before(s.Start) {
			return before // the clock jumped over it
		}
		if shown.Before(s.End) {
			return shown
		}
	}
	return shown
}

// During yields the segments of [from, to), a part of the period.
func (c Calendar) During(from, to time.Time) iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		for _, s := range c.segments[c.at(from):] {
			if s.Start.Before(from) {
				s.Start = from.UTC()
			}
			if s.End.After(to) {
				s.End = to.UTC()
			}
			if !s.Start.Before(s.End) || !yield(s) {
				return
			}
		}
	}
}

// HasDay is as the function HasDay, for a date that the period surrounds by a day on both sides.
func (c Calendar) HasDay(d civil.Date) bool {
	noon := d.In(time.UTC).Add(day / 2)
	if c.Wall(c.Instant(civil.DateTimeOf(noon))).Equal(noon) {
		return true
	}
	return slices.Contains(daysOf(slices.Values(c.segments)), d)
}

// at is the index of the segment that an instant is in or, when there is none, before.
func (c Calendar) at(t time.Time) int {
	return sort.Search(len(c.segments), func(i int) bool { return c.segments[i].End.After(t) })
}
