package postgres_test

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestProbeTellsTheSchemaOfADatabaseThatTakesWrites(t *testing.T) {
	state, err := onFresh(t).Probe(t.Context())
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
	db := postgres.New(pool, keytest.Of(t, pool))
	var backend int
	if _, err := db.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	const probing = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	if err := pool.QueryRow(t.Context(), probing).Scan(&backend); err != nil {
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

func TestProbeDoesntQueueWithRequests(t *testing.T) {
	url := pgtest.NewURL(t)
	config := postgres.Defaults(url)
	config.MaxConns = 1
	db, err := postgres.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	occupied(t, url, db)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // the request waits for 2
	defer cancel()
	if _, err := db.Probe(ctx); err != nil {
		t.Errorf("a database whose connections are all at work was told as %v", err)
	}
}

// occupied has a request wait for a lock, and returns once it does.
func occupied(t *testing.T, url string, db *postgres.DB) {
	t.Helper()
	pool := pgtest.Pool(t, pgtest.AdminURL(t, url))
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE log_epoch`); err != nil {
		t.Fatal(err)
	}
	var request sync.WaitGroup
	request.Go(func() { _, _ = postgres.NewLog(db).Head(context.WithoutCancel(t.Context())) })
	t.Cleanup(request.Wait)
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for waiting := false; !waiting; {
		if err := pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		<-tick.C
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
