package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// Accounts is the store of the room identity. What proves who somebody is shows to the role that signs in alone.
type Accounts struct{ db *DB }

// NewAccounts puts the store over a database.
func NewAccounts(db *DB) *Accounts { return &Accounts{db} }

// signIn is write for one tenant as the role that signs in.
func (db *DB) signIn(ctx context.Context, organization uuid.UUID, f func(context.Context, pgx.Tx) error) error {
	return broken(db.retry(ctx, "begin"+within(organization)+"; SET LOCAL ROLE "+signInRole, f))
}

const (
	accountColumns = `a.organization_id, a.id, a.version, a.email, a.role, a.provider_id, a.locale, a.created_at, a.suspended_at,
    a.totp_enrolled_at, a.last_sign_in_at`
	provingColumns = accountColumns + `, a.email_token, coalesce(a.password_hash, '') AS password_hash, a.totp_secret, coalesce(a.totp_last_step, 0) AS totp_last_step`
)

// accountRow is a row of the table as the tenant sees it.
type accountRow struct {
	OrganizationID, ID uuid.UUID
	Version            int
	Email              []byte
	Role               access.Role
	ProviderID         *uuid.UUID
	Locale             string
	CreatedAt          time.Time
	SuspendedAt        *time.Time
	TotpEnrolledAt     *time.Time
	LastSignInAt       *time.Time
}

// provingRow is one as the role that signs in sees it.
type provingRow struct {
	accountRow
	EmailToken   []byte
	PasswordHash string
	TotpSecret   []byte
	TotpLastStep int64
}

func (r accountRow) email() cell {
	return cellOf("accounts", "email", r.OrganizationID, r.ID, r.OrganizationID, r.Email)
}

func (r provingRow) secret() cell {
	return cellOf("accounts", "totp_secret", r.OrganizationID, r.ID, r.OrganizationID, r.TotpSecret)
}

// account reads a row whose keys were looked for.
func (r accountRow) account(keys opener) (identity.Account, error) {
	email, err := keys.open(r.email())
	return identity.Account{
		OrganizationID: r.OrganizationID, ID: r.ID, Version: r.Version, Role: r.Role, ProviderID: or(r.ProviderID), Email: or(email),
		Locale: r.Locale, CreatedAt: r.CreatedAt.UTC(), SuspendedAt: or(r.SuspendedAt).UTC(),
		EnrolledAt: or(r.TotpEnrolledAt).UTC(), LastSignInAt: or(r.LastSignInAt).UTC(),
	}, err
}

// accounts reads rows, with one look for all their keys.
func (db *DB) accounts(ctx context.Context, rows ...accountRow) ([]identity.Account, error) {
	cells := column(rows, accountRow.email)
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return nil, err
	}
	list := make([]identity.Account, len(rows))
	for i, r := range rows {
		if list[i], err = r.account(keys); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// emailToken is what an organisation's account of an address is found by.
func (db *DB) emailToken(ctx context.Context, organization uuid.UUID, address access.Private) ([]byte, error) {
	key, err := db.lookUp(ctx, organization)
	if err != nil {
		return nil, err
	}
	return key.digest(identity.EmailHandle(address)), nil
}

const (
	accountByToken = `SELECT ` + provingColumns + ` FROM accounts a WHERE a.organization_id = $1 AND a.email_token = $2`
	accountByID    = `SELECT ` + provingColumns + ` FROM accounts a WHERE a.organization_id = $1 AND a.id = $2`
)

const insertAccount = `
INSERT INTO accounts (organization_id, id, version, email, email_token, role, provider_id, locale, password_hash, password_changed_at, created_at)
SELECT $1::uuid, $2::uuid, $3::integer, $4::bytea, $5::bytea, $6, $7::uuid, $8, NULLIF($9, ''), CASE WHEN $9 <> '' THEN $10::timestamptz END, $10::timestamptz
WHERE $1 = '00000000-0000-0000-0000-000000000000' OR EXISTS (SELECT FROM organizations WHERE id = $1)
ON CONFLICT (organization_id, email_token) DO NOTHING`

// addAccount writes a new account with a password's hash (empty: none), unless its address has one already or there is no such
// organisation. It wants the role that signs in.
func (db *DB) addAccount(ctx context.Context, tx pgx.Tx, a identity.Account, hash string) (added bool, err error) {
	token, err := db.emailToken(ctx, a.OrganizationID, a.Email)
	if err != nil {
		return false, err
	}
	pen, err := db.ownPen(ctx, a.OrganizationID)
	if err != nil {
		return false, err
	}
	email := pen.seal(pen.in("accounts", "email", a.ID), a.Email)
	tag, err := tx.Exec(ctx, insertAccount, a.OrganizationID, a.ID, a.Version, email, token, a.Role, idOf(a.ProviderID), a.Locale, hash, a.CreatedAt)
	return err == nil && tag.RowsAffected() > 0, err
}

// ownPen is the pen of what is an organisation's own.
func (db *DB) ownPen(ctx context.Context, organization uuid.UUID) (pen, error) {
	about := seal.Subject{Organization: organization, ID: organization}
	list, err := db.pens(ctx, about)
	return list[about], err
}

const updatePassword = `
UPDATE accounts SET password_hash = $4, password_changed_at = $5, version = version + 1
WHERE organization_id = $1 AND id = $2 AND version = $3`

// Who has a new password may try it at once.
const forgetTries = `
DELETE FROM sign_in_tries t USING accounts a
WHERE a.organization_id = $1 AND a.id = $2 AND t.organization_id = a.organization_id AND t.email_token = a.email_token`

// Whoever had got in may have left themselves a way back.
const (
	unlinkProviders = `DELETE FROM openid_links WHERE organization_id = $1 AND account_id = $2`
	endResets       = `
UPDATE account_codes c SET ended_at = $3 FROM accounts a
WHERE a.organization_id = $1 AND a.id = $2 AND c.organization_id = $1 AND c.kind = 'RESET' AND c.email_token = a.email_token
    AND c.used_at IS NULL AND c.ended_at IS NULL`
)

// setPassword gives an account that still is as it was read another password, unlinks it from all providers and ends the codes that were
// mailed for another one. It wants the role that signs in; the account's sessions are the caller's to end.
func setPassword(ctx context.Context, tx pgx.Tx, account clinic.Ref, version int, hash string, at time.Time) (done bool, err error) {
	tag, err := tx.Exec(ctx, updatePassword, account.Organization, account.ID, version, hash, at)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	if _, err = tx.Exec(ctx, forgetTries, account.Organization, account.ID); err == nil {
		_, err = tx.Exec(ctx, unlinkProviders, account.Organization, account.ID)
	}
	if err == nil {
		_, err = tx.Exec(ctx, endResets, account.Organization, account.ID, at)
	}
	return err == nil, err
}

// Create is documented at identity.Store.
func (s *Accounts) Create(ctx context.Context, by clinic.Stamp, a identity.Account, hash string) (added bool, err error) {
	err = s.db.signIn(ctx, a.OrganizationID, func(ctx context.Context, tx pgx.Tx) (err error) {
		if added, err = s.db.addAccount(ctx, tx, a, hash); err != nil || !added {
			return err
		}
		return record(ctx, tx, note(by, a.OrganizationID, "account.create", identity.Kind, a.ID))
	})
	return added, err
}
