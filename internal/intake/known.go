package intake

import (
	"context"
	"slices"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// known is what the organisation has already. A publication says nothing about some of it, and that stays as it is.
type known struct {
	locations map[clinic.Identifier]clinic.Location
	providers map[clinic.Identifier]provider.Provider
	kinds     map[string]clinic.VisitKind // by key
	plans     map[clinic.Ref]clinic.InsurancePlan
}

const pageSize = 500

func (c *clerk) lookUp(ctx context.Context) error {
	c.known = known{
		locations: map[clinic.Identifier]clinic.Location{},
		providers: map[clinic.Identifier]provider.Provider{},
		kinds:     map[string]clinic.VisitKind{},
	}
	own := c.organization
	err := everything(ctx,
		func(p paging.Window) (paging.Page[clinic.Location], error) {
			return c.into.ListLocations(ctx, c.actor, clinic.LocationFilter{Organization: own}, p)
		},
		func(l clinic.Location) []string {
			c.known.locations[l.Identifier] = l
			return []string{l.Name, l.ID.String()}
		})
	if err != nil {
		return err
	}
	var plans []clinic.Ref
	err = everything(ctx,
		func(p paging.Window) (paging.Page[provider.Provider], error) {
			return c.into.ListProviders(ctx, c.actor, provider.Filter{}, p)
		},
		func(p provider.Provider) []string {
			if p.OrganizationID == own {
				c.known.providers[p.Identifier] = p
				plans = append(plans, refs(own, p.PlanIDs)...)
			}
			return []string{p.Name, p.ID.String()}
		})
	if err != nil {
		return err
	}
	err = patiently(ctx, func() (err error) {
		c.known.plans, err = c.into.InsurancePlans(ctx, distinct(plans))
		return err
	})
	if err != nil {
		return err
	}
	return everything(ctx,
		func(p paging.Window) (paging.Page[clinic.VisitKind], error) {
			return c.into.ListVisitKinds(ctx, c.actor, own, p)
		},
		func(k clinic.VisitKind) []string {
			c.known.kinds[k.Key] = k
			return []string{k.Name, k.ID.String()}
		})
}

// everything reads all pages of a list. Of each item, see answers the keys in the list's order.
func everything[T any](ctx context.Context, list func(paging.Window) (paging.Page[T], error), see func(T) []string) error {
	window := paging.Window{Size: pageSize}
	for {
		var page paging.Page[T]
		err := patiently(ctx, func() (err error) {
			page, err = list(window)
			return err
		})
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			window.After = see(item)
		}
		if !page.HasNext {
			return nil
		}
	}
}

func distinct(list []clinic.Ref) []clinic.Ref {
	seen := map[clinic.Ref]bool{}
	return slices.DeleteFunc(list, func(r clinic.Ref) bool {
		before := seen[r]
		seen[r] = true
		return before
	})
}

// keep leaves what the publication doesn't say about a location as it is.
func (k known) keep(put clinic.PutLocation) clinic.PutLocation {
	if old, ok := k.locations[put.Identifier]; ok {
		put.StepFreeAccess = old.StepFreeAccess
		put.Phone = either(put.Phone, old.Phone)
		put.PostalCode = either(put.PostalCode, old.PostalCode)
		put.Country = either(put.Country, old.Country)
	}
	return put
}

func either(published, old *string) *string {
	if published == nil {
		return old
	}
	return published
}

// desk is the input that brings a provider up to date: what the publication says, and of one that exists the rest.
func (k known) desk(d *desk, identifier clinic.Identifier, kind clinic.VisitKind) provider.PutProvider {
	put := provider.PutProvider{Organization: kind.OrganizationID, Identifier: identifier, Name: d.name()}
	old := k.providers[identifier]
	offered := old.VisitKindIDs
	if !slices.Contains(offered, kind.ID) {
		offered = append(slices.Clone(offered), kind.ID)
	}
	put.VisitKinds = refs(kind.OrganizationID, offered)
	put.AcceptedPlans = k.accepted(old)
	put.Specialties, put.Languages, put.MaxDailyAppointments = old.Specialties, old.Languages, old.MaxDailyAppointments
	return put
}

// accepted are the insurance plans of a provider as they are put.
func (k known) accepted(p provider.Provider) (list []provider.AcceptedPlan) {
	for _, r := range refs(p.OrganizationID, p.PlanIDs) {
		list = append(list, provider.AcceptedPlan{Carrier: k.plans[r].Carrier, Name: k.plans[r].Name})
	}
	return list
}
