package graph

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/live"
)

// telling makes each event of a subscription a request of its own: with the caller's rights as they are now, loaders and a trail of
// its own, recorded before it is sent. What can't be read or recorded is told later, as it is then.
type telling struct {
	trailing trailing
	loading  loading
}

// ExtensionName implements graphql.HandlerExtension.
func (telling) ExtensionName() string { return "Telling" }

// Validate implements graphql.HandlerExtension.
func (telling) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation implements graphql.OperationInterceptor. gqlgen hands on what a subscription was refused without its
// interceptors of responses.
func (t telling) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation != ast.Subscription {
		return next(ctx)
	}
	ctx = as(ctx, viewer.Actor(ctx).Anew())
	responses := next(ctx)
	if stream.Of(ctx) != nil {
		return responses
	}
	return func(ctx context.Context) *graphql.Response { return t.trailing.kept(ctx, responses(ctx)) }
}

// The waits before an event is told that couldn't be read or recorded.
const (
	firstAgain   = 100 * time.Millisecond
	longestAgain = 5 * time.Second
)

// InterceptResponse implements graphql.ResponseInterceptor.
func (t telling) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	driver := stream.Of(ctx)
	if driver == nil || driver.Event() == nil {
		return next(ctx)
	}
	for wait := firstAgain; ; wait = min(2*wait, longestAgain) {
		telling := t.of(ctx, driver.Event())
		answer := t.answer(telling, next)
		if answer == nil {
			return nil
		}
		err := late(answer)
		if err == nil {
			err = t.trailing.keep(telling, answer)
		}
		switch {
		case err == nil:
			return answer
		case errs.Of(err) != errs.Busy:
			return t.failure(telling, err)
		}
		if !rested(ctx, wait) || !driver.Again(ctx) {
			return nil
		}
	}
}

// late is errs.Busy when a part of an event can't be read now. It isn't told without: the client's cursor would pass over it.
func late(answer *graphql.Response) error {
	for _, e := range answer.Errors {
		if e.Extensions["code"] == presenter.ServiceBusy {
			return errs.TryAgain(e)
		}
	}
	return nil
}

// of is the context that an event is told in. gqlgen leaves out the root field, which the paths of errors begin with.
func (t telling) of(ctx context.Context, e live.Event) context.Context {
	by, known := access.Actor{}, false
	switch told := e.(type) {
	case live.AppointmentChanged:
		by, known = told.To, true
	case live.WaitlistOfferChanged:
		by, known = told.To, true
	}
	if !known {
		by = viewer.Actor(ctx).Anew()
	}
	ctx = graphql.WithResponseContext(ctx, t.trailing.shown.Present, t.trailing.shown.Recover)
	ctx = t.loading.fresh(as(ctx, by))
	op := graphql.GetOperationContext(ctx)
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"}) {
		ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription", Field: field})
	}
	return ctx
}

// answer marshals an event. A panic there is one event's failure.
func (t telling) answer(ctx context.Context, next graphql.ResponseHandler) (answer *graphql.Response) {
	defer func() {
		if cause := recover(); cause != nil {
			answer = t.failure(ctx, t.trailing.shown.Recover(ctx, cause))
		}
	}()
	return next(ctx)
}

func (t telling) failure(ctx context.Context, err error) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{t.trailing.shown.Present(ctx, err)}}
}

// Executor executes documents as the transports have them executed.
func (d Deps) Executor() graphql.GraphExecutor { return d.executor() }

// as is a context with another caller.
func as(ctx context.Context, a access.Actor) context.Context {
	v := viewer.Of(ctx)
	v.Actor = a
	return viewer.With(ctx, v)
}

// rested waits; it is false when ctx ends before.
func rested(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
