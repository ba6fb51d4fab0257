package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/live"
)

var _ live.Forgetful = (*Log)(nil)

// Two trimmers pass over each other's rows. What is forgotten is told in the same transaction, so that no reader takes a gap for
// the log.
const (
	forget = `
WITH dropped AS (
    DELETE FROM event_log WHERE (organization_id, position) IN (`
	forgotten = ` FOR UPDATE SKIP LOCKED)
    RETURNING position), told AS (
    UPDATE log_epoch SET forgotten = greatest(forgotten, d.last) FROM (SELECT max(position) AS last FROM dropped) d
    WHERE d.last IS NOT NULL)
SELECT count(*) FROM dropped`

	forgetOld = forget + `SELECT organization_id, position FROM event_log WHERE at <= $1 ORDER BY at LIMIT $2` + forgotten

	// The last position is an entry's: the sequence counts the record of who saw what, too.
	forgetFar = forget + `SELECT organization_id, position FROM event_log
        WHERE position <= (SELECT max(position) FROM event_log) - $1 ORDER BY position LIMIT $2` + forgotten

	// Rules of then are of use to cursors of then.
	dropFormerRules = `
DELETE FROM former_rules WHERE (organization_id, provider_id, revision) IN (
    SELECT organization_id, provider_id, revision FROM former_rules WHERE at <= $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)`
)

// rulesGrace keeps former rules a little longer than the entries that ask for them.
const rulesGrace = time.Hour

// Forget implements live.Forgetful.
func (l *Log) Forget(ctx context.Context, until time.Time, positions int64, limit int) (int, error) {
	var most int
	var failed error
	count := func(statement string, arg any) {
		failed = errors.Join(failed, l.db.writeAs(ctx, sweeperRole, func(ctx context.Context, tx pgx.Tx) error {
			var n int
			err := tx.QueryRow(ctx, statement, arg, limit).Scan(&n)
			most = max(most, n)
			return err
		}))
	}
	count(forgetOld, until)
	count(forgetFar, positions)
	failed = errors.Join(failed, l.db.writeAs(ctx, sweeperRole, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, dropFormerRules, until.Add(-rulesGrace), limit)
		most = max(most, int(tag.RowsAffected()))
		return err
	}))
	return most, failed
}

// Few are counted, many estimated by what the server counts of its own work.
const selectSize = `
SELECT CASE WHEN n <= 10000 THEN n ELSE greatest(n, pg_stat_get_live_tuples('event_log'::regclass)) END AS entries,
    pg_total_relation_size('event_log'), (SELECT at FROM event_log ORDER BY position LIMIT 1)
FROM (SELECT count(*) AS n FROM (SELECT FROM event_log LIMIT 10001) few) c`

// Size tells how large the log is. It doesn't wait for the connections that requests use.
func (l *Log) Size(ctx context.Context) (live.Size, error) {
	var size live.Size
	var oldest *time.Time
	err := reading{db: l.db, pool: l.db.probing, begin: "; SET LOCAL ROLE " + relayRole}.once(ctx, func(ctx context.Context, q querier) error {
		return q.QueryRow(ctx, selectSize).Scan(&size.Entries, &size.Bytes, &oldest)
	})
	if oldest != nil {
		size.Oldest = oldest.UTC()
	}
	return size, err
}
