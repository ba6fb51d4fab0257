package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// Sessions keeps sessions, each as its tenant.
type Sessions struct{ db *DB }

var _ identity.SessionStore = (*Sessions)(nil)

// NewSessions puts sessions over a database.
func NewSessions(db *DB) *Sessions { return &Sessions{db} }

type sessionRow struct {
	OrganizationID, ID, AccountID    uuid.UUID
	Role                             string
	ProviderID                       *uuid.UUID
	Client                           string
	CreatedAt, LastUsedAt, ExpiresAt time.Time
	Generation                       int
	RotatedAt                        time.Time
	EndedAt                          *time.Time
}

const sessionColumns = `s.organization_id, s.id, s.account_id, s.role, s.provider_id, s.client, s.created_at, s.last_used_at, s.expires_at,
    s.generation, s.rotated_at, s.ended_at`

func (r sessionRow) session() identity.Session {
	return identity.Session{
		OrganizationID: r.OrganizationID, ID: r.ID, AccountID: r.AccountID, Role: access.Role(r.Role), ProviderID: or(r.ProviderID), Client: r.Client,
		CreatedAt: r.CreatedAt.UTC(), LastUsedAt: r.LastUsedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), Generation: r.Generation,
		RotatedAt: r.RotatedAt.UTC(), EndedAt: or(utc(r.EndedAt)),
	}
}

const (
	// Whoever opens sessions of an account and whoever ends all of them take turns.
	lockSessions  = `SELECT pg_advisory_xact_lock(hashtextextended('sessions ' || $1::uuid || $2::uuid, 0))`
	insertSession = `
INSERT INTO sessions (organization_id, id, account_id, role, provider_id, client, created_at, last_used_at, expires_at, generation, rotated_at)
VALUES ($1, $2, $3, $4, nullif($5, '00000000-0000-0000-0000-000000000000'::uuid), $6, $7, $8, $9, $10, $11)`
	insertRefresh = `
INSERT INTO session_refreshes (organization_id, session_id, digest, generation, created_at) VALUES ($1, $2, $3, $4, $5)`
	crowdOut = `
UPDATE sessions SET ended_at = $3 WHERE organization_id = $1 AND id IN (
    SELECT id FROM sessions WHERE organization_id = $1 AND account_id = $2 AND ended_at IS NULL ORDER BY last_used_at DESC OFFSET $4)
RETURNING id`
)

// OpenSession implements identity.SessionStore.
func (s *Sessions) OpenSession(ctx context.Context, of identity.Session, first identity.RefreshDigest, most int) error {
	return s.db.write(ctx, of.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSessions, of.OrganizationID, of.AccountID); err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue(insertSession, of.OrganizationID, of.ID, of.AccountID, string(of.Role), of.ProviderID, of.Client, of.CreatedAt, of.LastUsedAt,
			of.ExpiresAt, of.Generation, of.RotatedAt)
		batch.Queue(insertRefresh, of.OrganizationID, of.ID, first[:], of.Generation, of.CreatedAt)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		ended, err := ids(ctx, tx, crowdOut, of.OrganizationID, of.AccountID, of.CreatedAt, most)
		if err != nil {
			return err
		}
		return revokeAll(ctx, tx, ended)
	})
}

const selectSession = `SELECT ` + sessionColumns + ` FROM sessions s WHERE s.organization_id = $1 AND s.id = $2`

// FindSession implements identity.SessionStore.
func (s *Sessions) FindSession(ctx context.Context, of clinic.Ref) (identity.Session, bool, error) {
	return s.find(ctx, of.Organization, selectSession, of.Organization, of.ID)
}

const selectRefreshed = selectSession + ` AND EXISTS (
    SELECT FROM session_refreshes r WHERE r.organization_id = $1 AND r.session_id = $2 AND r.digest = $3)`

// FindRefreshed implements identity.SessionStore.
func (s *Sessions) FindRefreshed(ctx context.Context, of clinic.Ref, digest identity.RefreshDigest) (identity.Session, bool, error) {
	return s.find(ctx, of.Organization, selectRefreshed, of.Organization, of.ID, digest[:])
}

