package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

func TestAPositionOfARunningTransactionIsNotPassedOver(t *testing.T) {
	d := newDesk(t)
	log := postgres.NewLog(postgres.New(d.pool, nil))
	start := head(t, log)
	changed := func(tx pgx.Tx) { d.exec(tx, `UPDATE locations SET name = name WHERE organization_id = $1`) }
	back := func(tx pgx.Tx) {
		part, err := tx.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d.exec(part, appendEntry)
		if err := part.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, world := range []struct {
		name      string
		before    func(pgx.Tx) // in the same transaction
		meanwhile func()
		first     int64 // position of the running transaction's that stays
	}{
		{"nothing else happens", changed, func() {}, 1},
		{"a younger one writes the log", changed, func() { d.append(d.begin()) }, 1},
		{"a younger one ends without a log", changed, func() { d.Set(`UPDATE organizations SET name = name WHERE id = $1`) }, 1},
		{"it has no id before", func(pgx.Tx) {}, func() { d.append(d.begin()) }, 1},
		{"it took one before and went back to a savepoint", back, func() { d.append(d.begin()) }, 2},
	} {
		t.Run(world.name, func(t *testing.T) {
			slow := d.begin()
			world.before(slow)
			d.exec(slow, appendEntry)
			world.meanwhile()
			for range 3 { // looks, each on its own
				if early := head(t, postgres.NewLog(postgres.New(d.pool, nil))); early.Position >= start.Position+world.first {
					t.Errorf("position %d is released while one of %d on still runs", early.Position, start.Position+world.first)
				}
			}
			if err := slow.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			entries, next, err := log.Read(t.Context(), start, 100)
			for err == nil && len(entries) == 0 && next == start {
				entries, next, err = log.Read(t.Context(), start, 100)
			}
			if err != nil || len(entries) == 0 || entries[0].Position != start.Position+world.first {
				t.Errorf("read %+v after %d: %v", entries, start.Position, err)
			}
			start = next
		})
	}
}

const appendEntry = `INSERT INTO event_log (organization_id, at, topic, payload) VALUES ($1, '2026-06-08', 'test', '{}')`

func head(t *testing.T, log live.Log) live.Cursor {
	t.Helper()
	cursor, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cursor
}

func (d *desk) begin() pgx.Tx {
	d.t.Helper()
	tx, err := d.pool.Begin(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(d.t.Context())) })
	return tx
}

func (d *desk) exec(tx pgx.Tx, statement string) {
	d.t.Helper()
	if _, err := tx.Exec(d.t.Context(), statement, d.Organization); err != nil {
		d.t.Fatal(err)
	}
}

// append writes an entry of the log and commits.
func (d *desk) append(tx pgx.Tx) {
	d.t.Helper()
	d.exec(tx, appendEntry)
	if err := tx.Commit(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func TestWhoeverWritesButNotTheLogHoldsNothingUp(t *testing.T) {
	d := newDesk(t)
	slow := d.begin()
	d.exec(slow, `UPDATE locations SET name = name WHERE organization_id = $1`)
	d.append(d.begin())
	if got := head(t, d.newLog()); got.Position != 1 {
		t.Errorf("released up to %d", got.Position)
	}
}
