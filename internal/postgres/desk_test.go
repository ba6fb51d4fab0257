package postgres_test

import (
	"testing"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// Whoever helped out at another location once, and had that taken back, isn't there when it opens to everybody.
func TestWhoHasLeftALocationIsNotOpenWithIt(t *testing.T) {
	o := newOffice(t)
	doctor := o.Provider(1)
	other, err := o.rooms.PutLocation(t.Context(), o.admin, clinictest.Location(1))
	if err != nil {
		t.Fatal(err)
	}
	at := clinic.Ref{Organization: o.Organization, ID: other.ID}
	monday := civil.DateOf(sample.Monday)
	open := provider.AddException{Location: &at, Effect: provider.Open, From: civil.DateTime{Date: monday.AddDays(1)}, To: civil.DateTime{Date: monday.AddDays(2)}}
	own := open
	own.Provider, own.Key, open.Key = &doctor, key(), key()
	helps, err := o.providers.AddException(t.Context(), o.admin, own)
	if err != nil {
		t.Fatal(err)
	}
	finder := availability.NewFinder(postgres.NewAvailabilityStore(postgres.New(o.pool, nil)), o.rooms, o.clock)
	q := availability.Search{Near: &clinic.Near{Locations: []clinic.Ref{at}}}
	there := func() int {
		t.Helper()
		found, err := finder.Search(t.Context(), o.FrontDesk(), q, availability.Soonest, paging.Window{Size: 2})
		if err != nil {
			t.Fatal(err)
		}
		return len(found.Items)
	}
	if n := there(); n != 1 {
		t.Fatalf("%d are there who help out", n)
	}
	if _, err := o.providers.RemoveException(t.Context(), o.admin, clinic.Ref{Organization: o.Organization, ID: helps.ID}, provider.This); err != nil {
		t.Fatal(err)
	}
	if _, err := o.providers.AddException(t.Context(), o.admin, open); err != nil {
		t.Fatal(err)
	}
	if n := there(); n != 0 {
		t.Errorf("%d are there though nobody works there any more", n)
	}
	staying := own
	staying.From.Date, staying.To.Date, staying.Key = monday.AddDays(60), monday.AddDays(61), key()
	if _, err := o.providers.AddException(t.Context(), o.admin, staying); err != nil {
		t.Fatal(err)
	}
	if n := there(); n != 1 {
		t.Errorf("%d are there who come back", n)
	}
}
