package load

import (
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// hours are the same on some days of the week.
type hours struct {
	days     []provider.Weekday
	from, to int // minutes
}

var workdays = []provider.Weekday{1, 2, 3, 4, 5}

// patterns are weeks as people work them.
var patterns = []struct {
	weight int
	week   []hours
}{
	{30, []hours{{workdays, 9 * 60, 12*60 + 30}, {workdays, 13*60 + 15, 17*60 + 30}}},
	{16, []hours{{workdays, 7 * 60, 15 * 60}}},
	{16, []hours{{workdays, 12 * 60, 20 * 60}}},
	{14, []hours{{[]provider.Weekday{2, 3, 4, 5}, 9 * 60, 17 * 60}, {[]provider.Weekday{6}, 9 * 60, 14 * 60}}},
	{10, []hours{{[]provider.Weekday{1, 3, 5}, 8 * 60, 13 * 60}, {[]provider.Weekday{1, 3, 5}, 14 * 60, 19 * 60}}},
	{8, []hours{{workdays, 8*60 + 30, 12*60 + 30}}},
	{6, []hours{{[]provider.Weekday{3, 4, 5, 6, 7}, 10 * 60, 18*60 + 30}}},
}

// weekly draws a week. Some providers see two or three patients at a time, with others who work for them.
func weekly(d dice) []provider.WeeklyHours {
	p := patterns[d.weighted(weightsOf(patterns, func(i int) int { return patterns[i].weight }))]
	capacity := 1 + d.weighted([]int{85, 11, 4})
	var week []provider.WeeklyHours
	for _, h := range p.week {
		for _, day := range h.days {
			week = append(week, provider.WeeklyHours{Weekday: day, Hours: provider.Hours{From: h.from, To: h.to, Capacity: capacity}})
		}
	}
	slices.SortFunc(week, func(a, b provider.WeeklyHours) int { return (int(a.Weekday)-int(b.Weekday))*2880 + a.From - b.From })
	return week
}

// Shares of a hundred providers with exceptions of a sort.
const (
	keepHolidays = 85
	onVacation   = 20
	stayLonger   = 15
	vaccinate    = 40 // of those who do so at all
)

// exceptions are holidays, a vacation, a long evening, a day of vaccinations with a cap.
func (c *crowd) exceptions(d dice, s Staff, at time.Time) []Exception {
	var list []Exception
	add := func(e provider.Exception, reason string) {
		set := at.Add(time.Duration(10+len(list)) * time.Minute)
		e.ID, e.OrganizationID, e.ProviderID, e.Reason = d.id(set), c.Organization, s.ID, &reason
		list = append(list, Exception{Exception: e, Added: clinic.Stamp{Actor: c.Actor, At: set, AuditID: d.id(set)}})
	}
	home := s.Desks[0].Location
	if d.chance(keepHolidays) {
		for _, h := range holidays(c.Today.AddDays(-Behind), c.Today.AddDays(c.Days)) {
			add(closed(h.on, 1), h.name)
		}
	}
	if d.chance(onVacation) {
		add(closed(c.Today.AddDays(d.between(1-Behind, c.Days)), d.between(3, 10)), "Vacation")
	}
	if d.chance(stayLonger) {
		add(opened(home, c.Today.AddDays(d.between(1-Behind, c.Days)), 18, 21), "Long evening")
	}
	if slices.Contains(s.VisitKindIDs, c.kinds[vaccination].ID) && d.chance(vaccinate) {
		e := opened(home, c.Today.AddDays(d.between(1-Behind, c.Days)), 10, 14)
		e.Capacity, e.MaxAppointments = 2, new(d.between(4, 12))
		add(e, "Vaccination day")
	}
	return list
}

func closed(from civil.Date, days int) provider.Exception {
	return provider.Exception{
		From: civil.DateTime{Date: from}, To: civil.DateTime{Date: from.AddDays(days)}, Effect: provider.Closed, Capacity: 1,
	}
}

func opened(at uuid.UUID, on civil.Date, from, to int) provider.Exception {
	return provider.Exception{
		LocationID: at, From: civil.DateTime{Date: on, Time: civil.Time{Hour: from}}, To: civil.DateTime{Date: on, Time: civil.Time{Hour: to}},
		Effect: provider.Open, Capacity: 1,
	}
}

type holiday struct {
	on   civil.Date
	name string
}

// holidays of the United States on which most are closed, from one day to another.
func holidays(from, to civil.Date) (list []holiday) {
	for d := from; !d.After(to); d = d.AddDays(1) {
		switch {
		case d.Month == time.January && d.Day == 1:
			list = append(list, holiday{d, "New Year's Day"})
		case d.Month == time.July && d.Day == 4:
			list = append(list, holiday{d, "Independence Day"})
		case d.Month == time.December && d.Day == 25:
			list = append(list, holiday{d, "Christmas Day"})
		case d.Month == time.May && d.Weekday() == time.Monday && d.Day > 24:
			list = append(list, holiday{d, "Memorial Day"})
		case d.Month == time.September && d.Weekday() == time.Monday && d.Day < 8:
			list = append(list, holiday{d, "Labor Day"})
		case d.Month == time.November && d.Weekday() == time.Thursday && d.Day > 21 && d.Day < 29:
			list = append(list, holiday{d, "Thanksgiving Day"})
		}
	}
	return list
}
