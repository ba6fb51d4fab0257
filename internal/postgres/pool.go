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

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// Config says how to reach the database and within which bounds.
type Config struct {
	URL            string
	MaxConns       int32
	AcquireTimeout time.Duration // waiting for a connection
	Statement      time.Duration // one statement
	Lock           time.Duration // one lock
	Idle           time.Duration // an open transaction doing nothing
	Keys           seal.Keys     // of private columns
}

// Defaults are the bounds of docs/consistency.md.
func Defaults(url string) Config {
	return Config{
		URL: url, MaxConns: 20, AcquireTimeout: resilience.DatabaseAcquire,
		Statement: resilience.DatabaseCall, Lock: resilience.DatabaseLock, Idle: resilience.DatabaseIdle,
	}
}

// DB is the database behind every store. It never works as who it signed in as: tenants keeps to one tenant a transaction, public
// reads what everybody may know, and jobs become what they are within their transaction; see migrations/00004_protection.sql.
type DB struct {
	tenants   *pgxpool.Pool
	public    *pgxpool.Pool
	probing   *pgxpool.Pool // one connection: requests that queue for theirs don't make the database look dead
	guarding  *pgxpool.Pool // one, that follows what is revoked
	acquire   time.Duration
	keys      seal.Keys // of private columns
	positions positions
}

// The roles that the program works as.
const (
	appRole       = "mediconnect_app"
	publicRole    = "mediconnect_public"
	sweeperRole   = "mediconnect_sweeper"
	relayRole     = "mediconnect_relay"
	signInRole    = "mediconnect_signin"
	chainerRole   = "mediconnect_chainer"
	archivistRole = "mediconnect_archivist"
)

// Open makes pools within the bounds of c. It does not connect yet: the first statement does.
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
	cfg.ConnConfig.ConnectTimeout = resilience.DatabaseConnect
	set := cfg.ConnConfig.RuntimeParams
	set["application_name"] = "mediconnect"
	set["timezone"] = "UTC"
	set["default_transaction_isolation"] = "read committed" // the booking functions look anew after each lock
	set["jit"] = "off"                                      // statements are short
	set["statement_timeout"] = millis(c.Statement)
	set["lock_timeout"] = millis(c.Lock)
	set["idle_in_transaction_session_timeout"] = millis(c.Idle)
	cfg.AfterConnect = greet
	db := &DB{acquire: c.AcquireTimeout, keys: c.Keys}
	return db, db.open(ctx, cfg)
}

// open makes the pools, which share the connections that there may be: half for tenants' work, half for public reading.
func (db *DB) open(ctx context.Context, cfg *pgxpool.Config) error {
	half := max(cfg.MaxConns/2, 1)
	for _, p := range []struct {
		pool  **pgxpool.Pool
		role  string
		conns int32
	}{{&db.tenants, appRole, half}, {&db.public, publicRole, half}, {&db.probing, appRole, 1}, {&db.guarding, appRole, 1}} {
		own := cfg.Copy()
		own.MaxConns = p.conns
		own.ConnConfig.RuntimeParams["role"] = p.role
		pool, err := pgxpool.NewWithConfig(ctx, own)
		if err != nil {
			db.Close()
			return errs.Bug("open pool", err)
		}
		*p.pool = pool
	}
	return nil
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

// New makes a DB that signs in as a pool does, with the keys of its private columns.
func New(pool *pgxpool.Pool, keys seal.Keys) *DB {
	db := &DB{acquire: resilience.DatabaseAcquire, keys: keys}
	if err := db.open(context.Background(), pool.Config()); err != nil {
		panic(err) // the pool's own settings were good
	}
	return db
}

// Close ends all connections.
func (db *DB) Close() {
	for _, pool := range []*pgxpool.Pool{db.tenants, db.public, db.probing, db.guarding} {
		if pool != nil {
			pool.Close()
		}
	}
}

func millis(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// WriteBound ends a writing transaction that takes longer, retries included. Readers of the log wait for whoever writes it. readBound
// ends a reading one.
const WriteBound, readBound = resilience.DatabaseCall, resilience.DatabaseCall

const writeAttempts = 4

// within begins a transaction for one tenant: its rows alone show, whatever a statement asks for, until the transaction ends.
func within(organization uuid.UUID) string {
	return "; SET LOCAL mediconnect.organization = '" + organization.String() + "'"
}

const setTenant = `SELECT set_config('mediconnect.organization', $1, true)`

// write runs f for one tenant in a READ COMMITTED transaction. Deadlocks and serialization failures are tried again up to 3
// times, with jitter; what is left of them, and time that ran out, is errs.Busy.
func (db *DB) write(ctx context.Context, organization uuid.UUID, f func(context.Context, pgx.Tx) error) error {
	return db.retry(ctx, "begin"+within(organization), f)
}

// writeAs is write for a job that works for all tenants under a role of its own.
func (db *DB) writeAs(ctx context.Context, role string, f func(context.Context, pgx.Tx) error) error {
	return db.retry(ctx, "begin; SET LOCAL ROLE "+role, f)
}

func (db *DB) retry(ctx context.Context, begin string, f func(context.Context, pgx.Tx) error) error {
	return db.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error { return f(ctx, tx) })
	})
}

