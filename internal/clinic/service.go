package clinic

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Service is what can be done with organisations, locations and kinds of visit. Reading them is open to everybody.
type Service struct {
	store  Store
	source Source
}

// NewService puts the service over its store.
func NewService(store Store, source Source) *Service { return &Service{store: store, source: source} }

// CreateOrganization makes a tenant, once for each key. Platform administrators only.
func (s *Service) CreateOrganization(ctx context.Context, actor access.Actor, in CreateOrganization) (Organization, error) {
	if actor.Kind == access.Anonymous {
		return Organization{}, errs.SignIn("Sign in to do this.")
	}
	if !actor.Has(access.PlatformAdminAll) {
		return Organization{}, errs.Denied("Your token lacks the scope " + access.PlatformAdminAll + ".")
	}
	var check form.Check
	o := Organization{ID: s.source.NewID(), Name: check.Line(in.Name, form.MaxName, "name")}
	if err := check.Err(); err != nil {
		return Organization{}, err
	}
	once, err := NewOnce(in.Key, "createOrganization", o.Name)
	if err != nil {
		return Organization{}, err
	}
	return s.store.CreateOrganization(ctx, s.source.Stamp(actor), once, o)
}

// PutLocation creates a location or replaces the one with the same identifier. A put that changes nothing writes nothing.
func (s *Service) PutLocation(ctx context.Context, actor access.Actor, in PutLocation) (Location, error) {
	organization, err := Allowed(actor, in.Organization, access.DirectoryWrite)
	if err != nil {
		return Location{}, err
	}
	l, err := in.location()
	if err != nil {
		return Location{}, err
	}
	l.ID, l.OrganizationID = s.source.NewID(), organization
	return s.store.PutLocation(ctx, s.source.Stamp(actor), l)
}

// PutVisitKind creates a kind of visit or replaces the one with the same key. A put that changes nothing writes nothing.
func (s *Service) PutVisitKind(ctx context.Context, actor access.Actor, in PutVisitKind) (VisitKind, error) {
	organization, err := Allowed(actor, in.Organization, access.DirectoryWrite)
	if err != nil {
		return VisitKind{}, err
	}
	k, err := in.kind()
	if err != nil {
		return VisitKind{}, err
	}
	if err := s.knownBefore(ctx, organization, in.Prerequisites); err != nil {
		return VisitKind{}, err
	}
	k.ID, k.OrganizationID = s.source.NewID(), organization
	k, err = s.store.PutVisitKind(ctx, s.source.Stamp(actor), k)
	return k, in.named(err)
}

// Allowed resolves the organisation that a call is about and checks that the actor holds the scope there.
func Allowed(actor access.Actor, asked uuid.UUID, scope string) (uuid.UUID, error) {
	organization, err := actor.OwnOrganization(asked, "organizationId")
	if err != nil {
		return uuid.Nil, err
	}
	return organization, actor.Need(scope, organization, "organization", "organizationId")
}

// Organizations answers those that exist.
func (s *Service) Organizations(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Organization, error) {
	return s.store.Organizations(ctx, ids)
}

// Locations answers those that exist.
func (s *Service) Locations(ctx context.Context, refs []Ref) (map[Ref]Location, error) {
	return s.store.Locations(ctx, refs)
}

// VisitKinds answers those that exist.
func (s *Service) VisitKinds(ctx context.Context, refs []Ref) (map[Ref]VisitKind, error) {
	return s.store.VisitKinds(ctx, refs)
}

// ListLocations pages by name through the locations of the organisation asked for, else of the caller's own, else of all, as
// far as they are near. The keys of its window are name and id.
func (s *Service) ListLocations(ctx context.Context, actor access.Actor, f LocationFilter, w paging.Window) (paging.Page[Location], error) {
	area, err := s.area(ctx, actor, f.Near)
	if err != nil {
		return paging.Page[Location]{}, err
	}
	page, err := s.store.ListLocations(ctx, Listed(actor, f.Organization), area, w)
	if err == nil && len(page.Items) == 0 {
		err = s.known(ctx, f.Organization)
	}
	return page, err
}

// CountLocations counts what ListLocations lists, up to paging.MaxCount.
func (s *Service) CountLocations(ctx context.Context, actor access.Actor, f LocationFilter) (int, error) {
	area, err := s.area(ctx, actor, f.Near)
	if err != nil {
		return 0, err
	}
	return s.store.CountLocations(ctx, Listed(actor, f.Organization), area)
}

// ListVisitKinds pages by name through the kinds of visit, as ListLocations does.
func (s *Service) ListVisitKinds(ctx context.Context, actor access.Actor, organization uuid.UUID, w paging.Window) (paging.Page[VisitKind], error) {
	page, err := s.store.ListVisitKinds(ctx, Listed(actor, organization), w)
	if err == nil && len(page.Items) == 0 {
		err = s.known(ctx, organization)
	}
	return page, err
}

// CountVisitKinds counts what ListVisitKinds lists, up to paging.MaxCount.
func (s *Service) CountVisitKinds(ctx context.Context, actor access.Actor, organization uuid.UUID) (int, error) {
	return s.store.CountVisitKinds(ctx, Listed(actor, organization))
}

// Listed is the organisation whose public things a list shows: the one asked for, else the caller's own, else zero for all.
func Listed(actor access.Actor, asked uuid.UUID) uuid.UUID {
	if asked != uuid.Nil {
		return asked
	}
	return actor.Organization
}

func (s *Service) known(ctx context.Context, organization uuid.UUID) error {
	if organization == uuid.Nil {
		return nil
	}
	found, err := s.store.Organizations(ctx, []uuid.UUID{organization})
	if err == nil && len(found) == 0 {
		return errs.Missing("organization", "organizationId")
	}
	return err
}
