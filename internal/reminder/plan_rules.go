package reminder

import (
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Rule is when patients are reminded of visits: so long before the start or, with At, so many days before it at a local time.
type Rule struct {
	Key        string     // KeyOf or KeyOfDay; the patient's own are told from them
	VisitKind  *uuid.UUID // nil: of every kind that has no rules of its own
	Before     time.Duration
	DaysBefore int
	At         *civil.Time // in the zone of the visit's place
	Off        bool        // no reminder; a visit kind with nothing else has none at all
}

// DefaultRules are those of an organisation that has set none: the day before at 10:00, and two hours before.
func DefaultRules() []Rule {
	ten := civil.Time{Hour: 10}
	return []Rule{
		{Key: KeyOfDay(1, ten), DaysBefore: 1, At: &ten},
		{Key: KeyOfOffset(2 * time.Hour), Before: 2 * time.Hour},
	}
}

// reminding is one reminder before it is put in rows.
type reminding struct {
	rule string
	at   time.Time
}

// reminders are those not before an instant, by time. Of those that would come close together, the last stays: whether it is sent doesn't
// then depend on whether the others were.
func (p plan) reminders(rules []Rule, soonest time.Time) []reminding {
	place := zone(p.visit.TimeZone, time.UTC)
	home := zone(p.contact.TimeZone, place)
	var all []reminding
	for _, r := range p.apply(rules) {
		at := r.instant(p.visit.Start, place)
		if !at.Before(p.visit.Start) {
			continue
		}
		all = append(all, reminding{r.Key, p.contact.Quiet.Earlier(at, home).UTC()})
	}
	slices.SortStableFunc(all, func(a, b reminding) int { return b.at.Compare(a.at) })
	var kept []reminding
	for _, r := range all {
		if !r.at.Before(soonest) && (len(kept) == 0 || kept[len(kept)-1].at.Sub(r.at) >= Apart) {
			kept = append(kept, r)
		}
	}
	slices.Reverse(kept)
	return kept
}

// apply picks the rules for the visit: its kind's, else the organisation's, else the default. The patient's own times take their place,
// where the clinic reminds at all.
func (p plan) apply(rules []Rule) []Rule {
	of := func(kind *uuid.UUID) (list []Rule) {
		for _, r := range rules {
			if kind == nil && r.VisitKind == nil || kind != nil && r.VisitKind != nil && *kind == *r.VisitKind {
				list = append(list, r)
			}
		}
		return list
	}
	list := of(&p.visit.VisitKindID)
	if len(list) == 0 {
		list = of(nil)
	}
	if len(list) == 0 {
		list = DefaultRules()
	}
	list = slices.DeleteFunc(list, func(r Rule) bool { return r.Off })
	if own := p.contact.Wants.rules(); len(list) > 0 && len(own) > 0 {
		return own
	}
	return list
}

func (w Wants) rules() []Rule {
	var list []Rule
	for _, before := range w.Before {
		list = append(list, Rule{Key: "own-" + KeyOfOffset(before), Before: before})
	}
	return list
}

// instant is when a rule reminds of a visit, without regard to quiet hours.
func (r Rule) instant(start time.Time, zone *time.Location) time.Time {
	if r.At == nil {
		return start.Add(-r.Before)
	}
	date := clock.Local(start, zone).Date
	for range r.DaysBefore {
		date = date.AddDays(-1)
		for !clock.HasDay(date, zone) { // Apia had no 30 December 2011: the day before the 31st was the 29th
			date = date.AddDays(-1)
		}
	}
	return clock.Instant(civil.DateTime{Date: date, Time: *r.At}, zone)
}

// zone is a zone by name, or another where there is none of the name.
func zone(name string, otherwise *time.Location) *time.Location {
	if loc, err := clock.Zone(name); err == nil {
		return loc
	}
	return otherwise
}
