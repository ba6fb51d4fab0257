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

// Two codes for one address at once end each other, one after the other.
const lockCodes = `SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(':', 'account codes', $1::uuid, $2::text, encode($3, 'hex')), 0))`

const (
	endCodes = `
UPDATE account_codes SET ended_at = $4 WHERE organization_id = $1 AND kind = $2 AND email_token = $3 AND used_at IS NULL AND ended_at IS NULL`
	insertCode = `
INSERT INTO account_codes (organization_id, id, asked_by, kind, email_token, token, made_at, expires_at)
SELECT $1, $2, n.id, $4, $5, $6, $7, $8 FROM account_notes n WHERE n.organization_id = $1 AND n.id = $3 AND n.dropped_at IS NULL`
)

// PutCode is documented at identity.MailStore.
func (s *Notes) PutCode(ctx context.Context, c identity.MailCode) (ok bool, err error) {
	organization := c.Note.OrganizationID
	key, err := s.db.lookUp(ctx, organization)
	if err != nil {
		return false, err
	}
	email, token := key.digest(identity.EmailHandle(c.Note.Email)), key.digest(identity.MailCodeHandle(c.Code))
	err = s.db.signIn(ctx, organization, func(ctx context.Context, tx pgx.Tx) error {
		ok = false
		if c.Note.First {
			if vacant, err := firstIsWanted(ctx, tx, organization); err != nil || !vacant {
				return err
			}
		}
		if _, err := tx.Exec(ctx, lockCodes, organization, string(c.Note.Kind), email); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, endCodes, organization, string(c.Note.Kind), email, c.MadeAt); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, insertCode, organization, c.ID, c.Note.ID, string(c.Note.Kind), email, token, c.MadeAt, c.Expires)
		ok = err == nil && tag.RowsAffected() > 0
		return err
	})
	return ok && err == nil, err
}

const selectRedeemable = `
SELECT n.organization_id, n.id, n.kind, n.email, n.email_token, n.locale, coalesce(n.role, '') AS role, n.provider_id, n.asked_at, n.attempts, n.invited_by, n.first
FROM account_codes c JOIN account_notes n ON n.organization_id = c.organization_id AND n.id = c.asked_by
WHERE c.organization_id = $1 AND c.token = $2 AND c.kind = $3 AND c.used_at IS NULL AND c.ended_at IS NULL AND c.expires_at > $4`

// Redeemable is documented at identity.MailStore.
func (s *Notes) Redeemable(
	ctx context.Context, organization uuid.UUID, k identity.NoteKind, code access.Private, now time.Time,
) (r identity.Redeemable, ok bool, err error) {
	err = s.db.redeem(ctx, organization, code, func(ctx context.Context, tx pgx.Tx, token []byte) error {
		r, ok = identity.Redeemable{}, false
		row, found, err := redeemable(ctx, tx, organization, token, k, now)
		if err != nil || !found {
			return err
		}
		r.Note, r.Account, err = s.db.asked(ctx, tx, row)
		ok = err == nil
		return err
	})
	return r, ok, err
}

// redeem does something about a code.
func (db *DB) redeem(ctx context.Context, organization uuid.UUID, code access.Private, do func(context.Context, pgx.Tx, []byte) error) error {
	key, err := db.lookUp(ctx, organization)
	if err != nil {
		return err
	}
	token := key.digest(identity.MailCodeHandle(code))
	return db.signIn(ctx, organization, func(ctx context.Context, tx pgx.Tx) error { return do(ctx, tx, token) })
}

const useCode = `
UPDATE account_codes SET used_at = $4
WHERE organization_id = $1 AND token = $2 AND kind = $3 AND used_at IS NULL AND ended_at IS NULL AND expires_at > $4`

// Found is documented at identity.MailStore.
func (s *Notes) Found(
	ctx context.Context, by clinic.Stamp, k identity.NoteKind, code access.Private, a identity.Account, hash string,
) (ok bool, err error) {
	err = s.db.redeem(ctx, a.OrganizationID, code, func(ctx context.Context, tx pgx.Tx, token []byte) error {
		ok = false
		row, good, err := redeemable(ctx, tx, a.OrganizationID, token, k, by.At)
		if err != nil || !good {
			return err
		}
		tag, err := tx.Exec(ctx, useCode, a.OrganizationID, token, string(k), by.At)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if ok, err = s.db.addAccount(ctx, tx, a, hash); err != nil || !ok {
			return err
		}
		if row.First {
			if err := endFirsts(ctx, tx, a.OrganizationID, by.At); err != nil {
				return err
			}
		}
		return record(ctx, tx, note(by, a.OrganizationID, actionsOfCodes[k], identity.Kind, a.ID))
	})
	return ok && err == nil, err
}

// actionsOfCodes are what using one is called in the audit trail.
var actionsOfCodes = map[identity.NoteKind]string{
	identity.SignUpNote: "account.verify", identity.ResetNote: "account.reset", identity.InviteNote: "account.accept",
}

// The account comes before its codes, as when its password is changed by who is signed in.
const lockAccountOfCode = `
SELECT a.id, a.version FROM account_codes c JOIN accounts a ON a.organization_id = c.organization_id AND a.email_token = c.email_token
WHERE c.organization_id = $1 AND c.token = $2 AND c.kind = $3 AND a.suspended_at IS NULL FOR NO KEY UPDATE OF a`

// Reset is documented at identity.MailStore.
func (s *Notes) Reset(ctx context.Context, by clinic.Stamp, organization uuid.UUID, code access.Private, hash string) (ok bool, err error) {
	err = s.db.redeem(ctx, organization, code, func(ctx context.Context, tx pgx.Tx, token []byte) error {
		ok = false
		account, found, err := one[struct {
			ID      uuid.UUID
			Version int
		}](ctx, tx, lockAccountOfCode, organization, token, string(identity.ResetNote))
		if err != nil || !found {
			return err
		}
		tag, err := tx.Exec(ctx, useCode, organization, token, string(identity.ResetNote), by.At)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if ok, err = setPassword(ctx, tx, clinic.Ref{Organization: organization, ID: account.ID}, account.Version, hash, by.At); err != nil || !ok {
			return err
		}
		return record(ctx, tx, note(by, organization, actionsOfCodes[identity.ResetNote], identity.Kind, account.ID))
	})
	return ok && err == nil, err
}
