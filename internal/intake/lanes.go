package intake

import (
	"iter"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// lanes says how many visits have to be able to run at the same time so that a window takes n visits of a kind, one after
// another on the kind's grid: at least 1. It is 0 when not even one visit fits.
func lanes(n int, at span, kind clinic.VisitKind, zone *time.Location) int {
	return inTurns(n, perLane(at, kind, zone, always))
}

func inTurns(n, each int) int {
	if each == 0 {
		return 0
	}
	return max(1, (n+each-1)/each)
}

// occupied is time that visits take with their buffers.
type occupied struct{ from, to time.Time }

// always has room for every visit.
var always occupied

func (o occupied) holds(start time.Time, kind clinic.VisitKind) bool {
	return o == always || !start.Add(-kind.BufferBefore).Before(o.from) && !start.Add(kind.Duration+kind.BufferAfter).After(o.to)
}

// perLane counts the visits that one lane sees between two wall-clock times. Starts lie on the kind's grid; buffers keep
// neighbours apart and may lie outside the window, but not outside of what is left.
func perLane(at span, kind clinic.VisitKind, zone *time.Location, left occupied) int {
	end := clock.Instant(at.to, zone)
	var free time.Time
	count := 0
	for start := range starts(at, kind, zone) {
		if start.Add(kind.Duration).After(end) {
			break
		}
		if !start.Before(free) && left.holds(start, kind) {
			count++
			free = start.Add(kind.Duration + kind.BufferAfter + kind.BufferBefore)
		}
	}
	return count
}

// starts yields the points of a kind's grid from a window's opening on, without end: elapsed time since the opening, or
// whole steps of the local day, of which those that the clock jumps over don't exist.
func starts(at span, kind clinic.VisitKind, zone *time.Location) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		if kind.GridAnchor == clinic.GridWindow {
			for start := clock.Instant(at.from, zone); yield(start); start = start.Add(kind.SlotStep) {
			}
			return
		}
		for wall := range dayGrid(at.from, kind.SlotStep) {
			start := clock.Instant(wall, zone)
			if clock.Local(start, zone) == wall && !yield(start) {
				return
			}
		}
	}
}

// dayGrid yields the wall-clock times from one on that are whole steps of their day.
func dayGrid(from civil.DateTime, step time.Duration) iter.Seq[civil.DateTime] {
	return func(yield func(civil.DateTime) bool) {
		midnight := civil.DateTime{Date: from.Date}.In(time.UTC)
		since := from.In(time.UTC).Sub(midnight)
		for at := (since + step - 1) / step * step; ; at += step {
			if at >= 24*time.Hour {
				midnight, at = midnight.AddDate(0, 0, 1), 0
			}
			if !yield(civil.DateTimeOf(midnight.Add(at))) {
				return
			}
		}
	}
}
