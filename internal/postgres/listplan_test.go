package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// lastQuery remembers the statement that a store sent last.
type lastQuery struct {
	sql  string
	args []any
}

func (l *lastQuery) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	l.sql, l.args = q.SQL, q.Args
	return ctx
}

func (*lastQuery) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (l *lastQuery) TraceBatchStart(ctx context.Context, conn *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		ctx = l.TraceQueryStart(ctx, conn, pgx.TraceQueryStartData{SQL: q.SQL, Args: q.Arguments})
	}
	return ctx
}

func (*lastQuery) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*lastQuery) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// directory is a store over the pool's database whose statements are remembered.
func (l *lastQuery) directory(t *testing.T, pool *pgxpool.Pool) *postgres.Directory {
	t.Helper()
	config := pool.Config()
	config.ConnConfig.Tracer = l
	traced, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(traced.Close)
	return postgres.New(traced, keytest.Of(t, traced)).Directory()
}

// plan is how the last statement is executed for whoever reads what everybody may know.
func (l *lastQuery) plan(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), "SET LOCAL ROLE mediconnect_public"); err != nil {
		t.Fatal(err)
	}
	rows, _ := tx.Query(t.Context(), "EXPLAIN "+l.sql, l.args...)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", l.sql, err)
	}
	return strings.Join(lines, "\n")
}

// 50 organisations with 100 of everything that is listed by name.
const crowd = `
WITH o AS (INSERT INTO organizations SELECT gen_random_uuid(), 'Clinic ' || n, 'epoch' FROM generate_series(1, 50) n RETURNING id),
things AS MATERIALIZED (SELECT o.id AS organization, gen_random_uuid() AS id, n::text AS key, md5(o.id::text || n) AS name FROM o, generate_series(1, 100) n),
l AS (INSERT INTO locations (organization_id, id, identifier_system, identifier_value, name, time_zone, address_lines)
	SELECT organization, id, 'urn:test', key, name, 'UTC', '{}' FROM things),
p AS (INSERT INTO providers (organization_id, id, identifier_system, identifier_value, name, languages)
	SELECT organization, id, 'urn:test', key, name, '{}' FROM things)
INSERT INTO visit_kinds (organization_id, id, key, name, duration, buffer_before, buffer_after, slot_step, grid_anchor, requires_approval,
	modalities, free_cancellation_before, minimum_notice, maximum_advance, hold_duration)
SELECT organization, id, key, name, 900, 0, 0, 900, 'DAY', false, '{VIDEO}', 0, 0, 86400, 300 FROM things`

func TestListsOfAllOrganisationsAreReadInOrderFromAnIndex(t *testing.T) {
	pool := pgtest.New(t)
	for _, sql := range []string{crowd, "ANALYZE"} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	sent := &lastQuery{}
	d := sent.directory(t, pool)
	after := []string{"8", uuid.Nil.String()}
	everybodys := uuid.Nil
	for table, list := range map[string]func(paging.Window) error{
		"locations": func(w paging.Window) error {
			_, err := d.ListLocations(t.Context(), everybodys, nil, w)
			return err
		},
		"visit_kinds": func(w paging.Window) error {
			_, err := d.ListVisitKinds(t.Context(), everybodys, w)
			return err
		},
		"providers": func(w paging.Window) error {
			_, err := d.ListProviders(t.Context(), everybodys, provider.Search{}, w)
			return err
		},
	} {
		for _, w := range []paging.Window{{Size: 25}, {Size: 25, After: after}, {Size: 25, Before: after, Backward: true}} {
			if err := list(w); err != nil {
				t.Fatal(err)
			}
			if plan := sent.plan(t, pool); !strings.Contains(plan, " "+table+"_by_name_of_all ") || strings.Contains(plan, "Sort Key: name") {
				t.Errorf("%s, %+v:\n%s\n%s", table, w, sent.sql, plan)
			}
		}
	}
}
