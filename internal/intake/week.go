package intake

import (
	"slices"

	"github.com/mediconnect/mediconnect/internal/provider"
)

const (
	minutesPerWeek = 7 * minutesPerDay
)

// week says of every minute of a week, Monday's midnight the first, whether it is open.
type week [minutesPerWeek/64 + 1]uint64

func (w *week) has(minute int) bool { return w[minute/64]&(1<<(minute%64)) != 0 }

// open opens a weekday from a minute to another, which may be of the next day. It says whether all of them were closed.
func (w *week) open(on provider.Weekday, from, to int) (fresh bool) {
	fresh = true
	for minute := from; minute < to; minute++ {
		at := ((int(on)-1)*minutesPerDay + minute) % minutesPerWeek
		fresh = fresh && !w.has(at)
		w[at/64] |= 1 << (at % 64)
	}
	return fresh
}

// hours are the open times, each from its opening to its closing; one longer than a day is cut at midnights.
func (w *week) hours(capacity int) (list []provider.WeeklyHours) {
	first := w.closed() // so that Sunday's night is not cut
	for minute := first; minute < first+minutesPerWeek; {
		length := 0
		for length < first+minutesPerWeek-minute && w.has((minute+length)%minutesPerWeek) {
			length++
		}
		for from := minute; from < minute+length; {
			to := minute + length
			if to-from > minutesPerDay {
				to = min(to, (from/minutesPerDay+1)*minutesPerDay)
			}
			list = append(list, hoursAt(from, to, capacity))
			from = to
		}
		minute += max(1, length)
	}
	slices.SortFunc(list, compareWeekly)
	return list
}

// closed is the first minute that isn't open, or the first when all are.
func (w *week) closed() int {
	for minute := range minutesPerWeek {
		if !w.has(minute) {
			return minute
		}
	}
	return 0
}

// join opens what another week does.
func (w *week) join(o *week) {
	for i, minutes := range o {
		w[i] |= minutes
	}
}

// hoursAt are between two minutes of a week that may begin in the next.
func hoursAt(from, to, capacity int) provider.WeeklyHours {
	day := from / minutesPerDay
	return provider.WeeklyHours{Weekday: provider.Weekday(day%7 + 1), Hours: provider.Hours{
		From: from - day*minutesPerDay, To: to - day*minutesPerDay, Capacity: capacity,
	}}
}
