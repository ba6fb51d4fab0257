// Package providertest says what every store of the provider room has to do, and makes providers to test with.
package providertest

import (
	"fmt"
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Stores are the stores that a provider's service stands on.
type Stores interface {
	clinic.Store
	provider.Store
}

// World is an organisation with a kind of visit, a location in New York and a provider who offers the kind.
type World struct {
	clinictest.World
	Store     provider.Store
	Service   *provider.Service
	Kind      clinic.VisitKind
	Location  clinic.Location
	Provider  provider.Provider
	P, L, K   clinic.Ref // of provider, location and kind
	Tomorrow  civil.Date // 2 March 2027, a Tuesday
	NextMonth civil.Date // 1 April 2027, a Thursday
}

// NewWorld makes an organisation in a store.
func NewWorld(t testing.TB, stores Stores) World {
	t.Helper()
	w := World{
		World: clinictest.NewWorld(t, stores), Store: stores,
		Tomorrow: civil.Date{Year: 2027, Month: 3, Day: 2}, NextMonth: civil.Date{Year: 2027, Month: 4, Day: 1},
	}
	w.Service = provider.NewService(stores, w.World.Service, w.Source)
	w.Kind, w.Location = w.PutVisitKind(t, 1), w.PutLocation(t, 1)
	w.K, w.L = w.Ref(w.Kind.ID), w.Ref(w.Location.ID)
	w.Provider = w.PutProvider(t, 1)
	w.P = w.Ref(w.Provider.ID)
	return w
}

// Ref names a thing of the organisation.
func (w World) Ref(id [16]byte) clinic.Ref { return clinic.Ref{Organization: w.Organization, ID: id} }

// Input is a good input for a provider who offers the kind; the number tells providers apart.
func (w World) Input(number int) provider.PutProvider {
	return provider.PutProvider{
		Identifier: clinic.Identifier{System: "https://example.org/people", Value: fmt.Sprint(number)},
		Name:       fmt.Sprintf("Provider %03d", number), VisitKinds: []clinic.Ref{w.K}, Languages: []string{"en"},
	}
}

// PutProvider puts Input(number).
func (w World) PutProvider(t testing.TB, number int) provider.Provider {
	t.Helper()
	p, err := w.Service.PutProvider(t.Context(), w.Admin, w.Input(number))
	if err != nil {
		t.Fatalf("put provider: %v", err)
	}
	return p
}

// Schedule is Mondays 9:00 to 17:00 at the location from a day on.
func (w World) Schedule(from civil.Date) provider.SetSchedule {
	return provider.SetSchedule{Provider: w.P, Location: w.L, EffectiveFrom: from, Hours: []provider.WeeklyOpening{
		{Weekday: 1, Opening: provider.Opening{From: provider.At(9, 0), To: provider.At(17, 0), Capacity: 1}},
	}}
}

// SetSchedule sets a schedule.
func (w World) SetSchedule(t testing.TB, in provider.SetSchedule) {
	t.Helper()
	if _, err := w.Service.SetSchedule(t.Context(), w.FrontDesk, in); err != nil {
		t.Fatalf("set schedule: %v", err)
	}
}

// TimeOff is a closed morning of the provider at the location.
func (w World) TimeOff(day civil.Date, key string) provider.AddException {
	return provider.AddException{
		Provider: &w.P, Location: &w.L, From: At(day, 8, 0), To: At(day, 12, 0), Effect: provider.Closed, Key: key,
	}
}

// AddException adds an exception.
func (w World) AddException(t testing.TB, in provider.AddException) provider.Exception {
	t.Helper()
	e, err := w.Service.AddException(t.Context(), w.FrontDesk, in)
	if err != nil {
		t.Fatalf("add exception: %v", err)
	}
	return e
}

// At is a wall-clock time.
func At(day civil.Date, hour, minute int) civil.DateTime {
	return civil.DateTime{Date: day, Time: civil.Time{Hour: hour, Minute: minute}}
}

// UTC is an instant of a day.
func UTC(day civil.Date, hour int) time.Time {
	return time.Date(day.Year, day.Month, day.Day, hour, 0, 0, 0, time.UTC)
}

// Clinic is the clinic's service.
func (w World) Clinic() *clinic.Service { return w.World.Service }
