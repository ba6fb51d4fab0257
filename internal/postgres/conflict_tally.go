package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

// ConflictRecords are how detections of conflicts compare, and when the full one was switched off.
type ConflictRecords struct{ db *DB }

var (
	_ conflict.TallyStore  = (*ConflictRecords)(nil)
	_ conflict.Fallbacks   = (*ConflictRecords)(nil)
	_ conflict.ReportStore = (*ConflictRecords)(nil)
)

// NewConflictRecords puts the store over a database.
func NewConflictRecords(db *DB) *ConflictRecords { return &ConflictRecords{db} }

// Processes that count the same go by the same order, so that none waits for another in a circle. Of an hour, disagreements of several processes at
// once may be a few too many.
const addTally = `
WITH counted AS (
    INSERT INTO conflict_counts AS c (organization_id, hour, mode, operation, what, key, n)
    SELECT $1, w.* FROM unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[]) w(hour, mode, operation, what, key, n)
    ORDER BY hour, mode, operation, what, key
    ON CONFLICT (organization_id, hour, mode, operation, what, key)
    DO UPDATE SET n = CASE WHEN c.what = 'LONGEST' THEN greatest(c.n, excluded.n) ELSE c.n + excluded.n END
), told AS (
    SELECT d.*, row_number() OVER (PARTITION BY hour ORDER BY id) AS nth
    FROM unnest($8::uuid[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::uuid[], $14::uuid[], $15::text[], $16::text[], $17::bigint[])
        d(id, hour, at, mode, operation, location, kind, basic, full_, micros)
)
INSERT INTO conflict_disagreements (organization_id, id, at, mode, operation, location_id, visit_kind_id, basic, full_, micros)
SELECT $1, id, at, mode, operation, location, kind, string_to_array(basic, ','), string_to_array(full_, ','), micros FROM told
WHERE nth + (SELECT count(*) FROM conflict_disagreements o WHERE o.organization_id = $1 AND o.at >= told.hour AND o.at < told.hour + interval '1 hour') <= $18
ON CONFLICT (organization_id, id) DO NOTHING`

// Add is documented at conflict.TallyStore.
func (s *ConflictRecords) Add(ctx context.Context, organization uuid.UUID, counts map[conflict.Counted]int64, differ []conflict.Disagreement) error {
	args := append(countColumns(organization, counts), differColumns(differ)...)
	return s.db.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		batch := &pgx.Batch{}
		batch.Queue(setTenant, organization.String())
		batch.Queue(addTally, append(args, conflict.MaxDisagreements)...)
		return conn.SendBatch(ctx, batch).Close()
	})
}

func countColumns(organization uuid.UUID, counts map[conflict.Counted]int64) []any {
	keys, values := make([]conflict.Counted, 0, len(counts)), make([]int64, 0, len(counts))
	for key, n := range counts {
		keys, values = append(keys, key), append(values, n)
	}
	return []any{
		organization,
		column(keys, func(k conflict.Counted) time.Time { return k.Hour }),
		column(keys, func(k conflict.Counted) string { return string(k.Mode) }),
		column(keys, func(k conflict.Counted) string { return string(k.Operation) }),
		column(keys, func(k conflict.Counted) string { return string(k.What) }),
		column(keys, func(k conflict.Counted) string { return k.Key }),
		values,
	}
}

func differColumns(differ []conflict.Disagreement) []any {
	return []any{
		column(differ, func(d conflict.Disagreement) uuid.UUID { return d.ID }),
		column(differ, func(d conflict.Disagreement) time.Time { return d.At.Truncate(time.Hour) }),
		column(differ, func(d conflict.Disagreement) time.Time { return d.At }),
		column(differ, func(d conflict.Disagreement) string { return string(d.Mode) }),
		column(differ, func(d conflict.Disagreement) string { return string(d.Operation) }),
		column(differ, func(d conflict.Disagreement) uuid.UUID { return d.Location }),
		column(differ, func(d conflict.Disagreement) uuid.UUID { return d.VisitKind }),
		column(differ, func(d conflict.Disagreement) string { return joined(d.Basic) }),
		column(differ, func(d conflict.Disagreement) string { return joined(d.Full) }),
		column(differ, func(d conflict.Disagreement) int64 { return d.Took.Microseconds() }),
	}
}

// joined makes one text of rules, which have no commas.
func joined(rules []availability.Rule) string {
	return strings.Join(column(rules, func(r availability.Rule) string { return string(r) }), ",")
}

const insertFallback = `
INSERT INTO conflict_fallbacks (id, instance, at, cause, cases, failed, slow, people, refused) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO NOTHING`

// kindOfFallbacks is what they are called in the audit.
const kindOfFallbacks = "ConflictFallback"

// Keep is documented at conflict.Fallbacks.
func (s *ConflictRecords) Keep(ctx context.Context, by clinic.Stamp, f conflict.Fallback) error {
	return s.db.write(ctx, uuid.Nil, func(ctx context.Context, tx pgx.Tx) error {
		g := f.Figures
		tag, err := tx.Exec(ctx, insertFallback, f.ID, f.Instance, f.At, string(f.Cause), g.Cases, g.Failed, g.Slow, g.People, g.Refused)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return record(ctx, tx, note(by, uuid.Nil, "conflict.fallback", kindOfFallbacks, f.ID))
	})
}

// The latest comes first.
const rearmFallbacks = `
WITH ended AS (UPDATE conflict_fallbacks SET rearmed_at = $1, rearmed_by = $2 WHERE rearmed_at IS NULL AND at <= coalesce($3, at) RETURNING id, at)
SELECT id FROM ended ORDER BY at DESC, id`

// Rearm is documented at conflict.ReportStore.
func (s *ConflictRecords) Rearm(ctx context.Context, by clinic.Stamp, until *time.Time) (n int, err error) {
	err = s.db.write(ctx, uuid.Nil, func(ctx context.Context, tx pgx.Tx) error {
		ended, err := ids(ctx, tx, rearmFallbacks, by.At, by.Actor.ID, until)
		if n = len(ended); err != nil || n == 0 {
			return err
		}
		return record(ctx, tx, note(by, uuid.Nil, "conflict.rearm", kindOfFallbacks, ended[0]))
	})
	return n, err
}
