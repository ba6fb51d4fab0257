// Package patienttest says what every store of the patient room has to do.
package patienttest

import (
	"fmt"
	"slices"
	"testing"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// Stores are the stores that patients stand on.
type Stores interface {
	clinic.Store
	patient.Store
}

// World is an organisation to register patients with.
type World struct {
	clinictest.World
	Service *patient.Service
}

// NewWorld makes an organisation in a store.
func NewWorld(t testing.TB, stores Stores) World {
	t.Helper()
	w := World{World: clinictest.NewWorld(t, stores)}
	w.Service = patient.NewService(stores, w.Source)
	return w
}

// Ann is a good input with all fields.
func Ann() patient.Register {
	return patient.Register{
		Identifier: clinic.Identifier{System: "https://example.org/mrn", Value: "A1"}, GivenName: "Ann Zoë", FamilyName: "O'Neil-Núñez",
		BirthDate: &civil.Date{Year: 1980, Month: 2, Day: 29}, Phone: private("+12015550123"), Email: private("Ann@Example.org"),
		Language: ptr("es-MX"), TimeZone: ptr("America/New_York"),
	}
}

// Register registers a patient as the front desk.
func (w World) Register(t testing.TB, in patient.Register) patient.Patient {
	t.Helper()
	p, err := w.Service.Register(t.Context(), w.FrontDesk, in)
	if err != nil {
		t.Fatalf("register patient: %v", err)
	}
	return p
}

// Contract is what every patient.Store does. Open makes an empty one.
func Contract(t *testing.T, open func(*testing.T) Stores) {
	for name, test := range map[string]func(*testing.T, World){
		"a patient is replaced, not doubled":            replaced,
		"two registrations at once make one row":        atOnce,
		"who may register":                              mayRegister,
		"only staff and the patient see the patient":    maySee,
		"found by each part and by all of them":         found,
		"a replaced patient is found by new parts only": foundAnew,
		"what is found is paged by id":                  paged,
		"only staff may look":                           mayFind,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, NewWorld(t, open(t)))
		})
	}
}

func replaced(t *testing.T, w World) {
	first := w.Register(t, Ann())
	in := Ann()
	in.Phone, in.TimeZone, in.BirthDate, in.GivenName = nil, nil, nil, "Anna"
	second := w.Register(t, in)
	ref := clinic.Ref{Organization: w.Organization, ID: first.ID}
	stored, err := w.Service.Patients(t.Context(), w.FrontDesk, []clinic.Ref{ref})
	if err != nil || second.ID != first.ID || !stored[ref].Same(second) || stored[ref].OrganizationID != w.Organization {
		t.Errorf("stored as %#v (%v), want %#v", stored[ref], err, second)
	}
	in.Organization = w.NewOrganization(t)
	if third, err := w.Service.Register(t.Context(), clinictest.Actor(access.Admin, in.Organization), in); err != nil || third.ID == first.ID {
		t.Errorf("the same identifier in another organisation: %v, %v", third.ID, err)
	}
}

