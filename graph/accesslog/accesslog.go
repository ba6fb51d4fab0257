// Package accesslog belongs to the door: one structured line for each request. Variables, paths with tokens and everything else
// that may be a patient's stays out of it.
package accesslog

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Entry is what is known of a request once it has been answered. It is written by one goroutine at a time.
type Entry struct {
	RequestID string
	Route     string // the pattern that the path matched
	Actor     uuid.UUID
	Client    string
	Operation string // its name
	Kind      string // query or mutation
	Cost      int
	Codes     []string // of the errors answered
}

type key struct{}

// From returns the entry of a request; outside of one, an entry that nobody reads.
func From(ctx context.Context) *Entry {
	if e, ok := ctx.Value(key{}).(*Entry); ok {
		return e
	}
	return &Entry{}
}

const header = "X-Request-Id"

var sane = regexp.MustCompile(`^[A-Za-z0-9._:/+=-]{1,64}$`)

// Middleware gives each request an id, the caller's own where it is sane, answers it in X-Request-Id, and logs the request.
func Middleware(log *slog.Logger, newID func() uuid.UUID, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &Entry{RequestID: r.Header.Get(header)}
		if !sane.MatchString(e.RequestID) {
			e.RequestID = newID().String()
		}
		w.Header().Set(header, e.RequestID)
		answer := &answered{ResponseWriter: w, status: http.StatusOK}
		begun := clock.System{}.Now()
		next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), key{}, e)))
		log.LogAttrs(r.Context(), slog.LevelInfo, "request",
			slog.String("requestId", e.RequestID), slog.String("method", r.Method), slog.String("route", e.Route),
			slog.Int("status", answer.status), slog.Duration("took", clock.System{}.Now().Sub(begun)),
			slog.String("actor", e.Actor.String()), slog.String("client", e.Client),
			slog.String("operation", e.Operation), slog.String("kind", e.Kind), slog.Int("cost", e.Cost),
			slog.Any("codes", slices.Compact(e.Codes)))
	})
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
