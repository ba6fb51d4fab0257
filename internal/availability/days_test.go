package availability_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Round the clock, each day's grid is its own; after a day off it counts from the end of that day, for a week.
func TestADayOffMovesTheGridOfAWeek(t *testing.T) {
	w := office(daily("00:00-00:00"), step(50*time.Minute, clinic.GridWindow), func(w *world) {
		w.query.From, w.query.To = w.at(sunday+"T00:00"), w.at(sunday+"T00:00").AddDate(0, 0, 20)
	})
	off := date(monday).AddDays(3)
	without := w
	without.rules.Places = slices.Clone(w.rules.Places)
	without.rules.Places[0].DateHours = map[civil.Date][]provider.Hours{off: nil}
	last := slices.MaxFunc(differing(openingsByDay(w), openingsByDay(without)), civil.Date.Compare)
	if told := provider.DaysAround(off).Until; last != off.AddDays(7) || told.Before(last) {
		t.Errorf("a day off on %v changes openings until %v, told until %v", off, last, told)
	}
}

func TestHoursChangeOpeningsOnTheDaysThatAreTold(t *testing.T) {
	rapid.Check(t, changesOnlyTheDaysTold)
}

// changesOnlyTheDaysTold changes a date's hours, puts a schedule or an exception on top, or takes one back: openings differ on
// the days that the change is said to reach and on no other.
func changesOnlyTheDaysTold(t *rapid.T) {
	w := drawWorld(t)
	d := drawer{T: t, zone: w.rules.Places[0].Zone, around: w.query.From}
	w.query.From, w.query.To = d.around.AddDate(0, 0, -6), d.around.AddDate(0, 0, 14)
	w.query.Now, w.query.Asking = d.around.AddDate(0, 0, -30), availability.Asking{}
	w.query.Statuses = []availability.Status{availability.Free, availability.Held, availability.Booked, availability.Blocked}
	for i := range w.rules.Kinds {
		w.rules.Kinds[i].Policy.MaximumAdvance = 365 * 24 * time.Hour
	}
	reach := availability.ReachOf(w.query.From, w.query.To)
	w.rules.From, w.rules.Until = reach.From, reach.Until
	w.taken = availability.Taken{}
	after := w
	place, told := d.changed(w.rules.Places[0])
	after.rules.Places = append([]availability.Place{place}, w.rules.Places[1:]...)
	for _, day := range differing(openingsByDay(w), openingsByDay(after)) {
		if (told.From != nil && day.Before(*told.From)) || (told.Until != nil && day.After(*told.Until)) {
			t.Fatalf("openings of %v differ, told were %v to %v", day, told.From, told.Until)
		}
	}
}

// changed is the place after a change, with the days that are told of it.
func (d drawer) changed(p availability.Place) (availability.Place, provider.Days) {
	switch rapid.IntRange(0, 3).Draw(d.T, "change") {
	case 0:
		date := d.date(p.Zone)
		p.DateHours = maps.Clone(p.DateHours)
		p.DateHours[date] = d.hours("changed", 2)
		return p, provider.DaysAround(date)
	case 1:
		e := d.exception(exceptions[5])
		p.Exceptions = append(slices.Clone(p.Exceptions), e)
		return p, e.Days()
	case 2:
		if len(p.Exceptions) > 0 {
			e := p.Exceptions[0]
			p.Exceptions = p.Exceptions[1:]
			return p, e.Days()
		}
	}
	until := d.date(p.Zone)
	s := provider.Schedule{EffectiveFrom: until.AddDays(-rapid.IntRange(0, 2).Draw(d.T, "for days")), EffectiveUntil: &until}
	for weekday := range 7 {
		for _, h := range d.hours("changed", 2) {
			s.Weekly = append(s.Weekly, provider.WeeklyHours{Weekday: provider.Weekday(weekday + 1), Hours: h})
		}
	}
	p.Schedules = append([]provider.Schedule{s}, p.Schedules...)
	return p, s.Days()
}

func openingsByDay(w world) map[civil.Date][]string {
	days := map[civil.Date][]string{}
	for _, kind := range kindIDs {
		w.query.VisitKind = kind
		for _, s := range availability.Openings(w.rules, w.taken, w.query) {
			if s.Location == places[0] {
				days[s.LocalStart.Date] = append(days[s.LocalStart.Date], show(s))
			}
		}
	}
	return days
}

func differing(a, b map[civil.Date][]string) []civil.Date {
	var days []civil.Date
	for _, m := range []map[civil.Date][]string{a, b} {
		for day := range m {
			if !slices.Equal(a[day], b[day]) {
				days = append(days, day)
			}
		}
	}
	return days
}
