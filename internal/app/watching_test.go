package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// watching is a subscription, pulled as a transport pulls it.
type watching struct {
	t         *testing.T
	ctx       context.Context
	driver    *stream.Driver
	responses graphql.ResponseHandler
}

// bystander listens, so that the log is followed closely, and cares for nothing.
type bystander struct{}

func (bystander) Offer(live.Entry) {}
func (bystander) Reset()           {}

// followed waits until what was written so far has been handed on: a stream begins up to a second ago, unless it is told from where.
func (a *api) followed(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last int64
	if err := a.pool.QueryRow(ctx, `SELECT coalesce(max(position), 0) FROM event_log`).Scan(&last); err != nil {
		t.Fatal(err)
	}
	if seat, _, err := a.app.hub.Join(bystander{}, live.Interest{}); err == nil {
		defer seat.Leave()
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for a.app.hub.At().Position < last {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the log is followed up to %d of %d", a.app.hub.At().Position, last)
		}
	}
}

// watch begins a subscription, now unless it is to begin after a cursor.
func (a *api) watch(t *testing.T, who access.Actor, document string, variables vars) *watching {
	t.Helper()
	if variables["after"] == nil {
		a.followed(t)
	}
	deps := a.app.deps(HTTPSettings{}, nil)
	by, _ := caller.Desk{Bonds: deps.Bonds}.As(httptest.NewRequest(http.MethodGet, "/graphql", nil), who, time.Time{})
	ctx, cancel := context.WithTimeout(viewer.With(t.Context(), by.Viewer("watching")), time.Minute)
	ctx = graphql.StartOperationTrace(ctx)
	exec := deps.Executor()
	op, faults := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: document, Variables: variables})
	if faults != nil {
		t.Fatal(faults)
	}
	ctx, driver := stream.With(ctx)
	responses, ctx := exec.DispatchOperation(ctx, op)
	w := &watching{t: t, ctx: ctx, driver: driver, responses: responses}
	t.Cleanup(func() { driver.Close(); cancel() })
	return w
}

// next waits for the next answer. After the last it has no body.
func (w *watching) next() gqltest.Answer {
	w.t.Helper()
	if !w.driver.Await(w.ctx) {
		return gqltest.Answer{}
	}
	answer := w.responses(w.ctx)
	if answer == nil {
		return gqltest.Answer{}
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		w.t.Fatal(err)
	}
	a := gqltest.Answer{Status: 200, Raw: raw}
	if err := json.Unmarshal(raw, &a.Body); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// event waits for the next event, which is no failure.
func (w *watching) event() gqltest.Answer {
	w.t.Helper()
	return w.next().OK(w.t)
}

// ready takes the first event, after which nothing is missed.
func (w *watching) ready() *watching {
	w.t.Helper()
	first := w.event()
	for _, field := range first.Body["data"].(vars) {
		if gqltest.At(field, "__typename") != "StreamReady" {
			w.t.Fatalf("began with %s", first.Raw)
		}
	}
	return w
}
