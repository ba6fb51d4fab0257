package patient

import (
	"context"
	"slices"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Service is what can be done with patients. Nobody sees one without a right to.
type Service struct {
	store  Store
	source clinic.Source
}

// NewService puts the service over its store.
func NewService(store Store, source clinic.Source) *Service {
	return &Service{store: store, source: source}
}

// Register registers a patient or replaces the one with the same identifier. Repeating it writes nothing.
func (s *Service) Register(ctx context.Context, actor access.Actor, in Register) (Patient, error) {
	organization, err := clinic.Allowed(actor, in.Organization, access.PatientsWrite)
	if err != nil {
		return Patient{}, err
	}
	p, err := in.patient(s.today())
	if err != nil {
		return Patient{}, err
	}
	p.ID, p.OrganizationID = s.source.NewID(), organization
	registered, err := s.store.Register(ctx, s.source.Stamp(actor), p)
	if err == nil {
		saw(actor, registered)
	}
	return registered, err
}

// Kind is what patients are called in the record of who saw what.
const Kind = "Patient"

// saw notes that the caller is told of patients.
func saw(actor access.Actor, list ...Patient) {
	for _, p := range list {
		actor.Trail.Saw(access.Sight{Organization: p.OrganizationID, Kind: Kind, ID: p.ID, Patient: p.ID})
	}
}

// Patients answers those that exist and that the actor may see: whoever has patients:read those of their organisation, a
// patient with appointments:read themself.
func (s *Service) Patients(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]Patient, error) {
	visible := slices.DeleteFunc(slices.Clone(refs), func(r clinic.Ref) bool { return !maySee(actor, r) })
	if len(visible) == 0 {
		return map[clinic.Ref]Patient{}, nil
	}
	found, err := s.store.Patients(ctx, visible)
	for _, p := range found {
		saw(actor, p)
	}
	return found, err
}

func maySee(actor access.Actor, r clinic.Ref) bool {
	themself := actor.PatientID != uuid.Nil && actor.PatientID == r.ID && actor.Has(access.AppointmentsRead)
	return actor.In(r.Organization) && (themself || actor.Has(access.PatientsRead))
}

// Find pages by id through the patients of an organisation who agree with a filter, for its staff. The key of its window
// is the id.
func (s *Service) Find(ctx context.Context, actor access.Actor, f Filter, w paging.Window) (paging.Page[Patient], error) {
	organization, handles, err := s.sought(actor, f)
	if err != nil {
		return paging.Page[Patient]{}, err
	}
	page, err := s.store.Find(ctx, organization, handles, w)
	saw(actor, page.Items...)
	return page, err
}

// Count counts what Find finds, up to paging.MaxCount.
func (s *Service) Count(ctx context.Context, actor access.Actor, f Filter) (int, error) {
	organization, handles, err := s.sought(actor, f)
	if err != nil {
		return 0, err
	}
	return s.store.Count(ctx, organization, handles)
}

func (s *Service) sought(actor access.Actor, f Filter) (uuid.UUID, []Handle, error) {
	organization, err := clinic.Allowed(actor, f.Organization, access.PatientsRead)
	if err != nil {
		return uuid.Nil, nil, err
	}
	handles, err := f.handles(s.today())
	return organization, handles, err
}

func (s *Service) today() civil.Date { return civil.DateOf(s.source.Clock.Now()) }
