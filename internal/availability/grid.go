package availability

import (
	"slices"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// onGrid says whether visits may start at an instant as far as the grid goes. With DAY the wall clock's minute of the local
// day is divisible by the step, so both passes of a fold are on the grid and nothing is in a gap. With WINDOW elapsed time
// since the window's start is. Either way the wall clock shows a whole minute.
func (h hours) onGrid(start time.Time) bool {
	step := h.kind.SlotStep
	wall := h.clock.Wall(start)
	clockTime := wall.Sub(wall.Truncate(24 * time.Hour))
	if step < time.Minute || clockTime%time.Minute != 0 {
		return false
	}
	if h.kind.GridAnchor != clinic.GridWindow {
		return clockTime%step == 0
	}
	for _, w := range h.windows.over(moment(start)) {
		if start.Sub(w.anchor)%step == 0 {
			return true
		}
	}
	return false
}

// starts lists the instants of a period that can be on the grid of a window, in order and once each.
func (h hours) starts(period Span) []time.Time {
	if h.kind.SlotStep < time.Minute {
		return nil
	}
	var all []time.Time
	for span, w := range h.windows.over(period) {
		within := Span{later(span.Start, period.Start), earlier(span.End, period.End)}
		all = slices.Grow(all, int(within.End.Sub(within.Start)/h.kind.SlotStep)+1)
		if h.kind.GridAnchor == clinic.GridWindow {
			all = h.sinceAnchor(all, within, w.anchor)
		} else {
			all = h.ofDay(all, within)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

func (h hours) sinceAnchor(all []time.Time, within Span, anchor time.Time) []time.Time {
	step := h.kind.SlotStep
	skipped := (within.Start.Sub(anchor) + step - 1) / step
	for at := anchor.Add(skipped * step); at.Before(within.End); at = at.Add(step) {
		all = append(all, at)
	}
	return all
}

// ofDay goes through the wall clock as if it were UTC, between its changes.
func (h hours) ofDay(all []time.Time, within Span) []time.Time {
	step := h.kind.SlotStep
	for s := range h.clock.During(within.Start, within.End) {
		wall := s.Start.Add(s.Offset)
		midnight := wall.Truncate(24 * time.Hour)
		at := (wall.Sub(midnight) + step - 1) / step * step
		for {
			if at >= 24*time.Hour {
				midnight, at = midnight.Add(24*time.Hour), 0
			}
			start := midnight.Add(at - s.Offset)
			if !start.Before(s.End) {
				break
			}
			all = append(all, start)
			at += step
		}
	}
	return all
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
