package providertest

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Contract is what every provider.Store does. Open makes an empty one.
func Contract(t *testing.T, open func(*testing.T) Stores) {
	for name, test := range map[string]func(*testing.T, World){
		"a provider is replaced, not doubled":                replaceProvider,
		"two puts at once make one row":                      putsAtOnce,
		"kinds and organisation have to exist":               unknownParts,
		"lists are paged, narrowed and of the organisation":  listProviders,
		"plans are accepted, and found by their names":       acceptPlans,
		"specialties are found by code":                      specialties,
		"the latest schedule that covers a day is in force":  inForce,
		"a later call wins whatever its id":                  laterWins,
		"the number of schedules is bounded":                 manySchedules,
		"today is the location's":                            today,
		"date hours replace and go back":                     dateHours,
		"hours need scope, tenant and parts that exist":      mayChangeHours,
		"an exception is added once for a key":               addedOnce,
		"an exception is taken back":                         takenBack,
		"exceptions are listed by the location's wall clock": listExceptions,
		"an exception returns every so many weeks":           returns,
		"times of an exception are taken back":               timesTakenBack,
		"an exception returns as often as it may":            badRepeats,
		"a closed day of the place shows for those there":    wholePlace,
		"exceptions are the staff's":                         staffOnly,
		"openings are put again without doubling":            putOpenings,
		"openings come in batches":                           manyOpenings,
		"providers are found by text":                        searchText,
		"what is found follows from the last put":            searchAgain,
		"a bad search is bad input":                          badSearch,
		"providers are found by place":                       searchNear,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, NewWorld(t, open(t)))
		})
	}
}

func replaceProvider(t *testing.T, w World) {
	other := w.PutVisitKind(t, 2)
	in := w.Input(1)
	in.Name, in.Languages, in.VisitKinds = "Other", []string{"es", "en"}, []clinic.Ref{w.Ref(other.ID)}
	in.MaxDailyAppointments = ptr(3)
	in.Specialties = []clinic.Coding{{System: "http://snomed.info/sct", Code: "2", Display: ptr("Two")}, {System: "http://snomed.info/sct", Code: "1"}}
	second, err := w.Service.PutProvider(t.Context(), w.Admin, in)
	if err != nil || second.ID != w.Provider.ID {
		t.Fatalf("the same identifier made %v, then %v (%v)", w.Provider.ID, second.ID, err)
	}
	found, err := w.Service.Providers(t.Context(), []clinic.Ref{w.P, {Organization: w.NewOrganization(t), ID: w.P.ID}})
	if err != nil || len(found) != 1 || !found[w.P].Same(second) || found[w.P].OrganizationID != w.Organization {
		t.Errorf("stored as %+v (%v), want %+v", found, err, second)
	}
}

