package clinictest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Room is a good input; the number tells rooms apart.
func Room(number int, at clinic.Location) clinic.PutResource {
	return clinic.PutResource{
		Identifier: clinic.Identifier{System: "https://example.org/rooms", Value: fmt.Sprint(number)},
		Location:   clinic.Ref{Organization: at.OrganizationID, ID: at.ID}, Kind: clinic.Room, Pool: "exam", Name: fmt.Sprintf("Room %03d", number),
	}
}

// PutRoom puts Room(number).
func (w World) PutRoom(t testing.TB, number int, at clinic.Location) clinic.Resource {
	t.Helper()
	r, err := w.Service.PutResource(t.Context(), w.Admin, Room(number, at))
	if err != nil {
		t.Fatalf("put resource: %v", err)
	}
	return r
}

func (w World) require(t *testing.T, number int, by func(*clinic.PutVisitKind)) (clinic.VisitKind, error) {
	t.Helper()
	in := VisitKind(number)
	by(&in)
	return w.Service.PutVisitKind(t.Context(), w.Admin, in)
}

func requirements(t *testing.T, w World) {
	lab := w.PutVisitKind(t, 1)
	ask := func(in *clinic.PutVisitKind) {
		in.Needs, in.RepeatAfter, in.Patients = []string{"ultrasound", "exam"}, ptr(90*24*time.Hour), ptr(clinic.EstablishedPatients)
		in.MinimumAge, in.MaximumAge = ptr(18), ptr(75)
		in.Prerequisites = []clinic.PutPrerequisite{{VisitKind: clinic.Ref{Organization: w.Organization, ID: lab.ID}, Within: 30 * 24 * time.Hour}}
	}
	put, err := w.require(t, 2, ask)
	if err != nil {
		t.Fatal(err)
	}
	ref := clinic.Ref{Organization: w.Organization, ID: put.ID}
	found, err := w.Service.VisitKinds(t.Context(), []clinic.Ref{ref})
	if err != nil || !found[ref].Requires.Same(put.Requires) || len(found[ref].Requires.Prerequisites) != 1 {
		t.Errorf("stored as %+v (%v), want %+v", found[ref].Requires, err, put.Requires)
	}
	plain, err := w.require(t, 2, func(*clinic.PutVisitKind) {})
	found, _ = w.Service.VisitKinds(t.Context(), []clinic.Ref{ref})
	if err != nil || plain.ID != put.ID || !found[ref].Requires.Same(clinic.Requirements{}) {
		t.Errorf("what is left out is kept: %+v (%v)", found[ref].Requires, err)
	}
}

// One comes before two, which comes before three: one can come after neither, nor after itself.
func circlesOfKinds(t *testing.T, w World) {
	comesAfter := func(number int, kinds ...clinic.VisitKind) (clinic.VisitKind, error) {
		return w.require(t, number, func(in *clinic.PutVisitKind) {
			for _, k := range kinds {
				in.Prerequisites = append(in.Prerequisites, clinic.PutPrerequisite{VisitKind: clinic.Ref{Organization: k.OrganizationID, ID: k.ID}, Within: time.Hour})
			}
		})
	}
	one, plain := w.PutVisitKind(t, 1), w.PutVisitKind(t, 4)
	two, err := comesAfter(2, one)
	if err != nil {
		t.Fatal(err)
	}
	three, err := comesAfter(3, one, two)
	if err != nil {
		t.Fatal(err)
	}
	for _, kinds := range [][]clinic.VisitKind{{one}, {two}, {three}} {
		_, err := comesAfter(1, append([]clinic.VisitKind{plain}, kinds...)...)
		Refused(t, err, errs.InvalidInput, "prerequisites 1 visitKindId")
	}
	if again, err := comesAfter(3, two); err != nil || again.ID != three.ID {
		t.Errorf("without one of them: %v, %v", again, err)
	}
	foreign := plain
	foreign.OrganizationID = w.NewOrganization(t)
	_, err = comesAfter(1, plain, foreign)
	Refused(t, err, errs.InvalidInput, "prerequisites 1 visitKindId") // named twice
	_, err = comesAfter(1, foreign)
	Refused(t, err, errs.NotFound, "prerequisites 0 visitKindId")
}

// Two kinds that are put after each other at the same time: one is refused.
func circleAtOnce(t *testing.T, w World) {
	kinds := []clinic.VisitKind{w.PutVisitKind(t, 0), w.PutVisitKind(t, 1)}
	refused := make([]bool, 2)
	if err := AtOnce(2, func(i int) error {
		other := kinds[1-i]
		_, err := w.require(t, i, func(in *clinic.PutVisitKind) {
			in.Prerequisites = []clinic.PutPrerequisite{{VisitKind: clinic.Ref{Organization: w.Organization, ID: other.ID}, Within: time.Hour}}
		})
		if refused[i] = errs.Of(err) == errs.InvalidInput; refused[i] {
			return nil
		}
		return err
	}); err != nil || refused[0] == refused[1] {
		t.Errorf("refused %v (%v)", refused, err)
	}
}

