package bench_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// house are the program's own stores over a database, on one connection for tenants' work and one for public reading, with a
// watch on what their SQL takes.
type house struct {
	sql          *stopwatch
	directory    *postgres.Directory
	appointments *postgres.AppointmentStore
	openings     *postgres.AvailabilityStore
	finder       *availability.Finder
	rules        *availability.Service
	booking      *appointment.Service
}

// unreached limits of accounts and patients are counted for, and refuse nobody: a bench books more for one patient than anybody does.
var unreached = appointment.Limits{PatientHolds: 1000, AccountHolds: 1000, HoldsAnHour: 1000, Ahead: 1000}

// newHouse signs in as the program does, with the keys of a folder. It doesn't wait for the disk: that takes as long with guards as without.
func newHouse(t testing.TB, url, keys string) *house {
	t.Helper()
	config, err := pgxpool.ParseConfig(url + "&pool_max_conns=2&synchronous_commit=off")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{sql: &stopwatch{}}
	config.ConnConfig.Tracer = h.sql
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(keys)
	if err != nil {
		t.Fatal(err)
	}
	db := postgres.New(pool, ring)
	t.Cleanup(func() { db.Close(); pool.Close() })
	source := clinic.Source{Clock: clock.System{}, NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) }}
	h.directory, h.appointments, h.openings = db.Directory(), postgres.NewAppointmentStore(db), postgres.NewAvailabilityStore(db)
	h.rules = availability.NewService(h.openings, source.Clock)
	h.finder = availability.NewFinder(h.openings, clinic.NewService(h.directory, source), source.Clock)
	h.booking = appointment.NewService(h.appointments, h.rules, h.directory, unreached, source)
	return h
}

// stopwatch adds up how long statements take, from when they are sent until their last row was read.
type stopwatch struct{ spent time.Duration }

type began struct{}

func (*stopwatch) start(ctx context.Context) context.Context {
	return context.WithValue(ctx, began{}, time.Now())
}

func (s *stopwatch) stop(ctx context.Context) { s.spent += time.Since(ctx.Value(began{}).(time.Time)) }

func (s *stopwatch) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return s.start(ctx)
}

func (s *stopwatch) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	s.stop(ctx)
}

func (s *stopwatch) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return s.start(ctx)
}

func (*stopwatch) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (s *stopwatch) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	s.stop(ctx)
}
