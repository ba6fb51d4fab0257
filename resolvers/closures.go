package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/paging"
)

var (
	closures = order[closure.Closure]{"ClosureConnection", closure.Closure.Key}
	items    = order[closure.Item]{"ClosureItemConnection", closure.Item.Key}
)

// closureScope reads what is closed: exactly one is named.
func closureScope(read *ids, in *model.ClosureScopeInput, path ...string) closure.Scope {
	at := func(field string) []string { return append(path[:len(path):len(path)], field) }
	switch {
	case in.ProviderID != nil:
		ref := read.ref(globalid.Provider, *in.ProviderID, at("providerId")...)
		return closure.Scope{Organization: ref.Organization, Provider: ref.ID}
	case in.LocationID != nil:
		ref := read.ref(globalid.Location, *in.LocationID, at("locationId")...)
		return closure.Scope{Organization: ref.Organization, Location: ref.ID}
	}
	return closure.Scope{Organization: read.organization(in.OrganizationID, at("organizationId")...)}
}

func closePeriod(read *ids, in model.ClosePeriodInput) closure.Close {
	return closure.Close{
		Scope: closureScope(read, in.Scope, "scope"), From: in.From, To: in.To, Reason: in.Reason, Key: in.IdempotencyKey,
		Rebook: closure.RebookInput{
			Mode: in.Rebook.Mode, Within: in.Rebook.Within, SameProvider: in.Rebook.SameProviderOnly, Otherwise: in.Rebook.Otherwise,
			AnswerWithin: in.Rebook.AnswerWithin,
		},
	}
}

func pauseClosure(read *ids, in model.PauseClosureInput) clinic.Ref {
	return read.ref(globalid.Closure, in.ClosureID, "closureId")
}

func resumeClosure(read *ids, in model.ResumeClosureInput) clinic.Ref {
	return read.ref(globalid.Closure, in.ClosureID, "closureId")
}

// displaced pages the visits that closing a period would displace.
func (r *Resolver) displaced(ctx context.Context, asked closure.Preview, args pageArgs) (*relay.Connection[appointment.Appointment], error) {
	f, err := r.Services.Closure.Preview(ctx, viewer.Actor(ctx), asked)
	if err != nil {
		return nil, err
	}
	return r.appointments(ctx, f, appointment.StartAscending, args)
}

func (r *Resolver) closures(ctx context.Context, f closure.Filter, args pageArgs) (*relay.Connection[closure.Closure], error) {
	return list(args, closures, func(w paging.Window) (paging.Page[closure.Closure], error) {
		page, err := r.Services.Closure.List(ctx, viewer.Actor(ctx), f, w)
		loader.From(ctx).OfClosures(page.Items)
		return page, err
	}, func(ctx context.Context) (int, error) {
		return r.Services.Closure.Count(ctx, viewer.Actor(ctx), f)
	})
}

func (r *Resolver) itemsOf(ctx context.Context, c closure.Closure, outcomes []closure.Outcome, args pageArgs) (*relay.Connection[closure.Item], error) {
	return list(args, items, func(w paging.Window) (paging.Page[closure.Item], error) {
		page, err := r.Services.Closure.ListItems(ctx, c, outcomes, w)
		loader.From(ctx).OfDisplaced(page.Items)
		return page, err
	}, func(ctx context.Context) (int, error) {
		return r.Services.Closure.CountItems(ctx, c, outcomes)
	})
}

// maybeLoaded loads what an object may refer to.
func maybeLoaded[V any](ctx context.Context, of *loader.Loader[clinic.Ref, V], organization, id uuid.UUID) (*V, error) {
	if id == uuid.Nil {
		return nil, nil
	}
	return loaded(ctx, of, clinic.Ref{Organization: organization, ID: id})
}
