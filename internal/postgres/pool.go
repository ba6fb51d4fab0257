// Package postgres is the cellar: all SQL of the house, a file a room.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// Config says how to reach the database and within which bounds.
type Config struct {
	URL            string
	MaxConns       int32
	AcquireTimeout time.Duration // waiting for a connection
	Statement      time.Duration // one statement
	Lock           time.Duration // one lock
	Idle           time.Duration // an open transaction doing nothing
}

// Defaults are the bounds of docs/consistency.md.
func Defaults(url string) Config {
	return Config{
		URL: url, MaxConns: 20, AcquireTimeout: 5 * time.Second,
		Statement: 5 * time.Second, Lock: 2 * time.Second, Idle: 5 * time.Second,
	}
}

// DB is the database behind every store.
type DB struct {
	pool      *pgxpool.Pool
	probing   *pgxpool.Pool // one connection: requests that queue for theirs don't make the database look dead
	acquire   time.Duration
	positions positions
}

// Open makes a pool within the bounds of c. It does not connect yet: the first statement does.
func Open(ctx context.Context, c Config) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, errors.New("the database URL can't be read") // the cause would show the password
	}
	cfg.MaxConns = c.MaxConns
	cfg.MaxConnLifetime = 30 * time.Minute
	cfg.MaxConnLifetimeJitter = 5 * time.Minute
	cfg.MaxConnIdleTime = 5 * time.Minute
	cfg.HealthCheckPeriod = 15 * time.Second
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	set := cfg.ConnConfig.RuntimeParams
	set["application_name"] = "mediconnect"
	set["timezone"] = "UTC"
	set["default_transaction_isolation"] = "read committed" // the booking functions look anew after each lock
	set["jit"] = "off"                                      // statements are short
	set["statement_timeout"] = millis(c.Statement)
	set["lock_timeout"] = millis(c.Lock)
	set["idle_in_transaction_session_timeout"] = millis(c.Idle)
	cfg.AfterConnect = greet
	one := cfg.Copy()
	one.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, errs.Bug("open pool", err)
	}
	probing, err := pgxpool.NewWithConfig(ctx, one)
	if err != nil {
		pool.Close()
		return nil, errs.Bug("open pool", err)
	}
	return &DB{pool: pool, probing: probing, acquire: c.AcquireTimeout}, nil
}

// PostgreSQL 17 and newer end whole transactions; an older server would refuse a connection that asks for it.
const setTransactionTimeout = `
SELECT set_config('transaction_timeout', $1, false) WHERE current_setting('transaction_timeout', true) IS NOT NULL`

// greet prepares a new connection. Without the first, ids would travel as text, which costs more than all else in a large answer.
func greet(ctx context.Context, conn *pgx.Conn) error {
	pgxuuid.Register(conn.TypeMap())
	_, err := conn.Exec(ctx, setTransactionTimeout, millis(WriteBound))
	return err
}

// New puts a DB over a pool that somebody else owns.
func New(pool *pgxpool.Pool) *DB { return &DB{pool: pool, probing: pool, acquire: 5 * time.Second} }

// Close ends all connections.
func (db *DB) Close() {
	db.pool.Close()
	db.probing.Close()
}

func millis(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// WriteBound ends a writing transaction that takes longer, retries included. Readers of the log wait for whoever writes.
const WriteBound = 5 * time.Second

// readBound ends a reading one.
const readBound = 5 * time.Second

const writeAttempts = 4

// write runs f in a READ COMMITTED transaction. Deadlocks and serialization failures are tried again up to 3 times, with
// jitter; what is left of them, and time that ran out, is errs.Busy.
func (db *DB) write(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	return db.retry(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return f(ctx, tx) })
	})
}

// retry runs f on one connection, again after a deadlock or a serialization failure.
func (db *DB) retry(ctx context.Context, f func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, WriteBound)
	defer cancel()
	var err error
	for attempt := range writeAttempts {
		if attempt > 0 {
			if err := pause(ctx, attempt); err != nil {
				return errs.TryAgain(err)
			}
		}
		err = db.with(ctx, func(conn *pgxpool.Conn) error { return f(ctx, conn) })
		if !contended(err) {
			return translated(err)
		}
	}
	return errs.TryAgain(err)
}

// snapshot runs f in one REPEATABLE READ, READ ONLY transaction.
func (db *DB) snapshot(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, readBound)
	defer cancel()
	return translated(db.with(ctx, func(conn *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly},
			func(tx pgx.Tx) error { return f(ctx, tx) })
	}))
}

// read runs one statement's worth of work on a connection, outside an explicit transaction.
func (db *DB) read(ctx context.Context, f func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, readBound)
	defer cancel()
	return translated(db.with(ctx, func(conn *pgxpool.Conn) error { return f(ctx, conn) }))
}

func (db *DB) with(ctx context.Context, f func(*pgxpool.Conn) error) error {
	return db.on(ctx, db.pool, f)
}

func (db *DB) on(ctx context.Context, pool *pgxpool.Pool, f func(*pgxpool.Conn) error) error {
	waiting, cancel := context.WithTimeout(ctx, db.acquire)
	conn, err := pool.Acquire(waiting)
	cancel()
	if err != nil {
		return errs.TryAgain(err)
	}
	defer conn.Release()
	readIDs(conn.Conn())
	err = f(conn)
	if code(err) == readOnlyTransaction {
		pool.Reset() // a demoted primary keeps its sessions: let all of them find the new one
	}
	return err
}

func pause(ctx context.Context, attempt int) error {
	t := time.NewTimer(time.Duration(attempt)*5*time.Millisecond + rand.N(20*time.Millisecond))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// SQLSTATEs, from PostgreSQL's appendix A.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	queryCanceled        = "57014"
	readOnlyTransaction  = "25006"
	idleTimeout          = "25P03"
	transactionTimeout   = "25P04"
	tooManyConnections   = "53300"
)

func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func contended(err error) bool {
	c := code(err)
	return c == serializationFailure || c == deadlockDetected
}

// translated turns what may pass by itself into errs.Busy and leaves everything else alone.
func translated(err error) error {
	if err == nil {
		return nil
	}
	switch c := code(err); {
	case c == lockNotAvailable, c == queryCanceled, c == readOnlyTransaction, c == tooManyConnections,
		c == idleTimeout, c == transactionTimeout,
		len(c) == 5 && (c[:2] == "08" || c[:3] == "57P"):
		return errs.TryAgain(err)
	case c == "" && (errors.Is(err, context.DeadlineExceeded) || lostConnection(err)):
		return errs.TryAgain(err)
	}
	return err
}

func lostConnection(err error) bool {
	var connecting *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connecting) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}
