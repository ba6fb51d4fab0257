package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Instances are the servers that work with a database, of which this process is one.
type Instances struct {
	db *DB
	id uuid.UUID
}

// NewInstances has this process be one by an id.
func NewInstances(db *DB, id uuid.UUID) Instances { return Instances{db, id} }

// BeatEvery is how often an instance says that it is there, and seenWithin how long it counts without. Rows of those that ended
// without a word are kept no longer than keptRows.
const (
	BeatEvery  = 5 * time.Second
	seenWithin = 15 * time.Second
	keptRows   = time.Hour
	beatWithin = 3 * time.Second
)

// The clock is the database's: those of the machines may differ by more than what matters here.
const beat = `
WITH here AS (
    INSERT INTO instances (id, seen_at) VALUES ($1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
), gone AS (
    DELETE FROM instances WHERE id <> $1 AND seen_at < clock_timestamp() - $3::interval
)
SELECT 1 + count(*) FROM instances WHERE id <> $1 AND seen_at > clock_timestamp() - $2::interval`

// Beat says that this instance is there, and answers how many there are.
func (i Instances) Beat(ctx context.Context) (n int, err error) {
	err = i.run(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, beat, i.id, seenWithin, keptRows).Scan(&n)
	})
	return n, err
}

const leave = `DELETE FROM instances WHERE id = $1`

// Leave says that this instance has gone, so that the others need not wait to see it.
func (i Instances) Leave(ctx context.Context) error {
	return i.run(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, leave, i.id)
		return err
	})
}

// run works on the connection that is kept from requests: a busy server is there all the same.
func (i Instances) run(ctx context.Context, f func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, beatWithin)
	defer cancel()
	return translated(i.db.on(ctx, i.db.probing, func(conn *pgxpool.Conn) error { return f(ctx, conn) }))
}
