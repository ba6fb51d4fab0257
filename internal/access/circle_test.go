package access

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

// town is what a circle is looked up in. It counts the look-ups.
type town struct {
	links   []Link
	grants  []Grant
	treated []uuid.UUID
	failed  error
	looks   int
}

func (b *town) Links(context.Context, uuid.UUID, uuid.UUID) ([]Link, error) {
	b.looks++
	return b.links, b.failed
}

func (b *town) Grants(context.Context, uuid.UUID, uuid.UUID) ([]Grant, error) {
	b.looks++
	return b.grants, b.failed
}

func (b *town) Treated(_ context.Context, _, _ uuid.UUID, patients []uuid.UUID) ([]uuid.UUID, error) {
	b.looks++
	return slices.DeleteFunc(slices.Clone(patients), func(p uuid.UUID) bool { return !slices.Contains(b.treated, p) }), b.failed
}

func person(n byte) uuid.UUID { return uuid.UUID{15: n} }

func caller(r Role, b Bonds) Actor {
	return Actor{ID: person(100), Organization: person(99), Role: r, Scopes: ScopesOf(r), Circle: NewCircle(b)}
}

func TestWhoSeesWhom(t *testing.T) {
	b := &town{
		links:   []Link{{person(2), RelationSelf}, {person(3), RelationCaregiver}},
		grants:  []Grant{{ID: person(50), Patient: person(4)}},
		treated: []uuid.UUID{person(5)},
	}
	everybody := []uuid.UUID{person(1), person(2), person(3), person(4), person(5), person(6)}
	claimed := caller(PatientRole, b)
	claimed.PatientID = person(1)
	provider := caller(Provider, b)
	provider.ProviderID = person(70)
	blind := provider
	blind.Scopes = []string{AppointmentsRead}
	staff := caller(FrontDesk, b)
	staff.PatientID = person(1)
	narrow := staff
	narrow.Scopes = []string{AppointmentsRead}
	for name, c := range map[string]struct {
		who  Actor
		sees []uuid.UUID
	}{
		"a patient whom the token names":   {claimed, []uuid.UUID{person(1), person(2), person(3)}},
		"a patient whom the token doesn't": {caller(PatientRole, b), []uuid.UUID{person(2), person(3)}},
		"a caregiver":                      {caller(Caregiver, b), []uuid.UUID{person(2), person(3)}},
		"a provider":                       {provider, []uuid.UUID{person(4), person(5)}},
		"a provider without patients:read": {blind, nil},
		"the front desk":                   {staff, everybody},
		"the front desk without the scope": {narrow, nil},
		"an integrator":                    {caller(Integrator, b), everybody},
		"an administrator":                 {caller(Admin, b), everybody},
		"an auditor":                       {caller(Auditor, b), nil},
		"a platform administrator":         {caller(PlatformAdmin, b), nil},
		"nobody":                           {Nobody(""), nil},
	} {
		sees, err := c.who.Sees(t.Context(), everybody...)
		if err != nil {
			t.Fatal(err)
		}
		var seen []uuid.UUID
		for _, p := range everybody {
			one, err := c.who.ActsFor(t.Context(), p)
			if err != nil || one != sees.Of(p) {
				t.Errorf("%s: alone %v, %v", name, one, err)
			}
			if one {
				seen = append(seen, p)
			}
		}
		if !slices.Equal(seen, c.sees) {
			t.Errorf("%s sees %v", name, seen)
		}
	}
}

func TestACircleIsLookedUpOnceAndOnlyWhenNeeded(t *testing.T) {
	b := &town{links: []Link{{person(2), RelationCaregiver}}}
	me := caller(PatientRole, b)
	me.PatientID = person(1)
	if ok, _ := me.ActsFor(t.Context(), person(1)); !ok || b.looks != 0 {
		t.Errorf("%d look-ups for whom the token names", b.looks)
	}
	for _, other := range []byte{2, 3, 4} { // linked, a stranger's, nobody's
		if _, err := me.ActsFor(t.Context(), person(other)); err != nil || b.looks != 1 {
			t.Errorf("%d look-ups, %v", b.looks, err)
		}
	}
	me.Circle.Forget()
	b.links = nil
	if ok, _ := me.ActsFor(t.Context(), person(2)); ok || b.looks != 2 {
		t.Errorf("what is over is remembered; %d look-ups", b.looks)
	}
	doctor := caller(Provider, b)
	doctor.ProviderID = person(70)
	b.looks = 0
	for range 2 {
		if _, err := doctor.Sees(t.Context(), person(5), person(6), person(6)); err != nil || b.looks != 2 {
			t.Errorf("%d look-ups for a provider's page, %v", b.looks, err)
		}
	}
}

func TestACircleThatCanNotBeLookedUpIsNoEmptyOne(t *testing.T) {
	b := &town{failed: errors.New("away")}
	for _, role := range []Role{Caregiver, Provider} {
		who := caller(role, b)
		if _, err := who.ActsFor(t.Context(), person(1)); err == nil {
			t.Errorf("%s: no failure", role)
		}
	}
	me := caller(Caregiver, b)
	_, _ = me.Patients(t.Context())
	b.failed, b.links = nil, []Link{{person(2), RelationSelf}}
	if ok, err := me.ActsFor(t.Context(), person(2)); !ok || err != nil {
		t.Errorf("a failure is remembered: %v, %v", ok, err)
	}
}

func TestAGrantIsTheReasonOnlyForWhoIsNotOnesOwn(t *testing.T) {
	b := &town{grants: []Grant{{person(50), person(4), time.Time{}}, {person(51), person(5), time.Time{}}}, treated: []uuid.UUID{person(5)}}
	who := caller(Provider, b)
	who.ProviderID = person(70)
	for patient, want := range map[byte]uuid.UUID{4: person(50), 5: {}, 6: {}} {
		seen, err := who.Sees(t.Context(), person(4), person(5), person(6))
		if got := seen.Under(person(patient)); got != want || err != nil {
			t.Errorf("patient %d: %v, %v", patient, got, err)
		}
	}
	desk := caller(FrontDesk, b)
	if seen, _ := desk.Sees(t.Context(), person(4)); seen.Under(person(4)) != uuid.Nil {
		t.Error("the front desk sees by a grant")
	}
}
