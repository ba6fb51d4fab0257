package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// things are two rows to meet at.
const things = `CREATE TABLE things (id integer PRIMARY KEY, n integer NOT NULL); INSERT INTO things VALUES (1, 0), (2, 0);
	GRANT ALL ON things TO mediconnect_app`

// newPool opens a pool over a fresh database with two things.
func newPool(t *testing.T, bounds func(*Config)) *DB {
	t.Helper()
	c := Defaults(pgtest.NewURL(t))
	bounds(&c)
	conn, err := pgx.Connect(t.Context(), pgtest.AdminURL(t, c.URL)) // without the bounds
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), things); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func TestTheServerKnowsTheBounds(t *testing.T) {
	db := newPool(t, func(*Config) {})
	for name, want := range map[string][]string{
		"statement_timeout": {"5s"}, "lock_timeout": {"2s"}, "idle_in_transaction_session_timeout": {"5s"},
		"transaction_timeout": {"5s", "no such setting"}, "default_transaction_isolation": {"read committed"},
	} {
		var got string
		err := db.tenants.QueryRow(t.Context(), `SELECT coalesce(current_setting($1, true), 'no such setting')`, name).Scan(&got)
		if err != nil || !slices.Contains(want, got) {
			t.Errorf("%s is %s, want one of %s (%v)", name, got, want, err)
		}
	}
}

// Each waits for what never comes, so only its bound ends it.
func TestBoundsEndWhatLastsTooLong(t *testing.T) {
	const short, long = 200 * time.Millisecond, 5 * time.Second
	for _, c := range []struct {
		name   string
		bounds Config
		code   string
		wait   func(context.Context, *DB, pgx.Tx) error
	}{
		{"a statement", Config{MaxConns: 4, AcquireTimeout: long, Statement: short, Lock: long, Idle: long}, queryCanceled,
			func(ctx context.Context, _ *DB, tx pgx.Tx) error {
				_, err := tx.Exec(ctx, `SELECT pg_sleep(60)`)
				return err
			}},
		{"a lock", Config{MaxConns: 4, AcquireTimeout: long, Statement: long, Lock: short, Idle: long}, lockNotAvailable,
			func(ctx context.Context, db *DB, tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, `LOCK things`); err != nil {
					return err
				}
				return db.tenant(uuid.Nil).plainly(ctx, func(ctx context.Context, conn querier) error {
					_, err := conn.Exec(ctx, `SELECT FROM things`)
					return err
				})
			}},
		{"an idle transaction", Config{MaxConns: 4, AcquireTimeout: long, Statement: long, Lock: long, Idle: short}, idleTimeout,
			func(ctx context.Context, _ *DB, tx pgx.Tx) error {
				return tx.Conn().PgConn().WaitForNotification(ctx) // the server's last word
			}},
		{"a connection", Config{MaxConns: 1, AcquireTimeout: short, Statement: long, Lock: long, Idle: long}, "",
			func(ctx context.Context, db *DB, _ pgx.Tx) error {
				return db.tenant(uuid.Nil).plainly(ctx, func(context.Context, querier) error { return nil })
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := newPool(t, func(all *Config) { c.bounds.URL = all.URL; *all = c.bounds })
			var ended error
			err := db.write(t.Context(), uuid.Nil, func(ctx context.Context, tx pgx.Tx) error {
				ended = c.wait(ctx, db, tx)
				return ended
			})
			if errs.Of(err) != errs.Busy || code(ended) != c.code {
				t.Errorf("it ended with %q: %v", code(ended), err)
			}
		})
	}
}

func TestATransactionThatTakesTooLongIsTold(t *testing.T) {
	db := newPool(t, func(*Config) {})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := db.write(ctx, uuid.Nil, func(ctx context.Context, _ pgx.Tx) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if errs.Of(err) != errs.Busy {
		t.Errorf("got %v", err)
	}
}

const (
	raise  = `UPDATE things SET n = n + 1 WHERE id = $1`
	frozen = `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`
)

// clash makes PostgreSQL refuse a transaction: somebody changes what its snapshot has seen.
func clash(ctx context.Context, db *DB, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, frozen); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `SELECT FROM things`); err != nil {
		return err
	}
	if _, err := db.tenants.Exec(ctx, raise, 1); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, raise, 1)
	return err
}

func TestASerializationFailureIsTriedAgainThreeTimes(t *testing.T) {
	for _, c := range []struct {
		clashes, tries int
		want           errs.Kind
	}{{0, 1, 0}, {3, 4, 0}, {4, 4, errs.Busy}} {
		db := newPool(t, func(*Config) {})
		tries := 0
		err := db.write(t.Context(), uuid.Nil, func(ctx context.Context, tx pgx.Tx) error {
			if tries++; tries > c.clashes {
				return nil
			}
			err := clash(ctx, db, tx)
			if code(err) != serializationFailure {
				t.Errorf("the clash was told as %v", err)
			}
			return err
		})
		if tries != c.tries || errs.Of(err) != c.want || (err == nil) != (c.want == 0) {
			t.Errorf("after %d clashes: %d tries, %v", c.clashes, tries, err)
		}
	}
}

func TestADeadlockIsTriedAgain(t *testing.T) {
	db := newPool(t, func(*Config) {})
	var tries, deadlocks atomic.Int32
	var met, both sync.WaitGroup
	met.Add(2)
	crossing := func(first, second int) {
		fresh := true
		err := db.write(t.Context(), uuid.Nil, func(ctx context.Context, tx pgx.Tx) error {
			tries.Add(1)
			if _, err := tx.Exec(ctx, raise, first); err != nil {
				return err
			}
			if fresh {
				fresh = false
				met.Done()
				met.Wait()
			}
			_, err := tx.Exec(ctx, raise, second)
			if code(err) == deadlockDetected {
				deadlocks.Add(1)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	both.Go(func() { crossing(1, 2) })
	both.Go(func() { crossing(2, 1) })
	both.Wait()
	var n int
	if err := db.tenants.QueryRow(t.Context(), `SELECT sum(n)::int FROM things`).Scan(&n); err != nil || n != 4 {
		t.Errorf("2 writers raised 2 things %d times: %v", n, err)
	}
	if lost := deadlocks.Load(); lost == 0 || tries.Load() != 2+lost { // who tries again may meet the other once more
		t.Errorf("%d tries and %d deadlocks", tries.Load(), lost)
	}
}

func TestWhatIsNotContentionIsNotTriedAgain(t *testing.T) {
	db := newPool(t, func(*Config) {})
	for _, refused := range []string{refusedByConstraint, lockNotAvailable, queryCanceled, "23505"} {
		tries := 0
		err := db.write(t.Context(), uuid.Nil, func(ctx context.Context, tx pgx.Tx) error {
			tries++
			_, err := tx.Exec(ctx, `DO $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '`+refused+`'; END $$`)
			return err
		})
		if tries != 1 || code(err) != refused {
			t.Errorf("%s: %d tries, %v", refused, tries, err)
		}
	}
}

func TestAPauseEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pause(ctx, 1_000_000); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
