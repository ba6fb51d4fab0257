package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/limits"
)

// guard applies the limits: to a document before it is validated, to values and cost before anything is executed.
type guard struct {
	limits     limits.Limits
	documents  documents
	hideSchema bool
	schema     *ast.Schema
}

// ExtensionName implements graphql.HandlerExtension.
func (*guard) ExtensionName() string { return "Guard" }

// Validate implements graphql.HandlerExtension.
func (g *guard) Validate(schema graphql.ExecutableSchema) error {
	g.schema = schema.Schema()
	return nil
}

// MutateOperationParameters implements graphql.OperationParameterMutator.
func (g *guard) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	if _, known := g.documents.Get(ctx, request.Query); known {
		return nil
	}
	return g.limits.CheckDocument(request.Query)
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (g *guard) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	op.DisableIntrospection = g.hideSchema
	if g.hideSchema {
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
	return err
}

// InterceptResponse implements graphql.ResponseInterceptor: it tells what an operation costs.
func (g *guard) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	answer := next(ctx)
	if cost := accesslog.From(ctx).Cost; answer != nil && cost > 0 {
		answer.Extensions = map[string]any{"cost": map[string]int{"requested": cost}}
	}
	return answer
}

// documents keeps what has passed the limits and the validation.
type documents struct {
	kept *lru.Cache[string, *ast.QueryDocument]
}

const (
	maxDocuments = 1000
	maxKept      = 8 << 10 // bytes of one; longer ones are read each time
)

func keepDocuments() documents {
	kept, err := lru.New[string, *ast.QueryDocument](maxDocuments)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return documents{kept: kept}
}

// Get implements graphql.Cache.
func (d documents) Get(_ context.Context, query string) (*ast.QueryDocument, bool) {
	return d.kept.Get(query)
}

// Add implements graphql.Cache.
func (d documents) Add(_ context.Context, query string, doc *ast.QueryDocument) {
	if len(query) <= maxKept {
		d.kept.Add(query, doc)
	}
}
