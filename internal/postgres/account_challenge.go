package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// A challenge is over with the account that it was asked of.
const lockChallenge = `
SELECT c.id, c.account_id, c.account_version, c.kind, c.totp_secret, c.client, c.by_password, c.expires_at FROM sign_in_challenges c
JOIN accounts a ON a.organization_id = c.organization_id AND a.id = c.account_id AND a.version = c.account_version AND a.suspended_at IS NULL
WHERE c.organization_id = $1 AND c.digest = $2 AND c.expires_at > $3 AND c.tries < $4 FOR NO KEY UPDATE OF c`

const tryChallenge = `UPDATE sign_in_challenges SET tries = tries + 1 WHERE organization_id = $1 AND id = $2`

type challengeRow struct {
	ID, AccountID  uuid.UUID
	AccountVersion int
	Kind           identity.ChallengeKind
	TotpSecret     []byte
	Client         string
	ByPassword     bool
	ExpiresAt      time.Time
}

func (r challengeRow) secret(organization uuid.UUID) cell {
	return cellOf("sign_in_challenges", "totp_secret", organization, r.ID, organization, r.TotpSecret)
}

var errChallengeGone = errs.Missing("challenge", "challenge")

// Owed is documented at identity.Store.
func (s *Accounts) Owed(ctx context.Context, by clinic.Stamp, t identity.Ticket) (owed identity.Owed, err error) {
	err = s.db.signIn(ctx, t.Organization, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[challengeRow](ctx, tx, lockChallenge, t.Organization, t.Digest[:], by.At, identity.MaxChallengeTries)
		if err != nil || !found {
			return first(err, errChallengeGone)
		}
		who, _, err := one[provingRow](ctx, tx, accountByID, t.Organization, row.AccountID)
		if err != nil {
			return err
		}
		if owed, err = s.db.owed(ctx, t, row, who); err != nil {
			return err
		}
		owed.Tried = by.At
		if owed.LockedUntil, err = countTry(ctx, tx, by, t.Organization, who.EmailToken, row.AccountID); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, tryChallenge, t.Organization, row.ID)
		return err
	})
	return owed, err
}

func (db *DB) owed(ctx context.Context, t identity.Ticket, row challengeRow, who provingRow) (owed identity.Owed, err error) {
	at, last := who.secret(), who.TotpLastStep
	if row.Kind == identity.Enroll {
		at, last = row.secret(t.Organization), 0
	}
	keys, err := db.opener(ctx, []cell{at})
	if err != nil {
		return owed, err
	}
	secret, err := keys.open(at)
	if err != nil {
		return owed, err
	}
	who.Email = nil
	account, err := who.account(nil)
	owed = identity.Owed{
		Owe:     identity.Owe{ID: row.ID, Ticket: t, Kind: row.Kind, Secret: or(secret), Expires: row.ExpiresAt.UTC()},
		Account: account, ByPassword: row.ByPassword, Factor: identity.Factor{Secret: or(secret), LastStep: last}, Client: row.Client,
	}
	return owed, err
}

const (
	dropChallenge = `DELETE FROM sign_in_challenges WHERE organization_id = $1 AND id = $2`
	takeStep      = `UPDATE accounts SET totp_last_step = $3 WHERE organization_id = $1 AND id = $2 AND coalesce(totp_last_step, 0) < $3`
	takeRecovery  = `DELETE FROM recovery_codes WHERE organization_id = $1 AND account_id = $2 AND digest = $3`
	dropRecovery  = `DELETE FROM recovery_codes WHERE organization_id = $1 AND account_id = $2`
	addRecovery   = `INSERT INTO recovery_codes (organization_id, account_id, digest) SELECT $1, $2, unnest($3::bytea[])`
	enrollFactor  = `
UPDATE accounts SET totp_secret = $3, totp_enrolled_at = $4, totp_last_step = $5, version = version + 1
WHERE organization_id = $1 AND id = $2 AND totp_secret IS NULL`
)

// Answer is documented at identity.Store.
func (s *Accounts) Answer(ctx context.Context, by clinic.Stamp, a identity.Answer) (account identity.Account, ok bool, err error) {
	ref := a.Account.Ref()
	account = a.Account
	err = s.db.signIn(ctx, ref.Organization, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[provingRow](ctx, tx, lockStanding, ref.Organization, ref.ID, a.Account.Version)
		if ok = err == nil && found; !ok {
			return err
		}
		if ok, err = s.db.settleAnswer(ctx, tx, by, a); err != nil || !ok {
			return err
		}
		if !a.ByPassword { // whoever guesses the password needn't be who is in
			if err := takeBack(ctx, tx, ref.Organization, row.EmailToken, a.Tried); err != nil {
				return err
			}
		}
		if err := signedIn(ctx, tx, by, actionOf(a), ref, a.ByPassword); err != nil {
			return err
		}
		list, err := s.db.accounts(ctx, row.accountRow)
		if err != nil {
			return err
		}
		if account = list[0]; a.Kind == identity.Enroll {
			account.Version, account.EnrolledAt = account.Version+1, by.At
		}
		return nil
	})
	if errors.Is(err, errNoCode) {
		return a.Account, false, nil
	}
	return account, ok, err
}

// errNoCode ends a transaction whose code is none, or was used before.
var errNoCode = errors.New("no such code")

// actionOf is what a sign-in by an answer is called in the audit trail.
func actionOf(a identity.Answer) string {
	switch {
	case a.Kind == identity.Enroll:
		return "account.signIn.enrolled"
	case a.Step > 0:
		return "account.signIn"
	}
	return "account.signIn.recovered"
}

// settleAnswer uses a challenge and a code up. It is false when the challenge was, and fails with errNoCode when
// the code was.
func (db *DB) settleAnswer(ctx context.Context, tx pgx.Tx, by clinic.Stamp, a identity.Answer) (bool, error) {
	organization, account := a.Account.OrganizationID, a.Account.ID
	tag, err := tx.Exec(ctx, dropChallenge, organization, a.ID)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	if a.Kind == identity.Enroll {
		err = db.enroll(ctx, tx, by, a)
		return err == nil, err
	}
	statement, with := takeStep, any(a.Step)
	if a.Step == 0 {
		key, err := db.lookUp(ctx, organization)
		if err != nil {
			return false, err
		}
		statement, with = takeRecovery, key.digest(identity.RecoveryHandle(account, a.Recovery))
	}
	tag, err = tx.Exec(ctx, statement, organization, account, with)
	if err == nil && tag.RowsAffected() == 0 {
		err = errNoCode
	}
	return err == nil, err
}

// enroll keeps a second factor, which the account hadn't, and its recovery codes.
func (db *DB) enroll(ctx context.Context, tx pgx.Tx, by clinic.Stamp, a identity.Answer) error {
	organization, account := a.Account.OrganizationID, a.Account.ID
	pen, err := db.ownPen(ctx, organization)
	if err != nil {
		return err
	}
	secret := pen.seal(pen.in("accounts", "totp_secret", account), a.Secret)
	tag, err := tx.Exec(ctx, enrollFactor, organization, account, secret, by.At, a.Step)
	if err != nil || tag.RowsAffected() == 0 {
		return first(err, errNoCode)
	}
	return db.putRecovery(ctx, tx, organization, account, a.Codes)
}
