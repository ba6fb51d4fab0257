package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// settled says that nobody accepts any more what was revoked.
type settled struct{}

func (settled) Settle(context.Context, ...uuid.UUID) error { return nil }

// integrate leaves a client, with a wrong try, and an API key.
func (w *twins) integrate() {
	store := postgres.NewPartners(postgres.New(w.pool, keytest.Of(w.t, w.pool)))
	service := partner.Service{Store: store, Source: clinic.Source{Clock: w.clock, NewID: sample.NewID}, Random: rand.Reader, Revocations: settled{}}
	admin := w.caller
	admin.Role, admin.Scopes = access.Admin, access.ScopesOf(access.Admin)
	client, err := service.CreateClient(w.t.Context(), admin, partner.CreateClient{Name: "Portal", Scopes: []string{access.AppointmentsRead}, Key: key()})
	if err != nil {
		w.t.Fatal(err)
	}
	apiKey, err := service.CreateKey(w.t.Context(), admin, partner.CreateKey{
		Name: "Kiosk", Scopes: []string{access.AppointmentsRead}, ExpiresAt: w.clock.Now().Add(time.Hour), Key: key(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.client, w.apiKey = client.Client.Ref(), apiKey.Key.Ref()
	if err := store.Refused(w.t.Context(), service.Source.Stamp(admin), w.client, partner.Digest{1}, sample.Dawn.Add(-time.Hour)); err != nil {
		w.t.Fatal(err)
	}
}

// integrated are what stores read of a tenant's clients and keys.
func (w *twins) integrated(db *postgres.DB) map[string]string {
	d := postgres.NewPartners(db)
	filter := partner.Filter{Organization: w.Organization, Revoked: true}
	found := map[string]string{}
	for name, read := range map[string]func(context.Context) (any, error){
		"clients": func(ctx context.Context) (any, error) { return d.Clients(ctx, []clinic.Ref{w.client}) },
		"a client with its tries": func(ctx context.Context) (any, error) {
			c, tries, _, err := d.Client(ctx, w.client, partner.Digest{1}, sample.Dawn.Add(-time.Hour))
			return []any{c, tries}, err
		},
		"API keys":             func(ctx context.Context) (any, error) { return d.Keys(ctx, []clinic.Ref{w.apiKey}) },
		"listed clients":       func(ctx context.Context) (any, error) { return d.ListClients(ctx, filter, everything) },
		"listed keys":          func(ctx context.Context) (any, error) { return d.ListKeys(ctx, filter, everything) },
		"how many clients":     func(ctx context.Context) (any, error) { return d.CountClients(ctx, filter) },
		"how many of the keys": func(ctx context.Context) (any, error) { return d.CountKeys(ctx, filter) },
	} {
		answer, err := read(w.t.Context())
		found[name] = text(answer) + " " + fmt.Sprint(err)
	}
	return found
}
