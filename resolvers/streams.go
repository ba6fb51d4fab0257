package resolvers

import (
	"context"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/live"
)

// slotStream begins a stream of the openings in a scope.
func (r *Resolver) slotStream(ctx context.Context, in model.AvailabilityScopeInput, after *string) (<-chan live.Event, error) {
	var read ids
	var scope live.Scope
	switch {
	case in.ProviderIds != nil:
		scope.Providers = read.list(globalid.Provider, in.ProviderIds, "scope", "providerIds")
	case in.LocationIds != nil:
		scope.Locations = read.list(globalid.Location, in.LocationIds, "scope", "locationIds")
	}
	if read.fault != nil {
		return nil, read.fault
	}
	s, err := r.Services.Live.Slots(ctx, viewer.Actor(ctx), scope, stream.After(ctx, after))
	if err != nil {
		return nil, err
	}
	return stream.Serve(ctx, s)
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
