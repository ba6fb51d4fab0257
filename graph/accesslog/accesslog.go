// Package accesslog belongs to the door: one structured line for each request. Variables, paths with tokens, names that the caller made
// up and everything else that may be a patient's stay out of it.
package accesslog

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Entry is what is known of a request once it has been answered. It is written by one goroutine at a time.
type Entry struct {
	RequestID string
	Route     string // the pattern that the path matched
	Actor     uuid.UUID
	Client    string
	Kind      string   // query or mutation
	Fields    []string // of Query or Mutation that were asked for, in the schema's words: names of operations are the caller's
	Cost      int
	Codes     []string // of the errors answered

	observer Observer // nil: nobody
}

// Observer hears what requests and operations came to, for figures about all of them.
type Observer interface {
	// Request has been answered. Its route is the pattern that the path matched, if any did.
	Request(route string, status int, stream bool, took time.Duration)
	// Operation has ended. Its kind is empty where it was refused before that was known.
	Operation(kind string, codes []string)
}

type (
	key      struct{}
	observes struct{}
)

// Observed has an observer hear of the requests that next answers, and of what is done over their sockets.
func Observed(o Observer, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), observes{}, o)))
	})
}

// Socket is the entry of a socket that a request became.
func (e *Entry) Socket() *Entry { return &Entry{RequestID: e.RequestID, observer: e.observer} }

// With puts an entry into a context.
func With(ctx context.Context, e *Entry) context.Context { return context.WithValue(ctx, key{}, e) }

// From returns the entry of a request; outside of one, an entry that nobody reads.
func From(ctx context.Context) *Entry {
	if e, ok := ctx.Value(key{}).(*Entry); ok {
		return e
	}
	return &Entry{}
}

const header = "X-Request-Id"

// own are the ids that callers may give their requests, since nothing else can be told in them: UUIDs, and ids of traces (W3C Trace
// Context, section 3.2.2.3).
var own = regexp.MustCompile(`^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[0-9a-f]{32})$`)

// Middleware gives each request an id, the caller's own if it is one, answers it in X-Request-Id, and logs the request.
func Middleware(log *slog.Logger, newID func() uuid.UUID, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &Entry{RequestID: r.Header.Get(header)}
		if !own.MatchString(e.RequestID) {
			e.RequestID = newID().String()
		}
		w.Header().Set(header, e.RequestID)
		e.observer, _ = r.Context().Value(observes{}).(Observer)
		answer := &answered{ResponseWriter: w, status: http.StatusOK}
		begun := clock.System{}.Now()
		next.ServeHTTP(answer, r.WithContext(With(r.Context(), e)))
		took := clock.System{}.Now().Sub(begun)
		e.observe(answer.status, took)
		log.LogAttrs(r.Context(), slog.LevelInfo, "request", append([]slog.Attr{
			slog.String("requestId", e.RequestID), slog.String("method", method(r.Method)), slog.String("route", e.Route),
			slog.Int("status", answer.status), slog.Duration("took", took),
		}, e.attributes()...)...)
	})
}

// observe tells of a request, and of the operation that it was, if it was one.
func (e *Entry) observe(status int, took time.Duration) {
	if e.observer == nil {
		return
	}
	e.observer.Request(e.Route, status, e.Kind == "subscription", took)
	if e.Kind != "" || len(e.Codes) > 0 {
		e.observer.Operation(e.Kind, e.Codes)
	}
}

func (e *Entry) attributes() []slog.Attr {
	return []slog.Attr{
		slog.String("actor", e.Actor.String()), slog.String("client", e.Client),
		slog.String("kind", e.Kind), slog.Any("fields", e.Fields), slog.Int("cost", e.Cost),
		slog.Any("codes", slices.Compact(e.Codes)),
	}
}

// Socket logs the end of a socket: the code that it was closed with (RFC 6455, section 7.4), and how long it was open.
func Socket(ctx context.Context, log *slog.Logger, code int, took time.Duration) {
	e := From(ctx)
	log.LogAttrs(ctx, slog.LevelInfo, "socket",
		slog.String("requestId", e.RequestID), slog.Int("closed", code), slog.Duration("took", took),
		slog.String("actor", e.Actor.String()), slog.String("client", e.Client))
}

// Operation begins the entry of one operation of a socket, whose own entry ctx has. The function logs it.
func Operation(ctx context.Context, log *slog.Logger, id string) (context.Context, func()) {
	socket := From(ctx)
	e := &Entry{RequestID: id, Actor: socket.Actor, Client: socket.Client, observer: socket.observer}
	begun := clock.System{}.Now()
	return With(ctx, e), func() {
		if e.observer != nil {
			e.observer.Operation(e.Kind, e.Codes)
		}
		log.LogAttrs(ctx, slog.LevelInfo, "operation", append([]slog.Attr{
			slog.String("requestId", e.RequestID), slog.String("socket", socket.RequestID),
			slog.Duration("took", clock.System{}.Now().Sub(begun)),
		}, e.attributes()...)...)
	}
}

// method is a request's, if it is one of HTTP's (RFC 9110, section 9): a server is sent any word for one.
func method(sent string) string {
	switch sent {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return sent
	}
	return "other"
}

type answered struct {
	http.ResponseWriter
	status int
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }
