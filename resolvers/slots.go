package resolvers

import (
	"context"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// slotsOf pages a listing. What is listed is all there, so that its total costs nothing more.
func (r *Resolver) slotsOf(ctx context.Context, l availability.Listing, args pageArgs) (*relay.Connection[availability.Slot], error) {
	var listed availability.Listed
	return follow(args, slots, func(w paging.Window) (paging.Page[availability.Slot], string, error) {
		var err error
		listed, err = r.Services.Availability.Slots(ctx, viewer.Actor(ctx), l, w)
		if err == nil && len(listed.Items) == 0 {
			err = knownKind(ctx, clinic.Ref{Organization: l.Provider.Organization, ID: l.VisitKind})
		}
		loader.From(ctx).OfSlots(listed.Items)
		return listed.Page, listed.StreamCursor, err
	}, func(context.Context) (int, error) { return listed.Total, nil })
}

// optionalSlot is a slot as it stands, or nil when there is none any more.
func (r *Resolver) optionalSlot(ctx context.Context, id *availability.SlotID) (*availability.Slot, error) {
	if id == nil {
		return nil, nil
	}
	return loader.From(ctx).Slots.Load(ctx, *id)
}

// heldSlot is the slot of a hold, which outlives the hours that it was in.
func (r *Resolver) heldSlot(ctx context.Context, id availability.SlotID) (*availability.Slot, error) {
	if slot, err := r.optionalSlot(ctx, &id); err != nil || slot != nil {
		return slot, err
	}
	kind, err := loaded(ctx, loader.From(ctx).VisitKinds, clinic.Ref{Organization: id.Organization, ID: id.VisitKind})
	if err != nil {
		return nil, err
	}
	at, err := loaded(ctx, loader.From(ctx).Locations, clinic.Ref{Organization: id.Organization, ID: id.Location})
	if err != nil {
		return nil, err
	}
	slot, err := r.Services.Availability.Former(ctx, viewer.Actor(ctx), id, *kind, *at)
	return &slot, err
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

// alternatives are part of a failure that has to be told whatever becomes of them: where they can't be read there are none.
func (r *Resolver) alternatives(ctx context.Context, id availability.SlotID, whom availability.For, limit int) []*availability.Slot {
	found, err := r.Services.Appointment.Alternatives(ctx, viewer.Actor(ctx), id, whom, limit)
	if err != nil {
		r.Unshown.Note(ctx, "no alternatives", err)
		return []*availability.Slot{}
	}
	loader.From(ctx).OfSlots(found)
	return pointers(found)
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
