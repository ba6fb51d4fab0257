package bench_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph"
	ics "github.com/mediconnect/mediconnect/graph/calendar"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/anchor"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/waitlist"
	"github.com/mediconnect/mediconnect/resolvers"
)

// api wires the house as internal/app does, over a database with keys of any kind and records of any kind; nil: the program's own.
// With chains it answers who links what was recorded to them.
func (w *town) api(db *postgres.DB, at *url.URL, records graph.Records, chains *keyring.Ring, anchors string) (http.Handler, *audit.Sealer) {
	source := clinic.Source{Clock: clock.System{}, NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) }}
	directory, openings, trail := db.Directory(), postgres.NewAvailabilityStore(db), postgres.NewAuditStore(db)
	clinics, slots := clinic.NewService(directory, source), availability.NewService(openings, source.Clock)
	visits := appointment.NewService(postgres.NewAppointmentStore(db), slots, clinics, unreached, source)
	providers, people := provider.NewService(directory, clinics, source), patient.NewService(directory, source)
	invitations, glass := patient.NewInvitations(directory, source, rand.Reader), breakglass.NewService(directory, source)
	finder, account, keeping := availability.NewFinder(openings, clinics, source.Clock), audit.NewService(trail), retention.NewService(directory, source)
	choices, messages := reminder.NewChoices(directory, source), postgres.NewMessages(db)
	told, letters := reminder.NewLedger(messages), reminder.NewDeadLetters(messages, source, func(context.Context, time.Duration) error { return nil })
	if records == nil {
		records = audit.NewRecorder(trail, source)
	}
	var sealer *audit.Sealer
	if chains != nil {
		sealer = audit.NewSealer(trail, chains, anchor.In(anchors, chains), source.Clock)
	}
	quiet := slog.New(slog.DiscardHandler)
	links := ics.Links{Base: at.String(), Key: make([]byte, 32), Clock: source.Clock}
	return graph.NewServer(graph.Deps{
		Schema: resolvers.Schema(&resolvers.Resolver{Services: resolvers.Services{
			Clinic: clinics, Provider: providers, Patient: people, Invitations: invitations, BreakGlass: glass, Retention: keeping,
			Availability: slots, Search: finder, Appointment: visits, Audit: account, Choices: choices, Ledger: told, DeadLetters: letters,
		}, Links: links, Unshown: presenter.Presenter{Log: quiet}}),
		Loaders: loader.Services{
			Clinic: clinics, Provider: providers, Patient: people, Invitations: invitations, BreakGlass: glass, Retention: keeping,
			Availability: slots, Search: finder, Appointment: visits, Audit: account, Partner: &partner.Service{Store: postgres.NewPartners(db), Source: source}, People: &identity.Service{}, Choices: choices,
			Ledger: told, DeadLetters: letters, Waitlist: &waitlist.Service{}, Closure: &closure.Service{},
		},
		Calendar: visits, Links: links, Verifier: token.Remember(token.Issuers{Outside: &token.Verifier{Key: w.PublicKey(), Issuer: "mediconnect", Clock: source.Clock}}, source.Clock),
		Bonds: bonds{directory, glass}, Records: records, Limits: limits.Default(), Log: quiet, NewID: source.NewID,
	}), sealer
}

// bonds are whom callers act for.
type bonds struct {
	*postgres.Directory
	glass *breakglass.Service
}

// Grants is documented at access.Bonds.
func (b bonds) Grants(ctx context.Context, organization, holder uuid.UUID) ([]access.Grant, error) {
	return b.glass.OpenGrants(ctx, organization, holder)
}
