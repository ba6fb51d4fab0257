package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/singleflight"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/live"
)

// positions knows up to where the event log may be read. A position is handed out inside a transaction, so a lower one may
// still be uncommitted when a higher one shows. Whoever takes one says so before (next_log_position(), 00007_positions.sql), with a
// place that comes before all it may take, until its changes can be seen. So whoever reads the last position S, and then the places
// of those who are writing, has met everybody who holds one up to S: what comes before S and before all these places has ended.
type positions struct {
	looks    singleflight.Group // one at a time; who asks meanwhile shares its answer or its failure
	released mark               // by the look that is under way, and those before

	mu     sync.Mutex
	last   mark // what the last look found
	looked time.Time
}

// mark is a place in one life of the log, and whether positions beyond it have been taken.
type mark struct {
	epoch    string
	position int64
	underway bool
}

// The statements run one after the other: who is writing is asked after the last position.
const (
	lastPosition = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM log_positions`
	// A place such that whoever is writing takes only positions after it; null: nobody is.
	writersAfter = `SELECT min((classid::bigint << 32 | objid::bigint) - log_writing(0)) FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint BETWEEN log_writing(0) >> 32 AND (log_writing(0) >> 31) - 1
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	// A restored database has another system or another timeline, and an epoch of its own when it was set anew.
	currentEpoch = `SELECT epoch::text || ':' || (SELECT system_identifier FROM pg_control_system()) || ':'
		|| substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) FROM log_epoch`
)

// Readers that come within this time of the last look share its answer; who follows the log closely looks sooner.
const (
	lookAgainAfter = 25 * time.Millisecond
	lookClosely    = 2 * time.Millisecond
)

// releasedPosition answers the log's epoch and the position up to which everything has ended. An asker who goes away
// doesn't end the look for the others.
func (db *DB) releasedPosition(ctx context.Context) (string, int64, error) {
	m, err := db.released(ctx, lookAgainAfter)
	return m.epoch, m.position, err
}

// released answers a look that isn't older than so long.
func (db *DB) released(ctx context.Context, age time.Duration) (mark, error) {
	if m, ok := db.positions.fresh(age); ok {
		return m, nil
	}
	look := db.positions.looks.DoChan("", func() (any, error) { return db.look(context.WithoutCancel(ctx)) })
	select {
	case <-ctx.Done():
		return mark{}, translated(ctx.Err())
	case found := <-look:
		m, _ := found.Val.(mark)
		return m, found.Err
	}
}

func (p *positions) fresh(age time.Duration) (mark, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.last.epoch != "" && clock.Fresh(p.looked, clock.System{}.Now(), age)
}

func (p *positions) underway() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.underway
}

func (p *positions) keep(m mark, looked time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.looked = m, looked
}

func (db *DB) look(ctx context.Context) (mark, error) {
	now := clock.System{}.Now()
	var epoch string
	var last int64
	var writing *int64
	err := db.everybody().once(ctx, func(ctx context.Context, conn querier) error {
		batch := &pgx.Batch{}
		batch.Queue(currentEpoch).QueryRow(func(r pgx.Row) error { return r.Scan(&epoch) })
		batch.Queue(lastPosition).QueryRow(func(r pgx.Row) error { return r.Scan(&last) })
		batch.Queue(writersAfter).QueryRow(func(r pgx.Row) error { return r.Scan(&writing) })
		return conn.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return mark{}, err
	}
	m := &db.positions.released
	m.release(opaque(epoch), last, writing)
	db.positions.keep(*m, now)
	return *m, nil
}

// release notes what a look found. A log that is shorter than it was is a disk's snapshot that was put back.
func (m *mark) release(epoch string, last int64, writing *int64) {
	ended := last
	if writing != nil {
		ended = min(ended, *writing)
	}
	if epoch == m.epoch && last >= m.position {
		ended = max(ended, m.position) // who begins to write may name a place that was released
	}
	*m = mark{epoch, ended, ended < last}
}

// opaque names an epoch without telling what it is made of.
func opaque(epoch string) string {
	sum := sha256.Sum256([]byte(epoch))
	return hex.EncodeToString(sum[:8])
}

// streamCursor is a place in the log from which a snapshot taken afterwards, of what stands at now or later, misses nothing.
func (db *DB) streamCursor(ctx context.Context, now time.Time) (string, error) {
	epoch, position, err := db.releasedPosition(ctx)
	return live.Cursor{Epoch: epoch, Position: position, At: now}.String(), err
}