func (s *Sessions) find(ctx context.Context, organization uuid.UUID, query string, args ...any) (identity.Session, bool, error) {
	rows, err := list[sessionRow](ctx, s.db.tenant(organization), query, args...)
	if err != nil || len(rows) == 0 {
		return identity.Session{}, false, err
	}
	return rows[0].session(), true, nil
}

const selectSessions = `SELECT ` + sessionColumns + ` FROM sessions s
WHERE s.organization_id = $1 AND s.account_id = $2 AND s.ended_at IS NULL AND s.expires_at > $3 ORDER BY s.created_at DESC, s.id LIMIT $4`

// ListSessions implements identity.SessionStore.
func (s *Sessions) ListSessions(ctx context.Context, organization, account uuid.UUID, now time.Time, most int) ([]identity.Session, error) {
	rows, err := list[sessionRow](ctx, s.db.tenant(organization), selectSessions, organization, account, now, most)
	return column(rows, sessionRow.session), err
}

// tellAgain is for how long the revocation of what has ended is told anew to whoever asks for it again.
const tellAgain = 30 * time.Minute

const (
	lockEnding = `
SELECT id FROM sessions WHERE organization_id = $1 AND account_id = $2 AND ($3 = '00000000-0000-0000-0000-000000000000'::uuid OR id = $3) AND id <> $4
    AND (ended_at IS NULL OR ended_at > $5) ORDER BY id FOR UPDATE`
	endSessions = `UPDATE sessions SET ended_at = $3 WHERE organization_id = $1 AND id = ANY ($2) AND ended_at IS NULL`
)

// EndSessions implements identity.SessionStore.
func (s *Sessions) EndSessions(ctx context.Context, organization uuid.UUID, e identity.Ending) (found []uuid.UUID, err error) {
	err = s.db.write(ctx, organization, func(ctx context.Context, tx pgx.Tx) (err error) {
		var open bool
		if found, open, err = end(ctx, tx, organization, e); err != nil || e.Action == "" || !open {
			return err
		}
		kind, id := "Account", e.Account
		if e.Session != uuid.Nil {
			kind, id = "Session", e.Session
		}
		return record(ctx, tx, note(e.By, organization, e.Action, kind, id))
	})
	return found, err
}

// end ends sessions together with what else a transaction does, and answers them, and whether any of them was open still.
func end(ctx context.Context, tx pgx.Tx, organization uuid.UUID, e identity.Ending) (found []uuid.UUID, open bool, err error) {
	if _, err := tx.Exec(ctx, lockSessions, organization, e.Account); err != nil {
		return nil, false, err
	}
	if found, err = ids(ctx, tx, lockEnding, organization, e.Account, e.Session, e.But, e.By.At.Add(-tellAgain)); err != nil {
		return nil, false, err
	}
	tag, err := tx.Exec(ctx, endSessions, organization, found, e.By.At)
	if err != nil {
		return nil, false, err
	}
	return found, tag.RowsAffected() > 0, revokeAll(ctx, tx, found)
}

// The rows are locked in one order: others note uses, too.
const noteUses = `
WITH used AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) u(organization_id, id, at)), locked AS (
    SELECT s.organization_id, s.id, u.at FROM sessions s JOIN used u USING (organization_id, id)
    WHERE s.last_used_at < u.at ORDER BY s.organization_id, s.id FOR NO KEY UPDATE OF s)
UPDATE sessions s SET last_used_at = l.at FROM locked l
WHERE s.organization_id = l.organization_id AND s.id = l.id AND s.last_used_at < l.at`

// NoteUses implements identity.SessionStore.
func (s *Sessions) NoteUses(ctx context.Context, uses []identity.Use) error {
	return s.db.writeAs(ctx, signInRole, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, noteUses,
			column(uses, func(u identity.Use) uuid.UUID { return u.Session.Organization }),
			column(uses, func(u identity.Use) uuid.UUID { return u.Session.ID }),
			column(uses, func(u identity.Use) time.Time { return u.At }))
		return err
	})
}