func putsAtOnce(t *testing.T, w World) {
	made := make([]provider.Provider, 8)
	if err := clinictest.AtOnce(len(made), func(i int) (err error) {
		in := w.Input(2)
		in.MaxDailyAppointments = ptr(1 + i%2) // creations and replacements
		made[i], err = w.Service.PutProvider(t.Context(), w.Admin, in)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, p := range made {
		if p.ID != made[0].ID {
			t.Error("puts at once answered different ids")
		}
	}
	if n, err := w.Service.CountProviders(t.Context(), w.Admin, provider.Filter{}); n != 2 || err != nil {
		t.Errorf("%d providers (%v), want the first and one more", n, err)
	}
}

func unknownParts(t *testing.T, w World) {
	in := w.Input(2)
	in.VisitKinds = []clinic.Ref{w.K, w.Ref(clinictest.NewID())}
	_, err := w.Service.PutProvider(t.Context(), w.Admin, in)
	clinictest.Refused(t, err, errs.NotFound, "visitKindIds 1")
	in.VisitKinds = []clinic.Ref{{Organization: w.NewOrganization(t), ID: w.K.ID}}
	_, err = w.Service.PutProvider(t.Context(), w.Admin, in)
	clinictest.Refused(t, err, errs.NotFound, "visitKindIds 0")
	in.VisitKinds, in.Organization = nil, clinictest.NewID()
	_, err = w.Service.PutProvider(t.Context(), w.Platform, in)
	clinictest.Refused(t, err, errs.NotFound, "organizationId")
	_, err = w.Service.PutProvider(t.Context(), w.Admin, in)
	clinictest.Refused(t, err, errs.NotFound, "organizationId")
	_, err = w.Service.PutProvider(t.Context(), w.FrontDesk, w.Input(2))
	clinictest.Refused(t, err, errs.Forbidden, "")
	if n, _ := w.Service.CountProviders(t.Context(), w.Admin, provider.Filter{}); n != 1 {
		t.Errorf("a refused put wrote something: %d providers", n)
	}
}

func listProviders(t *testing.T, w World) {
	for i := range 4 {
		in := w.Input(i + 2)
		in.Name = "Same Name"
		if i == 0 {
			in.Specialties = []clinic.Coding{{System: "http://snomed.info/sct", Code: "1"}}
		}
		if _, err := w.Service.PutProvider(t.Context(), w.Admin, in); err != nil {
			t.Fatal(err)
		}
	}
	key := func(p provider.Provider) []string { return []string{p.Name, p.ID.String()} }
	for _, backward := range []bool{false, true} {
		all := clinictest.Walk(t, 2, backward, func(p paging.Window) (paging.Page[provider.Provider], error) {
			return w.Service.ListProviders(t.Context(), w.Admin, provider.Filter{}, p)
		}, key)
		sorted := slices.IsSortedFunc(all, func(a, b provider.Provider) int { return slices.Compare(key(a), key(b)) })
		if len(all) != 5 || !sorted {
			t.Errorf("backward %v: %d providers, in order: %v", backward, len(all), sorted)
		}
	}
	foreign := clinictest.Actor(access.FrontDesk, w.NewOrganization(t))
	for _, c := range []struct {
		actor  access.Actor
		filter provider.Filter
		want   int
	}{
		{w.Admin, provider.Filter{}, 5}, {access.Nobody(""), provider.Filter{}, 5}, {w.Platform, provider.Filter{}, 5}, {foreign, provider.Filter{}, 0},
		{w.Admin, provider.Filter{Specialty: &clinic.Coding{System: "http://snomed.info/sct", Code: "1"}}, 1},
		{w.Admin, provider.Filter{Specialty: &clinic.Coding{System: "http://snomed.info/sct", Code: "2"}}, 0},
		{w.Admin, provider.Filter{Specialty: &clinic.Coding{System: "\xff", Code: "a\x00"}}, 0},
	} {
		p, err := w.Service.ListProviders(t.Context(), c.actor, c.filter, paging.Window{Size: 10})
		n, err2 := w.Service.CountProviders(t.Context(), c.actor, c.filter)
		if len(p.Items) != c.want || n != c.want || err != nil || err2 != nil {
			t.Errorf("%s %+v: %d listed, %d counted, want %d (%v, %v)", c.actor.Role, c.filter, len(p.Items), n, c.want, err, err2)
		}
	}
}

func specialties(t *testing.T, w World) {
	in := w.Input(1)
	in.Specialties = []clinic.Coding{{System: "http://snomed.info/sct", Code: "1", Display: ptr("Cardiology")}}
	if _, err := w.Service.PutProvider(t.Context(), w.Admin, in); err != nil {
		t.Fatal(err)
	}
	here := provider.SpecialtyRef{Organization: w.Organization, System: "http://snomed.info/sct", Code: "1"}
	there := provider.SpecialtyRef{Organization: w.NewOrganization(t), System: here.System, Code: "1"}
	broken := provider.SpecialtyRef{Organization: w.Organization, System: "\xff", Code: "\x00"}
	found, err := w.Service.Specialties(t.Context(), []provider.SpecialtyRef{there, here, broken})
	if err != nil || len(found) != 1 || *found[here].Display != "Cardiology" {
		t.Errorf("%v, %v", found, err)
	}
}

func mayChangeHours(t *testing.T, w World) {
	foreign := w.NewOrganization(t)
	stranger := clinictest.Actor(access.FrontDesk, foreign)
	reader := clinictest.Actor(access.Provider, w.Organization)
	unknown, elsewhere := w.Ref(clinictest.NewID()), w.locationOf(t, foreign)
	for _, c := range []struct {
		actor            access.Actor
		provider, places clinic.Ref
		kind             errs.Kind
		path             string
	}{
		{access.Nobody(""), w.P, w.L, errs.Unauthenticated, ""},
		{reader, w.P, w.L, errs.Forbidden, ""},
		{stranger, w.P, w.L, errs.NotFound, "providerId"},
		{w.FrontDesk, unknown, w.L, errs.NotFound, "providerId"},
		{w.FrontDesk, w.P, unknown, errs.NotFound, "locationId"},
		{w.FrontDesk, w.P, elsewhere, errs.NotFound, "locationId"},
		{w.Platform, clinic.Ref{Organization: foreign, ID: w.P.ID}, w.L, errs.NotFound, "providerId"},
	} {
		s, d, e := w.Schedule(w.Tomorrow), provider.SetDateHours{Date: w.Tomorrow}, w.TimeOff(w.Tomorrow, "k")
		s.Provider, s.Location, d.Provider, d.Location, e.Provider, e.Location = c.provider, c.places, c.provider, c.places, &c.provider, &c.places
		_, err := w.Service.SetSchedule(t.Context(), c.actor, s)
		clinictest.Refused(t, err, c.kind, c.path)
		_, err = w.Service.SetDateHours(t.Context(), c.actor, d)
		clinictest.Refused(t, err, c.kind, c.path)
		_, err = w.Service.AddException(t.Context(), c.actor, e)
		clinictest.Refused(t, err, c.kind, c.path)
		_, err = w.Service.PutOpenings(t.Context(), c.actor, c.provider, c.places, nil)
		clinictest.Refused(t, err, c.kind, c.path)
	}
	in := w.Schedule(w.Tomorrow)
	in.Hours[0].VisitKinds = []clinic.Ref{w.K, w.Ref(clinictest.NewID())}
	_, err := w.Service.SetSchedule(t.Context(), w.FrontDesk, in)
	clinictest.Refused(t, err, errs.NotFound, "hours 0 visitKindIds 1")
	day := provider.SetDateHours{Provider: w.P, Location: w.L, Date: w.Tomorrow, Hours: []provider.Opening{in.Hours[0].Opening}}
	_, err = w.Service.SetDateHours(t.Context(), w.FrontDesk, day)
	clinictest.Refused(t, err, errs.NotFound, "hours 0 visitKindIds 1")
	day.Date.Day = 0
	_, err = w.Service.SetDateHours(t.Context(), w.FrontDesk, day)
	clinictest.Refused(t, err, errs.InvalidInput, "date")
	w.SetSchedule(t, w.Schedule(w.Tomorrow))
	_, err = w.Service.WeeklyHours(t.Context(), stranger, w.P, w.L, nil)
	clinictest.Refused(t, err, errs.NotFound, "providerId")
	_, err = w.Service.WeeklyHours(t.Context(), access.Nobody(""), w.P, w.L, nil)
	clinictest.Refused(t, err, errs.Unauthenticated, "")
	if hours, err := w.Service.WeeklyHours(t.Context(), reader, w.P, w.L, &w.Tomorrow); err != nil || len(hours) != 1 {
		t.Errorf("a provider reads %v, %v", hours, err)
	}
}

// locationOf makes a location in another organisation.
func (w World) locationOf(t *testing.T, organization uuid.UUID) clinic.Ref {
	t.Helper()
	in := clinictest.Location(1)
	in.Organization = organization
	l, err := w.Clinic().PutLocation(t.Context(), w.Platform, in)
	if err != nil {
		t.Fatal(err)
	}
	return clinic.Ref{Organization: organization, ID: l.ID}
}

func staffOnly(t *testing.T, w World) {
	e := w.AddException(t, w.TimeOff(w.Tomorrow, "k"))
	ref := w.Ref(e.ID)
	for _, c := range []struct {
		actor access.Actor
		want  int
	}{
		{w.FrontDesk, 1}, {w.Platform, 1}, {access.Nobody(""), 0}, {clinictest.Actor(access.PatientRole, w.Organization), 0},
		{clinictest.Actor(access.Admin, w.NewOrganization(t)), 0},
	} {
		found, err := w.Service.Exceptions(t.Context(), c.actor, []clinic.Ref{ref, w.Ref(uuid.New())})
		if err != nil || len(found) != c.want {
			t.Errorf("%s sees %v, %v", c.actor.Role, found, err)
		}
	}
}

func ptr[T any](v T) *T { return &v }
