package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/viewer"
)

// loading gives each query its loaders, and each change of a mutation its own, so that what a change answers is never what was
// read before it.
type loading struct{ services loader.Services }

// ExtensionName implements graphql.HandlerExtension.
func (loading) ExtensionName() string { return "Loading" }

// Validate implements graphql.HandlerExtension.
func (loading) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation implements graphql.OperationInterceptor.
func (l loading) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation != ast.Mutation {
		ctx = l.fresh(ctx)
	}
	handler := next(ctx)
	if stream.Of(ctx) != nil { // it has begun, and each event has loaders of its own
		loader.From(ctx).Forget()
	}
	return handler
}

// InterceptRootField implements graphql.RootFieldInterceptor.
func (l loading) InterceptRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation {
		ctx = l.fresh(ctx)
	}
	return next(ctx)
}

func (l loading) fresh(ctx context.Context) context.Context {
	return loader.With(ctx, l.services.New(viewer.Actor(ctx)))
}
