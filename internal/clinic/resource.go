package clinic

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// PutResource asks for a room or a piece of equipment to be created, or replaced when the organisation has one with this identifier.
type PutResource struct {
	Organization uuid.UUID // zero: the caller's own
	Identifier   Identifier
	Location     Ref
	Kind         ResourceKind
	Pool         string
	Name         string
	Retired      bool
}

// ResourceFilter narrows a list of rooms and equipment.
type ResourceFilter struct {
	Organization uuid.UUID // zero: the caller's own
	Location     *Ref      // nil: at all of them
	Pool         string    // empty: of all of them
}

// ResourceStore keeps rooms and equipment, and claims them for visits that were booked before their kind needed any.
type ResourceStore interface {
	// PutResource does for resources what PutLocation does for locations. Location, kind and pool of one that a visit ahead has, or a hold, stay as
	// they are: it fails with errs.InvalidInput at the first of them that would change.
	PutResource(ctx context.Context, by Stamp, r Resource) (Resource, error)
	// Resources answers those that exist.
	Resources(ctx context.Context, refs []Ref) (map[Ref]Resource, error)
	// ResourcesOf answers, by visit, those that visits have or had, by name.
	ResourcesOf(ctx context.Context, visits []Ref) (map[Ref][]Resource, error)
	// ListResources pages by name, then id. It fails with errs.InvalidInput at "after" or "before".
	ListResources(ctx context.Context, f ResourceFilter, w paging.Window) (paging.Page[Resource], error)
	// CountResources stops at paging.MaxCount.
	CountResources(ctx context.Context, f ResourceFilter) (int, error)

	// Equip goes on with an organisation whose kinds of visit, or resources, have changed: of its next visits ahead, at most limit, each gets what
	// its kind needs and it lacks, as far as something is free, and gives back what isn't needed any more. It answers how many it looked at. No
	// more: there is no such organisation.
	Equip(ctx context.Context, now time.Time, limit int) (visits int, more bool, err error)
}

// resource is what the input says once it is checked. Ids are still to be given.
func (in PutResource) resource() (Resource, error) {
	var check form.Check
	r := Resource{
		Identifier: in.Identifier.Checked(&check, "identifier"),
		Location:   in.Location.ID,
		Kind:       in.Kind,
		Pool:       check.Line(in.Pool, form.MaxKey, "pool"),
		Name:       check.Line(in.Name, form.MaxName, "name"),
		Retired:    in.Retired,
	}
	check.That(r.Kind == Equipment || r.Kind == Room, "This is EQUIPMENT or ROOM.", "kind")
	return r, check.Err()
}

// Same says whether two readings of a resource agree in everything but their ids.
func (r Resource) Same(o Resource) bool {
	return r.Identifier == o.Identifier && r.Name == o.Name && r.SameUse(o)
}

// SameUse says whether two readings of a resource agree in what visits can have it.
func (r Resource) SameUse(o Resource) bool {
	return r.Location == o.Location && r.Kind == o.Kind && r.Pool == o.Pool && r.Retired == o.Retired
}

// Ref names the resource.
func (r Resource) Ref() Ref { return Ref{Organization: r.OrganizationID, ID: r.ID} }

// PutResource creates a room or a piece of equipment, or replaces the one with the same identifier. A put that changes nothing writes nothing.
func (s *Service) PutResource(ctx context.Context, actor access.Actor, in PutResource) (Resource, error) {
	organization, err := Allowed(actor, in.Organization, access.DirectoryWrite)
	if err != nil {
		return Resource{}, err
	}
	r, err := in.resource()
	if err != nil {
		return Resource{}, err
	}
	if err := s.has(ctx, organization, place{in.Location, []string{"locationId"}}); err != nil {
		return Resource{}, err
	}
	r.ID, r.OrganizationID = s.source.NewID(), organization
	return s.store.PutResource(ctx, s.source.Stamp(actor), r)
}

// place is a location that an input names.
type place struct {
	Ref
	path []string
}

// has fails at the first place that isn't the organisation's.
func (s *Service) has(ctx context.Context, organization uuid.UUID, places ...place) error {
	refs := make([]Ref, len(places))
	for i, p := range places {
		refs[i] = p.Ref
	}
	found, err := s.store.Locations(ctx, refs)
	if err != nil {
		return err
	}
	for _, p := range places {
		if _, ok := found[p.Ref]; !ok || p.Organization != organization {
			return errs.Missing("location", p.path...)
		}
	}
	return nil
}

// Resources answers those that exist and that the caller may see.
func (s *Service) Resources(ctx context.Context, actor access.Actor, refs []Ref) (map[Ref]Resource, error) {
	visible := settingUp(actor, refs)
	if len(visible) == 0 {
		return map[Ref]Resource{}, nil
	}
	return s.store.Resources(ctx, visible)
}

// ResourcesOf answers, by visit, those that visits have or had, by name, as far as the caller may see such. The visits must be ones that
// the caller may see.
func (s *Service) ResourcesOf(ctx context.Context, actor access.Actor, visits []Ref) (map[Ref][]Resource, error) {
	visible := settingUp(actor, visits)
	if len(visible) == 0 {
		return map[Ref][]Resource{}, nil
	}
	return s.store.ResourcesOf(ctx, visible)
}

// settingUp are those of organisations whose visits' needs the caller sees.
func settingUp(actor access.Actor, refs []Ref) []Ref {
	return slices.DeleteFunc(slices.Clone(refs), func(r Ref) bool { return !setsUp(actor, r.Organization) })
}

// setsUp says whether the caller sees what visits of an organisation need.
func setsUp(actor access.Actor, organization uuid.UUID) bool {
	return actor.In(organization) && actor.Has(access.SchedulesRead)
}

// ListResources pages by name through the rooms and equipment of an organisation. The keys of its window are name and id.
func (s *Service) ListResources(ctx context.Context, actor access.Actor, f ResourceFilter, w paging.Window) (paging.Page[Resource], error) {
	f, err := s.listed(ctx, actor, f)
	if err != nil {
		return paging.Page[Resource]{}, err
	}
	return s.store.ListResources(ctx, f, w)
}

// CountResources counts what ListResources lists, up to paging.MaxCount.
func (s *Service) CountResources(ctx context.Context, actor access.Actor, f ResourceFilter) (int, error) {
	f, err := s.listed(ctx, actor, f)
	if err != nil {
		return 0, err
	}
	return s.store.CountResources(ctx, f)
}

func (s *Service) listed(ctx context.Context, actor access.Actor, f ResourceFilter) (_ ResourceFilter, err error) {
	if f.Organization, err = Allowed(actor, f.Organization, access.SchedulesRead); err != nil {
		return f, err
	}
	if err := s.known(ctx, f.Organization); err != nil {
		return f, err
	}
	if f.Location != nil {
		if err := s.has(ctx, f.Organization, place{*f.Location, []string{"locationId"}}); err != nil {
			return f, err
		}
	}
	var check form.Check
	if f.Pool != "" {
		f.Pool = check.Line(f.Pool, form.MaxKey, "pool")
	}
	return f, check.Err()
}

// equipPage is how many visits are looked at together.
const equipPage = 200

// Equip goes on with visits that don't have what their kind needs, for at most so many turns, and answers how many it took. It may be stopped
// anywhere: what it has done is done.
func (s *Service) Equip(ctx context.Context, turns int) (taken int, err error) {
	for more := true; more && taken < turns; taken++ {
		if _, more, err = s.store.Equip(ctx, s.source.Clock.Now(), equipPage); err != nil || !more {
			return taken, err
		}
	}
	return taken, nil
}
