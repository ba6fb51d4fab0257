package availability

import (
	"slices"
	"time"
)

// capacity is how many visits may run at the same time all through a span; 0 when it isn't all open, cuts aside.
func (h hours) capacity(visit Span) int {
	least, reached := 0, visit.End
	for stretch, capacity := range h.open.over(visit) {
		if stretch.End.Before(reached) {
			return 0
		}
		if least == 0 || capacity < least {
			least = capacity
		}
		reached = stretch.Start
	}
	if reached.After(visit.Start) {
		return 0
	}
	return least
}

// stretches cuts windows, sorted by start, where the largest capacity may change.
func stretches(windows []entry[window]) []entry[int] {
	var edges []time.Time
	for _, w := range windows {
		edges = append(edges, w.Start, w.End)
	}
	slices.SortFunc(edges, time.Time.Compare)
	edges = slices.CompactFunc(edges, time.Time.Equal)
	var all []entry[int]
	var open []entry[window]
	for i := 1; i < len(edges); i++ {
		now := Span{edges[i-1], edges[i]}
		for len(windows) > 0 && !windows[0].Start.After(now.Start) {
			open, windows = append(open, windows[0]), windows[1:]
		}
		open = slices.DeleteFunc(open, func(w entry[window]) bool { return !w.End.After(now.Start) })
		largest := 0
		for _, w := range open {
			largest = max(largest, w.value.capacity)
		}
		if largest > 0 {
			all = append(all, entry[int]{Span: now, value: largest})
		}
	}
	return all
}
