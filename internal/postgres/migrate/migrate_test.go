package migrate_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestUpDownUp(t *testing.T) {
	url := pgtest.NewEmptyURL(t)
	runner := open(t, url)
	if applied, err := runner.Up(t.Context()); err != nil || len(applied) == 0 {
		t.Fatalf("up applied %d steps: %v", len(applied), err)
	}
	before := tables(t, url)
	for {
		_, ok, err := runner.Down(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
	}
	if left := tables(t, url); len(left) > 0 {
		t.Errorf("after going all the way down these are left: %v", left)
	}
	if _, err := runner.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := tables(t, url); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("down and up again made %v, at first it was %v", after, before)
	}
	if applied, err := runner.Up(t.Context()); err != nil || len(applied) != 0 {
		t.Errorf("a second up applied %v (%v)", applied, err)
	}
}

func TestManyProgramsMigrateAtOnce(t *testing.T) {
	url := pgtest.NewEmptyURL(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := open(t, url).Up(t.Context()); err != nil {
				t.Errorf("one of many: %v", err)
			}
		})
	}
	all.Wait()
	if version, err := open(t, url).Version(t.Context()); err != nil || version != migrate.Latest() {
		t.Errorf("version %d (%v), want %d", version, err, migrate.Latest())
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	url := pgtest.OwnerURL(t, pgtest.NewURL(t))
	pgtest.Execute(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)")
	runner := open(t, url)
	if _, err := runner.Up(t.Context()); !errors.Is(err, migrate.ErrNewerSchema) {
		t.Errorf("up on a newer schema: %v", err)
	}
	if _, _, err := runner.Down(t.Context()); !errors.Is(err, migrate.ErrNewerSchema) {
		t.Errorf("down on a newer schema: %v", err)
	}
}

func TestStatusTellsWhatIsPending(t *testing.T) {
	runner := open(t, pgtest.NewEmptyURL(t))
	pending, err := runner.Status(t.Context())
	if err != nil || len(pending) == 0 || !pending[0].AppliedAt.IsZero() || pending[0].Rollback == "" {
		t.Fatalf("before: %+v (%v)", pending, err)
	}
	if _, err := runner.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	applied, err := runner.Status(t.Context())
	if err != nil || applied[0].AppliedAt.IsZero() {
		t.Errorf("after: %+v (%v)", applied, err)
	}
}

func TestCurrentOfADatabaseThatWasNeverMigrated(t *testing.T) {
	conn := connect(t, pgtest.NewEmptyURL(t))
	if version, err := migrate.Current(t.Context(), conn); err != nil || version != 0 {
		t.Errorf("version %d (%v), want 0", version, err)
	}
}

// A migration that waits for a busy table would hold up every request behind it, so it gives up.
func TestABusyTableStopsTheMigrationSoon(t *testing.T) {
	url := pgtest.OwnerURL(t, pgtest.NewURL(t))
	tx, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE organizations IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	runner := open(t, url)
	for err == nil {
		var ok bool
		if _, ok, err = runner.Down(t.Context()); !ok && err == nil {
			t.Fatal("went all the way down past a locked table")
		}
	}
	if !strings.Contains(err.Error(), "lock timeout") {
		t.Errorf("down said %v, want a lock timeout", err)
	}
}

func open(t *testing.T, url string) *migrate.Runner {
	t.Helper()
	runner, err := migrate.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runner.Close() })
	return runner
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	return conn
}

// tables lists what the migrations made: tables, functions and types of the public schema, without extensions' own.
func tables(t *testing.T, url string) []string {
	t.Helper()
	rows, err := connect(t, url).Query(t.Context(), `
		SELECT 'table ' || relname AS name FROM pg_class
		 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S', 'v', 'm') AND relname NOT LIKE 'goose_%'
		UNION ALL
		SELECT 'function ' || p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
		   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
		UNION ALL
		SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e')
		ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}
