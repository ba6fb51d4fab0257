package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
)

// ErrReadOnly says that the database answers but takes no writes: a standby, a demoted primary.
var ErrReadOnly = errors.New("the database takes no writes")

// Health is what a database that takes writes says about itself.
type Health struct{ Schema int64 }

const readsOnly = `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean`

// writeNothing goes the whole way of a commit, to the disk and to synchronous standbys, and leaves nothing in any table.
const writeNothing = `SELECT pg_logical_emit_message(true, 'mediconnect', '')`

// Probe writes, and reads the schema's version, which is 0 where the program may not: in a schema from before its roles. It fails
// with ErrReadOnly where writes are refused, and with ctx.
func (db *DB) Probe(ctx context.Context) (Health, error) {
	var state Health
	err := db.on(ctx, db.probing, func(conn *pgxpool.Conn) error {
		var refused bool
		if err := conn.QueryRow(ctx, readsOnly).Scan(&refused); err != nil || refused {
			return cmp.Or(err, ErrReadOnly)
		}
		if _, err := conn.Exec(ctx, writeNothing); err != nil {
			return err
		}
		version, err := migrate.Current(ctx, conn)
		state.Schema = version
		return err
	})
	if errors.Is(err, ErrReadOnly) {
		db.probing.Reset() // the next look finds the new primary
	}
	if c := code(err); c == noSuchRole || c == notPermitted {
		return Health{}, nil
	}
	if err != nil {
		return Health{}, fmt.Errorf("probe database: %w", err)
	}
	return state, nil
}
