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
		saw(actor, access.Seen{}, registered)
	}
	return registered, err
}

// Kind is what patients are called in the record of who saw what.
const Kind = "Patient"

// saw notes that the caller is told of patients.
func saw(actor access.Actor, seen access.Seen, list ...Patient) {
	for _, p := range list {
		actor.Trail.Saw(access.Sight{Organization: p.OrganizationID, Kind: Kind, ID: p.ID, Patient: p.ID, Grant: seen.Under(p.ID)})
	}
}

// Patients answers those that exist and that the actor may see: an account with appointments:read those that it acts for, a
// provider with patients:read their own, and whoever else has patients:read those of their organisation.
func (s *Service) Patients(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]Patient, error) {
	here, seen, err := visible(ctx, actor, refs)
	if err != nil || len(here) == 0 {
		return map[clinic.Ref]Patient{}, err
	}
	found, err := s.store.Patients(ctx, here)
	for _, p := range found {
		saw(actor, seen, p)
	}
	return found, err
}

func visible(ctx context.Context, actor access.Actor, refs []clinic.Ref) ([]clinic.Ref, access.Seen, error) {
	if !actor.Has(access.PatientsRead) && !(actor.ActsForOthers() && actor.Has(access.AppointmentsRead)) {
		return nil, access.Seen{}, nil
	}
	var here []clinic.Ref
	var people []uuid.UUID
	for _, r := range refs {
		if actor.In(r.Organization) && r.ID != uuid.Nil {
			here, people = append(here, r), append(people, r.ID)
		}
	}
	if len(here) == 0 {
		return nil, access.Seen{}, nil
	}
	seen, err := actor.Sees(ctx, people...)
	return slices.DeleteFunc(here, func(r clinic.Ref) bool { return !seen.Of(r.ID) }), seen, err
}

// Find pages by id through the patients of an organisation who agree with a filter, for its staff; a provider finds their own
// only. The key of its window is the id.
func (s *Service) Find(ctx context.Context, actor access.Actor, f Filter, w paging.Window) (paging.Page[Patient], error) {
	sought, err := s.sought(ctx, actor, f)
	if err != nil {
		return paging.Page[Patient]{}, err
	}
	page, err := s.store.Find(ctx, sought, w)
	if err != nil {
		return page, err
	}
	if len(page.Items) == 0 {
		searched(actor, sought)
	}
	seen, err := actor.Sees(ctx, idsOf(page.Items)...)
	saw(actor, seen, page.Items...)
	return page, err
}

// Count counts what Find finds, up to paging.MaxCount.
func (s *Service) Count(ctx context.Context, actor access.Actor, f Filter) (int, error) {
	sought, err := s.sought(ctx, actor, f)
	if err != nil {
		return 0, err
	}
	searched(actor, sought)
	return s.store.Count(ctx, sought)
}

// SearchKind is what a search is called in the record of who saw what: how many there are, or that there are none, tells of
// patients as well.
const SearchKind = "PatientSearch"

func searched(actor access.Actor, sought Sought) {
	actor.Trail.Saw(access.Sight{Organization: sought.Organization, Kind: SearchKind, ID: sought.Organization})
}

func (s *Service) sought(ctx context.Context, actor access.Actor, f Filter) (Sought, error) {
	organization, err := clinic.Allowed(actor, f.Organization, access.PatientsRead)
	if err != nil {
		return Sought{}, err
	}
	handles, err := f.handles(s.today())
	if err != nil {
		return Sought{}, err
	}
	reach, err := actor.Reach(ctx)
	return Sought{Organization: organization, Handles: handles, Among: reach}, err
}

func idsOf(list []Patient) []uuid.UUID {
	people := make([]uuid.UUID, len(list))
	for i, p := range list {
		people[i] = p.ID
	}
	return people
}

func (s *Service) today() civil.Date { return civil.DateOf(s.source.Clock.Now()) }
