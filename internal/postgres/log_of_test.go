package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// logQuery remembers the statement that read entries last.
type logQuery struct{ lastQuery }

func (*logQuery) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (l *logQuery) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		if strings.Contains(q.SQL, "FROM event_log") {
			l.sql, l.args = q.SQL, q.Arguments
		}
	}
	return ctx
}

// Who comes back to a search after a day has millions of entries behind them, of which a few are about changed hours.
func TestChangedHoursAreFoundWithoutReadingAllOfTheLog(t *testing.T) {
	d := newDesk(t)
	const fill = `INSERT INTO event_log (organization_id, at, topic, payload)
		SELECT $1, $2, CASE WHEN n % 2000 = 0 THEN 'schedule.changed' ELSE 'test' END, '{}' FROM generate_series(1, 20000) n`
	if _, err := d.pool.Exec(t.Context(), fill, d.Organization, d.clock.Now()); err != nil {
		t.Fatal(err)
	}
	sent := &logQuery{}
	traced := d.poolWith(func(c *pgxpool.Config) { c.ConnConfig.Tracer = sent })
	log := postgres.NewLog(postgres.New(traced, nil))
	end := head(t, log)
	start := live.Cursor{Epoch: end.Epoch}
	entries, next, err := log.ReadOf(t.Context(), live.Interest{Schedules: true}, start, end.Position, 500)
	if err != nil || len(entries) != 10 || next.Position != end.Position {
		t.Fatalf("%d entries up to %d of %d, %v", len(entries), next.Position, end.Position, err)
	}
	rows, _ := d.pool.Query(context.WithoutCancel(t.Context()), "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF, BUFFERS OFF) "+sent.sql, sent.args...)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if plan := strings.Join(lines, "\n"); err != nil || !strings.Contains(plan, "event_log_of_schedules") || strings.Contains(plan, "Rows Removed") {
		t.Errorf("%v\n%s", err, plan)
	}
}
