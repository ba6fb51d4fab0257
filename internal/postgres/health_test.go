package postgres_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestProbeTellsTheSchemaOfADatabaseThatTakesWrites(t *testing.T) {
	state, err := postgres.New(pgtest.New(t)).Probe(t.Context())
	if err != nil || state.Schema != migrate.Latest() {
		t.Errorf("schema %d (%v), want %d", state.Schema, err, migrate.Latest())
	}
}

func TestProbeTellsADatabaseThatOnlyReads(t *testing.T) {
	db := openAt(t, pgtest.NewURL(t)+"&default_transaction_read_only=on")
	if _, err := db.Probe(t.Context()); !errors.Is(err, postgres.ErrReadOnly) {
		t.Errorf("a read-only database was told as %v", err)
	}
}

func TestProbeEndsWithItsContextWhenTheDatabaseHangs(t *testing.T) {
	pool := pgtest.New(t)
	db := postgres.New(pool)
	var backend int
	if err := pool.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(backend, syscall.SIGSTOP); err != nil {
		t.Skipf("the server's processes can't be stopped here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Kill(backend, syscall.SIGCONT) })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	started := time.Now()
	if _, err := db.Probe(ctx); err == nil || time.Since(started) > 3*time.Second {
		t.Errorf("a hanging database was told as %v after %v", err, time.Since(started))
	}
}

func openAt(t *testing.T, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Defaults(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}
