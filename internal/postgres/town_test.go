package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// town is an organisation of a few providers at a few places, as it was asked for and as it is stored.
type town struct {
	*drawn // draws; its own provider is nobody's
	finder *availability.Finder
	sites  []site
	people []*resident
}

type site struct {
	place
	number   int
	position clinic.GeoPoint
	code     string
	stepFree *bool
	anchor   bool // somebody searches around its postal code
}

type resident struct {
	*drawn
	languages   []string
	specialties []clinic.Coding
	plans       []provider.AcceptedPlan
	identifier  clinic.Identifier
}

// The zones of the published sites, and when the clocks of most of them change.
var (
	townZones = []string{
		"America/New_York", "America/Chicago", "America/Denver", "America/Boise", "America/Phoenix", "America/Los_Angeles",
		"America/Anchorage", "Pacific/Honolulu",
	}
	townChanges = []time.Time{
		time.Date(2027, 3, 14, 10, 0, 0, 0, time.UTC), time.Date(2027, 11, 7, 9, 0, 0, 0, time.UTC),
	}
	townLanguages   = []string{"en", "es", "es-MX", "zh-Hans"}
	townSpecialties = []clinic.Coding{{System: "https://example.org/s", Code: "a"}, {System: "https://example.org/s", Code: "b"}}
	townPlans       = []provider.AcceptedPlan{{Carrier: "Acorn", Name: "Gold"}, {Carrier: "Acorn", Name: "Silver"}, {Carrier: "Birch", Name: "Gold"}}
)

// found makes a town in an organisation of its own.
func (o *office) found(t *rapid.T) *town {
	desk := *o.desk
	desk.Clinic = sample.NewClinic(o.t, o.pool)
	own := &office{
		desk: &desk, db: o.db, rooms: o.rooms, providers: o.providers, admin: clinictest.Actor(access.Admin, desk.Organization), count: o.count,
	}
	w := &town{drawn: &drawn{T: t, office: own, around: rapid.SampledFrom(townChanges).Draw(t, "change")}}
	w.finder = availability.NewFinder(postgres.NewAvailabilityStore(o.db), o.rooms, o.clock)
	o.clock.Set(w.around.AddDate(0, 0, -2))
	w.kinds = []clinic.VisitKind{w.putKind(), w.putKind(), w.putKind()}
	for range rapid.IntRange(2, 4).Draw(t, "sites") {
		w.sites = append(w.sites, w.build())
	}
	for range rapid.IntRange(1, 4).Draw(t, "people") {
		w.people = append(w.people, w.employ())
	}
	w.share()
	for range rapid.IntRange(0, 10).Draw(t, "visits") {
		w.visit(rapid.SampledFrom(w.people).Draw(t, "of"))
	}
	return w
}

// build puts a site within some hundred kilometres of the others.
func (w *town) build() site {
	s := site{
		number:   w.number(),
		place:    place{zone: must[*time.Location](w.drawn)(clock.Zone(rapid.SampledFrom(townZones).Draw(w.T, "zone")))},
		position: clinic.GeoPoint{Latitude: 40 + w.degrees("north"), Longitude: -100 + w.degrees("east")},
	}
	s.code = fmt.Sprintf("%08d", s.number)
	w.put(&s)
	return s
}

// put draws how a site is reached, and puts it.
func (w *town) put(s *site) {
	s.stepFree = nil
	if w.one(2, "known steps") {
		s.stepFree = new(w.one(2, "step-free"))
	}
	in := clinictest.Location(s.number)
	in.TimeZone, in.StepFreeAccess, in.PostalCode, in.Country = s.zone.String(), s.stepFree, &s.code, new("US")
	in.Latitude, in.Longitude = &s.position.Latitude, &s.position.Longitude
	l := must[clinic.Location](w.drawn)(w.rooms.PutLocation(context.Background(), w.admin, in))
	s.Ref = w.ref(l.ID)
}

