package resolvers

import (
	"context"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

func (r *Resolver) slot(ctx context.Context, id availability.SlotID) (*availability.Slot, error) {
	slot, err := r.Services.Availability.Slot(ctx, viewer.Actor(ctx), id)
	if err != nil {
		return nil, err
	}
	return &slot, nil
}

// optionalSlot is a slot as it stands, or nil when there is none any more.
func (r *Resolver) optionalSlot(ctx context.Context, id *availability.SlotID) (*availability.Slot, error) {
	if id == nil {
		return nil, nil
	}
	return unlessMissing(r.slot(ctx, *id))
}

// unlessMissing is nil without a failure for what doesn't exist for the caller.
func unlessMissing[T any](found *T, err error) (*T, error) {
	if errs.Of(err) == errs.NotFound {
		return nil, nil
	}
	return found, err
}

func (r *Resolver) alternatives(ctx context.Context, id availability.SlotID, limit int) ([]*availability.Slot, error) {
	found, err := r.Services.Availability.Alternatives(ctx, viewer.Actor(ctx), id, limit)
	loader.From(ctx).OfSlots(found)
	return pointers(found), err
}

// explained reads which time is to be explained. It has no way of meeting: the kind's first is meant.
func explained(read *ids, in model.ExplainSlotInput) (availability.SlotID, *clinic.Ref) {
	provider := read.ref(globalid.Provider, in.ProviderID, "where", "providerId")
	location := read.ref(globalid.Location, in.LocationID, "where", "locationId")
	kind := read.ref(globalid.VisitKind, in.VisitKindID, "where", "visitKindId")
	read.same(provider.Organization, "location", location, "where", "locationId")
	read.same(provider.Organization, "kind of visit", kind, "where", "visitKindId")
	return availability.SlotID{
		Organization: provider.Organization, Provider: provider.ID, Location: location.ID, VisitKind: kind.ID, Start: in.Start,
	}, read.optional(globalid.Patient, in.PatientID, "where", "patientId")
}
