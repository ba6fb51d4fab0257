package appointment

import (
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// On the night of a change, a time that is skipped moves forward by the gap, and one that is shown twice is the first; the weeks after are as before.
func TestDatesOfASeriesInAGapAndInAFold(t *testing.T) {
	for _, c := range []struct {
		zone, first  string
		offsets, all []string
	}{
		{"Europe/Berlin", "2027-03-21T02:30:00", []string{"01:30", "01:30", "00:30"}, []string{"2027-03-21T02:30:00", "2027-03-28T03:30:00", "2027-04-04T02:30:00"}},
		{"Europe/Berlin", "2026-10-18T02:30:00", []string{"00:30", "00:30", "01:30"}, []string{"2026-10-18T02:30:00", "2026-10-25T02:30:00", "2026-11-01T02:30:00"}},
		{"America/New_York", "2027-03-07T02:15:00", []string{"07:15", "07:15", "06:15"}, []string{"2027-03-07T02:15:00", "2027-03-14T03:15:00", "2027-03-21T02:15:00"}},
		{"America/New_York", "2026-10-25T01:15:00", []string{"05:15", "05:15", "06:15"}, []string{"2026-10-25T01:15:00", "2026-11-01T01:15:00", "2026-11-08T01:15:00"}},
		{"Australia/Lord_Howe", "2026-09-27T02:10:00", []string{"15:40", "15:40", "15:10"}, []string{"2026-09-27T02:10:00", "2026-10-04T02:40:00", "2026-10-11T02:10:00"}},
		{"Australia/Lord_Howe", "2027-03-28T01:40:00", []string{"14:40", "14:40", "15:10"}, []string{"2027-03-28T01:40:00", "2027-04-04T01:40:00", "2027-04-11T01:40:00"}},
	} {
		zone, err := clock.Zone(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		first, err := civil.ParseDateTime(c.first)
		if err != nil {
			t.Fatal(err)
		}
		r := Recurrence{First: availability.SlotID{Start: clock.Instant(first, zone)}, EveryWeeks: 1, Count: len(c.all)}
		var walls, instants []string
		for _, slot := range r.slots(zone) {
			walls = append(walls, clock.Local(slot.Start, zone).String())
			instants = append(instants, slot.Start.UTC().Format("15:04"))
		}
		if !slices.Equal(walls, c.all) || !slices.Equal(instants, c.offsets) {
			t.Errorf("%s from %s: %v at %v", c.zone, c.first, walls, instants)
		}
	}
}

// The second of two times that are shown alike is a slot of its own, and the first date stays where it was asked for.
func TestTheFirstDateOfASeriesIsTheSlotItself(t *testing.T) {
	zone, err := clock.Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	second := time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC)
	slots := Recurrence{First: availability.SlotID{Start: second}, EveryWeeks: 2, Count: 2}.slots(zone)
	if !slots[0].Start.Equal(second) || clock.Local(slots[1].Start, zone).String() != "2026-11-08T02:30:00" {
		t.Errorf("%v", slots)
	}
}
