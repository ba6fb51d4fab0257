package availability_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

func TestPlanOf(t *testing.T) {
	w := office(daily("09:00-12:00 x2"), except(capped(4), monday+"T09:00", monday+"T10:00"), except(closed, monday+"T09:00", monday+"T10:00"),
		kind(func(k *clinic.VisitKind) { k.BufferBefore, k.BufferAfter = 10*time.Minute, 20*time.Minute }))
	w.rules.MaxDaily = ptr(9)
	p, ok := availability.PlanOf(w.rules, w.slot(monday+"T09:30"))
	if !ok {
		t.Fatal("no plan")
	}
	if p.Occupied != (availability.Span{Start: w.at(monday + "T09:20"), End: w.at(monday + "T10:20")}) ||
		p.Visit() != (availability.Span{Start: w.at(monday + "T09:30"), End: w.at(monday + "T10:00")}) {
		t.Errorf("occupied %v, visit %v", p.Occupied, p.Visit())
	}
	if p.Lanes != 2 || p.Day != date(monday) || *p.MaxDaily != 9 || p.LocalStart != dateTime(monday+"T09:30") || p.TimeZone != "America/New_York" {
		t.Errorf("%+v", p)
	}
	if !slices.Equal(p.Windows, []availability.WindowCap{{ID: exceptions[1], Cap: 4}}) {
		t.Errorf("windows %v", p.Windows)
	}
	if at, _ := availability.PlanOf(w.rules, w.slot(monday+"T10:00")); len(at.Windows) != 0 || at.Lanes != 2 {
		t.Errorf("a start where the window ends: %+v", at)
	}
	if out, ok := availability.PlanOf(w.rules, w.slot(monday+"T15:00")); !ok || out.Lanes != 0 {
		t.Errorf("outside the hours: %+v", out)
	}
	other := w.slot(monday + "T09:30")
	other.VisitKind = kindIDs[1]
	if _, ok := availability.PlanOf(w.rules, other); ok {
		t.Error("a plan for a kind that isn't offered")
	}
}

func TestPlanDays(t *testing.T) {
	late := daily("20:00-00:00")
	elsewhere := func(w *world) { // a second place on the other side of the date line
		p := office(in("Pacific/Auckland")).rules.Places[0]
		p.Location = places[1]
		w.rules.Places = append(w.rules.Places, p)
	}
	longer := func(w *world) {
		w.rules.Kinds = append(w.rules.Kinds, clinic.VisitKind{ID: kindIDs[1], Duration: 2 * time.Hour, BufferAfter: time.Hour})
	}
	everywhere := capped(9)
	everywhere.ProviderID = doctorID
	for _, c := range []struct {
		why, start, want string
		w                world
	}{
		{"the day alone", "22:30", "2", office(late)},
		{"a visit that ends half an hour before midnight reaches it", "23:00", "2", office(late)},
		{"a minute later it reaches the next day", "23:01", "2 3", office(late)},
		{"half an hour after midnight it still leaves the day before alone", "00:30", "2", office(late)},
		{"a minute earlier not", "00:29", "1 2", office(late)},
		{"a longer kind reaches further", "20:45", "2 3", office(late, longer)},
		{"the other zone's day", "05:01", "2 3", office(late, elsewhere)},
		{"all days of a capped window", "20:00", "2 3 4", office(late, except(everywhere, monday+"T12:00", "2026-03-05T00:00"))},
		{"only of one that holds the start", "20:00", "2", office(late, except(everywhere, monday+"T21:00", "2026-03-05T00:00"))},
		{"the date line, for a window everywhere", "20:00", "2 3 4", office(late, elsewhere, func(w *world) {
			except(everywhere, monday+"T12:00", "2026-03-05T00:00")(w)
			w.rules.Places[1].Exceptions = []provider.Exception{w.rules.Places[0].Exceptions[0]}
		})},
	} {
		p, ok := availability.PlanOf(c.w.rules, c.w.slot(monday+"T"+c.start))
		if got := shortDays(p.Days); !ok || got != c.want {
			t.Errorf("%s: at %s %s, want %s", c.why, c.start, got, c.want)
		}
	}
}

func shortDays(days []civil.Date) string {
	var all []string
	for _, d := range days {
		all = append(all, fmt.Sprint(d.Day))
	}
	return strings.Join(all, " ")
}

func TestReachOf(t *testing.T) {
	from := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	r := availability.ReachOf(from, from.Add(24*time.Hour))
	if r.From.After(date("2026-03-08")) || r.Until.Before(date("2026-03-22")) {
		t.Errorf("days %v to %v: a run of a week and a visit of a day don't fit", r.From, r.Until)
	}
	if r.Busy.Start.After(from.Add(-clinic.MaxOccupied)) || r.Busy.End.Before(from.Add(24*time.Hour+clinic.MaxOccupied)) {
		t.Errorf("busy %v", r.Busy)
	}
}
