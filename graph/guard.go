package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/live"
)

// guard reads documents and applies the limits: to a document before it is validated, to values and cost before anything is executed.
type guard struct {
	reader
	kept       kept
	hideSchema bool // from callers without the scope for it
}

// ExtensionName implements graphql.HandlerExtension.
func (*guard) ExtensionName() string { return "Guard" }

// Validate implements graphql.HandlerExtension.
func (*guard) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator. It is the only place where a document is parsed.
func (g *guard) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	op := graphql.GetOperationContext(ctx)
	if doc, known := g.kept.documents.Get(request.Query); known {
		op.Doc = doc
		return nil
	}
	doc, faults := g.read(request.Query)
	if len(faults) > 0 && g.hides(ctx) {
		veil(faults, request.Query)
	}
	switch len(faults) {
	case 0:
		op.Doc = doc
		g.kept.keep(request.Query, doc)
		return nil
	case 1:
		return faults[0]
	}
	return &gqlerror.Error{Message: faults[0].Message, Err: faults}
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (g *guard) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	op.DisableIntrospection = g.hides(ctx)
	if op.DisableIntrospection {
		if err := checkHidden(op.Doc); err != nil {
			return err
		}
	}
	if err := g.limits.CheckValues(g.schema, op); err != nil {
		return err
	}
	if err := g.limits.CheckPages(op); err != nil {
		return err
	}
	cost, err := g.limits.CheckCost(op)
	accesslog.From(ctx).Cost = cost
	if err != nil {
		return err
	}
	if err := limits.CheckSingle(op); err != nil {
		return err
	}
	// One has been counted already, before the document was read.
	return gqlerror.WrapIfUnwrapped(throttle.Of(ctx).Take(ctx, limits.Executions(op)-1))
}

// hides says whether the caller may not see the schema.
func (g *guard) hides(ctx context.Context) bool {
	return g.hideSchema && !viewer.Actor(ctx).Has(access.SchemaRead)
}

// InterceptResponse implements graphql.ResponseInterceptor: it tells what an operation costs, a stream when it is ready.
func (g *guard) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	answer := next(ctx)
	if driver := stream.Of(ctx); driver != nil {
		if _, ready := driver.Event().(live.StreamReady); !ready {
			return answer
		}
	}
	if cost := accesslog.From(ctx).Cost; answer != nil && cost > 0 {
		told := map[string]any{"requested": cost, "limit": g.limits.Cost}
		if s := throttle.Of(ctx).State(); s.Limit > 0 {
			told["throttle"] = map[string]any{"limit": s.Limit, "remaining": s.Remaining, "restoreRate": s.RestoreRate()}
		}
		answer.Extensions = map[string]any{"cost": told}
	}
	return answer
}
