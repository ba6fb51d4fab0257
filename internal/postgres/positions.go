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
// still be uncommitted when a higher one shows. Note the last position S and then draw a transaction id X: once the xmin of a
// snapshot reaches X, every transaction that could hold a position up to S has ended, and S is released.
type positions struct {
	looks   singleflight.Group // one at a time; who asks meanwhile shares its answer or its failure
	horizon horizon            // the look's that is under way

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

// horizon is what looks know of the log.
type horizon struct {
	epoch    string
	released int64 // or unknown
	noted    int64 // waiting for bar
	bar      int64
	waiting  bool
}

const unknown = -1

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

// Readers that come within this time of the last look share its answer; who follows the log closely looks sooner.
const (
	lookAgainAfter = 25 * time.Millisecond
	lookClosely    = 2 * time.Millisecond
)

// A process that begins to look has nothing released yet, so it waits for that, looking so often and so many times.
const (
	firstLooksEvery = 5 * time.Millisecond
	firstLooks      = 50
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
	h, now := &db.positions.horizon, clock.System{}.Now()
	err := db.everybody().once(ctx, func(ctx context.Context, conn querier) error {
		if err := h.look(ctx, conn); err != nil {
			return err
		}
		return h.first(ctx, conn)
	})
	if err != nil {
		return mark{}, err
	}
	m := mark{h.epoch, h.released, h.waiting}
	db.positions.keep(m, now)
	return m, nil
}

func (h *horizon) look(ctx context.Context, conn querier) error {
	var last, oldest int64
	var epoch string
	batch := &pgx.Batch{}
	batch.Queue(currentEpoch).QueryRow(func(r pgx.Row) error { return r.Scan(&epoch) })
	batch.Queue(lastPosition).QueryRow(func(r pgx.Row) error { return r.Scan(&last) })
	batch.Queue(oldestID).QueryRow(func(r pgx.Row) error { return r.Scan(&oldest) })
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	if epoch = opaque(epoch); epoch != h.epoch || last < h.noted { // the latter: from a disk's snapshot
		*h = horizon{epoch: epoch, released: unknown}
	}
	h.advance(oldest)
	if h.waiting || last <= h.released {
		return nil
	}
	return h.note(ctx, conn, last)
}

// first waits for the first release. While a writer doesn't end, the log is taken up where it begins: that is far back, but
// passes over nothing.
func (h *horizon) first(ctx context.Context, conn querier) error {
	tick := time.NewTicker(firstLooksEvery)
	defer tick.Stop()
	for looked := 0; h.released == unknown; looked++ {
		if looked == firstLooks {
			return conn.QueryRow(ctx, selectForgotten).Scan(&h.released)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		var oldest int64
		if err := conn.QueryRow(ctx, oldestID).Scan(&oldest); err != nil {
			return err
		}
		h.advance(oldest)
	}
	return nil
}

// note begins to wait for whoever may hold a position up to last; often nobody runs and the wait is over at once.
func (h *horizon) note(ctx context.Context, conn querier, last int64) error {
	var newest, oldest int64
	batch := &pgx.Batch{}
	batch.Queue(newestID).QueryRow(func(r pgx.Row) error { return r.Scan(&newest) })
	batch.Queue(oldestID).QueryRow(func(r pgx.Row) error { return r.Scan(&oldest) })
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	h.noted, h.bar, h.waiting = last, newest, true
	h.advance(oldest)
	return nil
}

func (h *horizon) advance(oldest int64) {
	if h.waiting && oldest >= h.bar {
		h.released, h.waiting = h.noted, false
	}
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
