package loader

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// visiting answers one visit with each provider, of a patient who has the provider's id, and notes what it was asked for.
type visiting struct {
	agendas, counts, patients [][]clinic.Ref
	asked                     []appointment.Agenda
}

func (v *visiting) loaders() *Loaders {
	return &Loaders{
		Locations: none[clinic.Ref, clinic.Location](), VisitKinds: none[clinic.Ref, clinic.VisitKind](), Plans: none[clinic.Ref, clinic.InsurancePlan](),
		Providers: none[clinic.Ref, provider.Provider](), Identifiers: none[clinic.Ref, []clinic.Identifier](), Overrides: none[clinic.Ref, []appointment.Overridden](), ResourcesOf: none[clinic.Ref, []clinic.Resource](), appointments: v,
		Patients: batch(func(_ context.Context, refs []clinic.Ref) (map[clinic.Ref]patient.Patient, error) {
			v.patients = append(v.patients, refs)
			return nil, nil
		}),
	}
}

func none[K comparable, V any]() *Loader[K, V] {
	return batch(func(context.Context, []K) (map[K]V, error) { return nil, nil })
}

func (v *visiting) Agendas(_ context.Context, _ access.Actor, providers []clinic.Ref, q appointment.Agenda) (map[clinic.Ref]appointment.AgendaPage, error) {
	v.agendas, v.asked = append(v.agendas, providers), append(v.asked, q)
	found := map[clinic.Ref]appointment.AgendaPage{}
	for _, p := range providers {
		visit := appointment.Appointment{OrganizationID: p.Organization, ProviderID: p.ID, PatientID: p.ID}
		found[p] = appointment.AgendaPage{Page: paging.Page[appointment.Appointment]{Items: []appointment.Appointment{visit}}}
	}
	return found, nil
}

func (v *visiting) CountAgendas(_ context.Context, _ access.Actor, providers []clinic.Ref, _ appointment.Agenda) (map[clinic.Ref]int, error) {
	v.counts = append(v.counts, providers)
	return nil, nil
}

func TestWhatAFieldListsOfAPageOfProvidersIsFetchedAtOnce(t *testing.T) {
	from := &visiting{}
	l := from.loaders()
	page := []provider.Provider{{ID: uuid.New()}, {ID: uuid.New()}, {ID: uuid.New()}}
	l.OfProviders(page[:2])
	soon, late := &ast.Field{}, &ast.Field{}
	load := func(field *ast.Field, p provider.Provider, size int) {
		t.Helper()
		ref, q := clinic.Ref{ID: p.ID}, func() appointment.Agenda { return appointment.Agenda{Window: paging.Window{Size: size}} }
		found, err := l.Agenda(t.Context(), field, ref, q)
		_, failed := l.CountAgenda(t.Context(), field, ref, q)
		if err != nil || failed != nil || found.Items[0].ProviderID != p.ID {
			t.Errorf("%+v, %v, %v", found, err, failed)
		}
	}
	for _, p := range page[:2] { // one after the other
		load(soon, p, 1)
		load(late, p, 2)
	}
	if len(from.agendas) != 2 || len(from.agendas[0]) != 2 || len(from.counts) != 2 || from.asked[0].Window.Size == from.asked[1].Window.Size {
		t.Errorf("fetched %v for %+v, counted %v", from.agendas, from.asked, from.counts)
	}
	if _, _ = l.Patients.Load(t.Context(), clinic.Ref{ID: page[1].ID}); len(from.patients) != 1 || len(from.patients[0]) != 2 {
		t.Errorf("patients were fetched as %v", from.patients)
	}
	l.OfProviders(page[1:])
	load(soon, page[2], 1)
	if len(from.agendas) != 3 || len(from.agendas[2]) != 1 {
		t.Errorf("fetched %v", from.agendas)
	}
}