func atOnce(t *testing.T, w World) {
	made := make([]patient.Patient, 8)
	if err := clinictest.AtOnce(len(made), func(i int) (err error) {
		in := Ann()
		in.GivenName = access.Private([]string{"Ann", "Anna"}[i%2])
		made[i], err = w.Service.Register(t.Context(), w.FrontDesk, in)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, p := range made {
		if p.ID != made[0].ID {
			t.Error("registrations at once answered different ids")
		}
	}
	if n := w.count(t, patient.Filter{Name: private("oneil")}); n != 1 {
		t.Errorf("%d patients", n)
	}
}

func mayRegister(t *testing.T, w World) {
	foreign := w.NewOrganization(t)
	for _, c := range []struct {
		actor access.Actor
		in    func(*patient.Register)
		kind  errs.Kind
		path  string
	}{
		{access.Nobody(""), func(*patient.Register) {}, errs.Unauthenticated, ""},
		{clinictest.Actor(access.PatientRole, w.Organization), func(*patient.Register) {}, errs.Forbidden, ""},
		{clinictest.Actor(access.Provider, w.Organization), func(*patient.Register) {}, errs.Forbidden, ""},
		{w.FrontDesk, func(in *patient.Register) { in.Organization = foreign }, errs.NotFound, "organizationId"},
		{w.Admin, func(in *patient.Register) { in.Organization = clinictest.NewID() }, errs.NotFound, "organizationId"},
		{w.Platform, func(in *patient.Register) { in.Organization = w.Organization }, errs.Forbidden, ""},
		{w.FrontDesk, func(in *patient.Register) { in.GivenName = "" }, errs.InvalidInput, "givenName"},
	} {
		in := Ann()
		c.in(&in)
		_, err := w.Service.Register(t.Context(), c.actor, in)
		clinictest.Refused(t, err, c.kind, c.path)
	}
	if n := w.count(t, patient.Filter{Name: private("oneil")}); n != 0 {
		t.Error("a refused registration wrote something")
	}
}

func maySee(t *testing.T, w World) {
	ann := w.Register(t, Ann())
	in := Ann()
	in.Identifier.Value = "B2"
	bob := w.Register(t, in)
	refs := []clinic.Ref{{Organization: w.Organization, ID: ann.ID}, {Organization: w.Organization, ID: bob.ID}}
	herself := clinictest.Actor(access.PatientRole, w.Organization)
	herself.PatientID = ann.ID
	foreign := w.NewOrganization(t)
	namesake := herself
	namesake.Organization = foreign
	narrow := w.FrontDesk
	narrow.Scopes = []string{access.AppointmentsRead}
	for _, c := range []struct {
		actor access.Actor
		want  int
	}{
		{w.FrontDesk, 2}, {w.Admin, 2}, {w.Platform, 0}, {clinictest.Actor(access.Provider, w.Organization), 0}, {herself, 1}, {narrow, 0},
		{access.Nobody(""), 0}, {clinictest.Actor(access.PatientRole, w.Organization), 0}, {namesake, 0},
		{clinictest.Actor(access.Admin, foreign), 0},
	} {
		seen, err := w.Service.Patients(t.Context(), c.actor, refs)
		if err != nil || len(seen) != c.want || c.want == 1 && !seen[refs[0]].Same(ann) {
			t.Errorf("%s %s sees %d of them (%v), want %d", c.actor.Kind, c.actor.Role, len(seen), err, c.want)
		}
	}
}

func (w World) count(t testing.TB, f patient.Filter) int {
	t.Helper()
	n, err := w.Service.Count(t.Context(), w.FrontDesk, f)
	if err != nil {
		t.Fatalf("count patients: %v", err)
	}
	page, err := w.Service.Find(t.Context(), w.FrontDesk, f, paging.Window{Size: 100})
	if err != nil || len(page.Items) != n {
		t.Errorf("%d counted, %d found (%v)", n, len(page.Items), err)
	}
	return n
}

func found(t *testing.T, w World) {
	ann := w.Register(t, Ann())
	other := patient.Register{Identifier: clinic.Identifier{System: "https://example.org/mrn", Value: "B2"}, GivenName: "Bob", FamilyName: "Newman"}
	w.Register(t, other)
	mrn := func(system, value string) *clinic.Identifier { return &clinic.Identifier{System: system, Value: value} }
	for name, c := range map[string]struct {
		filter patient.Filter
		want   int
	}{
		"given name":               {patient.Filter{Name: private("Ann")}, 1},
		"its beginning":            {patient.Filter{Name: private("an")}, 1},
		"second given name":        {patient.Filter{Name: private("zoe")}, 1},
		"family name":              {patient.Filter{Name: private("NUNEZ")}, 1},
		"both, in any order":       {patient.Filter{Name: private("Núñez ann")}, 1},
		"a beginning of both":      {patient.Filter{Name: private("ne")}, 1},
		"one word that isn't":      {patient.Filter{Name: private("ann newman")}, 0},
		"the middle of a name":     {patient.Filter{Name: private("eil")}, 0},
		"more than the name":       {patient.Filter{Name: private("annabel")}, 0},
		"birth date":               {patient.Filter{BirthDate: &civil.Date{Year: 1980, Month: 2, Day: 29}}, 1},
		"another birth date":       {patient.Filter{BirthDate: &civil.Date{Year: 1980, Month: 2, Day: 28}}, 0},
		"phone":                    {patient.Filter{Phone: private("+12015550123")}, 1},
		"another phone":            {patient.Filter{Phone: private("+12015550124")}, 0},
		"e-mail in other case":     {patient.Filter{Email: private("aNN@example.ORG")}, 1},
		"another e-mail":           {patient.Filter{Email: private("ann@example.com")}, 0},
		"identifier":               {patient.Filter{Identifier: mrn("https://example.org/mrn", "A1")}, 1},
		"in another system":        {patient.Filter{Identifier: mrn("https://example.org/other", "A1")}, 0},
		"all parts":                {patient.Filter{Name: private("ann"), BirthDate: ann.BirthDate, Phone: ann.Phone, Email: ann.Email, Identifier: mrn("https://example.org/mrn", "A1")}, 1},
		"all parts but one":        {patient.Filter{Name: private("ann"), BirthDate: ann.BirthDate, Phone: private("+12015550124"), Email: ann.Email}, 0},
		"her name, his identifier": {patient.Filter{Name: private("ann"), Identifier: mrn("https://example.org/mrn", "B2")}, 0},
	} {
		if n := w.count(t, c.filter); n != c.want {
			t.Errorf("%s: %d found, want %d", name, n, c.want)
		}
	}
	foreign := clinictest.Actor(access.FrontDesk, w.NewOrganization(t))
	if n, err := w.Service.Count(t.Context(), foreign, patient.Filter{Name: private("ann")}); n != 0 || err != nil {
		t.Errorf("another organisation finds %d (%v)", n, err)
	}
}

func foundAnew(t *testing.T, w World) {
	w.Register(t, Ann())
	in := Ann()
	in.GivenName, in.Phone = "Beth", private("+12015550199")
	w.Register(t, in)
	for name, c := range map[string]struct {
		filter patient.Filter
		want   int
	}{
		"old name": {patient.Filter{Name: private("ann")}, 0}, "new name": {patient.Filter{Name: private("beth")}, 1},
		"old phone": {patient.Filter{Phone: private("+12015550123")}, 0}, "new phone": {patient.Filter{Phone: in.Phone}, 1},
		"kept name": {patient.Filter{Name: private("nunez")}, 1},
	} {
		if n := w.count(t, c.filter); n != c.want {
			t.Errorf("%s: %d found, want %d", name, n, c.want)
		}
	}
}

func paged(t *testing.T, w World) {
	var want []string
	for i := range 7 {
		in := Ann()
		in.Identifier.Value = fmt.Sprint(i)
		want = append(want, w.Register(t, in).ID.String())
	}
	for _, size := range []int{1, 3, 7} {
		for _, backward := range []bool{false, true} {
			all := clinictest.Walk(t, size, backward, func(p paging.Window) (paging.Page[patient.Patient], error) {
				return w.Service.Find(t.Context(), w.FrontDesk, patient.Filter{Name: private("ann")}, p)
			}, func(p patient.Patient) []string { return []string{p.ID.String()} })
			var got []string
			for _, p := range all {
				got = append(got, p.ID.String())
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d, backward %v: %v, want %v", size, backward, got, want)
			}
		}
	}
	_, err := w.Service.Find(t.Context(), w.FrontDesk, patient.Filter{Name: private("ann")}, paging.Window{Size: 1, After: []string{"x"}})
	clinictest.Refused(t, err, errs.InvalidInput, "after")
}

func mayFind(t *testing.T, w World) {
	ann := patient.Filter{Name: private("ann")}
	herself := clinictest.Actor(access.PatientRole, w.Organization)
	for _, c := range []struct {
		actor  access.Actor
		filter patient.Filter
		kind   errs.Kind
		path   string
	}{
		{access.Nobody(""), ann, errs.Unauthenticated, ""},
		{herself, ann, errs.Forbidden, ""},
		{w.FrontDesk, patient.Filter{Organization: w.NewOrganization(t), Name: ann.Name}, errs.NotFound, "organizationId"},
		{w.Platform, ann, errs.InvalidInput, "organizationId"},
		{w.FrontDesk, patient.Filter{}, errs.InvalidInput, ""},
		{w.FrontDesk, patient.Filter{Name: private("a")}, errs.InvalidInput, "name"},
	} {
		_, err := w.Service.Find(t.Context(), c.actor, c.filter, paging.Window{Size: 1})
		clinictest.Refused(t, err, c.kind, c.path)
		_, err = w.Service.Count(t.Context(), c.actor, c.filter)
		clinictest.Refused(t, err, c.kind, c.path)
	}
}

func private(s string) *access.Private { return ptr(access.Private(s)) }

func ptr[T any](v T) *T { return &v }
