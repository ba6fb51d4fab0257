package load

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// specialties are codes of the Health Care Provider Taxonomy (NUCC, https://taxonomy.nucc.org) with its display names: first
// those of physicians.
var specialties = []struct {
	code, display string
	weight        int
}{
	{"207Q00000X", "Family Medicine Physician", 14},
	{"207R00000X", "Internal Medicine Physician", 10},
	{"208000000X", "Pediatrics Physician", 7},
	{"207V00000X", "Obstetrics & Gynecology Physician", 4},
	{"207N00000X", "Dermatology Physician", 3},
	{"2084P0800X", "Psychiatry Physician", 4},
	{"183500000X", "Pharmacist", 28},
	{"363L00000X", "Nurse Practitioner", 12},
	{"163W00000X", "Registered Nurse", 8},
	{"363A00000X", "Physician Assistant", 5},
	{"225100000X", "Physical Therapist", 3},
	{"152W00000X", "Optometrist", 2},
}

const (
	physicians = 6 // of the specialties
	taxonomy   = "http://nucc.org/provider-taxonomy"
)

// languages besides English, with a percentage of those who speak them.
var languages = []struct {
	tag     string
	percent int
}{{"es", 18}, {"zh", 5}, {"hi", 4}, {"tl", 4}, {"vi", 3}, {"fr", 2}, {"ar", 2}, {"ko", 2}, {"ru", 1}, {"pt", 1}}

// Shares of a hundred providers.
const (
	atTwoSites = 3
	withCap    = 10
)

// staff is the nth provider.
func (c *crowd) staff(n int) Staff {
	d, at := c.dice("provider", n), c.founded(n)
	s := Staff{Put: clinic.Stamp{Actor: c.Actor, At: at, AuditID: d.id(at)}, Provider: provider.Provider{
		ID: c.staffID(n), OrganizationID: c.Organization,
		Identifier: clinic.Identifier{System: "https://demo.example/providers", Value: c.label(n)},
		Languages:  []string{"en"},
	}}
	first := d.weighted(weightsOf(specialties, func(i int) int { return specialties[i].weight }))
	s.Specialties = specialtiesOf(d, first)
	s.Name = pick(d, givenNames) + " " + pick(d, familyNames)
	if first < physicians {
		s.Name = "Dr. " + s.Name
	}
	for _, l := range languages {
		if d.chance(l.percent) {
			s.Languages = append(s.Languages, l.tag)
		}
	}
	for _, k := range some(d, d.between(2, 4), c.kinds) {
		s.VisitKindIDs = append(s.VisitKindIDs, k.ID)
	}
	slices.SortFunc(s.VisitKindIDs, byID)
	for _, p := range some(d, d.between(0, 8), c.plans) {
		s.Plans = append(s.Plans, p.ID)
	}
	c.seat(d, &s, n, at)
	if d.chance(withCap) {
		s.MaxDailyAppointments = new(d.between(10, 16))
	}
	s.Exceptions = c.exceptions(d, s, at)
	return s
}

// label tells the nth provider or patient from those of other crowds of the organisation.
func (c *crowd) label(n int) string { return fmt.Sprintf("%x-%d", c.space[:4], n+1) }

func byID(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }

func weightsOf[T any](list []T, weight func(int) int) []int {
	weights := make([]int, len(list))
	for i := range list {
		weights[i] = weight(i)
	}
	return weights
}

// specialtiesOf are one to three: physicians have those of physicians.
func specialtiesOf(d dice, first int) []clinic.Coding {
	others := specialties[physicians:]
	if first < physicians {
		others = specialties[:physicians]
	}
	list := []clinic.Coding{{System: taxonomy, Code: specialties[first].code, Display: &specialties[first].display}}
	for _, o := range some(d, d.weighted([]int{70, 22, 8}), others) {
		if o.code != specialties[first].code {
			list = append(list, clinic.Coding{System: taxonomy, Code: o.code, Display: &o.display})
		}
	}
	return list
}

// seat gives a provider weekly hours at one site, or at two that are near each other by turns.
func (c *crowd) seat(d dice, s *Staff, n int, at time.Time) {
	home := c.site(n)
	week := weekly(d)
	second, near := c.near(home)
	if !d.chance(atTwoSites) || !near {
		s.Desks = []Desk{c.desk(d, home, week, at.Add(time.Minute))}
		return
	}
	odd := slices.DeleteFunc(slices.Clone(week), func(w provider.WeeklyHours) bool { return w.Weekday%2 == 0 })
	even := slices.DeleteFunc(slices.Clone(week), func(w provider.WeeklyHours) bool { return w.Weekday%2 == 1 })
	s.Desks = []Desk{c.desk(d, home, odd, at.Add(time.Minute)), c.desk(d, second, even, at.Add(2*time.Minute))}
}

func (c *crowd) desk(d dice, at clinic.Location, weekly []provider.WeeklyHours, set time.Time) Desk {
	return Desk{
		Location: at.ID, Set: clinic.Stamp{Actor: c.Actor, At: set, AuditID: d.id(set)},
		Schedule: provider.Schedule{ID: d.id(set), EffectiveFrom: c.Today.AddDays(-founding), Weekly: weekly},
	}
}

// nearby is how far apart two sites of one provider are at most, in degrees of latitude: about 40 km.
const nearby = 0.36

// near is the nearest other site, if there is one within reach and in the same zone.
func (c *crowd) near(home clinic.Location) (found clinic.Location, ok bool) {
	closest := nearby
	for _, p := range c.places {
		north := p.Position.Latitude - home.Position.Latitude
		east := (p.Position.Longitude - home.Position.Longitude) * math.Cos(home.Position.Latitude*math.Pi/180)
		if away := math.Hypot(north, east); away < closest && p.ID != home.ID && p.TimeZone == home.TimeZone {
			found, ok, closest = p, true, away
		}
	}
	return found, ok
}
