package reminder

import (
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// QuietHours are when a patient isn't reminded, by their own clock: from From until just before Until, over midnight where Until is the
// earlier one. Both the same: never.
type QuietHours struct{ From, Until civil.Time }

// DefaultQuiet are the quiet hours of who has said nothing else.
var DefaultQuiet = QuietHours{civil.Time{Hour: 21}, civil.Time{Hour: 8}}

// lookBack reaches further than quiet hours can have begun, even where a calendar leaves a day out or shows one twice.
const lookBack = 72 * time.Hour

// Earlier is the instant itself or, in quiet hours, when they began.
func (q QuietHours) Earlier(at time.Time, zone *time.Location) time.Time {
	if !q.hold(at.In(zone)) {
		return at
	}
	begun, quiet := at, false
	for s := range clock.Segments(at.Add(-lookBack), at.Add(1), zone) {
		if !quiet && q.hold(s.Start.In(zone)) {
			begun = s.Start // the clock jumped into them
		}
		if last := q.begin(s.End.Add(s.Offset - 1)).Add(-s.Offset); last.After(s.Start) {
			begun = last
		}
		quiet = q.hold(s.End.Add(-1).In(zone))
	}
	return begun
}

// begin is the last time that a steady clock shows their beginning, up to a wall time given as if it were UTC.
func (q QuietHours) begin(wall time.Time) time.Time {
	begin := civil.DateTime{Date: civil.DateOf(wall), Time: q.From}.In(time.UTC)
	if begin.After(wall) {
		begin = begin.Add(-24 * time.Hour)
	}
	return begin
}

// hold says whether a clock shows a quiet hour.
func (q QuietHours) hold(t time.Time) bool {
	shown := civil.TimeOf(t)
	if q.From.Before(q.Until) {
		return !shown.Before(q.From) && shown.Before(q.Until)
	}
	return q.Until.Before(q.From) && (!shown.Before(q.From) || shown.Before(q.Until))
}

// Later is the instant itself or, in quiet hours, when they end.
func (q QuietHours) Later(at time.Time, zone *time.Location) time.Time {
	if !q.hold(at.In(zone)) {
		return at
	}
	ends := at
	for s := range clock.Segments(at, at.Add(lookBack), zone) {
		if !q.hold(s.Start.In(zone)) {
			return s.Start // the clock jumped out of them
		}
		if ends = q.end(s.Start.Add(s.Offset)).Add(-s.Offset); ends.Before(s.End) {
			return ends
		}
	}
	return ends
}

// end is the first time that a steady clock shows their end, after a wall time given as if it were UTC.
func (q QuietHours) end(wall time.Time) time.Time {
	end := civil.DateTime{Date: civil.DateOf(wall), Time: q.Until}.In(time.UTC)
	if !end.After(wall) {
		end = end.Add(24 * time.Hour)
	}
	return end
}
