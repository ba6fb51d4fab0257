// Package clinictest says what every store of the clinic room has to do, and makes organisations to test in.
package clinictest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// World is a store with one organisation in it, at noon of 1 March 2027, UTC.
type World struct {
	Store                      clinic.Store
	Service                    *clinic.Service
	Clock                      *clock.Frozen
	Source                     clinic.Source
	Organization               uuid.UUID
	Platform, Admin, FrontDesk access.Actor
}

// NewWorld makes an organisation in a store.
func NewWorld(t testing.TB, store clinic.Store) World {
	t.Helper()
	w := World{Store: store, Clock: clock.FrozenAt(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC))}
	w.Source = clinic.Source{Clock: w.Clock, NewID: NewID}
	w.Service = clinic.NewService(store, w.Source)
	w.Platform = Actor(access.PlatformAdmin, uuid.Nil)
	w.Organization = w.NewOrganization(t)
	w.Admin, w.FrontDesk = Actor(access.Admin, w.Organization), Actor(access.FrontDesk, w.Organization)
	return w
}

// NewOrganization makes another organisation.
func (w World) NewOrganization(t testing.TB) uuid.UUID {
	t.Helper()
	o, err := w.Service.CreateOrganization(t.Context(), w.Platform, clinic.CreateOrganization{Name: "Sample Clinic", Key: NewID().String()})
	if err != nil {
		t.Fatalf("create organisation: %v", err)
	}
	return o.ID
}

// Location is a good input; the number tells locations apart.
func Location(number int) clinic.PutLocation {
	return clinic.PutLocation{
		Identifier: clinic.Identifier{System: "https://example.org/sites", Value: fmt.Sprint(number)},
		Name:       fmt.Sprintf("Site %03d", number), TimeZone: "America/New_York", AddressLines: []string{"1 Main Street"},
	}
}

// VisitKind is a good input; the number tells kinds apart.
func VisitKind(number int) clinic.PutVisitKind {
	return clinic.PutVisitKind{
		Key: fmt.Sprintf("kind-%d", number), Name: fmt.Sprintf("Kind %03d", number), Duration: 15 * time.Minute,
		Modalities: []clinic.Modality{clinic.InPerson},
	}
}

// PutLocation puts Location(number).
func (w World) PutLocation(t testing.TB, number int) clinic.Location {
	t.Helper()
	l, err := w.Service.PutLocation(t.Context(), w.Admin, Location(number))
	if err != nil {
		t.Fatalf("put location: %v", err)
	}
	return l
}

// PutVisitKind puts VisitKind(number).
func (w World) PutVisitKind(t testing.TB, number int) clinic.VisitKind {
	t.Helper()
	k, err := w.Service.PutVisitKind(t.Context(), w.Admin, VisitKind(number))
	if err != nil {
		t.Fatalf("put kind of visit: %v", err)
	}
	return k
}

// Actor is somebody with a role and all scopes that it may carry.
func Actor(role access.Role, organization uuid.UUID) access.Actor {
	kind := access.Staff
	if role == access.PatientRole {
		kind = access.Patient
	}
	return access.Actor{
		Kind: kind, ID: NewID(), Client: "test", Organization: organization, Role: role, Scopes: access.ScopesOf(role), RequestID: "test",
	}
}

// NewID makes an id of version 7.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
