package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// A running transaction with the newest of all ids is below no snapshot's xmax: that one is past the newest that has ended.
func TestAPositionOfARunningTransactionIsNotPassedOver(t *testing.T) {
	d := newDesk(t)
	log := postgres.NewLog(postgres.New(d.pool, nil))
	start := head(t, log)
	for _, world := range []struct {
		name      string
		meanwhile func()
	}{
		{"nothing else happens", func() {}},
		{"a younger one writes the log", func() { d.append(d.begin()) }},
		{"a younger one ends without a log", func() { d.Set(`UPDATE organizations SET name = name WHERE id = $1`) }},
	} {
		t.Run(world.name, func(t *testing.T) {
			slow := d.begin()
			d.exec(slow, `UPDATE locations SET name = name WHERE organization_id = $1`)
			d.exec(slow, appendEntry)
			world.meanwhile()
			for range 3 { // looks, each on its own
				if early := head(t, postgres.NewLog(postgres.New(d.pool, nil))); early.Position > start.Position {
					t.Errorf("position %d is released while one of %d on still runs", early.Position, start.Position+1)
				}
			}
			if err := slow.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			entries, next, err := log.Read(t.Context(), start, 100)
			for err == nil && len(entries) == 0 && next == start {
				entries, next, err = log.Read(t.Context(), start, 100)
			}
			if err != nil || len(entries) == 0 || entries[0].Position != start.Position+1 {
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
