package intake

import (
	"fmt"
	"maps"
	"slices"

	"cloud.google.com/go/civil"
)

// maxGap is how many days a publication may pass over. Clinics that are half a year apart are published together; what is
// further away is a year that was mistyped.
const maxGap = 270

// period is the local days on which windows begin, from the first to the last.
type period struct{ first, last civil.Date }

func (p period) holds(day civil.Date) bool { return !day.Before(p.first) && !day.After(p.last) }

// mainPeriod is the period that a publication is about, of its days with the number of windows that begin on each: the one
// without a larger gap in which most windows begin, else, where there is none with more than half of them, all.
func mainPeriod(days map[civil.Date]int) period {
	sorted := slices.SortedFunc(maps.Keys(days), civil.Date.Compare)
	if len(sorted) == 0 {
		return period{}
	}
	total := 0
	for _, n := range days {
		total += n
	}
	begin, windows := 0, 0
	for i, day := range sorted {
		windows += days[day]
		switch {
		case i+1 < len(sorted) && sorted[i+1].DaysSince(day) <= maxGap:
			continue
		case 2*windows > total:
			return period{sorted[begin], day}
		}
		begin, windows = i+1, 0
	}
	return period{sorted[0], sorted[len(sorted)-1]}
}

// dropStrays refuses the windows of a desk that are far from the publication's period, before they can steer anything.
func (p *publication) dropStrays(d *desk) {
	d.windows = slices.DeleteFunc(d.windows, func(w window) bool {
		day := w.span(0).from.Date
		if p.holds(day) {
			return false
		}
		p.refuseWindow(d, w, fmt.Sprintf("it begins on %s, far from the others, which are from %s to %s", day, p.first, p.last))
		return true
	})
}
