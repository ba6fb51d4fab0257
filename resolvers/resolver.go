// Package resolvers is the hallway between the door and the rooms: a resolver converts, calls one service and returns.
package resolvers

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/calendar"
	"github.com/mediconnect/mediconnect/graph/generated"
	"github.com/mediconnect/mediconnect/graph/model"
)

// Resolver answers every field that the rooms' types don't carry themselves.
type Resolver struct {
	Services Services
	Links    calendar.Links
	Service  model.ServiceInfo
}

// Schema makes the contract executable.
func Schema(r *Resolver) graphql.ExecutableSchema {
	return generated.NewExecutableSchema(generated.Config{
		Resolvers:  r,
		Directives: generated.DirectiveRoot{RequiresScopes: requiresScopes},
	})
}
