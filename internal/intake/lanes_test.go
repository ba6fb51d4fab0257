package intake

import (
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

func TestLanesAreAsManyAsTheVisitsNeed(t *testing.T) {
	quarter := clinic.VisitKind{Duration: 15 * time.Minute, SlotStep: 15 * time.Minute, GridAnchor: clinic.GridWindow}
	onDay := quarter
	onDay.GridAnchor = clinic.GridDay
	buffered := quarter
	buffered.BufferAfter = 5 * time.Minute
	fifty := clinic.VisitKind{Duration: 50 * time.Minute, SlotStep: 50 * time.Minute, GridAnchor: clinic.GridDay}
	for _, c := range []struct {
		name     string
		from, to string
		kind     clinic.VisitKind
		visits   int
		want     int
	}{
		{"a lane just holds them", "2026-03-25T09:00:00", "2026-03-25T17:00:00", quarter, 32, 1},
		{"one more needs a second", "2026-03-25T09:00:00", "2026-03-25T17:00:00", quarter, 33, 2},
		{"twice as many fill both", "2026-03-25T09:00:00", "2026-03-25T17:00:00", quarter, 64, 2},
		{"one more needs a third", "2026-03-25T09:00:00", "2026-03-25T17:00:00", quarter, 65, 3},
		{"one visit that just fits", "2026-03-25T09:00:00", "2026-03-25T09:15:00", quarter, 1, 1},
		{"a minute too short", "2026-03-25T09:00:00", "2026-03-25T09:14:00", quarter, 1, 0},
		{"an odd minute, counted from it", "2026-03-25T09:05:00", "2026-03-25T09:35:00", quarter, 2, 1},
		{"an odd minute, counted from midnight", "2026-03-25T09:05:00", "2026-03-25T09:35:00", onDay, 2, 2},
		{"no point of the day's grid in it", "2026-03-25T09:05:00", "2026-03-25T09:20:00", onDay, 1, 0},
		{"buffers cost every second start", "2026-03-25T09:00:00", "2026-03-25T10:00:00", buffered, 2, 1},
		{"and a third visit a lane", "2026-03-25T09:00:00", "2026-03-25T10:00:00", buffered, 3, 2},
		{"the day's grid begins anew at midnight", "2026-03-25T23:00:00", "2026-03-26T01:00:00", fifty, 2, 2},
		{"a lost hour", "2026-03-08T01:00:00", "2026-03-08T04:00:00", onDay, 8, 1},
		{"has no starts", "2026-03-08T01:00:00", "2026-03-08T04:00:00", onDay, 9, 2},
		{"nor has it counted from the opening", "2026-03-08T01:00:00", "2026-03-08T04:00:00", quarter, 9, 2},
	} {
		at := span{from: dateTime(t, c.from), to: dateTime(t, c.to)}
		if got := lanes(c.visits, at, c.kind, newYork(t)); got != c.want {
			t.Errorf("%s: %d lanes for %d visits, want %d", c.name, got, c.visits, c.want)
		}
	}
}

func dateTime(t *testing.T, s string) civil.DateTime {
	t.Helper()
	d, err := civil.ParseDateTime(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newYork(t *testing.T) *time.Location {
	t.Helper()
	zone, err := clock.Zone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
