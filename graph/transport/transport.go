// Package transport belongs to the door: GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/), by POST and, for
// queries and streams, by GET; streams are server-sent events
// (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md, distinct connections).
package transport

import (
	"context"
	"net/http"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Handler answers GraphQL requests. The caller is already in the request's context.
type Handler struct {
	Exec   graphql.GraphExecutor
	Limits limits.Limits
	Crowd  *crowd.Crowd // of those who hold a stream open
}

func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := exchange{Handler: h, w: w, r: r, accepts: negotiate(r.Header)}
	ctx, cancel := context.WithTimeout(graphql.StartOperationTrace(r.Context()), h.Limits.Deadline)
	defer cancel()
	params, refused := h.read(w, r)
	if refused != nil {
		in.refuse(ctx, refused)
		return
	}
	op, faults := h.Exec.CreateOperationContext(ctx, params)
	switch {
	case len(faults) > 0 && in.accepts.only:
		in.streamFaults(graphql.WithOperationContext(ctx, op), faults)
		return
	case len(faults) > 0:
		status := requestStatus(in.accepts.json)
		if throttle.Refused(faults[0]) {
			status = http.StatusTooManyRequests
		}
		in.fail(graphql.WithOperationContext(ctx, op), status, faults)
		return
	}
	Note(ctx, op)
	if refused := in.judge(op.Operation.Operation); refused != nil {
		in.refuse(ctx, refused)
		return
	}
	if in.accepts.only || op.Operation.Operation == ast.Subscription {
		in.stream(ctx, op)
		return
	}
	responses, ctx := h.Exec.DispatchOperation(ctx, op)
	response := responses(ctx)
	if response == nil { // the time was up, or the caller gone, before anything was executed
		in.refuse(ctx, refuse(http.StatusServiceUnavailable, presenter.ServiceBusy, errs.TryAgain(nil).Message))
		return
	}
	in.write(ctx, http.StatusOK, response, true)
}

// exchange is a request with its answer.
type exchange struct {
	Handler
	w       http.ResponseWriter
	r       *http.Request
	accepts accepted
}

// judge refuses what HTTP has no way for.
func (in exchange) judge(kind ast.Operation) *refusal {
	switch {
	case kind == ast.Mutation && in.r.Method == http.MethodGet:
		refused := refuse(http.StatusMethodNotAllowed, presenter.MethodNotAllowed, "GET is for queries and streams only.")
		refused.allow = http.MethodPost
		return refused
	case kind == ast.Subscription && !in.accepts.stream:
		return refuse(http.StatusNotAcceptable, presenter.NotAcceptable, "A subscription is answered as text/event-stream, or over a WebSocket.")
	}
	return nil
}

// requestStatus is the status of a request that was understood as HTTP and refused as GraphQL. Clients that ask for the older
// type take any other status for a fault of the network.
func requestStatus(kind string) int {
	if kind == graphJSON {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// Note tells the access log what an operation asks for.
func Note(ctx context.Context, op *graphql.OperationContext) {
	e := accesslog.From(ctx)
	e.Kind, e.Fields = string(op.Operation.Operation), roots(op.Operation.SelectionSet, nil)
}

const maxRoots = 20

// roots are the names of the fields that an operation begins with, each once, and at most 20 of them.
func roots(set ast.SelectionSet, found []string) []string {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			if len(found) < maxRoots && !slices.Contains(found, selection.Name) {
				found = append(found, selection.Name)
			}
		case *ast.InlineFragment:
			found = roots(selection.SelectionSet, found)
		case *ast.FragmentSpread:
			found = roots(selection.Definition.SelectionSet, found)
		}
	}
	return found
}

// refuse answers a request that never reaches the executor.
func (in exchange) refuse(ctx context.Context, r *refusal) {
	if r.allow != "" {
		in.w.Header().Set("Allow", r.allow)
	}
	in.fail(ctx, r.status, gqlerror.List{r.err})
}

func (in exchange) fail(ctx context.Context, status int, faults gqlerror.List) {
	in.write(ctx, status, in.Exec.DispatchError(ctx, faults), false)
}

func (in exchange) write(ctx context.Context, status int, response *graphql.Response, executed bool) {
	write(ctx, in.w, answer{
		kind: in.accepts.json, encoding: encoding(in.r.Header), status: status, response: response, executed: executed,
	})
}

// Kind is what a request by GET asks for: a query or a subscription. It fails on one that can't be read, or isn't within the limits,
// which ServeHTTP says more about.
func (h Handler) Kind(ctx context.Context, r *http.Request) (ast.Operation, bool) {
	params, refused := h.get(r)
	if refused != nil {
		return "", false
	}
	op, faults := h.Exec.CreateOperationContext(graphql.StartOperationTrace(ctx), params)
	if len(faults) > 0 {
		return "", false
	}
	return op.Operation.Operation, true
}

// Turn answers a request that is turned away before it is read, with a failure that the presenter words.
func (h Handler) Turn(w http.ResponseWriter, r *http.Request, status int, err error) {
	in := exchange{Handler: h, w: w, r: r, accepts: negotiate(r.Header)}
	in.fail(r.Context(), status, gqlerror.List{{Message: err.Error(), Err: err}})
}

// Fail answers a request in the middle of which the server failed.
func Fail(w http.ResponseWriter, r *http.Request, shown *gqlerror.Error) {
	write(r.Context(), w, answer{
		kind: negotiate(r.Header).json, status: http.StatusInternalServerError, response: &graphql.Response{Errors: gqlerror.List{shown}},
	})
}