// call runs one statement that writes for one tenant and answers a row, as write does. It goes to the server together with the
// tenant's name: without a BEGIN, what is sent at once is one transaction.
func (db *DB) call(ctx context.Context, organization uuid.UUID, answer any, statement string, args ...any) error {
	return db.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		batch := &pgx.Batch{}
		batch.Queue(setTenant, organization.String())
		batch.Queue(statement, args...).QueryRow(func(row pgx.Row) error { return row.Scan(answer) })
		return conn.SendBatch(ctx, batch).Close()
	})
}

// again runs f on a connection, and once more after a deadlock or a serialization failure.
func (db *DB) again(asked context.Context, f func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(asked, WriteBound)
	defer cancel()
	var err error
	for attempt := range writeAttempts {
		if attempt > 0 {
			if err := pause(ctx, attempt); err != nil {
				return errs.TryAgain(err)
			}
		}
		err = db.on(ctx, db.tenants, func(conn *pgxpool.Conn) error { return f(ctx, conn) })
		if !contended(err) {
			break
		}
		err = errs.TryAgain(err)
	}
	if err = translated(err); errs.Of(err) == errs.Busy && errors.Is(asked.Err(), context.Canceled) {
		return asked.Err() // a connection that is cut for that says many things
	}
	return err
}

// reading is where something is read, and as whom.
type reading struct {
	db    *DB
	pool  *pgxpool.Pool
	begin string     // what follows the BEGIN of a transaction; empty: a single statement needs none
	whose *uuid.UUID // the tenant; nil: of all tenants
}

// everybody reads what everybody may know, of all tenants.
func (db *DB) everybody() reading { return reading{db: db, pool: db.public} }

// tenant reads what one tenant has.
func (db *DB) tenant(organization uuid.UUID) reading {
	return reading{db: db, pool: db.tenants, begin: within(organization), whose: &organization}
}

// job reads across tenants what a job's role shows it.
func (db *DB) job(role string) reading {
	return reading{db: db, pool: db.tenants, begin: "; SET LOCAL ROLE " + role}
}

// snapshot runs f in one REPEATABLE READ, READ ONLY transaction.
func (r reading) snapshot(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	return r.transaction(ctx, "begin isolation level repeatable read read only", f)
}

// once runs one statement's worth of work.
func (r reading) once(ctx context.Context, f func(context.Context, querier) error) error {
	if r.begin != "" {
		return r.transaction(ctx, "begin read only", func(ctx context.Context, tx pgx.Tx) error { return f(ctx, tx) })
	}
	return r.plainly(ctx, f)
}

// ask runs one query. A tenant's name goes to the server together with it.
func (r reading) ask(ctx context.Context, into func(pgx.Rows) error, query string, args ...any) error {
	if r.whose != nil && (len(args) == 0 || args[0] != anew) {
		if len(args) > 0 && args[0] == kept {
			args = args[1:]
		}
		batch := &pgx.Batch{}
		batch.Queue(setTenant, r.whose.String())
		batch.Queue(query, args...).Query(into)
		return r.plainly(ctx, func(ctx context.Context, q querier) error { return q.SendBatch(ctx, batch).Close() })
	}
	return r.once(ctx, func(ctx context.Context, q querier) error {
		rows, err := q.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		return into(rows)
	})
}

func (r reading) plainly(ctx context.Context, f func(context.Context, querier) error) error {
	ctx, cancel := context.WithTimeout(ctx, readBound)
	defer cancel()
	return translated(r.db.on(ctx, r.pool, func(conn *pgxpool.Conn) error { return f(ctx, conn) }))
}

func (r reading) transaction(ctx context.Context, begin string, f func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, readBound)
	defer cancel()
	return translated(r.db.on(ctx, r.pool, func(conn *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: begin + r.begin}, func(tx pgx.Tx) error { return f(ctx, tx) })
	}))
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
	noSuchRole           = "22023" // SET ROLE's word for it
	notPermitted         = "42501"
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
