package clock

import (
	"iter"
	"time"

	"cloud.google.com/go/civil"
)

const day = 24 * time.Hour

// Instant returns the instant at which a zone's wall clock shows a local time. A local time in a gap moves forward by the
// gap's length; of one that is shown twice, it is the first instant (RFC 5545, section 3.3.5).
func Instant(local civil.DateTime, loc *time.Location) time.Time {
	return around(local.In(time.UTC), loc).Instant(local)
}

// Local returns what a zone's wall clock shows at an instant.
func Local(t time.Time, loc *time.Location) civil.DateTime { return civil.DateTimeOf(t.In(loc)) }

// HasDay says whether a zone's calendar ever showed a date. Apia's never showed 30 December 2011.
func HasDay(d civil.Date, loc *time.Location) bool {
	return around(d.In(time.UTC).Add(day/2), loc).HasDay(d)
}

// Days lists the local dates that a zone's calendar shows during [from, to), in the order in which it shows them.
func Days(from, to time.Time, loc *time.Location) []civil.Date {
	return daysOf(Segments(from, to, loc))
}

func around(t time.Time, loc *time.Location) Calendar {
	return CalendarOf(t.Add(-2*day), t.Add(2*day), loc)
}

func daysOf(segments iter.Seq[Segment]) []civil.Date {
	var days []civil.Date
	seen := map[civil.Date]bool{}
	for s := range segments {
		last := civil.DateOf(s.End.Add(s.Offset - 1))
		for d := civil.DateOf(s.Start.Add(s.Offset)); !d.After(last); d = d.AddDays(1) {
			if !seen[d] {
				seen[d] = true
				days = append(days, d)
			}
		}
	}
	return days
}

// Segment is a stretch of instants over which a zone keeps one offset from UTC.
type Segment struct {
	Start, End time.Time // half-open, UTC
	Offset     time.Duration
}

// Segments cuts [from, to) where a zone changes its clock. Neighbours may have the same offset.
func Segments(from, to time.Time, loc *time.Location) iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		for from := from.UTC(); from.Before(to); {
			local := from.In(loc)
			_, offset := local.Zone()
			_, end := local.ZoneBounds()
			// Beyond the tabulated years ZoneBounds ends the last day of a leap year before it began. No zone's rule
			// changes the clock on that day, UTC.
			if !end.IsZero() && !end.After(from) {
				end = from.Truncate(day).Add(day)
			}
			if end.IsZero() || end.After(to) {
				end = to
			}
			end = end.UTC()
			if !yield(Segment{Start: from, End: end, Offset: time.Duration(offset) * time.Second}) {
				return
			}
			from = end
		}
	}
}
