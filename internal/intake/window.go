package intake

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"cloud.google.com/go/civil"
)

// window is a published slot as it is kept until the whole publication is read: 24 bytes.
type window struct {
	from, to int32 // wall clock, minutes since 1970
	capacity int32
	line     int32
	id       uint32 // digest of the slot's id
	file     int32
}

// maxWindows bounds how many windows one publication may have, and with them the memory of an import (48 MB).
const maxWindows = 2_000_000

func newWindow(s slot, at span, where place) window {
	digest := fnv.New32a()
	_, _ = digest.Write([]byte(s.id)) // never fails
	return window{
		from: minutes(at.from), to: minutes(at.to), capacity: int32(s.capacity),
		line: int32(where.line), id: digest.Sum32(), file: int32(where.file),
	}
}

func (w window) at() place { return place{file: int(w.file), line: int(w.line)} }

func (w window) span(shift int) span {
	return span{from: wallClock(w.from, shift), to: wallClock(w.to, shift)}
}

// settle sorts a desk's windows and leaves one for each open period: discrete slots of one period are joined, as the
// specification's slot-capacity extension does. A repeated line and a window that overlaps another are refused, since
// a visit in the overlap would count against both. Busy ones are open for nothing: of them it answers the beginnings.
func settle(windows []window, refused func(window, string), joined func(window)) (open []window, full []int32) {
	slices.SortStableFunc(windows, func(a, b window) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	var openUntil int32
	for len(windows) > 0 {
		same := 1
		for same < len(windows) && windows[same].from == windows[0].from && windows[same].to == windows[0].to {
			same++
		}
		one := join(windows[:same], refused, joined)
		windows = windows[same:]
		if one.capacity == 0 {
			full = append(full, one.from)
			continue
		}
		if one.from < openUntil {
			refused(one, "it overlaps another window of its schedule")
			continue
		}
		open, openUntil = append(open, one), one.to
	}
	return open, full
}

// join adds up windows of one period.
func join(same []window, refused func(window, string), joined func(window)) window {
	one := same[0]
	seen := map[uint32]bool{one.id: true}
	for _, w := range same[1:] {
		switch {
		case seen[w.id]:
			refused(w, "the same slot is given twice")
			continue
		case int(one.capacity)+int(w.capacity) > maxCapacity:
			refused(w, fmt.Sprintf("more than %d visits in one period", maxCapacity))
			continue
		case one.capacity > 0 && w.capacity > 0:
			joined(w)
		}
		seen[w.id] = true
		one.capacity += w.capacity
	}
	return one
}

const minutesPerDay = 24 * 60

func minutes(wall civil.DateTime) int32 { return int32(wall.In(time.UTC).Unix() / 60) }

// wallClock turns minutes back and moves them by whole days.
func wallClock(minutes int32, shift int) civil.DateTime {
	return civil.DateTimeOf(time.Unix((int64(minutes)+int64(shift)*minutesPerDay)*60, 0).UTC())
}
