package intake

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// The years beyond which a period counts as having no beginning or no end.
const (
	earliestYear = 2000
	latestYear   = 2199
)

// spanOf is the time on the wall clock that a dateTime speaks of, a year, a month, a day or a moment
// (https://hl7.org/fhir/R4/datatypes.html#dateTime). A moment is widened to whole minutes.
func spanOf(text string, zone *time.Location) (from, to civil.DateTime, err error) {
	for layout, length := range map[string][3]int{"2006": {1, 0, 0}, "2006-01": {0, 1, 0}, time.DateOnly: {0, 0, 1}} {
		if begin, err := time.Parse(layout, text); err == nil && len(text) == len(layout) {
			return civil.DateTimeOf(begin), civil.DateTimeOf(begin.AddDate(length[0], length[1], length[2])), nil
		}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Year() < 1 || at.Year() > 9999 {
		return from, to, refuse("%s is no date", quoted(text))
	}
	begin := at.Truncate(time.Minute)
	end := begin
	if at.After(begin) {
		end = begin.Add(time.Minute)
	}
	return clock.Local(begin, zone), clock.Local(end, zone), nil
}

// days are the local days of a period, both inclusive: zero for no beginning, nil for no end.
type days struct {
	from  civil.Date
	until *civil.Date
}

func (p r4Period) days(zone *time.Location) (d days, err error) {
	if p.Start != "" {
		from, _, err := spanOf(p.Start, zone)
		if err != nil {
			return d, err
		}
		if from.Date.Year >= earliestYear {
			d.from = from.Date
		}
	}
	if p.End == "" {
		return d, nil
	}
	_, to, err := spanOf(p.End, zone)
	if err != nil {
		return d, err
	}
	last := to.Date
	if to.Time.IsZero() {
		last = last.AddDays(-1)
	}
	if last.Year <= latestYear {
		d.until = &last
	}
	if d.until != nil && d.until.Before(d.from) {
		return d, refuse("it ends on %s, before it begins", d.until)
	}
	return d, nil
}

// within is the part of both, if they have one.
func (d days) within(o days) (both days, some bool) {
	both = days{from: laterDay(d.from, o.from), until: d.until}
	if o.until != nil && (both.until == nil || o.until.Before(*both.until)) {
		both.until = o.until
	}
	return both, both.until == nil || !both.until.Before(both.from)
}

// closure is the time in which somebody isn't available.
func (n r4NotAvailable) closure(at place, zone *time.Location) (closure, error) {
	if n.During.Start == "" || n.During.End == "" {
		return closure{}, refusal("a period without both its ends")
	}
	from, _, err := spanOf(n.During.Start, zone)
	if err != nil {
		return closure{}, err
	}
	_, to, err := spanOf(n.During.End, zone)
	if err != nil {
		return closure{}, err
	}
	if !from.Before(to) {
		return closure{}, refusal("a period that ends before it begins")
	}
	return closure{at: at, from: from, to: to, reason: present(clean(n.Description))}, nil
}

// timeOfDay is a FHIR time (https://hl7.org/fhir/R4/datatypes.html#time).
var timeOfDay = regexp.MustCompile(`^([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?$`)

// clockMinute reads a time of day. An opening is put off to a whole minute, a closing brought forward; but one at the 59th second
// means the minute's end.
func clockMinute(text string, closing bool) (int, error) {
	parts := timeOfDay.FindStringSubmatch(text)
	if text == "" {
		return 0, refusal("neither all day nor from one time of day to another")
	}
	if parts == nil {
		return 0, refuse("%s is no time of day", quoted(text))
	}
	minute := minuteOf(parts[1], parts[2])
	seconds := parts[3] != "" && parts[3] != "00"
	switch {
	case minute < 0 || parts[3] > "60" || seconds && minute == minutesPerDay:
		return 0, refuse("%s is no time of day", quoted(text))
	case !closing && seconds, closing && parts[3] == "59":
		minute++
	}
	return minute, nil
}

var r4Days = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// opens opens a week as hours of R4 say. No days are all days.
func (w *week) opens(on []string, allDay bool, start, end string) error {
	from, to := 0, minutesPerDay
	if !allDay {
		var err error
		if from, err = clockMinute(start, false); err != nil {
			return err
		}
		if to, err = clockMinute(end, true); err != nil {
			return err
		}
		switch {
		case to > from:
		case start < end:
			return nil // less than a whole minute
		default:
			to += minutesPerDay
		}
	}
	if len(on) == 0 {
		on = r4Days
	}
	for _, day := range on {
		if !slices.Contains(r4Days, strings.ToLower(day)) {
			return refuse("%s is no day of the week", quoted(day))
		}
	}
	for _, day := range on {
		w.open(provider.Weekday(1+slices.Index(r4Days, strings.ToLower(day))), from, to)
	}
	return nil
}
