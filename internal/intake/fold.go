package intake

import (
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// again says whether a wall clock shows a stamp's time for the second time, as it does after it went back, and from when on
// it shows each time once. A wall-clock time means the first showing. So a window can't begin at the second one, and begins
// once each time is shown once rather than an hour early; one that ends then ends at the first, early too.
func (s stamp) again(wall time.Time, zone *time.Location) (once time.Time, twice bool) {
	now := offset(s.instant, zone)
	if offset(s.instant.Add(-24*time.Hour), zone) <= now {
		return wall, false // it didn't go back: so on all days but a few
	}
	first := clock.Instant(civil.DateTimeOf(wall), zone)
	if !s.instant.Add(now).Equal(wall) || !first.Before(s.instant) {
		return wall, false
	}
	before := wall.Sub(first)
	for segment := range clock.Segments(first, s.instant.Add(time.Second), zone) {
		if segment.Offset != before {
			return segment.Start.Add(before), true
		}
	}
	return wall, false
}

func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// written is how a wall-clock time would be published.
func written(wall time.Time, zone *time.Location) string {
	return clock.Instant(civil.DateTimeOf(wall), zone).In(zone).Format(time.RFC3339)
}
