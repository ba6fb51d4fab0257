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
	"github.com/mediconnect/mediconnect/graph/graphiql"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/socket"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/internal/access"
)

// Deps are what the door needs.
type Deps struct {
	Schema   graphql.ExecutableSchema // resolvers.Schema
	Loaders  loader.Services
	Calendar calendar.Service
	Links    calendar.Links
	Verifier caller.Verifier
	Bonds    access.Bonds // whom a caller acts for; nil: nobody but the patient that the token names
	Tickets  Tickets
	Records  Records
	Limits   limits.Limits
	Log      *slog.Logger
	NewID    func() uuid.UUID // for requests without an id
	Crowd    *crowd.Crowd     // who holds a socket or a stream open
	Sockets  socket.Limits
	Origins  caller.Origins             // of other sites, whose pages may open sockets and streams
	Allow    socket.Allow               // counts the operations of sockets; nil: nobody asks too often
	Address  func(*http.Request) string // that a request came from; nil: unknown

	HideSchema bool // no introspection and no page to try the API in
}

// NewServer serves /graphql, /graphiql and the calendar files.
func NewServer(d Deps) http.Handler {
	if d.Crowd == nil {
		d.Crowd = crowd.New(crowd.Default())
	}
	if d.Sockets == (socket.Limits{}) {
		d.Sockets = socket.Default()
	}
	mux := http.NewServeMux()
	exec := d.executor()
	mux.Handle("/graphql", orSocket(d.sockets(exec), d.authenticated(transport.Handler{Exec: exec, Limits: d.Limits})))
	mux.Handle(calendar.Pattern, d.Links.Handler(d.Calendar, d.Records, d.Log))
	if !d.HideSchema {
		page := graphiql.Handler()
		mux.Handle("GET /graphiql", page)
		mux.Handle("GET /graphiql/{file}", page)
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

func (d Deps) executor() *executor.Executor {
	exec := executor.New(d.Schema)
	shown := d.shown()
	exec.SetErrorPresenter(shown.Present)
	exec.SetRecoverFunc(shown.Recover)
	exec.SetParserTokenLimit(d.Limits.Tokens)
	exec.SetDisableSuggestion(true) // they are computed over the whole schema for each misspelt name
	kept := keepDocuments()
	exec.SetQueryCache(kept)
	exec.Use(&guard{limits: d.Limits, documents: kept, hideSchema: d.HideSchema})
	exec.Use(keyAlias{schema: d.Schema.Schema(), tokens: d.Limits.Tokens})
	recording, loaders := newTrailing(d.Records, shown), loading{services: d.Loaders}
	exec.Use(telling{recording, loaders})
	exec.Use(recording)
	exec.Use(loaders)
	return exec
}

// calm bounds the time of an answer and keeps a panic from ending the connection without one.
func (d Deps) calm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				_ = presenter.Presenter{Log: d.Log}.Recover(r.Context(), cause)
				http.Error(w, "Internal error.", http.StatusInternalServerError)
			}
		}()
		ctx := r.Context()
		if !socket.Asked(r) { // whose operations have each a deadline of their own
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, d.Limits.Deadline)
			defer cancel()
		}
		r = r.WithContext(ctx)
		next.ServeHTTP(w, r)
		accesslog.From(ctx).Route = r.Pattern
	})
}
