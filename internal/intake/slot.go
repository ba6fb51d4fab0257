package intake

import (
	"strings"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/provider"
)

// The bounds of a window that can be imported.
const (
	maxCapacity  = 100_000
	firstYear    = 2000
	lastYear     = 2199
	noCapacity   = 1 // of a slot that doesn't say it
	wholeMinutes = time.Minute
)

// slot is a published Slot. Its capacity is 0 when it is busy.
type slot struct {
	id, schedule string
	start, end   stamp
	capacity     int
}

// stamp is a published instant and the wall clock that it was written with.
type stamp struct {
	wall    time.Time // as written, in UTC for the sake of arithmetic
	instant time.Time
	utc     bool // written in UTC, so the wall clock means nothing
}

// readSlot reads one line of a Slot file. Of a broken one it answers the schedule, where it can be told.
func readSlot(text []byte) (slot, error) {
	var published fhirSlot
	err := decode(text, resourceSlot, &published)
	s := slot{id: published.ID}
	var ok bool
	s.schedule, ok = target(published.Schedule.Reference, resourceSchedule)
	switch {
	case err != nil:
		return s, err
	case !ok:
		return s, refuse("its schedule is %s, not a Schedule/id", quoted(published.Schedule.Reference))
	}
	if s.capacity, err = published.capacity(); err != nil {
		return s, err
	}
	if s.start, err = readStamp("start", published.Start); err != nil {
		return s, err
	}
	if s.end, err = readStamp("end", published.End); err != nil {
		return s, err
	}
	return s, s.ordered()
}

func (s slot) ordered() error {
	switch length := s.end.instant.Sub(s.start.instant); {
	case length < 0:
		return refusal("its end is before its start")
	case length == 0:
		return refusal("it ends when it starts")
	}
	return nil
}

func (s fhirSlot) capacity() (int, error) {
	capacity := noCapacity
	for _, e := range s.Extension {
		if e.URL == slotCapacityURL && e.ValueInteger != nil {
			capacity = *e.ValueInteger
		}
	}
	switch {
	case capacity < 0:
		return 0, refuse("a capacity of %d", capacity)
	case capacity > maxCapacity:
		return 0, refuse("a capacity of %d; the most is %d", capacity, maxCapacity)
	}
	switch s.Status {
	case statusFree:
		return capacity, nil
	case statusBusy, statusUnavailable, statusTentativeBusy:
		return 0, nil
	}
	return 0, refuse("an unknown status, %s", quoted(s.Status))
}

// readStamp reads a FHIR instant (https://hl7.org/fhir/R4/datatypes.html#instant); an offset of whole hours may leave its
// minutes out, as the specification's own example does.
func readStamp(field, published string) (stamp, error) {
	published = strings.TrimSpace(published)
	if published == "" {
		return stamp{}, refuse("no %s", field)
	}
	t, err := time.Parse(time.RFC3339, published)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05Z07", published)
	}
	if err != nil {
		return stamp{}, refuse("its %s, %s, is not an instant with seconds and an offset", field, quoted(published))
	}
	if t.Year() < firstYear || t.Year() > lastYear {
		return stamp{}, refuse("its %s, %s, is not in the years %d to %d", field, quoted(published), firstYear, lastYear)
	}
	_, offset := t.Zone()
	wall := t.Add(time.Duration(offset) * time.Second).UTC()
	return stamp{wall: wall, instant: t.UTC(), utc: offset == 0}, nil
}

// shown is what the site's wall clock shows. An offset that contradicts the zone doesn't move it: publishers write the
// wall clock of their opening hours and forget daylight saving time.
func (s stamp) shown(zone *time.Location) (wall time.Time, contradicts bool) {
	actual := s.instant.Add(offset(s.instant, zone))
	if s.utc {
		return actual, false
	}
	return s.wall, !actual.Equal(s.wall)
}

// on is the wall-clock time of a slot at a site, narrowed to whole minutes.
func (s slot) on(zone *time.Location, note func(Repair, string, string)) (span, error) {
	start, wrongStart := s.start.shown(zone)
	end, wrongEnd := s.end.shown(zone)
	if wrongStart || wrongEnd {
		note(OffsetContradicts, s.start.published(), written(start, zone))
	}
	once, again := s.start.again(start, zone)
	if again {
		start = once
		note(ShownTwice, s.start.published(), written(start, zone))
	} else if _, endsAgain := s.end.again(end, zone); endsAgain {
		note(ShownTwice, s.end.published(), written(end, zone))
	}
	from, to := start.Add(wholeMinutes-1).Truncate(wholeMinutes), end.Truncate(wholeMinutes)
	if !from.Equal(start) || !to.Equal(end) {
		note(SecondsCut, s.start.published(), s.end.published())
	}
	if !from.Before(to) {
		if again {
			return span{}, refusal("it lies in a time that the site's wall clock shows for the second time")
		}
		return span{}, refusal("on the site's wall clock it ends before it starts")
	}
	shown := span{from: civil.DateTimeOf(from), to: civil.DateTimeOf(to)}
	if !provider.MayBeCapped(shown.from, shown.to) {
		return span{}, refusal("it lasts more than 31 days")
	}
	return shown, nil
}

func (s stamp) published() string {
	return s.instant.In(time.FixedZone("", int(s.wall.Sub(s.instant)/time.Second))).Format(time.RFC3339)
}
