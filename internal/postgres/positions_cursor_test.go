package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// newLog is another process's log, which knows nothing yet.
func (d *desk) newLog() *postgres.Log { return postgres.NewLog(postgres.New(d.pool, nil)) }

func TestACursorOfAnotherLifeOrOfNoKeptPlaceIsReset(t *testing.T) {
	d := newDesk(t)
	for range 4 {
		d.append(d.begin())
	}
	gap := d.begin()
	d.exec(gap, appendEntry)
	if err := gap.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.Set(`UPDATE log_epoch SET forgotten = 2 WHERE $1::uuid IS NOT NULL`)
	epoch := head(t, d.newLog()).Epoch
	for _, c := range []struct {
		name   string
		cursor live.Cursor
		want   error
	}{
		{"older than what is kept", live.Cursor{Epoch: epoch, Position: 1}, live.ErrReset},
		{"the last that was forgotten", live.Cursor{Epoch: epoch, Position: 2}, nil},
		{"the last that was taken, and rolled back", live.Cursor{Epoch: epoch, Position: 5}, nil},
		{"ahead of what was ever taken", live.Cursor{Epoch: epoch, Position: 6}, live.ErrReset},
		{"of another life", live.Cursor{Epoch: "another", Position: 3}, live.ErrReset},
	} {
		if _, _, err := d.newLog().Read(t.Context(), c.cursor, 10); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	d.Set(`UPDATE log_epoch SET epoch = $1`)
	if _, _, err := d.newLog().Read(t.Context(), live.Cursor{Epoch: epoch, Position: 3}, 10); !errors.Is(err, live.ErrReset) {
		t.Errorf("after a restore: %v", err)
	}
}

func TestACursorOfAnotherProcessThatReleasedMoreIsGood(t *testing.T) {
	d := newDesk(t)
	one, other := d.newLog(), d.newLog()
	head(t, one)
	d.append(d.begin())
	cursor := head(t, other)
	if entries, next, err := one.Read(t.Context(), cursor, 10); err != nil || len(entries) != 0 || next != cursor {
		t.Errorf("read %d entries after %v, up to %v: %v", len(entries), cursor, next, err)
	}
}

func (d *desk) poolWith(set func(*pgxpool.Config)) *pgxpool.Pool {
	d.t.Helper()
	cfg := d.pool.Config()
	set(cfg)
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(pool.Close)
	return pool
}

func TestAFreshProcessBeginsWhereEverythingHasEnded(t *testing.T) {
	d := newDesk(t)
	for range 3 {
		d.append(d.begin())
	}
	slow := d.begin()
	d.exec(slow, appendEntry)
	d.append(d.begin())
	if got := head(t, d.newLog()); got.Position != 3 {
		t.Errorf("while one writes it begins at %d", got.Position)
	}
	if err := slow.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := head(t, d.newLog()); got.Position != 5 {
		t.Errorf("afterwards it begins at %d", got.Position)
	}
}

func TestAnAskerNeitherWaitsBeyondItsTimeNorEndsTheLook(t *testing.T) {
	d := newDesk(t)
	d.append(d.begin())
	begun, goOn := make(chan bool, 20), make(chan bool)
	pool := d.poolWith(func(cfg *pgxpool.Config) {
		cfg.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) {
			begun <- true
			<-goOn
			return true, nil
		}
	})
	log := postgres.NewLog(postgres.New(pool, nil))
	first, giveUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { _, err := log.Head(first); gone <- err }()
	<-begun
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := log.Head(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an asker whose time ran out got %v", err)
	}
	if len(begun) != 0 {
		t.Error("it began a look of its own")
	}
	giveUp()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("an asker who went away got %v", err)
	}
	close(goOn)
	if got := head(t, log); got.Position != 1 {
		t.Errorf("afterwards the log is released up to %d", got.Position)
	}
}
