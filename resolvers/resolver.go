// Package resolvers is the hallway between the door and the rooms: a resolver converts, calls one service and returns.
package resolvers

import (
	"maps"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/calendar"
	"github.com/mediconnect/mediconnect/graph/generated"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/presenter"
)

// Resolver answers every field that the rooms' types don't carry themselves.
type Resolver struct {
	Services Services
	Links    calendar.Links
	Service  model.ServiceInfo
	Unshown  presenter.Presenter // notes what an answer does without
}

// Schema makes the contract executable. gqlgen adds a directive of its own, @defer, whose answers come in parts: no transport
// here sends those, so it is taken out again.
func Schema(r *Resolver) graphql.ExecutableSchema {
	config := generated.Config{
		Resolvers:  r,
		Directives: generated.DirectiveRoot{RequiresScopes: requiresScopes},
	}
	served := *generated.NewExecutableSchema(config).Schema()
	served.Directives = maps.Clone(served.Directives)
	delete(served.Directives, "defer")
	config.Schema = &served
	return generated.NewExecutableSchema(config)
}
