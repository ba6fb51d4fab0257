package conflict

import (
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Full tells every rule of the full detection that keeps a visit out, in the stable order.
func Full(c Case, f Facts) []availability.Rule {
	var broken []availability.Rule
	for _, check := range [...]struct {
		rule   availability.Rule
		broken bool
	}{
		{availability.CaregiverBusy, caregiverBusy(c, f)},
		{availability.DuplicateVisit, duplicate(c, f)},
		{availability.EstablishedPatientsOnly, c.Patient != uuid.Nil && c.Kind.Requires.Patients == clinic.EstablishedPatients && !f.Established},
		{availability.NewPatientsOnly, c.Patient != uuid.Nil && c.Kind.Requires.Patients == clinic.NewPatients && f.Established},
		{availability.NotEligible, c.AgeMatters() && !ofAge(c, f.Born)},
		{availability.PatientTravelTime, c.OnSite() && f.Travel.Patients && tooFar(c.Plan.Visit(), c, f, f.PatientElsewhere, false)},
		{availability.PrerequisiteMissing, prerequisiteMissing(c, f)},
		{availability.ProviderTravelTime, c.OnSite() && f.Travel.Providers && tooFar(c.Plan.Occupied, c, f, f.ProviderElsewhere, true)},
		{availability.ResourceBusy, f.NoneFree},
	} {
		if check.broken {
			broken = append(broken, check.rule)
		}
	}
	return broken
}

// duplicate says whether the patient has a visit of the kind so near that another one makes no sense.
func duplicate(c Case, f Facts) bool {
	every := c.Kind.Requires.RepeatAfter
	return every > 0 && slices.ContainsFunc(f.Alike, func(start time.Time) bool { return start.Sub(c.Plan.Start).Abs() < every })
}

// prerequisiteMissing says whether a visit lacks what has to come before it, or leaves one that counts on it without.
func prerequisiteMissing(c Case, f Facts) bool {
	if c.Patient == uuid.Nil {
		return false
	}
	missing := func(p clinic.Prerequisite) bool { return !slices.Contains(f.Before, p.VisitKind) }
	deserted := func(d Dependent) bool {
		return c.Plan.End.After(d.Start) || c.Plan.Start.Before(d.Start.Add(-d.Within))
	}
	return slices.ContainsFunc(c.Kind.Requires.Prerequisites, missing) || slices.ContainsFunc(f.After, deserted)
}

// ofAge says whether the patient's age on the local day of the visit is one that the kind is for. Nobody can say of whom the birth date
// isn't known, so that the clinic is asked.
func ofAge(c Case, born *civil.Date) bool {
	if born == nil {
		return false
	}
	years := age(*born, c.Plan.LocalStart.Date)
	least, most := c.Kind.Requires.MinimumAge, c.Kind.Requires.MaximumAge
	return (least == nil || years >= *least) && (most == nil || years <= *most)
}

// age in whole years. Who is born on 29 February is a year older on 1 March where there is none.
func age(born, on civil.Date) int {
	years := on.Year - born.Year
	if on.Month < born.Month || on.Month == born.Month && on.Day < born.Day {
		years--
	}
	return years
}
