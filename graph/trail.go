package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/trail"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Records keeps what a caller's trail holds. While it fails, nothing may be answered.
type Records interface {
	// Keep is told, besides, which fields the request asked for of each kind of thing.
	Keep(ctx context.Context, a access.Actor, fields map[string][]string) error
}

// trailing has everything that a request saw, and was refused, recorded before the request is answered.
type trailing struct {
	records Records
	shown   presenter.Presenter
	asked   *lru.Cache[*ast.OperationDefinition, map[string][]string]
}

func newTrailing(records Records, shown presenter.Presenter) trailing {
	asked, err := lru.New[*ast.OperationDefinition, map[string][]string](maxDocuments)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return trailing{records, shown, asked}
}

// ExtensionName implements graphql.HandlerExtension.
func (trailing) ExtensionName() string { return "Trail" }

// Validate implements graphql.HandlerExtension.
func (trailing) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse implements graphql.ResponseInterceptor.
func (t trailing) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if stream.Of(ctx) != nil {
		return next(ctx) // an event that can't be recorded is told later
	}
	return t.kept(ctx, next(ctx))
}

// kept is an answer once it has been recorded, or else why it can't be given.
func (t trailing) kept(ctx context.Context, answer *graphql.Response) *graphql.Response {
	if answer == nil || !graphql.HasOperationContext(ctx) || graphql.GetOperationContext(ctx).Operation == nil {
		return answer // refused before anything was executed
	}
	if err := t.keep(ctx, answer); err != nil {
		return &graphql.Response{Errors: gqlerror.List{t.shown.Present(ctx, err)}}
	}
	return answer
}

// keep records what an answer tells.
func (t trailing) keep(ctx context.Context, answer *graphql.Response) error {
	a, op := viewer.Actor(ctx), graphql.GetOperationContext(ctx)
	trail.OfErrors(a.Trail, op, answer.Errors)
	err := t.records.Keep(ctx, a, t.fields(op))
	if errs.Of(err) == errs.Busy {
		t.shown.Note(ctx, "an answer was held back, as nobody could record it", err)
	}
	return err
}

// fields are what an operation asks for of each kind of thing. Those of documents that are kept are found out once.
func (t trailing) fields(op *graphql.OperationContext) map[string][]string {
	if found, ok := t.asked.Get(op.Operation); ok {
		return found
	}
	found := trail.Fields(op.Operation)
	if len(op.RawQuery) <= maxKept {
		t.asked.Add(op.Operation, found)
	}
	return found
}
