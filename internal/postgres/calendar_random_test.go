package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/civil"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/availability"
)

func (a *asked) compareCalendar() {
	days := availability.Days{From: a.date(), Count: rapid.SampledFrom([]int{1, 7, 42}).Draw(a.T, "days")}
	desks := a.desks()
	zones := map[string]*time.Location{}
	for _, m := range desks {
		zones[a.zone(m).String()] = a.zone(m)
	}
	got, err := a.finder.Calendar(context.Background(), a.by, a.search, days)
	if len(zones) > 1 {
		if err == nil {
			a.Fatalf("days of %d zones were counted in %s", len(zones), got.TimeZone)
		}
		return
	}
	if err != nil {
		a.Fatalf("calendar: %v", err)
	}
	zone := time.UTC
	for _, z := range zones {
		zone = z
	}
	want := a.count(desks, days, zone)
	if have := tell(got.Days, got.NextDayWithOpenings); have != want {
		a.Fatalf("in %s:\n%s\nthe brute force has\n%s", zone, have, want)
	}
}

func tell(days []availability.CalendarDay, next *civil.Date) string {
	var b strings.Builder
	for _, d := range days {
		fmt.Fprintf(&b, "%v %d %s", d.Date, d.OpeningCount, d.Level)
		if d.FirstStart != nil {
			b.WriteString(" from " + d.FirstStart.UTC().Format(time.RFC3339))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "then %v", next)
	return b.String()
}

// count goes through all slots from the first of the days to more than a year on.
func (a *asked) count(desks []wantedMatch, days availability.Days, zone *time.Location) string {
	list := make([]availability.CalendarDay, days.Count)
	full := make([]bool, days.Count)
	from, to := a.period()
	if a.search.To == nil {
		to = days.From.AddDays(800).In(time.UTC)
	}
	end := days.From.AddDays(days.Count)
	var next *civil.Date
	for _, m := range desks {
		for _, s := range a.slots(m, from, to, allStates) {
			date := civil.DateOf(s.Start.In(zone))
			switch i := date.DaysSince(days.From); {
			case i < 0:
			case !date.Before(end):
				if s.Status == availability.Free && (next == nil || date.Before(*next)) {
					next = &date
				}
			case s.Status == availability.Free:
				list[i].OpeningCount++
				if list[i].FirstStart == nil || s.Start.Before(*list[i].FirstStart) {
					list[i].FirstStart = new(s.Start)
				}
			case a.lost(m, s.SlotID):
				full[i] = true
			}
		}
	}
	free := 0
	for i := range list {
		d := &list[i]
		free += d.OpeningCount
		d.Date, d.OpeningCount = days.From.AddDays(i), min(d.OpeningCount, 100)
		d.Level = map[bool]availability.Level{true: availability.DayFull, false: availability.DayClosed}[full[i]]
		if d.OpeningCount > 0 {
			d.Level = map[bool]availability.Level{true: availability.DayOpen, false: availability.DayLimited}[d.OpeningCount >= 5]
		}
	}
	if free > 0 {
		next = nil
	}
	return tell(list, next)
}

// lost says whether only other people's visits stand in a slot's way.
func (a *asked) lost(m wantedMatch, id availability.SlotID) bool {
	taken := m.person.taken()
	v := availability.Check(m.person.rules(), taken, id, a.clock.Now(), a.asking(taken))
	others := []availability.Rule{availability.ProviderBusy, availability.DailyCapReached, availability.WindowCapReached}
	return !slices.ContainsFunc(v.Blocked, func(r availability.Rule) bool { return !slices.Contains(others, r) })
}
