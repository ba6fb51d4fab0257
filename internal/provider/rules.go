package provider

import (
	"slices"
	"strconv"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
)

const (
	maxSpecialties = 50
	maxLanguages   = 50
	maxDaily       = 10_000
)

// provider is what the input says once it is checked, with the plans it accepts. The provider's ids are still to be given.
func (in PutProvider) provider() (Provider, []clinic.InsurancePlan, error) {
	var check form.Check
	p := Provider{
		Identifier:           in.Identifier.Checked(&check, "identifier"),
		Name:                 check.Line(in.Name, form.MaxName, "name"),
		Specialties:          specialties(&check, in.Specialties),
		Languages:            languages(&check, in.Languages),
		MaxDailyAppointments: check.OptionalCount(in.MaxDailyAppointments, 1, maxDaily, "maxDailyAppointments"),
	}
	plans := in.plans(&check)
	p.PlanIDs = idsOf(plans)
	p.VisitKindIDs = kinds(&check, in.VisitKinds, in.Organization, []string{"visitKindIds"})
	return p, plans, check.Err()
}

func specialties(check *form.Check, list []clinic.Coding) []clinic.Coding {
	check.That(len(list) <= maxSpecialties, "At most "+strconv.Itoa(maxSpecialties)+" specialties.", "specialties")
	checked := make([]clinic.Coding, 0, min(len(list), maxSpecialties))
	for i, c := range list[:min(len(list), maxSpecialties)] {
		path := form.At([]string{"specialties"}, i)
		c = c.Checked(check, path...)
		twice := slices.ContainsFunc(checked, func(o clinic.Coding) bool { return o.System == c.System && o.Code == c.Code })
		check.That(!twice, "This is named twice.", path...)
		checked = append(checked, c)
	}
	return checked
}

func languages(check *form.Check, list []string) []string {
	check.That(len(list) <= maxLanguages, "At most "+strconv.Itoa(maxLanguages)+" languages.", "languages")
	checked := make([]string, 0, min(len(list), maxLanguages))
	for i, tag := range list[:min(len(list), maxLanguages)] {
		path := form.At([]string{"languages"}, i)
		tag = check.Language(tag, path...)
		check.That(!slices.Contains(checked, tag), "This is named twice.", path...)
		checked = append(checked, tag)
	}
	return checked
}

// Same says whether two readings of a provider agree in everything but their ids.
func (p Provider) Same(o Provider) bool {
	return p.Identifier == o.Identifier && p.Name == o.Name && slices.Equal(p.Languages, o.Languages) &&
		slices.Equal(p.VisitKindIDs, o.VisitKindIDs) && slices.Equal(p.PlanIDs, o.PlanIDs) && clinic.Equal(p.MaxDailyAppointments, o.MaxDailyAppointments) &&
		slices.EqualFunc(p.Specialties, o.Specialties, func(a, b clinic.Coding) bool {
			return a.System == b.System && a.Code == b.Code && clinic.Equal(a.Display, b.Display)
		})
}

// schedule is what the input says once it is checked. Its id is still to be given.
func (in SetSchedule) schedule() (Schedule, error) {
	var check form.Check
	s := Schedule{EffectiveFrom: check.Date(in.EffectiveFrom, "effectiveFrom"), EffectiveUntil: in.EffectiveUntil}
	if in.EffectiveUntil != nil {
		until := check.Date(*in.EffectiveUntil, "effectiveUntil")
		check.That(!until.Before(s.EffectiveFrom), "This is before the hours begin.", "effectiveUntil")
	}
	if err := check.Err(); err != nil {
		return s, err
	}
	var err error
	s.Weekly, err = weekly(in.Hours, in.Provider.Organization)
	return s, err
}

// Same says whether two schedules agree in everything but their ids.
func (s Schedule) Same(o Schedule) bool {
	return s.EffectiveFrom == o.EffectiveFrom && clinic.Equal(s.EffectiveUntil, o.EffectiveUntil) &&
		slices.EqualFunc(s.Weekly, o.Weekly, func(a, b WeeklyHours) bool { return a.Weekday == b.Weekday && a.Same(b.Hours) })
}

// Days are local days, both inclusive; nil bounds nothing.
type Days struct{ From, Until *civil.Date }

// How many days beyond those of hours their change can be seen: visits and windows run over midnight, at worst over a date that
// the zone skipped, and a grid that counts from a window's start may count from one that began up to a week before.
const (
	overMidnight = 2
	gridReach    = 7
)

// Days are those on which openings may follow from the schedule.
func (s Schedule) Days() Days {
	if s.EffectiveUntil == nil {
		from := s.EffectiveFrom.AddDays(-overMidnight)
		return Days{From: &from}
	}
	return daysOfHours(s.EffectiveFrom, *s.EffectiveUntil)
}

// Days are those on which openings may follow from the exception. Its grid is its own.
func (e Exception) Days() Days {
	from, until := e.From.Date.AddDays(-overMidnight), e.To.Date.AddDays(overMidnight)
	return Days{From: &from, Until: &until}
}

// DaysAround are those on which openings may follow from the hours of one date.
func DaysAround(date civil.Date) Days { return daysOfHours(date, date) }

func daysOfHours(first, last civil.Date) Days {
	from, until := first.AddDays(-overMidnight), last.AddDays(gridReach+overMidnight)
	return Days{From: &from, Until: &until}
}

// Join spans both.
func (d Days) Join(o Days) Days {
	if d.From != nil && (o.From == nil || o.From.Before(*d.From)) {
		d.From = o.From
	}
	if d.Until != nil && (o.Until == nil || o.Until.After(*d.Until)) {
		d.Until = o.Until
	}
	return d
}

// Later is the id, or one just above the other when the clocks of two servers disagree about which came later.
func Later(id, than uuid.UUID) uuid.UUID {
	if compareIDs(id, than) > 0 {
		return id
	}
	for i := len(than) - 1; ; i-- {
		than[i]++
		if than[i] != 0 {
			return than
		}
	}
}
