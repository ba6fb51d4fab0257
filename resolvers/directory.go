package resolvers

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

func (r *Resolver) locations(ctx context.Context, f clinic.LocationFilter, args pageArgs) (*relay.Connection[clinic.Location], error) {
	return list(args, locations, func(w paging.Window) (paging.Page[clinic.Location], error) {
		return r.Services.Clinic.ListLocations(ctx, viewer.Actor(ctx), f, w)
	}, func(ctx context.Context) (int, error) {
		return r.Services.Clinic.CountLocations(ctx, viewer.Actor(ctx), f)
	})
}

func locationFilter(where *model.LocationFilterInput) (clinic.LocationFilter, error) {
	if where == nil {
		return clinic.LocationFilter{}, nil
	}
	var read ids
	f := clinic.LocationFilter{
		Organization: read.organization(where.OrganizationID, "where", "organizationId"),
		Near:         near(&read, where.Near, "where", "near"),
	}
	return f, read.fault
}

// briefProvider are the fields of a provider for which it needn't be read whole.
var briefProvider = []string{"__typename", "id", "name", "languages", "appointments"}

func (r *Resolver) providers(ctx context.Context, where *model.ProviderFilterInput, f provider.Filter, args pageArgs) (*relay.Connection[provider.Provider], error) {
	f.Brief = asksOnly(ctx, briefProvider, "Provider")
	return list(args, providers, func(w paging.Window) (paging.Page[provider.Provider], error) {
		page, err := r.Services.Provider.ListProviders(ctx, viewer.Actor(ctx), f, w)
		if err == nil && len(page.Items) == 0 {
			return page, r.knownSpecialty(ctx, where)
		}
		loader.From(ctx).OfProviders(page.Items)
		return page, inFilter(err)
	}, func(ctx context.Context) (int, error) {
		return r.Services.Provider.CountProviders(ctx, viewer.Actor(ctx), f)
	})
}

// inFilter puts what a service has against a filter below the filter; unnamed is the field of something missing that the
// service doesn't name. What it has against a cursor stays where it is.
func inFilter(err error, unnamed ...string) error {
	e, ok := errors.AsType[*errs.Error](err)
	switch {
	case !ok || e.Kind != errs.InvalidInput && e.Kind != errs.NotFound:
		return err
	case len(e.Path) > 0 && slices.Contains([]string{"after", "before", "first", "last", "orderBy"}, e.Path[0]):
		return err
	case e.Kind == errs.NotFound:
		err = errs.At(err, unnamed...)
	}
	return errs.Under(err, "where")
}

// providerFilter reads a filter. Who has an organisation is shown its providers only, so that another's specialty is none.
func providerFilter(ctx context.Context, where *model.ProviderFilterInput) (provider.Filter, error) {
	if where == nil {
		return provider.Filter{}, nil
	}
	var read ids
	f := provider.Filter{Text: where.Text, Near: near(&read, where.Near, "where", "near")}
	if where.SpecialtyID == nil {
		return f, read.fault
	}
	id := read.parse(globalid.Specialty, *where.SpecialtyID, []string{"where", "specialtyId"})
	if own := viewer.Actor(ctx).Organization; own != uuid.Nil {
		read.same(own, "specialty", id.Ref, "where", "specialtyId")
	}
	f.Specialty = &id.Coding
	return f, read.fault
}

// knownSpecialty fails when a filter names a specialty that nobody has.
func (r *Resolver) knownSpecialty(ctx context.Context, where *model.ProviderFilterInput) error {
	if where == nil || where.SpecialtyID == nil {
		return nil
	}
	id, err := globalid.ParseAs(globalid.Specialty, *where.SpecialtyID)
	if err != nil {
		return err
	}
	found, err := r.specialty(ctx, id)
	return orMissing(found, err, "specialty", "where", "specialtyId")
}

func providerRef(p *provider.Provider) clinic.Ref {
	return clinic.Ref{Organization: p.OrganizationID, ID: p.ID}
}

// acceptedPlans pages the plans of a provider. They are few and all loaded, so that their total costs nothing more.
func (r *Resolver) acceptedPlans(ctx context.Context, p *provider.Provider, args pageArgs) (*relay.Connection[clinic.InsurancePlan], error) {
	refs := make([]clinic.Ref, len(p.PlanIDs))
	for i, id := range p.PlanIDs {
		refs[i] = clinic.Ref{Organization: p.OrganizationID, ID: id}
	}
	found, err := loader.From(ctx).Plans.LoadAll(ctx, refs)
	if err != nil {
		return nil, err
	}
	return list(args, plans, func(w paging.Window) (paging.Page[clinic.InsurancePlan], error) {
		return provider.PagePlans(values(found), w)
	}, func(context.Context) (int, error) { return len(refs), nil })
}

type exceptionPart struct {
	exception clinic.Ref
	part      provider.Part
}

func removeException(read *ids, in model.RemoveScheduleExceptionInput) exceptionPart {
	return exceptionPart{read.ref(globalid.ScheduleException, in.ExceptionID, "exceptionId"), in.Part}
}

func (r *Resolver) removeException(ctx context.Context, actor access.Actor, p exceptionPart) ([]string, error) {
	removed, err := r.Services.Provider.RemoveException(ctx, actor, p.exception, p.part)
	ids := make([]string, len(removed))
	for i, ref := range removed {
		ids[i] = globalid.Of(globalid.ScheduleException, ref)
	}
	return ids, err
}
