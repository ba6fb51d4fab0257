package availability_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// clockChange is an instant at which a zone's wall clock jumps: forward over a gap, or back into a fold.
type clockChange struct {
	at   time.Time
	jump time.Duration
}

// The years whose changes are gone through. Before 1970, where no slots are listed, only those of whole minutes.
var (
	firstChange = time.Date(1890, 1, 1, 0, 0, 0, 0, time.UTC)
	firstListed = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	lastChange  = time.Date(2045, 1, 1, 0, 0, 0, 0, time.UTC)
)

// changesOf lists a zone's clock changes: of each size the first that slots are listed for and the last, and so the zone's last
// two. A zone without any has an ordinary day.
func changesOf(zone *time.Location) []clockChange {
	earliest, latest := map[time.Duration]clockChange{}, map[time.Duration]clockChange{}
	var before *clock.Segment
	for s := range clock.Segments(firstChange, lastChange, zone) {
		if before != nil && before.Offset != s.Offset {
			c := clockChange{s.Start, s.Offset - before.Offset}
			if _, known := earliest[c.jump]; !known && !c.at.Before(firstListed) {
				earliest[c.jump] = c
			}
			if !c.at.Before(firstListed) || (s.Offset%time.Minute == 0 && before.Offset%time.Minute == 0) {
				latest[c.jump] = c
			}
		}
		before = &s
	}
	all := slices.Concat(slices.Collect(maps.Values(earliest)), slices.Collect(maps.Values(latest)))
	if len(all) == 0 {
		all = []clockChange{{at: firstListed.AddDate(60, 0, 0)}}
	}
	slices.SortFunc(all, func(a, b clockChange) int { return a.at.Compare(b.at) })
	return slices.Compact(all)
}

// In each zone, at its clock changes, with hours round the clock that begin, end and are cut in the middle of the jump.
func TestOpeningsAtTheClockChangesOfEveryZone(t *testing.T) {
	cases, gaps, folds := 0, 0, 0
	for i, name := range zoneNames {
		zone, err := clock.Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		for j, c := range changesOf(zone) {
			w := c.office(zone, [...]clinic.GridAnchor{clinic.GridDay, clinic.GridWindow}[(i+j)%2])
			got := availability.Openings(w.rules, w.taken, w.query)
			if diff := difference(got, expected(w)); diff != "" {
				t.Errorf("%s, %v at %v: %s", name, c.jump, c.at, diff)
			}
			for _, s := range w.query.Statuses {
				if !slices.ContainsFunc(got, func(o availability.Slot) bool { return o.Status == s }) {
					t.Errorf("%s, %v at %v: of %d openings none is %s", name, c.jump, c.at, len(got), s)
				}
			}
			if !slices.ContainsFunc(got, func(o availability.Slot) bool { return o.Start.Before(c.at) }) || got[len(got)-1].Start.Before(c.at) {
				t.Errorf("%s, %v at %v: openings on one side only", name, c.jump, c.at)
			}
			cases++
			gaps += btoi(c.jump > 0)
			folds += btoi(c.jump < 0)
		}
	}
	if t.Logf("%d changes, %d gaps, %d folds", cases, gaps, folds); gaps < 700 || folds < 700 {
		t.Errorf("of %d changes %d are gaps and %d are folds", cases, gaps, folds)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// office is open round the clock about a clock change, with windows that touch in the middle of the jump, and has openings of
// every state on both sides of it.
func (c clockChange) office(zone *time.Location, anchor clinic.GridAnchor) world {
	w := office(in(zone.String()), kind(func(k *clinic.VisitKind) {
		k.Duration, k.SlotStep, k.GridAnchor = 25*time.Minute, 20*time.Minute, anchor
		k.BufferBefore, k.BufferAfter = 5*time.Minute, 10*time.Minute
	}))
	jump := c.jump.Abs()
	_, offset := c.at.Add(-1).In(zone).Zone()
	shown := c.at.Add(time.Duration(offset)*time.Second - max(0, -c.jump)).Truncate(time.Minute) // where the gap or fold begins
	half := (jump / 2).Truncate(time.Minute)
	middle := shown.Add(half)
	m := middle.Hour()*60 + middle.Minute()
	var weekly []provider.WeeklyHours
	for weekday := provider.Weekday(1); weekday <= 7; weekday++ {
		for _, h := range []provider.Hours{{From: 0, To: m, Capacity: 2}, {From: m, To: 1440, Capacity: 3}, {From: 1380, To: 1500, Capacity: 3}} {
			if h.From < h.To {
				weekly = append(weekly, provider.WeeklyHours{Weekday: weekday, Hours: h})
			}
		}
	}
	place := &w.rules.Places[0]
	place.Schedules[0].EffectiveFrom, place.Schedules[0].Weekly = civil.DateOf(firstChange.AddDate(-1, 0, 0)), weekly
	about := func(e provider.Exception, from, to time.Duration) {
		e.ProviderID, e.From, e.To = doctorID, civil.DateTimeOf(middle.Add(from)), civil.DateTimeOf(middle.Add(to))
		place.Exceptions = append(place.Exceptions, e)
	}
	about(capped(3), -70*time.Minute, 50*time.Minute)
	about(closed, half+80*time.Minute, half+95*time.Minute)
	about(closed, -half-95*time.Minute, -half-80*time.Minute)
	w.taken.Windows[exceptions[1]] = 1
	w.query = c.query(jump + 8*time.Hour)
	c.claims(&w)
	reach := availability.ReachOf(w.query.From, w.query.To)
	w.rules.From, w.rules.Until = reach.From, reach.Until
	return w
}

func (c clockChange) query(reach time.Duration) availability.Query {
	return availability.Query{
		VisitKind: kindIDs[0], Modalities: []clinic.Modality{clinic.InPerson},
		From: c.at.Add(-reach), To: c.at.Add(reach), Now: c.at.Add(-reach - time.Hour),
		Statuses: []availability.Status{availability.Free, availability.Held, availability.Booked, availability.Blocked},
	}
}

// claims books all lanes until shortly before the change, and before that holds two of them.
func (c clockChange) claims(w *world) {
	take := func(lane int, from, to time.Duration, hold bool) {
		claim := availability.Claim{Lane: lane, Start: c.at.Add(from), End: c.at.Add(to), Appointment: id("other")}
		if hold {
			claim.Appointment, claim.Hold, claim.ExpiresAt = [16]byte{}, id("hold"), w.query.To
		}
		w.taken.Claims = append(w.taken.Claims, claim)
	}
	for lane := range 3 {
		take(lane, -80*time.Minute, -10*time.Minute, false)
		take(lane, -4*time.Hour, -3*time.Hour, lane < 2)
	}
	take(1, 3*time.Hour, 4*time.Hour, false)
}
