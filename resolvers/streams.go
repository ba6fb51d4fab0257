package resolvers

import (
	"context"
	"errors"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/live"
)

// slotStream begins a stream of the openings in a scope.
func (r *Resolver) slotStream(ctx context.Context, in model.AvailabilityScopeInput, after *string) (<-chan live.Event, error) {
	scope, err := r.scope(ctx, in)
	if err != nil {
		return nil, err
	}
	s, err := r.Services.Live.Slots(ctx, viewer.Actor(ctx), scope, stream.After(ctx, after))
	if err != nil {
		return nil, errs.Under(err, "scope")
	}
	return stream.Serve(ctx, s)
}

// scope reads what is to be watched. All that it names exists for the caller.
func (r *Resolver) scope(ctx context.Context, in model.AvailabilityScopeInput) (live.Scope, error) {
	var read ids
	var scope live.Scope
	if in.Search != nil {
		q, err := r.search(ctx, *in.Search)
		if err == nil {
			err = r.knownParts(ctx, *in.Search, q)
		}
		scope.Search = &q
		return scope, inScope(err)
	}
	scope.Providers = read.list(globalid.Provider, in.ProviderIds, "scope", "providerIds")
	scope.Locations = read.list(globalid.Location, in.LocationIds, "scope", "locationIds")
	if read.fault != nil {
		return scope, read.fault
	}
	if err := scope.Check(); err != nil {
		return scope, errs.Under(err, "scope")
	}
	if err := known(ctx, loader.From(ctx).Providers, scope.Providers, "provider", "scope", "providerIds"); err != nil {
		return scope, err
	}
	return scope, known(ctx, loader.From(ctx).Locations, scope.Locations, "location", "scope", "locationIds")
}

// known fails when one of the things that a list names doesn't exist for the caller.
func known[V any](ctx context.Context, of *loader.Loader[clinic.Ref, V], refs []clinic.Ref, what string, path ...string) error {
	found, err := of.LoadAll(ctx, refs)
	for i, v := range found {
		if err := orMissing(v, err, what, form.At(path, i)...); err != nil {
			return err
		}
	}
	return err
}

// inScope moves a fault of a filter to where the filter is part of a scope.
func inScope(err error) error {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || len(e.Path) == 0 || e.Path[0] != "where" {
		return err
	}
	return errs.Rename(err, append([]string{"scope", "search"}, e.Path[1:]...)...)
}

// appointmentStream begins a stream of appointments.
func (r *Resolver) appointmentStream(ctx context.Context, providerID, after *string) (<-chan live.Event, error) {
	var read ids
	provider := read.optional(globalid.Provider, providerID, "providerId")
	if read.fault != nil {
		return nil, read.fault
	}
	s, err := r.Services.Live.Appointments(ctx, viewer.Actor(ctx), provider, stream.After(ctx, after))
	if err != nil {
		return nil, err
	}
	return stream.Serve(ctx, s)
}

func slotIDs(slots []availability.SlotID) []string {
	ids := make([]string, len(slots))
	for i, s := range slots {
		ids[i] = globalid.OfSlot(s)
	}
	return ids
}
