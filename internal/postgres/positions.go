package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// positions knows up to where the event log may be read. A position is handed out inside a transaction, so a lower one may
// still be uncommitted when a higher one shows. Note the last position S and then draw a transaction id X: once the xmin of a
// snapshot reaches X, every transaction that could hold a position up to S has ended, and S is released.
type positions struct {
	mu       sync.Mutex
	epoch    string
	released int64
	noted    int64 // waiting for bar
	bar      int64
	waiting  bool
	looked   time.Time
}

// The statements run one after the other, each with a snapshot of its own. A transaction has its id before it takes a
// position, so one whose position was noted is below an id that is drawn afterwards. A snapshot's xmax would not do: it is
// past the newest transaction that has ended, and younger ones are still running beyond it.
const (
	lastPosition = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM log_positions`
	newestID     = `SELECT pg_current_xact_id()::text::bigint`
	oldestID     = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint`
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
	var last, oldest int64
	var epoch string
	batch := &pgx.Batch{}
	batch.Queue(currentEpoch).QueryRow(func(r pgx.Row) error { return r.Scan(&epoch) })
	batch.Queue(lastPosition).QueryRow(func(r pgx.Row) error { return r.Scan(&last) })
	batch.Queue(oldestID).QueryRow(func(r pgx.Row) error { return r.Scan(&oldest) })
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	epoch = opaque(epoch)
	if epoch != p.epoch {
		p.epoch, p.released, p.waiting = epoch, 0, false
	}
	p.looked = now
	p.advance(oldest)
	if p.waiting || last <= p.released {
		return nil
	}
	return p.note(ctx, conn, last)
}

// note begins to wait for whoever may hold a position up to last; often nobody runs and the wait is over at once.
func (p *positions) note(ctx context.Context, conn *pgxpool.Conn, last int64) error {
	var newest, oldest int64
	batch := &pgx.Batch{}
	batch.Queue(newestID).QueryRow(func(r pgx.Row) error { return r.Scan(&newest) })
	batch.Queue(oldestID).QueryRow(func(r pgx.Row) error { return r.Scan(&oldest) })
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	p.noted, p.bar, p.waiting = last, newest, true
	p.advance(oldest)
	return nil
}

func (p *positions) advance(oldest int64) {
	if p.waiting && oldest >= p.bar {
		p.released, p.waiting = p.noted, false
	}
}

// opaque names an epoch without telling what it is made of.
func opaque(epoch string) string {
	sum := sha256.Sum256([]byte(epoch))
	return hex.EncodeToString(sum[:8])
}

// streamCursor is a place in the log from which a snapshot taken afterwards misses nothing.
func (db *DB) streamCursor(ctx context.Context) (string, error) {
	epoch, position, err := db.releasedPosition(ctx)
	return paging.Cursor(epoch, strconv.FormatInt(position, 10)), err
}
