package resolvers

import (
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// pageArgs are the arguments of a connection.
type pageArgs struct {
	first  *int
	after  *string
	last   *int
	before *string
}

// order is how the lists of a connection are ordered: an item's key.
type order[T any] struct {
	connection string
	key        func(T) []string
}

func byName(name string, id uuid.UUID) []string { return []string{name, id.String()} }

// The orders of the directory's lists, as the rooms document them.
var (
	locations  = order[clinic.Location]{"LocationConnection", func(l clinic.Location) []string { return byName(l.Name, l.ID) }}
	visitKinds = order[clinic.VisitKind]{"VisitKindConnection", func(k clinic.VisitKind) []string { return byName(k.Name, k.ID) }}
	resources  = order[clinic.Resource]{"ResourceConnection", func(r clinic.Resource) []string { return byName(r.Name, r.ID) }}
	providers  = order[provider.Provider]{"ProviderConnection", func(p provider.Provider) []string { return byName(p.Name, p.ID) }}
	plans      = order[clinic.InsurancePlan]{"InsurancePlanConnection", provider.PlanKey}
	patients   = order[patient.Patient]{"PatientConnection", func(p patient.Patient) []string { return []string{p.ID.String()} }}
	accounts   = order[identity.Account]{"AccountConnection", identity.Key}
	grants     = order[breakglass.Grant]{"BreakGlassGrantConnection", breakglass.Key}
	clients    = order[partner.Client]{"ApiClientConnection", partner.ClientCursor}
	apiKeys    = order[partner.APIKey]{"ApiKeyConnection", partner.APIKeyCursor}
	slots      = order[availability.Slot]{"SlotConnection", availability.SlotKey}
	exceptions = order[provider.Exception]{"ScheduleExceptionConnection", func(e provider.Exception) []string { return []string{e.From.String(), e.ID.String()} }}
)

// list reads a page of a list.
func list[T any](
	args pageArgs, by order[T], read func(paging.Window) (paging.Page[T], error), count relay.Count,
) (*relay.Connection[T], error) {
	w, err := relay.Window(by.connection, paging.Args{First: args.first, After: args.after, Last: args.last, Before: args.before})
	if err != nil {
		return nil, err
	}
	page, err := read(w)
	if err != nil {
		return nil, err
	}
	return relay.Connect(page, by.key, count), nil
}

// follow reads a page of a list that a subscription can continue from.
func follow[T any](
	args pageArgs, by order[T], read func(paging.Window) (paging.Page[T], string, error), count relay.Count,
) (*relay.Connection[T], error) {
	var cursor string
	connection, err := list(args, by, func(w paging.Window) (page paging.Page[T], err error) {
		page, cursor, err = read(w)
		return page, err
	}, count)
	if err != nil {
		return nil, err
	}
	return connection.Continued(cursor), nil
}

// values are what pointers that aren't nil point to.
func values[T any](list []*T) []T {
	found := make([]T, 0, len(list))
	for _, item := range list {
		if item != nil {
			found = append(found, *item)
		}
	}
	return found
}

func pointers[T any](items []T) []*T {
	list := make([]*T, len(items))
	for i := range items {
		list[i] = &items[i]
	}
	return list
}
