// Package graph is the door: it serves the contract over HTTP, knows who is asking, turns away what would cost too much, and
// decides what a caller is told of a failure.
package graph

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/calendar"
	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/documents"
	"github.com/mediconnect/mediconnect/graph/graphiql"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/oauth"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/socket"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
)

// Deps are what the door needs.
type Deps struct {
	Schema   graphql.ExecutableSchema // resolvers.Schema
	Loaders  loader.Services
	Calendar calendar.Service
	Links    calendar.Links
	Verifier caller.Verifier
	Standing caller.Standing // whether what callers came with still holds; nil: until it expires
	Bonds    access.Bonds    // whom a caller acts for; nil: nobody but the patient that the token names
	Wishes   caller.Wishes   // for flags, of testers; nil: they are refused
	Records  Records
	Limits   limits.Limits
	Log      *slog.Logger
	NewID    func() uuid.UUID // for requests without an id
	Crowd    *crowd.Crowd     // who holds a socket or a stream open
	Sockets  socket.Limits
	Origins  caller.Origins             // of other sites, whose pages may use the API
	Tickets  Tickets                    // of event streams; nil: there are none
	Allow    throttle.Allow             // counts what callers ask for; nil: nobody asks too often
	Address  func(*http.Request) string // that a request came from; nil: unknown
	Beside   Beside                     // what else is served; nil: nothing
	OAuth    *oauth.Endpoints           // where partners' systems get tokens; nil: nowhere

	HideSchema  bool              // no introspection without the scope for it, and no page to try the API in
	Trusted     documents.Trusted // documents that clients may name
	TrustedOnly bool              // no others are executed
}

// Beside puts what else is served on a mux. wrap bounds the time of an answer, and counts a request for its caller.
type Beside func(mux *http.ServeMux, wrap func(http.Handler) http.Handler)

// NewServer serves /graphql, /graphiql, the calendar files and the endpoints of OAuth.
func NewServer(d Deps) http.Handler {
	if d.Crowd == nil {
		d.Crowd = crowd.New(crowd.Default())
	}
	if d.Sockets == (socket.Limits{}) {
		d.Sockets = socket.Default()
	}
	mux := http.NewServeMux()
	exec := d.executor()
	requests := d.authenticated(transport.Handler{Exec: exec, Limits: d.Limits, Crowd: d.Crowd})
	gate := d.gate(exec)
	mux.Handle("/graphql", d.withoutSecrets(exec, orSocket(gate.Before(d.sockets(exec)), d.crossing(requests))))
	mux.Handle(calendar.Pattern, gate.Before(d.bounded(d.Links.Handler(d.Calendar, d.Records, d.Log))))
	if d.OAuth != nil {
		d.OAuth.Register(mux, func(h http.Handler, turn oauth.Turn) http.Handler { return worded(gate, turn).Before(d.bounded(h)) })
	}
	if !d.HideSchema && !d.TrustedOnly { // the page couldn't ask for anything
		page := gate.Before(graphiql.Handler())
		mux.Handle("GET /graphiql", page)
		mux.Handle("GET /graphiql/{file}", page)
	}
	if d.Beside != nil {
		d.Beside(mux, func(h http.Handler) http.Handler { return gate.Before(d.bounded(h)) })
	}
	return accesslog.Middleware(d.Log, d.NewID, d.calm(mux))
}

func (d Deps) shown() presenter.Presenter {
	return presenter.Presenter{Log: d.Log, Names: presenter.NamesOf(d.Schema.Schema())}
}

// sockets serves the same executor over WebSocket.
func (d Deps) sockets(exec graphql.GraphExecutor) http.Handler {
	return &socket.Handler{
		Exec: exec, Desk: d.desk(), Crowd: d.Crowd, Origins: d.Origins, Limits: d.Sockets, Allow: d.Allow,
		Shown: d.shown(), Log: d.Log, NewID: d.NewID,
	}
}

// orSocket hands a request to whichever serves it.
func orSocket(sockets, others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if socket.Asked(r) {
			sockets.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

func (d Deps) executor() graphql.GraphExecutor {
	exec := executor.New(d.Schema)
	shown := d.shown()
	exec.SetErrorPresenter(shown.Present)
	exec.SetRecoverFunc(shown.Recover)
	kept := keepDocuments()
	exec.SetQueryCache(kept)
	named := documents.Of(d.Trusted, d.TrustedOnly)
	exec.Use(named)
	exec.Use(&guard{reader: newReader(d.Schema, d.Limits), kept: kept, hideSchema: d.HideSchema})
	exec.Use(named.Keeping())
	exec.Use(keyAlias{schema: d.Schema.Schema()})
	recording, loaders := newTrailing(d.Records, shown), loading{services: d.Loaders}
	exec.Use(telling{recording, loaders})
	exec.Use(recording)
	exec.Use(loaders)
	return executing{exec}
}

// calm keeps a panic from ending the connection without an answer.
func (d Deps) calm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				ctx := viewer.With(r.Context(), viewer.Viewer{Actor: access.Nobody(accesslog.From(r.Context()).RequestID)})
				shown := presenter.Presenter{Log: d.Log}
				transport.Fail(w, r, shown.Present(ctx, shown.Recover(ctx, cause)))
			}
		}()
		next.ServeHTTP(w, r)
		accesslog.From(r.Context()).Route = r.Pattern
	})
}

// bounded bounds the time of an answer. /graphql sees to its own: a stream has no end.
func (d Deps) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), d.Limits.Deadline)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
