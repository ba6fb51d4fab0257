package postgres

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// positions knows up to where the event log may be read. A position is handed out inside a transaction, so a lower one may
// still be uncommitted when a higher one shows. Note the last position S and then the snapshot's xmax X: once xmin reaches
// X, every transaction that could hold a position up to S has ended, and S is released.
type positions struct {
	mu       sync.Mutex
	epoch    string
	released int64
	noted    int64 // waiting for bar
	bar      uint64
	waiting  bool
	looked   time.Time
}

// The two statements run one after the other, each with a snapshot of its own: a position noted before X is taken belongs
// to a transaction below X.
const (
	lastPosition = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM log_positions`
	horizon      = `SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() s`
	// A restored database has another system or another timeline, and an epoch of its own when it was set anew.
	currentEpoch = `SELECT epoch::text || ':' || (SELECT system_identifier FROM pg_control_system()) || ':'
		|| substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) FROM log_epoch`
)

// Readers that come within this time of the last look share its answer.
const lookAgainAfter = 25 * time.Millisecond

// releasedPosition answers the log's epoch and the position up to which everything has ended.
func (db *DB) releasedPosition(ctx context.Context) (string, int64, error) {
	p := &db.positions
	p.mu.Lock()
	defer p.mu.Unlock()
	now := clock.System{}.Now()
	if p.epoch != "" && now.Sub(p.looked) < lookAgainAfter {
		return p.epoch, p.released, nil
	}
	err := db.read(ctx, func(ctx context.Context, conn *pgxpool.Conn) error { return p.look(ctx, conn, now) })
	return p.epoch, p.released, err
}

func (p *positions) look(ctx context.Context, conn *pgxpool.Conn, now time.Time) error {
	var last, xmin, xmax int64
	var epoch string
	batch := &pgx.Batch{}
	batch.Queue(currentEpoch).QueryRow(func(r pgx.Row) error { return r.Scan(&epoch) })
	batch.Queue(lastPosition).QueryRow(func(r pgx.Row) error { return r.Scan(&last) })
	batch.Queue(horizon).QueryRow(func(r pgx.Row) error { return r.Scan(&xmin, &xmax) })
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	if epoch != p.epoch {
		p.epoch, p.released, p.waiting = epoch, 0, false
	}
	p.looked = now
	p.advance(last, uint64(xmin), uint64(xmax))
	return nil
}

func (p *positions) advance(last int64, xmin, xmax uint64) {
	if p.waiting && xmin >= p.bar {
		p.released, p.waiting = p.noted, false
	}
	switch {
	case xmin >= xmax:
		p.released, p.waiting = last, false
	case !p.waiting:
		p.noted, p.bar, p.waiting = last, xmax, true
	}
}

// streamCursor is a place in the log from which a snapshot taken afterwards misses nothing.
func (db *DB) streamCursor(ctx context.Context) (string, error) {
	epoch, position, err := db.releasedPosition(ctx)
	return paging.Cursor(epoch, strconv.FormatInt(position, 10)), err
}
