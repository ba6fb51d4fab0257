package conflict

import (
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

var (
	ten    = time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)
	here   = uuid.New()
	there  = uuid.New()
	uptown = &clinic.GeoPoint{Latitude: 40.8, Longitude: -73.95}
	harbor = &clinic.GeoPoint{Latitude: 40.7, Longitude: -73.95} // 11.12 km to the south: 16 min 41 s at 40 km/h, and 10 min
)

// at10 is a visit from ten to half past, with a quarter of an hour before and after it for the provider.
func at10(change func(*Case)) Case {
	c := Case{
		Patient: uuid.New(),
		Plan: availability.Plan{
			SlotID: availability.SlotID{Location: here, Modality: clinic.InPerson, Start: ten}, End: ten.Add(30 * time.Minute),
			LocalStart: civil.DateTimeOf(ten),
			Occupied:   availability.Span{Start: ten.Add(-15 * time.Minute), End: ten.Add(45 * time.Minute)},
		},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func span(from, to time.Duration) availability.Span {
	return availability.Span{Start: ten.Add(from), End: ten.Add(to)}
}

// way1 is what it takes from the harbour uptown under the default rules.
const way1 = 26*time.Minute + 41*time.Second

func TestEachRuleHasTwoSides(t *testing.T) {
	mother, father := uuid.New(), uuid.New()
	lab, scan := uuid.New(), uuid.New()
	far := func(s availability.Span) []Elsewhere { return []Elsewhere{{Location: there, At: harbor, Span: s}} }
	patientFar := func(s availability.Span) Facts {
		return Facts{Travel: clinic.DefaultTravel(uuid.Nil), Here: uptown, PatientElsewhere: far(s)}
	}
	providerFar := func(s availability.Span) Facts {
		return Facts{Travel: clinic.DefaultTravel(uuid.Nil), Here: uptown, ProviderElsewhere: far(s)}
	}
	every := func(c *Case) { c.Kind.Requires.RepeatAfter = 24 * time.Hour }
	after := func(kinds ...uuid.UUID) func(*Case) {
		return func(c *Case) {
			for _, k := range kinds {
				c.Kind.Requires.Prerequisites = append(c.Kind.Requires.Prerequisites, clinic.Prerequisite{VisitKind: k, Within: time.Hour})
			}
		}
	}
	ages := func(least, most int) func(*Case) {
		return func(c *Case) { c.Kind.Requires.MinimumAge, c.Kind.Requires.MaximumAge = &least, &most }
	}
	born := func(y int, m time.Month, d int) Facts { return Facts{Born: &civil.Date{Year: y, Month: m, Day: d}} }
	for name, test := range map[string]struct {
		change func(*Case)
		facts  Facts
		want   availability.Rule // empty: nothing is broken
	}{
		"nothing asked for": {},

		"a patient arrives to the second":       {nil, patientFar(span(-time.Hour, -way1)), ""},
		"a patient would be late by a second":   {nil, patientFar(span(-time.Hour, -way1+time.Second)), availability.PatientTravelTime},
		"a patient gets away to the second":     {nil, patientFar(span(30*time.Minute+way1, time.Hour)), ""},
		"a patient would have to leave early":   {nil, patientFar(span(30*time.Minute+way1-time.Second, time.Hour)), availability.PatientTravelTime},
		"a patient's visits that overlap":       {nil, patientFar(span(10*time.Minute, time.Hour)), ""},
		"a patient who needn't go anywhere":     {func(c *Case) { c.Plan.Modality = clinic.Video }, patientFar(span(-time.Hour, -time.Minute)), ""},
		"a provider arrives before preparing":   {nil, providerFar(span(-time.Hour, -15*time.Minute-way1)), ""},
		"a provider would be late by a second":  {nil, providerFar(span(-time.Hour, -15*time.Minute-way1+time.Second)), availability.ProviderTravelTime},
		"a provider gets away after tidying up": {nil, providerFar(span(45*time.Minute+way1, 2*time.Hour)), ""},
		"a provider would have to leave early":  {nil, providerFar(span(45*time.Minute+way1-time.Second, 2*time.Hour)), availability.ProviderTravelTime},

		"a provider of several lanes is there": {nil, providerFar(span(10*time.Minute, time.Hour)), availability.ProviderTravelTime},

		"alike a second within the interval": {every, Facts{Alike: []time.Time{ten.Add(-24*time.Hour + time.Second)}}, availability.DuplicateVisit},
		"alike ahead within the interval":    {every, Facts{Alike: []time.Time{ten.Add(24*time.Hour - time.Second)}}, availability.DuplicateVisit},
		"alike at the interval":              {every, Facts{Alike: []time.Time{ten.Add(-24 * time.Hour), ten.Add(24 * time.Hour)}}, ""},

		"both prerequisites":              {after(lab, scan), Facts{Before: []uuid.UUID{scan, lab}}, ""},
		"one of two prerequisites":        {after(lab, scan), Facts{Before: []uuid.UUID{lab}}, availability.PrerequisiteMissing},
		"for nobody in particular":        {func(c *Case) { after(lab)(c); c.Patient = uuid.Nil }, Facts{}, ""},
		"moved to just before what needs": {nil, Facts{After: []Dependent{{ten.Add(30 * time.Minute), time.Hour}}}, ""},
		"moved so that what needs begins": {nil, Facts{After: []Dependent{{ten.Add(29 * time.Minute), time.Hour}}}, availability.PrerequisiteMissing},
		"moved to as early as it counts":  {nil, Facts{After: []Dependent{{ten.Add(time.Hour), time.Hour}}}, ""},
		"moved to too early for it":       {nil, Facts{After: []Dependent{{ten.Add(time.Hour + time.Second), time.Hour}}}, availability.PrerequisiteMissing},

		"new where new ones are asked for":         {func(c *Case) { c.Kind.Requires.Patients = clinic.NewPatients }, Facts{}, ""},
		"established where new ones are asked for": {func(c *Case) { c.Kind.Requires.Patients = clinic.NewPatients }, Facts{Established: true}, availability.NewPatientsOnly},
		"established where such are asked for":     {func(c *Case) { c.Kind.Requires.Patients = clinic.EstablishedPatients }, Facts{Established: true}, ""},
		"new where established ones are asked for": {func(c *Case) { c.Kind.Requires.Patients = clinic.EstablishedPatients }, Facts{}, availability.EstablishedPatientsOnly},

		"on the birthday that makes it":      {ages(18, 64), born(2008, 6, 8), ""},
		"the day before that birthday":       {ages(18, 64), born(2008, 6, 9), availability.NotEligible},
		"the day before one year too many":   {ages(18, 64), born(1961, 6, 9), ""},
		"on the birthday of a year too many": {ages(18, 64), born(1961, 6, 8), availability.NotEligible},
		"nobody knows the age":               {ages(18, 64), Facts{}, availability.NotEligible},

		"a parent for each of two children": {nil, Facts{Caregivers: []uuid.UUID{mother, father}, InTheirCare: []Cared{{span(0, time.Hour), []uuid.UUID{mother, father}}}}, ""},
		"one parent for two children":       {nil, Facts{Caregivers: []uuid.UUID{mother}, InTheirCare: []Cared{{span(0, time.Hour), []uuid.UUID{mother}}}}, availability.CaregiverBusy},
		"two parents, one at the dentist's": {nil, Facts{Caregivers: []uuid.UUID{mother, father}, InTheirCare: []Cared{{span(0, time.Hour), []uuid.UUID{mother, father}}, {span(0, time.Hour), []uuid.UUID{father}}}}, availability.CaregiverBusy},
		"the other parent has time":         {nil, Facts{Caregivers: []uuid.UUID{mother, father}, InTheirCare: []Cared{{span(0, time.Hour), []uuid.UUID{mother}}}}, ""},
		"one child after the other":         {nil, Facts{Caregivers: []uuid.UUID{mother}, InTheirCare: []Cared{{span(30*time.Minute, time.Hour), []uuid.UUID{mother}}}}, ""},
		"two others one after the other":    {nil, Facts{Caregivers: []uuid.UUID{mother, father}, InTheirCare: []Cared{{span(0, 10*time.Minute), []uuid.UUID{father}}, {span(10*time.Minute, 30*time.Minute), []uuid.UUID{father}}}}, ""},
		"nobody known to act for them":      {nil, Facts{InTheirCare: []Cared{{span(0, time.Hour), []uuid.UUID{mother}}}}, ""},

		"a pool with nothing free": {nil, Facts{NoneFree: true}, availability.ResourceBusy},
	} {
		t.Run(name, func(t *testing.T) {
			var want []availability.Rule
			if test.want != "" {
				want = []availability.Rule{test.want}
			}
			if got := Full(at10(test.change), test.facts); !slices.Equal(got, want) {
				t.Errorf("%v, not %v", got, want)
			}
		})
	}
}

func TestEveryBrokenRuleIsToldInTheStableOrder(t *testing.T) {
	mother := uuid.New()
	f := Facts{
		Travel: clinic.DefaultTravel(uuid.Nil), Here: uptown, NoneFree: true, Alike: []time.Time{ten}, Established: true,
		PatientElsewhere:  []Elsewhere{{there, harbor, span(-time.Hour, 0)}},
		ProviderElsewhere: []Elsewhere{{there, harbor, span(-time.Hour, -15*time.Minute)}},
		Caregivers:        []uuid.UUID{mother}, InTheirCare: []Cared{{span(0, time.Hour), []uuid.UUID{mother}}},
	}
	c := at10(func(c *Case) {
		most := 17
		c.Kind.Requires = clinic.Requirements{
			RepeatAfter: time.Hour, Prerequisites: []clinic.Prerequisite{{VisitKind: uuid.New(), Within: time.Hour}}, Patients: clinic.NewPatients, MaximumAge: &most,
		}
	})
	want := []availability.Rule{
		availability.CaregiverBusy, availability.DuplicateVisit, availability.NewPatientsOnly, availability.NotEligible, availability.PatientTravelTime,
		availability.PrerequisiteMissing, availability.ProviderTravelTime, availability.ResourceBusy,
	}
	if got := Full(c, f); !slices.Equal(got, want) || !slices.IsSorted(got) {
		t.Errorf("%v", got)
	}
}

func TestAWayIsAsLongAsTheRulesKnow(t *testing.T) {
	rules := clinic.DefaultTravel(uuid.Nil)
	rules.Routes = []clinic.Route{{From: there, To: here, Takes: 12 * time.Minute}, {From: here, To: uuid.Nil, Takes: 20 * time.Hour}}
	for name, test := range map[string]struct {
		got, want time.Duration
	}{
		"known better":            {way(rules, there, here, harbor, uptown), 12 * time.Minute},
		"the other way round":     {way(rules, here, there, uptown, harbor), way1},
		"a point that isn't":      {way(rules, here, there, nil, harbor), 10 * time.Minute},
		"longer than is looked":   {way(rules, here, uuid.Nil, nil, nil), clinic.MaxWay},
		"to the other hemisphere": {way(rules, here, there, &clinic.GeoPoint{Latitude: 40, Longitude: 0}, &clinic.GeoPoint{Latitude: -40, Longitude: 180}), clinic.MaxWay},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v, not %v", name, test.got, test.want)
		}
	}
}
