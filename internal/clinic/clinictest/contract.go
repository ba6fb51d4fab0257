package clinictest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Contract is what every clinic.Store does. Open makes an empty one.
func Contract(t *testing.T, open func(*testing.T) clinic.Store) {
	for name, test := range map[string]func(*testing.T, World){
		"an organisation is created once for a key":   createdOnce,
		"so it is by several calls at once":           createdAtOnce,
		"only platform administrators create tenants": onlyPlatform,
		"a key is free again after 24 hours":          keyLife,
		"a location is replaced, not doubled":         replaceLocation,
		"a kind is replaced, not doubled":             replaceKind,
		"two puts at once make one row":               putsAtOnce,
		"writes need scope and tenant":                mayWrite,
		"a foreign or unknown id is not answered":     foreignIDs,
		"lists are paged by name and id":              pages,
		"lists are of the right organisation":         whose,
		"a broken cursor is bad input":                brokenCursor,
		"locations are found in a circle":             circles,
		"a circle may lie over a pole or a date line": edges,
		"a postal code names a place":                 postalCodes,
		"locations name a place":                      namedPlaces,
		"what is near is paged":                       nearPages,
		"a kind keeps what it asks for":               requirements,
		"kinds ask for each other in no circle":       circlesOfKinds,
		"nor when they are put at once":               circleAtOnce,
		"resources are put and listed":                resources,
		"resources and travel are the staff's":        whoSetsUp,
		"travel has defaults":                         travel,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, NewWorld(t, open(t)))
		})
	}
}

