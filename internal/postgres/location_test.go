package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestClinicStore(t *testing.T) {
	clinictest.Contract(t, func(t *testing.T) clinic.Store { return onFresh(t).Directory() })
}

// traces counts what changes leave behind besides their effect.
type traces struct{ Audits, Events, Revisions int }

func tracesOf(t *testing.T, pool *pgxpool.Pool) (n traces) {
	t.Helper()
	err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM audit_events), (SELECT count(*) FROM event_log),
		(SELECT coalesce(sum(schedule_revision), 0) FROM providers)`).Scan(&n.Audits, &n.Events, &n.Revisions)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// leaves fails unless f leaves exactly these traces.
func leaves(t *testing.T, pool *pgxpool.Pool, want traces, f func() error) {
	t.Helper()
	before := tracesOf(t, pool)
	if err := f(); err != nil {
		t.Error(err)
	}
	after := tracesOf(t, pool)
	got := traces{after.Audits - before.Audits, after.Events - before.Events, after.Revisions - before.Revisions}
	if got != want {
		t.Errorf("left %+v, want %+v", got, want)
	}
}

func TestAPutThatChangesNothingWritesNothing(t *testing.T) {
	pool := pgtest.New(t)
	w := clinictest.NewWorld(t, postgres.New(pool, keytest.Of(t, pool)).Directory())
	putLocation := func() error {
		_, err := w.Service.PutLocation(t.Context(), w.Admin, clinictest.Location(1))
		return err
	}
	putKind := func() error {
		_, err := w.Service.PutVisitKind(t.Context(), w.Admin, clinictest.VisitKind(1))
		return err
	}
	leaves(t, pool, traces{Audits: 1}, putLocation)
	leaves(t, pool, traces{}, putLocation)
	leaves(t, pool, traces{Audits: 1}, putKind)
	leaves(t, pool, traces{}, putKind)
	leaves(t, pool, traces{Audits: 1}, func() error {
		in := clinictest.Location(1)
		in.Name = "Other"
		_, err := w.Service.PutLocation(t.Context(), w.Admin, in)
		return err
	})
}
