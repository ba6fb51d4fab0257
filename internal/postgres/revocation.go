package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// Revocations are read by every process, each over a connection of its own for that: whoever waits for one of the others must not make
// what is known look old.
type Revocations struct{ db *DB }

var _ identity.RevocationStore = (*Revocations)(nil)

// NewRevocations puts revocations over a database.
func NewRevocations(db *DB) *Revocations { return &Revocations{db} }

// A standby may not have what was revoked a moment ago, so nothing that it says counts. One clock stamps them and says what is new: the database's. Where another server has taken its place, whose clock is behind, what is
// new is what is new by that.
const (
	revoke = `
INSERT INTO revocations (subject, at) SELECT subject, clock_timestamp() FROM (SELECT DISTINCT unnest($1::uuid[])) s(subject)
ON CONFLICT (subject) DO UPDATE SET at = excluded.at`
	selectRevocations = `
SELECT r.subject, t.now, pg_is_in_recovery() AS standby FROM (SELECT clock_timestamp() AS now) t LEFT JOIN LATERAL (
    SELECT subject FROM revocations
    WHERE at >= greatest(least(coalesce($1, t.now - $2::interval), t.now) - $3::interval, t.now - $2::interval) ORDER BY at LIMIT $4) r ON true`
	selectRevoked = `SELECT subject, pg_is_in_recovery() AS standby FROM (SELECT) t LEFT JOIN revocations ON subject = ANY ($1)`
)

// Since implements identity.RevocationStore.
func (r *Revocations) Since(ctx context.Context, f identity.Following) (found []uuid.UUID, now time.Time, err error) {
	type row struct {
		Subject *uuid.UUID
		Now     time.Time
		Standby bool
	}
	var after *time.Time
	if !f.After.IsZero() {
		after = &f.After
	}
	rows, err := list[row](ctx, reading{db: r.db, pool: r.db.guarding}, selectRevocations, after, f.Keep, f.Overlap, f.Most)
	for _, one := range rows {
		if one.Standby {
			r.db.guarding.Reset() // the next look finds the primary
			return nil, time.Time{}, errs.TryAgain(ErrReadOnly)
		}
		if now = one.Now; one.Subject != nil {
			found = append(found, *one.Subject)
		}
	}
	return found, now, err
}

// Among implements identity.RevocationStore.
func (r *Revocations) Among(ctx context.Context, subjects []uuid.UUID) (found []uuid.UUID, err error) {
	type row struct {
		Subject *uuid.UUID
		Standby bool
	}
	rows, err := list[row](ctx, reading{db: r.db, pool: r.db.tenants}, selectRevoked, subjects)
	for _, one := range rows {
		if one.Standby {
			r.db.tenants.Reset()
			return nil, errs.TryAgain(ErrReadOnly)
		}
		if one.Subject != nil {
			found = append(found, *one.Subject)
		}
	}
	return found, err
}

// Revoke implements identity.RevocationStore.
func (r *Revocations) Revoke(ctx context.Context, subjects []uuid.UUID) error {
	return r.db.write(ctx, uuid.Nil, func(ctx context.Context, tx pgx.Tx) error { return revokeAll(ctx, tx, subjects) })
}

// revokeAll has subjects be accepted no more, together with what else a transaction does. Its caller waits until all processes know.
func revokeAll(ctx context.Context, tx pgx.Tx, subjects []uuid.UUID) error {
	if len(subjects) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, revoke, subjects)
	return err
}
