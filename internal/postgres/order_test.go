package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// over is the same desk with its service over another pool.
func (d *desk) over(pool *pgxpool.Pool) *desk {
	db := postgres.New(pool, keytest.Of(d.t, pool))
	openings := availability.NewService(postgres.NewAvailabilityStore(db), d.clock)
	service := appointment.NewService(postgres.NewAppointmentStore(db), openings, db.Directory(), appointment.Limits{},
		clinic.Source{Clock: d.clock, NewID: sample.NewID})
	return &desk{d.Clinic, service, openings, d.clock, pool, d.t}
}

// calls sees how often functions of the database are called; those held back are kept and not sent.
type calls struct {
	hold bool
	seen []call
}

type call struct {
	sql  string
	args []any
}

func (c *calls) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if !strings.HasPrefix(q.SQL, "SELECT book(") && !strings.HasPrefix(q.SQL, "SELECT cancel_appointment(") {
		return ctx
	}
	c.seen = append(c.seen, call{q.SQL, slices.Clone(q.Args)})
	if !c.hold {
		return ctx
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func (*calls) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *calls) TraceBatchStart(ctx context.Context, conn *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		ctx = c.TraceQueryStart(ctx, conn, pgx.TraceQueryStartData{SQL: q.SQL, Args: q.Arguments})
	}
	return ctx
}

func (*calls) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*calls) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func (d *desk) tracing(c *calls) *desk {
	return d.over(d.poolWith(func(cfg *pgxpool.Config) { cfg.ConnConfig.Tracer = c }))
}

// A booker has the older transaction id, and waits for the day until a cancellation has committed: the log tells the
// cancellation first, and nothing before both have ended.
func TestABookerWhoWaitedForACancellationFollowsIt(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	visit, err := d.book(ann, d.Slot(provider, 10, 0))
	if err != nil {
		t.Fatal(err)
	}
	start := head(t, d.newLog())
	kept := &calls{hold: true}
	held := d.tracing(kept)
	_, _ = held.book(bob, d.Slot(provider, 11, 0))
	_, _ = held.Cancel(t.Context(), ann, appointment.CancelVisit{Appointment: visit.Appointment.Ref(), Reason: appointment.Other})
	if len(kept.seen) != 2 {
		t.Fatalf("kept %v", kept.seen)
	}
	booker, canceller := d.begin(), d.begin()
	older, newer := d.id(booker), d.id(canceller)
	if older >= newer {
		t.Fatalf("the booker's id %d isn't older than %d", older, newer)
	}
	d.call(canceller, kept.seen[1])
	booked := make(chan error, 1)
	waits := int(booker.Conn().PgConn().PID())
	go func() {
		_, err := booker.Exec(context.WithoutCancel(t.Context()), kept.seen[0].sql, kept.seen[0].args...)
		booked <- err
	}()
	for d.count(`SELECT cardinality(pg_blocking_pids($1))`, waits) == 0 { // until it stands in line
		if len(booked) > 0 {
			t.Fatalf("the booker didn't wait: %v", <-booked)
		}
	}
	if err := canceller.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-booked; err != nil {
		t.Fatal(err)
	}
	entries, _, err := d.newLog().Read(t.Context(), start, 10)
	if err != nil || len(entries) != 1 || entries[0].Topic != "appointment.cancelled" {
		t.Errorf("while the booker's transaction runs the log tells %+v: %v", entries, err)
	}
	if err := booker.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, _, err = d.newLog().Read(t.Context(), start, 10)
	if err != nil || len(entries) != 2 || entries[0].Topic != "appointment.cancelled" || entries[1].Topic != "appointment.booked" {
		t.Errorf("the log tells %+v: %v", entries, err)
	}
}

func (d *desk) id(tx pgx.Tx) (id int64) {
	d.t.Helper()
	if err := tx.QueryRow(d.t.Context(), `SELECT pg_current_xact_id()::text::bigint`).Scan(&id); err != nil {
		d.t.Fatal(err)
	}
	return id
}

func (d *desk) call(tx pgx.Tx, c call) {
	d.t.Helper()
	if _, err := tx.Exec(d.t.Context(), c.sql, c.args...); err != nil {
		d.t.Fatal(err)
	}
}

// A claim longer than any that is booked: the checks look back less far than the constraint does.
func TestTheConstraintsLastWordIsATakenSlotAndNotTriedAgain(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(1)
	slot := d.Slot(provider, 10, 0)
	d.Set(`INSERT INTO claims (organization_id, id, party_kind, party_id, lane, starts_at, ends_at, state, appointment_id, days)
		VALUES ($1, $2, 'PROVIDER', $3, 0, $4, $5, 'ACTIVE', $2, '{}')`,
		sample.NewID(), provider.ID, slot.Start.Add(-200*time.Hour), slot.Start.Add(time.Hour))
	var seen calls
	if _, err := d.tracing(&seen).book(d.Patient(), slot); !errors.As(err, new(appointment.SlotTaken)) {
		t.Errorf("got %v", err)
	}
	if len(seen.seen) != 1 {
		t.Errorf("booked %d times", len(seen.seen))
	}
	if n := d.count(`SELECT count(*)::int FROM appointments`) + d.count(`SELECT count(*)::int FROM idempotency_keys`); n != 0 {
		t.Errorf("a refused booking left %d rows", n)
	}
}
