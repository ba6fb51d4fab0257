package resolvers

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/graph/trail"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// node finds what an id names, or nil when it doesn't exist for the caller. That somebody asked in vain is recorded.
func (r *Resolver) node(ctx context.Context, at string, id globalid.ID) (relay.Node, error) {
	found, err := r.thing(ctx, id)
	if found == nil && err == nil {
		trail.Missed(viewer.Actor(ctx).Trail, at, id)
	}
	return found, err
}

func (r *Resolver) thing(ctx context.Context, id globalid.ID) (relay.Node, error) {
	all := loader.From(ctx)
	switch id.Type {
	case globalid.Organization:
		return some(all.Organizations.Load(ctx, id.Ref.Organization))
	case globalid.Location:
		return some(all.Locations.Load(ctx, id.Ref))
	case globalid.VisitKind:
		return some(all.VisitKinds.Load(ctx, id.Ref))
	case globalid.Resource:
		return some(all.Resources.Load(ctx, id.Ref))
	case globalid.Provider:
		return some(all.Providers.Load(ctx, id.Ref))
	case globalid.InsurancePlan:
		return some(all.Plans.Load(ctx, id.Ref))
	case globalid.Patient:
		return some(all.Patients.Load(ctx, id.Ref))
	case globalid.Appointment, globalid.Hold, globalid.Series:
		return visit(ctx, id)
	case globalid.ScheduleException:
		return some(all.Exceptions.Load(ctx, id.Ref))
	case globalid.BreakGlassGrant:
		return some(all.Grants.Load(ctx, id.Ref))
	case globalid.LegalHold:
		return some(all.LegalHolds.Load(ctx, id.Ref))
	case globalid.APIClient:
		return some(all.Clients.Load(ctx, id.Ref))
	case globalid.APIKey:
		return some(all.APIKeys.Load(ctx, id.Ref))
	case globalid.Account:
		return some(all.Accounts.Load(ctx, id.Ref))
	case globalid.AuditEvent:
		return some(all.AuditEvents.Load(ctx, id.Ref))
	case globalid.Reminder:
		return some(all.Reminders.Load(ctx, id.Ref))
	case globalid.DeadLetter:
		return some(all.DeadLetters.Load(ctx, id.Ref))
	case globalid.Specialty:
		return some(r.specialty(ctx, id))
	case globalid.Slot:
		return some(r.optionalSlot(ctx, &id.Slot))
	case globalid.Match:
		return some(r.match(ctx, id.Match))
	case globalid.Viewer:
		return some(caller(ctx, id.Ref), nil)
	}
	return r.change(ctx, id)
}

// change finds what is on its way to a visit, or out of it.
func (r *Resolver) change(ctx context.Context, id globalid.ID) (relay.Node, error) {
	all := loader.From(ctx)
	switch id.Type {
	case globalid.WaitlistEntry:
		return some(all.WaitlistEntries.Load(ctx, id.Ref))
	case globalid.WaitlistOffer:
		return some(all.WaitlistOffers.Load(ctx, id.Ref))
	case globalid.Closure:
		return some(all.Closures.Load(ctx, id.Ref))
	case globalid.ClosureItem:
		return some(all.ClosureItems.Load(ctx, id.Ref))
	}
	return nil, nil
}

// visit finds a visit, several that were booked as one, or a slot that is kept for one.
func visit(ctx context.Context, id globalid.ID) (relay.Node, error) {
	all := loader.From(ctx)
	switch id.Type {
	case globalid.Series:
		return some(all.Series.Load(ctx, id.Ref))
	case globalid.Hold:
		return some(all.Holds.Load(ctx, id.Ref))
	}
	return some(all.Appointments.Load(ctx, id.Ref))
}

// nodes finds what ids name, in the order asked.
func (r *Resolver) nodes(ctx context.Context, ids []globalid.ID) ([]relay.Node, error) {
	loader.From(ctx).OfNodes(ids)
	found := make([]relay.Node, len(ids))
	return found, together(len(ids), func(i int) (err error) {
		found[i], err = r.node(ctx, "Query.nodes", ids[i])
		return err
	})
}

// some makes a node of a pointer; a nil pointer is no node.
func some[T any](found *T, err error) (relay.Node, error) {
	if err != nil || found == nil {
		return nil, err
	}
	return found, nil
}

func (r *Resolver) specialty(ctx context.Context, id globalid.ID) (*model.Specialty, error) {
	ref := provider.SpecialtyRef{Organization: id.Ref.Organization, System: id.Coding.System, Code: id.Coding.Code}
	coding, err := loader.From(ctx).Specialties.Load(ctx, ref)
	if err != nil || coding == nil {
		return nil, err
	}
	return &model.Specialty{Organization: ref.Organization, Coding: *coding}, nil
}

// caller is the one who asks, when the id is theirs.
func caller(ctx context.Context, ref clinic.Ref) *viewer.Viewer {
	v := viewer.Of(ctx)
	if ref != (clinic.Ref{Organization: v.Organization, ID: v.Actor.ID}) {
		return nil
	}
	return &v
}

// loaded loads what an object refers to and can't be without.
func loaded[K comparable, V any](ctx context.Context, of *loader.Loader[K, V], key K) (*V, error) {
	v, err := of.Load(ctx, key)
	if err == nil && v == nil {
		err = fmt.Errorf("what %v refers to is missing", key)
	}
	return v, err
}

// together does n things at the same time, so that loaders see them all, and answers the first failure. A panic becomes one:
// these goroutines are not the executor's.
func together(n int, do func(i int) error) error {
	failed := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			defer func() {
				if cause := recover(); cause != nil {
					failed[i] = fmt.Errorf("panic in a node: %s\n%s", errs.Panicked(cause), debug.Stack())
				}
			}()
			failed[i] = do(i)
		})
	}
	all.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}