func (w *town) degrees(label string) float64 {
	return float64(rapid.IntRange(-100, 100).Draw(w.T, label)) / 100
}

func some[T any](w *town, label string, from []T) []T {
	var list []T
	for i, v := range from {
		if w.one(2, fmt.Sprint(label, i)) {
			list = append(list, v)
		}
	}
	return list
}

// employ draws a provider with hours at one site or two.
func (w *town) employ() *resident {
	p := &resident{
		drawn:     &drawn{T: w.T, office: w.office, around: w.around},
		languages: some(w, "language", townLanguages), specialties: some(w, "specialty", townSpecialties), plans: some(w, "plan", townPlans),
	}
	p.kinds = some(w, "kind", w.kinds)
	if len(p.kinds) == 0 {
		p.kinds = w.kinds[:1]
	}
	first := rapid.IntRange(0, len(w.sites)-1).Draw(w.T, "site")
	for i := range rapid.IntRange(1, 2).Draw(w.T, "works at") {
		at := w.sites[(first+i)%len(w.sites)].place
		p.places = append(p.places, &place{Ref: at.Ref, zone: at.zone, dates: map[civil.Date][]provider.Hours{}})
	}
	p.settle()
	for _, at := range p.places {
		p.weekly(at, provider.SetSchedule{EffectiveFrom: p.date().AddDays(rapid.SampledFrom([]int{-30, -30, 0, 12, 40}).Draw(w.T, "begins"))})
	}
	for range rapid.IntRange(0, 4).Draw(w.T, "changes") {
		at := rapid.SampledFrom(p.places).Draw(w.T, "place")
		rapid.SampledFrom([]func(*place){p.setSchedule, p.setDate, p.except, p.except, p.open}).Draw(w.T, "change")(at)
	}
	return p
}

func (p *resident) settle() {
	if p.one(3, "daily cap") {
		p.maxDaily = new(rapid.IntRange(1, 3).Draw(p.T, "a day"))
	}
	var kinds []clinic.Ref
	for _, k := range p.kinds {
		kinds = append(kinds, p.ref(k.ID))
	}
	p.identifier = clinic.Identifier{System: "https://example.org/people", Value: fmt.Sprint(p.number())}
	made := must[provider.Provider](p.drawn)(p.providers.PutProvider(context.Background(), p.admin, provider.PutProvider{
		Identifier: p.identifier, Name: "Dr Ada",
		VisitKinds: kinds, MaxDailyAppointments: p.maxDaily, Languages: p.languages, Specialties: p.specialties, AcceptedPlans: p.plans,
	}))
	p.provider = p.ref(made.ID)
}

// share tells everybody at a site of the exceptions that are everybody's there.
func (w *town) share() {
	everybodys := map[uuid.UUID][]provider.Exception{}
	for _, p := range w.people {
		for _, at := range p.places {
			of := func(e provider.Exception) bool { return e.ProviderID == uuid.Nil }
			everybodys[at.ID] = append(everybodys[at.ID], slices.DeleteFunc(slices.Clone(at.exceptions), func(e provider.Exception) bool { return !of(e) })...)
			at.exceptions = slices.DeleteFunc(at.exceptions, of)
		}
	}
	for i := range w.sites {
		w.sites[i].exceptions = everybodys[w.sites[i].ID]
	}
	for _, p := range w.people {
		for _, at := range p.places {
			at.exceptions = append(at.exceptions, everybodys[at.ID]...)
		}
	}
}

// visit takes one of a provider's next openings.
func (w *town) visit(p *resident) {
	var free []availability.Slot
	for _, k := range p.kinds {
		free = append(free, availability.Openings(p.rules(), p.taken(), availability.Query{
			VisitKind: k.ID, From: w.clock.Now(), To: w.clock.Now().AddDate(0, 0, 5), Now: w.clock.Now(),
		})...)
	}
	if len(free) > 0 {
		p.step(rapid.SampledFrom(free).Draw(w.T, "slot").SlotID)
	}
}