func createdOnce(t *testing.T, w World) {
	in := clinic.CreateOrganization{Name: "North", Key: "k1"}
	first, err := w.Service.CreateOrganization(t.Context(), w.Platform, in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Service.CreateOrganization(t.Context(), w.Platform, in)
	if err != nil || again != first {
		t.Errorf("the same key made %v, then %v (%v)", first, again, err)
	}
	in.Name = "South"
	_, err = w.Service.CreateOrganization(t.Context(), w.Platform, in)
	if reused, ok := errors.AsType[errs.KeyReused](err); !ok || !reused.FirstUsedAt.Equal(w.Clock.Now()) {
		t.Errorf("the key with another input: %v", err)
	}
	other := Actor(access.PlatformAdmin, uuid.Nil)
	if o, err := w.Service.CreateOrganization(t.Context(), other, in); err != nil || o.ID == first.ID {
		t.Errorf("another caller's key of the same text: %v, %v", o, err)
	}
	in.Key = ""
	_, err = w.Service.CreateOrganization(t.Context(), w.Platform, in)
	Refused(t, err, errs.InvalidInput, "idempotencyKey")
	_, err = w.Service.CreateOrganization(t.Context(), w.Platform, clinic.CreateOrganization{Key: "k2"})
	Refused(t, err, errs.InvalidInput, "name")
}

// One of several calls with one key creates it; the others hear so or are told to ask again.
func createdAtOnce(t *testing.T, w World) {
	made := make([]clinic.Organization, 8)
	if err := AtOnce(len(made), func(i int) error {
		o, err := w.Service.CreateOrganization(t.Context(), w.Platform, clinic.CreateOrganization{Name: "North", Key: "k1"})
		if errors.As(err, new(errs.KeyInUse)) {
			return nil
		}
		made[i] = o
		return err
	}); err != nil {
		t.Fatal(err)
	}
	first, err := w.Service.CreateOrganization(t.Context(), w.Platform, clinic.CreateOrganization{Name: "North", Key: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range made {
		if o.ID != uuid.Nil && o.ID != first.ID {
			t.Errorf("one key made %v and %v", o.ID, first.ID)
		}
	}
}

func onlyPlatform(t *testing.T, w World) {
	in := clinic.CreateOrganization{Name: "North", Key: "k1"}
	_, err := w.Service.CreateOrganization(t.Context(), w.Admin, in)
	Refused(t, err, errs.Forbidden, "")
	_, err = w.Service.CreateOrganization(t.Context(), access.Nobody(""), in)
	Refused(t, err, errs.Unauthenticated, "")
}

func keyLife(t *testing.T, w World) {
	in := clinic.CreateOrganization{Name: "North", Key: "k1"}
	first, _ := w.Service.CreateOrganization(t.Context(), w.Platform, in)
	w.Clock.Advance(clinic.KeyLife - time.Microsecond)
	if o, err := w.Service.CreateOrganization(t.Context(), w.Platform, in); err != nil || o != first {
		t.Errorf("just before 24 hours: %v, %v", o, err)
	}
	w.Clock.Advance(time.Microsecond)
	if o, err := w.Service.CreateOrganization(t.Context(), w.Platform, in); err != nil || o.ID == first.ID {
		t.Errorf("after 24 hours: %v, %v", o, err)
	}
}

func replaceLocation(t *testing.T, w World) {
	first := w.PutLocation(t, 1)
	in := Location(1)
	in.Name, in.AddressLines, in.StepFreeAccess = "Other", nil, new(bool)
	second, err := w.Service.PutLocation(t.Context(), w.Admin, in)
	if err != nil || second.ID != first.ID {
		t.Fatalf("the same identifier made %v, then %v (%v)", first.ID, second.ID, err)
	}
	ref := clinic.Ref{Organization: w.Organization, ID: first.ID}
	found, err := w.Service.Locations(t.Context(), []clinic.Ref{ref})
	if err != nil || !found[ref].Same(second) || found[ref].ID != first.ID || found[ref].OrganizationID != w.Organization {
		t.Errorf("stored as %+v (%v), want %+v", found[ref], err, second)
	}
	in.Organization = w.NewOrganization(t)
	third, err := w.Service.PutLocation(t.Context(), w.Platform, in)
	if err != nil || third.ID == first.ID || third.OrganizationID != in.Organization {
		t.Errorf("the same identifier in another organisation: %+v, %v", third, err)
	}
}

func replaceKind(t *testing.T, w World) {
	first := w.PutVisitKind(t, 1)
	in := VisitKind(1)
	in.LateFeeMinorUnits, in.Currency, in.MaxReschedules = ptr(500), ptr("USD"), ptr(2)
	in.Instructions, in.Modalities = ptr("Bring your card."), []clinic.Modality{clinic.Video, clinic.Home}
	second, err := w.Service.PutVisitKind(t.Context(), w.Admin, in)
	if err != nil || second.ID != first.ID {
		t.Fatalf("the same key made %v, then %v (%v)", first.ID, second.ID, err)
	}
	ref := clinic.Ref{Organization: w.Organization, ID: first.ID}
	found, err := w.Service.VisitKinds(t.Context(), []clinic.Ref{ref})
	if err != nil || !found[ref].Same(second) || found[ref].ID != first.ID || found[ref].OrganizationID != w.Organization {
		t.Errorf("stored as %+v (%v), want %+v", found[ref], err, second)
	}
}

func putsAtOnce(t *testing.T, w World) {
	const many = 8
	locations, kinds := make([]clinic.Location, many), make([]clinic.VisitKind, many)
	if err := AtOnce(2*many, func(i int) (err error) {
		if i < many {
			locations[i], err = w.Service.PutLocation(t.Context(), w.Admin, Location(1))
			return err
		}
		kinds[i-many], err = w.Service.PutVisitKind(t.Context(), w.Admin, VisitKind(1))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i := range many {
		if locations[i].ID != locations[0].ID || kinds[i].ID != kinds[0].ID {
			t.Error("puts at once answered different ids")
		}
	}
	if n, err := w.Service.CountLocations(t.Context(), w.Admin, clinic.LocationFilter{}); n != 1 || err != nil {
		t.Errorf("%d locations (%v)", n, err)
	}
	if n, err := w.Service.CountVisitKinds(t.Context(), w.Admin, uuid.Nil); n != 1 || err != nil {
		t.Errorf("%d kinds (%v)", n, err)
	}
}

func mayWrite(t *testing.T, w World) {
	try := func(actor access.Actor, organization uuid.UUID) (one, other error) {
		l, k := Location(1), VisitKind(1)
		l.Organization, k.Organization = organization, organization
		_, one = w.Service.PutLocation(t.Context(), actor, l)
		_, other = w.Service.PutVisitKind(t.Context(), actor, k)
		return one, other
	}
	foreign := w.NewOrganization(t)
	for _, c := range []struct {
		actor        access.Actor
		organization uuid.UUID
		kind         errs.Kind
		path         string
	}{
		{access.Nobody(""), uuid.Nil, errs.Unauthenticated, ""},
		{access.Nobody(""), w.Organization, errs.Unauthenticated, ""},
		{w.FrontDesk, uuid.Nil, errs.Forbidden, ""},
		{w.Admin, foreign, errs.NotFound, "organizationId"},
		{w.Admin, NewID(), errs.NotFound, "organizationId"},
		{w.Platform, uuid.Nil, errs.InvalidInput, "organizationId"},
		{w.Platform, NewID(), errs.NotFound, "organizationId"},
	} {
		one, other := try(c.actor, c.organization)
		Refused(t, one, c.kind, c.path)
		Refused(t, other, c.kind, c.path)
	}
	if one, other := try(w.Platform, foreign); one != nil || other != nil {
		t.Errorf("a platform administrator is refused: %v, %v", one, other)
	}
	if n, _ := w.Service.CountLocations(t.Context(), w.Admin, clinic.LocationFilter{}); n != 0 {
		t.Error("a refused put wrote something")
	}
}

func foreignIDs(t *testing.T, w World) {
	l, k := w.PutLocation(t, 1), w.PutVisitKind(t, 1)
	foreign := w.NewOrganization(t)
	locations, err := w.Service.Locations(t.Context(), []clinic.Ref{{Organization: foreign, ID: l.ID}, {Organization: w.Organization, ID: k.ID}})
	if err != nil || len(locations) != 0 {
		t.Errorf("%v, %v", locations, err)
	}
	kinds, err := w.Service.VisitKinds(t.Context(), []clinic.Ref{{Organization: foreign, ID: k.ID}})
	if err != nil || len(kinds) != 0 {
		t.Errorf("%v, %v", kinds, err)
	}
	organizations, err := w.Service.Organizations(t.Context(), []uuid.UUID{w.Organization, NewID(), foreign})
	if err != nil || len(organizations) != 2 || organizations[foreign].ID != foreign {
		t.Errorf("%v, %v", organizations, err)
	}
}

func ptr[T any](v T) *T { return &v }
