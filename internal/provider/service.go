package provider

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Service is what can be done with providers and their hours. Reading providers is open to everybody, their hours to staff.
type Service struct {
	store  Store
	clinic Clinic
	source clinic.Source
}

// NewService puts the service over its store.
func NewService(store Store, clinic Clinic, source clinic.Source) *Service {
	return &Service{store: store, clinic: clinic, source: source}
}

// PutProvider creates a provider or replaces the one with the same identifier, kinds of visit and specialties included. A
// put that changes nothing writes nothing.
func (s *Service) PutProvider(ctx context.Context, actor access.Actor, in PutProvider) (Provider, error) {
	organization, err := clinic.Allowed(actor, in.Organization, access.DirectoryWrite)
	if err != nil {
		return Provider{}, err
	}
	in.Organization = organization
	p, err := in.provider()
	if err != nil {
		return Provider{}, err
	}
	if err := s.known(ctx, named(in.VisitKinds, "visitKindIds")); err != nil {
		return Provider{}, err
	}
	p.ID, p.OrganizationID = s.source.NewID(), organization
	return s.store.PutProvider(ctx, s.source.Stamp(actor), p)
}

// SetSchedule replaces the weekly hours of a provider at a location on the days that it covers.
func (s *Service) SetSchedule(ctx context.Context, actor access.Actor, in SetSchedule) (Provider, error) {
	p, _, err := s.desk(ctx, actor, access.SchedulesWrite, in.Provider, in.Location)
	if err != nil {
		return Provider{}, err
	}
	schedule, err := in.schedule()
	if err != nil {
		return Provider{}, err
	}
	var wanted []nameOfKind
	for i, o := range in.Hours {
		wanted = append(wanted, named(o.VisitKinds, form.At(field, i, "visitKindIds")...)...)
	}
	if err := s.known(ctx, wanted); err != nil {
		return Provider{}, err
	}
	schedule.ID = s.source.NewID()
	return p, s.store.SetSchedule(ctx, s.source.Stamp(actor), deskOf(in.Provider, in.Location), schedule)
}

// SetDateHours replaces the hours of one local date, or brings the weekly ones back.
func (s *Service) SetDateHours(ctx context.Context, actor access.Actor, in SetDateHours) (Provider, error) {
	p, _, err := s.desk(ctx, actor, access.SchedulesWrite, in.Provider, in.Location)
	if err != nil {
		return Provider{}, err
	}
	var check form.Check
	check.Date(in.Date, "date")
	if err := check.Err(); err != nil {
		return Provider{}, err
	}
	hours, err := daily(in.Hours, in.Provider.Organization)
	if err != nil {
		return Provider{}, err
	}
	var wanted []nameOfKind
	for i, o := range in.Hours {
		wanted = append(wanted, named(o.VisitKinds, form.At(field, i, "visitKindIds")...)...)
	}
	if err := s.known(ctx, wanted); err != nil {
		return Provider{}, err
	}
	if in.Hours == nil {
		hours = nil
	}
	return p, s.store.SetDateHours(ctx, s.source.Stamp(actor), deskOf(in.Provider, in.Location), in.Date, hours)
}

// desk loads a provider and a location of the same organisation, for an actor who holds a scope there.
func (s *Service) desk(ctx context.Context, actor access.Actor, scope string, provider, location clinic.Ref) (Provider, clinic.Location, error) {
	p, err := s.own(ctx, actor, scope, provider)
	if err != nil {
		return Provider{}, clinic.Location{}, err
	}
	l, err := s.location(ctx, provider.Organization, location)
	return p, l, err
}

// own loads a provider, for an actor who holds a scope in its organisation.
func (s *Service) own(ctx context.Context, actor access.Actor, scope string, provider clinic.Ref) (Provider, error) {
	if err := actor.Need(scope, provider.Organization, "provider", "providerId"); err != nil {
		return Provider{}, err
	}
	found, err := s.store.Providers(ctx, []clinic.Ref{provider})
	if p, ok := found[provider]; ok || err != nil {
		return p, err
	}
	return Provider{}, errs.Missing("provider", "providerId")
}

func (s *Service) location(ctx context.Context, organization uuid.UUID, location clinic.Ref) (clinic.Location, error) {
	if location.Organization != organization {
		return clinic.Location{}, errs.Missing("location", "locationId")
	}
	found, err := s.clinic.Locations(ctx, []clinic.Ref{location})
	if l, ok := found[location]; ok || err != nil {
		return l, err
	}
	return clinic.Location{}, errs.Missing("location", "locationId")
}

func deskOf(provider, location clinic.Ref) Desk {
	return Desk{Organization: provider.Organization, Provider: provider.ID, Location: location.ID}
}

// nameOfKind is a kind of visit and the field that names it.
type nameOfKind struct {
	ref  clinic.Ref
	path []string
}

func named(refs []clinic.Ref, path ...string) []nameOfKind {
	names := make([]nameOfKind, len(refs))
	for i, r := range refs {
		names[i] = nameOfKind{ref: r, path: form.At(path, i)}
	}
	return names
}

// known fails at the first name of a kind that doesn't exist.
func (s *Service) known(ctx context.Context, names []nameOfKind) error {
	if len(names) == 0 {
		return nil
	}
	refs := make([]clinic.Ref, len(names))
	for i, n := range names {
		refs[i] = n.ref
	}
	found, err := s.clinic.VisitKinds(ctx, refs)
	if err != nil {
		return err
	}
	for _, n := range names {
		if _, ok := found[n.ref]; !ok {
			return errs.Missing("kind of visit", n.path...)
		}
	}
	return nil
}

// Providers answers those that exist.
func (s *Service) Providers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Provider, error) {
	return s.store.Providers(ctx, refs)
}

// Specialties answers those that a provider of their organisation has, as one of them displays it.
func (s *Service) Specialties(ctx context.Context, refs []SpecialtyRef) (map[SpecialtyRef]clinic.Coding, error) {
	possible := slices.DeleteFunc(slices.Clone(refs), func(r SpecialtyRef) bool { return !isText(r.System, r.Code) })
	return s.store.Specialties(ctx, possible)
}

// ListProviders pages by name through the providers of the caller's own organisation, else of all, as far as the filter fits
// them. The keys of its window are name and id.
func (s *Service) ListProviders(ctx context.Context, actor access.Actor, f Filter, w paging.Window) (paging.Page[Provider], error) {
	search, err := s.search(ctx, actor, f)
	if err != nil || !search.possible() {
		return paging.Page[Provider]{}, err
	}
	return s.store.ListProviders(ctx, actor.Organization, search, w)
}

// CountProviders counts what ListProviders lists, up to paging.MaxCount.
func (s *Service) CountProviders(ctx context.Context, actor access.Actor, f Filter) (int, error) {
	search, err := s.search(ctx, actor, f)
	if err != nil || !search.possible() {
		return 0, err
	}
	return s.store.CountProviders(ctx, actor.Organization, search)
}
