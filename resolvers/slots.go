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

// orMissing is a failure to load what an argument names, or that there is nothing of the kind.
func orMissing[T any](found *T, err error, what string, path ...string) error {
	if err == nil && found == nil {
		return errs.Missing(what, path...)
	}
	return err
}

// knownKind fails when there is no such kind of visit. It is asked when there is no slot: whatever has slots exists.
func knownKind(ctx context.Context, kind clinic.Ref) error {
	found, err := loader.From(ctx).VisitKinds.Load(ctx, kind)
	return orMissing(found, err, "kind of visit", "visitKindId")
}

// knownPlace fails when the location or the kind of visit of a time that can't be booked doesn't exist.
func knownPlace(ctx context.Context, id availability.SlotID) error {
	location, err := loader.From(ctx).Locations.Load(ctx, clinic.Ref{Organization: id.Organization, ID: id.Location})
	if err := orMissing(location, err, "location", "locationId"); err != nil {
		return err
	}
	return knownKind(ctx, clinic.Ref{Organization: id.Organization, ID: id.VisitKind})
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
