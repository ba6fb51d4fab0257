package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mediconnect/mediconnect/migrations"
)

const currentVersion = `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`

// querier is a pool, a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Latest is the schema version this program was built for.
func Latest() int64 { return migrations.Latest() }

// Current reads a database's schema version without touching it, 0 when it was never migrated.
func Current(ctx context.Context, db querier) (int64, error) {
	return scanVersion(db.QueryRow(ctx, currentVersion))
}

func scanVersion(row interface{ Scan(...any) error }) (int64, error) {
	var version int64
	err := row.Scan(&version)
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) && refusal.Code == "42P01" { // no such table
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("schema version: %w", err)
	}
	return version, nil
}
