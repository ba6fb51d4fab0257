package provider

import (
	"slices"
	"strconv"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/form"
)

const (
	daysOfWeek     = 7
	maxWeeksApart  = 52
	maxRepeatYears = 2 // at most 105 times, all of them read with the hours of their days
)

// repeat is what the input says of an exception once it is checked.
func (in AddRepeat) repeat(check *form.Check, first Exception) *Repeat {
	weeks := check.Count(in.EveryWeeks, 1, maxWeeksApart, "repeat", "everyWeeks")
	until := check.Date(in.Until, "repeat", "until")
	day := first.From.Date
	second := civil.DateTime{Date: day.AddDays(daysOfWeek * weeks), Time: first.From.Time}
	check.That(!until.After(day.AddYears(maxRepeatYears)), "At most "+strconv.Itoa(maxRepeatYears)+" years after the beginning.", "repeat", "until")
	check.That(!until.Before(second.Date), "This is before it would return.", "repeat", "until")
	check.That(!first.To.After(second), "This is after it returns.", "to")
	if check.Err() != nil {
		return nil
	}
	var dates []civil.Date
	for d := day; !d.After(until); d = d.AddDays(daysOfWeek * weeks) {
		dates = append(dates, d)
	}
	return &Repeat{EveryWeeks: weeks, Until: until, Dates: in.without(check, dates)}
}

// without leaves dates out. The first is no exception to it: it would begin later, then.
func (in AddRepeat) without(check *form.Check, dates []civil.Date) []civil.Date {
	for i, out := range in.Except {
		at := slices.Index(dates, out)
		check.That(at > 0, "It doesn't return on this date, or this is named twice.", form.At([]string{"repeat", "except"}, i)...)
		if at <= 0 {
			return nil
		}
		dates = slices.Delete(dates, at, at+1)
	}
	check.That(len(dates) > 1, "It returns on none of the other dates.", "repeat", "except")
	return dates
}

// times are the exceptions that it stands for: itself, or one for each of its dates, at the same wall clock.
func (e Exception) times(newID func() uuid.UUID) []Exception {
	if e.Repeat == nil {
		e.ID = newID()
		return []Exception{e}
	}
	list := make([]Exception, len(e.Repeat.Dates))
	for i, d := range e.Repeat.Dates {
		at := e
		at.ID, at.From.Date, at.To.Date = newID(), d, e.To.Date.AddDays(d.DaysSince(e.From.Date))
		list[i] = at
	}
	return list
}

// DaysOf are those on which openings may follow from any of some exceptions.
func DaysOf(list []Exception) Days {
	days := list[0].Days()
	for _, e := range list[1:] {
		days = days.Join(e.Days())
	}
	return days
}
