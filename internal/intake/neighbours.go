package intake

import (
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// stretch is a window that visits of a kind fit into.
type stretch struct {
	window
	at     span
	visits int
	alone  int      // lanes that it needs by itself
	takes  occupied // at most, by visits that start in it
}

// side is how many lanes the i-th window of a desk needs so that it takes its visits whatever is booked in the windows around
// it, whose buffers may reach into it, and whose last visit may, where they touch. Either it does without the starts that
// those visits can be in the way of, or it has a lane more for each of them, whichever needs fewer lanes.
func side(windows []stretch, i int, kind clinic.VisitKind, zone *time.Location) int {
	own := windows[i]
	left := occupied{from: own.takes.from, to: own.takes.to}
	near := 0
	for j := i - 1; j >= 0 && windows[j].takes.to.After(own.takes.from); j-- {
		left.from = latest(left.from, windows[j].takes.to)
		near += windows[j].visits
	}
	for j := i + 1; j < len(windows) && windows[j].takes.from.Before(own.takes.to); j++ {
		if left.to.After(windows[j].takes.from) {
			left.to = windows[j].takes.from
		}
		near += windows[j].visits
	}
	if near == 0 {
		return own.alone
	}
	beside := own.alone + near
	if without := inTurns(own.visits, perLane(own.at, kind, zone, left)); without > 0 {
		return min(beside, without)
	}
	return beside
}

// measure tells each of a desk's windows what its visits take.
func measure(windows []stretch, kind clinic.VisitKind, zone *time.Location) {
	for i := range windows {
		var next *civil.DateTime
		if i+1 < len(windows) {
			next = &windows[i+1].at.from
		}
		windows[i].takes = takes(windows[i].at, next, kind, zone)
	}
}

// takes is the time that visits of a kind can take that start in a window. One that touches the next window's beginning may
// be over after its own end.
func takes(at span, next *civil.DateTime, kind clinic.VisitKind, zone *time.Location) occupied {
	end := clock.Instant(at.to, zone)
	over := next != nil && !clock.Instant(*next, zone).After(end)
	var first, last time.Time
	for start := range starts(at, kind, zone) {
		if !start.Before(end) || !over && start.Add(kind.Duration).After(end) {
			break
		}
		if first.IsZero() {
			first = start
		}
		last = start
	}
	return occupied{from: first.Add(-kind.BufferBefore), to: last.Add(kind.Duration + kind.BufferAfter)}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