func resources(t *testing.T, w World) {
	here, there := w.PutLocation(t, 1), w.PutLocation(t, 2)
	first := w.PutRoom(t, 1, here)
	in := Room(1, there)
	in.Kind, in.Pool, in.Name, in.Retired = clinic.Equipment, "ultrasound", "Sonograph", true
	second, err := w.Service.PutResource(t.Context(), w.Admin, in)
	if err != nil || second.ID != first.ID {
		t.Fatalf("the same identifier made %v, then %v (%v)", first.ID, second.ID, err)
	}
	found, err := w.Service.Resources(t.Context(), w.FrontDesk, []clinic.Ref{second.Ref()})
	if err != nil || found[second.Ref()] != second {
		t.Errorf("stored as %+v (%v), want %+v", found[second.Ref()], err, second)
	}
	for i := range 5 {
		w.PutRoom(t, 2+i, here)
	}
	exam := clinic.ResourceFilter{Location: ptr(clinic.Ref{Organization: w.Organization, ID: here.ID}), Pool: "exam"}
	for name, f := range map[string]clinic.ResourceFilter{"all": {}, "of a pool": {Pool: "exam"}, "at a location": exam} {
		want := []string{"Room 002", "Room 003", "Room 004", "Room 005", "Room 006"}
		if name == "all" {
			want = append(want, "Sonograph")
		}
		list := Walk(t, 2, false, func(p paging.Window) (paging.Page[clinic.Resource], error) {
			return w.Service.ListResources(t.Context(), w.FrontDesk, f, p)
		}, func(r clinic.Resource) []string { return []string{r.Name, r.ID.String()} })
		names := make([]string, len(list))
		for i, r := range list {
			names[i] = r.Name
		}
		n, err := w.Service.CountResources(t.Context(), w.FrontDesk, f)
		if !slices.Equal(names, want) || n != len(want) || err != nil {
			t.Errorf("%s: %v, counted %d (%v)", name, names, n, err)
		}
	}
}

func whoSetsUp(t *testing.T, w World) {
	here := w.PutLocation(t, 1)
	room := w.PutRoom(t, 1, here)
	foreign := w.NewOrganization(t)
	stranger, patient := Actor(access.Admin, foreign), Actor(access.PatientRole, w.Organization)
	for _, c := range []struct {
		actor access.Actor
		kind  errs.Kind
		path  string
	}{
		{access.Nobody(""), errs.Unauthenticated, ""}, {w.FrontDesk, errs.Forbidden, ""}, {patient, errs.Forbidden, ""}, {stranger, errs.NotFound, "organizationId"},
	} {
		in := Room(2, here)
		in.Organization = w.Organization
		_, err := w.Service.PutResource(t.Context(), c.actor, in)
		Refused(t, err, c.kind, c.path)
		_, err = w.Service.SetTravelRules(t.Context(), c.actor, clinic.SetTravelRules{Organization: w.Organization})
		Refused(t, err, c.kind, c.path)
	}
	_, err := w.Service.PutResource(t.Context(), stranger, Room(2, here))
	Refused(t, err, errs.NotFound, "locationId")
	_, err = w.Service.ListResources(t.Context(), patient, clinic.ResourceFilter{}, paging.Window{Size: 1})
	Refused(t, err, errs.Forbidden, "")
	_, err = w.Service.CountResources(t.Context(), stranger, clinic.ResourceFilter{Organization: w.Organization})
	Refused(t, err, errs.NotFound, "organizationId")
	_, err = w.Service.ListResources(t.Context(), w.Platform, clinic.ResourceFilter{Organization: NewID()}, paging.Window{Size: 1})
	Refused(t, err, errs.NotFound, "organizationId")
	for _, actor := range []access.Actor{access.Nobody(""), patient, stranger} {
		found, err := w.Service.Resources(t.Context(), actor, []clinic.Ref{room.Ref(), {Organization: foreign, ID: room.ID}})
		rules, err2 := w.Service.TravelRules(t.Context(), actor, []uuid.UUID{w.Organization})
		if len(found) != 0 || len(rules) != 0 || err != nil || err2 != nil {
			t.Errorf("%s sees %v and %v (%v, %v)", actor.Kind, found, rules, err, err2)
		}
	}
}

func travel(t *testing.T, w World) {
	read := func() clinic.TravelRules {
		found, err := w.Service.TravelRules(t.Context(), w.FrontDesk, []uuid.UUID{w.Organization})
		if err != nil {
			t.Fatal(err)
		}
		return found[w.Organization]
	}
	if !read().Same(clinic.DefaultTravel(w.Organization)) {
		t.Errorf("who has set nothing has %+v", read())
	}
	here, there := w.PutLocation(t, 1), w.PutLocation(t, 2)
	ref := func(l clinic.Location) clinic.Ref { return clinic.Ref{Organization: l.OrganizationID, ID: l.ID} }
	set, err := w.Service.SetTravelRules(t.Context(), w.Admin, clinic.SetTravelRules{
		Providers: new(bool), Speed: ptr(25), Margin: ptr(5 * time.Minute),
		Routes: []clinic.SetRoute{{From: ref(here), To: ref(there), Takes: 20 * time.Minute}, {From: ref(there), To: ref(here), Takes: 35 * time.Minute}},
	})
	if err != nil || !read().Same(set) || len(set.Routes) != 2 {
		t.Errorf("stored as %+v (%v), want %+v", read(), err, set)
	}
	if again, err := w.Service.SetTravelRules(t.Context(), w.Admin, clinic.SetTravelRules{}); err != nil || !read().Same(clinic.DefaultTravel(w.Organization)) {
		t.Errorf("set to the defaults: %+v (%v)", again, err)
	}
}
