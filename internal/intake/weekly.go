package intake

import (
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/provider"
)

// DeriveWeekly makes weekly hours of the windows that a publication opens on some dates: of each weekday from the earliest
// opening to the latest closing that was seen, with the most lanes. There is no cap. A weekday that never opened stays
// closed.
func DeriveWeekly(windows []provider.OpenWindow) []provider.WeeklyHours {
	days := map[provider.Weekday]provider.Hours{}
	for _, w := range windows {
		on := weekday(w.From.Date)
		seen := hoursOf(w)
		if known, ok := days[on]; ok {
			seen.From, seen.To = min(seen.From, known.From), max(seen.To, known.To)
			seen.Capacity = max(seen.Capacity, known.Capacity)
		}
		days[on] = seen
	}
	weekly := make([]provider.WeeklyHours, 0, len(days))
	for _, on := range slices.Sorted(maps.Keys(days)) {
		hours := days[on]
		if next, ok := days[on%7+1]; ok {
			hours.To = min(hours.To, minutesPerDay+next.From) // hours of one schedule may touch, not overlap
		}
		weekly = append(weekly, provider.WeeklyHours{Weekday: on, Hours: hours})
	}
	return weekly
}

func hoursOf(w provider.OpenWindow) provider.Hours {
	midnight := civil.DateTime{Date: w.From.Date}.In(time.UTC)
	from := int(w.From.In(time.UTC).Sub(midnight) / time.Minute)
	to := int(w.To.In(time.UTC).Sub(midnight) / time.Minute)
	return provider.Hours{From: from, To: min(to, from+minutesPerDay), Capacity: w.Capacity}
}

// weekday numbers days as ISO 8601 does.
func weekday(d civil.Date) provider.Weekday {
	if on := d.In(time.UTC).Weekday(); on != time.Sunday {
		return provider.Weekday(on)
	}
	return 7
}
