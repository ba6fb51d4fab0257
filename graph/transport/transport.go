// Package transport belongs to the door: GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/), by POST and,
// for queries, by GET.
package transport

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Handler answers GraphQL requests. The caller is already in the request's context.
type Handler struct {
	Exec   graphql.GraphExecutor
	Limits limits.Limits
}

func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := graphql.StartOperationTrace(r.Context())
	kind := negotiate(r.Header.Get("Accept"))
	params, refused := h.read(w, r)
	if refused != nil {
		h.refuse(ctx, w, kind, refused)
		return
	}
	op, faults := h.Exec.CreateOperationContext(ctx, params)
	if len(faults) > 0 {
		h.fail(graphql.WithOperationContext(ctx, op), w, kind, requestStatus(kind), faults)
		return
	}
	Note(ctx, op)
	if r.Method == http.MethodGet && op.Operation.Operation != ast.Query {
		refused = refuse(http.StatusMethodNotAllowed, presenter.MethodNotAllowed, "GET is for queries only.")
		refused.allow = http.MethodPost
		h.refuse(ctx, w, kind, refused)
		return
	}
	responses, ctx := h.Exec.DispatchOperation(ctx, op)
	answer := responses(ctx)
	if answer == nil { // the time was up, or the caller gone, before anything was executed
		h.refuse(ctx, w, kind, refuse(http.StatusServiceUnavailable, presenter.ServiceBusy, errs.TryAgain(nil).Message))
		return
	}
	write(ctx, w, kind, http.StatusOK, answer, true)
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
func (h Handler) refuse(ctx context.Context, w http.ResponseWriter, kind string, r *refusal) {
	if r.allow != "" {
		w.Header().Set("Allow", r.allow)
	}
	h.fail(ctx, w, kind, r.status, gqlerror.List{r.err})
}

func (h Handler) fail(ctx context.Context, w http.ResponseWriter, kind string, status int, faults gqlerror.List) {
	write(ctx, w, kind, status, h.Exec.DispatchError(ctx, faults), false)
}

// Turn answers a request that is turned away before it is read, with a failure that the presenter words.
func (h Handler) Turn(w http.ResponseWriter, r *http.Request, status int, err error) {
	fault := &gqlerror.Error{Message: err.Error(), Err: err}
	h.fail(r.Context(), w, negotiate(r.Header.Get("Accept")), status, gqlerror.List{fault})
}

const maxErrors = 20

// Codes tells the access log the errors of an answer, of which it keeps the first few.
func Codes(ctx context.Context, answer *graphql.Response) {
	answer.Errors = answer.Errors[:min(len(answer.Errors), maxErrors)]
	entry := accesslog.From(ctx)
	for _, e := range answer.Errors {
		if len(entry.Codes) < maxErrors { // a stream has no end of answers
			entry.Codes = append(entry.Codes, fmt.Sprint(e.Extensions["code"]))
		}
	}
}

// write sends an answer. One of a request that was not executed has no data, not even null.
func write(ctx context.Context, w http.ResponseWriter, kind string, status int, answer *graphql.Response, executed bool) {
	text := Written(ctx, answer, executed)
	head := w.Header()
	if status == http.StatusServiceUnavailable {
		Later(head)
	}
	head.Set("Content-Type", kind+"; charset=utf-8")
	head.Set("Content-Length", strconv.Itoa(len(text)))
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // nobody is left to tell
}

// The seconds that a caller is asked to wait. They differ, lest all come back at once.
const (
	leastWait = 1
	mostWait  = 5
)

// Later says in an answer's header when to come again.
func Later(head http.Header) {
	head.Set("Retry-After", strconv.Itoa(leastWait+rand.IntN(mostWait-leastWait+1)))
}

// Written is an answer as JSON; the access log is told its errors. Without executed it has no data, not even null. The data is JSON already, and the most of it: it is taken over as it is, not read again.
func Written(ctx context.Context, answer *graphql.Response, executed bool) []byte {
	Codes(ctx, answer)
	text := append(make([]byte, 0, len(answer.Data)+roomAround), '{')
	part := func(name string, json []byte) {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(append(text, name...), json...)
	}
	if len(answer.Errors) > 0 {
		part(`"errors":`, marshalled(answer.Errors))
	}
	switch {
	case executed && len(answer.Data) == 0:
		part(`"data":`, []byte("null"))
	case executed:
		part(`"data":`, answer.Data)
	}
	if len(answer.Extensions) > 0 {
		part(`"extensions":`, marshalled(answer.Extensions))
	}
	return append(text, '}')
}

// roomAround is for extensions, and for the errors that there usually aren't.
const roomAround = 256

func marshalled(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain strings and numbers
	}
	return text
}
