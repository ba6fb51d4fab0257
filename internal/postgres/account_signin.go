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

// Those who try one address stand in line here.
const lockSignInTries = `
INSERT INTO sign_in_tries (organization_id, email_token, tried_at, latest_at) VALUES ($1, $2, '{}', $3)
ON CONFLICT (organization_id, email_token) DO UPDATE SET told = sign_in_tries.told RETURNING tried_at, told`

const saveSignInTries = `
UPDATE sign_in_tries SET tried_at = $3, told = $4, latest_at = greatest(latest_at, $5) WHERE organization_id = $1 AND email_token = $2`

// What is done to an organisation that there isn't is told of as the platform's.
const toldOf = `
SELECT set_config('mediconnect.organization', CASE WHEN EXISTS (SELECT FROM organizations WHERE id = $1) THEN $1::text
    ELSE '00000000-0000-0000-0000-000000000000' END, true)::uuid`

// tell writes an audit row of an account, or of nobody.
func tell(ctx context.Context, tx pgx.Tx, by clinic.Stamp, action string, account clinic.Ref) error {
	organization, err := ids(ctx, tx, toldOf, account.Organization)
	if err != nil {
		return err
	}
	return record(ctx, tx, note(by, organization[0], action, identity.Kind, account.ID))
}

// Try is documented at identity.Store.
func (s *Accounts) Try(ctx context.Context, by clinic.Stamp, organization uuid.UUID, address access.Private) (t identity.Tried, err error) {
	t.Organization = organization
	if t.Token, err = s.db.emailToken(ctx, organization, address); err != nil {
		return t, err
	}
	err = s.db.signIn(ctx, organization, func(ctx context.Context, tx pgx.Tx) error {
		row, _, err := one[provingRow](ctx, tx, accountByToken, organization, t.Token)
		if err != nil {
			return err
		}
		return tryRow(ctx, tx, by, &t, row)
	})
	return t, err
}

// TryAgain is documented at identity.Store.
func (s *Accounts) TryAgain(ctx context.Context, by clinic.Stamp, account clinic.Ref) (t identity.Tried, err error) {
	t.Organization = account.Organization
	err = s.db.signIn(ctx, account.Organization, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[provingRow](ctx, tx, accountByID, account.Organization, account.ID)
		if err != nil || !found {
			return err
		}
		t.Token = row.EmailToken
		return tryRow(ctx, tx, by, &t, row)
	})
	return t, err
}

// tryRow counts a try of the address that t names, whose account row is.
func tryRow(ctx context.Context, tx pgx.Tx, by clinic.Stamp, t *identity.Tried, row provingRow) error {
	until, err := countTry(ctx, tx, by, t.Organization, t.Token, row.ID)
	if err != nil {
		return err
	}
	t.At, t.LockedUntil, t.Hash = by.At, until, row.PasswordHash
	row.Email = nil // nobody's isn't opened either
	t.Account, err = row.account(nil)
	return err
}

// countTry counts a try, or says until when there may be none.
func countTry(ctx context.Context, tx pgx.Tx, by clinic.Stamp, organization uuid.UUID, token []byte, account uuid.UUID) (until time.Time, err error) {
	row, _, err := one[struct {
		TriedAt []time.Time
		Told    bool
	}](ctx, tx, lockSignInTries, organization, token, by.At)
	if err != nil {
		return until, err
	}
	before := identity.Tries{At: row.TriedAt, Told: row.Told}
	after, until, ok := before.Another(by.At)
	if _, err := tx.Exec(ctx, saveSignInTries, organization, token, after.At, after.Told, by.At); err != nil {
		return until, err
	}
	if !ok && !before.Told {
		err = tell(ctx, tx, by, "account.signIn.locked", clinic.Ref{Organization: organization, ID: account})
	}
	return until.UTC(), err
}

// TakeBack is documented at identity.Store.
func (s *Accounts) TakeBack(ctx context.Context, t identity.Tried) error {
	return s.db.signIn(ctx, t.Organization, func(ctx context.Context, tx pgx.Tx) error {
		return takeBack(ctx, tx, t.Organization, t.Token, t.At)
	})
}

func takeBack(ctx context.Context, tx pgx.Tx, organization uuid.UUID, token []byte, at time.Time) error {
	row, _, err := one[struct {
		TriedAt []time.Time
		Told    bool
	}](ctx, tx, lockSignInTries, organization, token, at)
	if err != nil {
		return err
	}
	left := identity.Tries{At: row.TriedAt, Told: row.Told}.Without(at)
	_, err = tx.Exec(ctx, saveSignInTries, organization, token, left.At, left.Told, at)
	return err
}

// Refuse is documented at identity.Store.
func (s *Accounts) Refuse(ctx context.Context, by clinic.Stamp, account clinic.Ref) error {
	return s.db.signIn(ctx, account.Organization, func(ctx context.Context, tx pgx.Tx) error {
		return tell(ctx, tx, by, "account.signIn.refused", account)
	})
}

const (
	lockStanding = `SELECT ` + provingColumns + ` FROM accounts a
WHERE a.organization_id = $1 AND a.id = $2 AND a.version = $3 AND a.suspended_at IS NULL FOR NO KEY UPDATE`
	updateSignedIn = `UPDATE accounts SET last_sign_in_at = $3 WHERE organization_id = $1 AND id = $2`
	updateHash     = `UPDATE accounts SET password_hash = $3 WHERE organization_id = $1 AND id = $2`
)

const insertChallenge = `
INSERT INTO sign_in_challenges (organization_id, id, digest, account_id, account_version, kind, totp_secret, client, expires_at, by_password)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// Admit is documented at identity.Store.
func (s *Accounts) Admit(ctx context.Context, by clinic.Stamp, in identity.Admission) (account identity.Account, ok bool, err error) {
	ref := in.Account.Ref()
	err = s.db.signIn(ctx, ref.Organization, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[provingRow](ctx, tx, lockStanding, ref.Organization, ref.ID, in.Account.Version)
		if ok = err == nil && found; !ok {
			return err
		}
		if in.Hash != "" {
			if _, err := tx.Exec(ctx, updateHash, ref.Organization, ref.ID, in.Hash); err != nil {
				return err
			}
		}
		if in.Challenge != nil {
			err = s.db.challenge(ctx, tx, by, in, row.EmailToken)
		} else {
			err = signedIn(ctx, tx, by, "account.signIn", ref, !in.Tried.IsZero())
		}
		if err != nil {
			return err
		}
		list, err := s.db.accounts(ctx, row.accountRow)
		if err == nil {
			account = list[0]
		}
		return err
	})
	return account, ok, err
}

// signedIn keeps that somebody is in, and forgets what they tried before; unless a provider's word alone has let them in: whoever has that could
// guess the password for ever.
func signedIn(ctx context.Context, tx pgx.Tx, by clinic.Stamp, action string, account clinic.Ref, forget bool) error {
	if _, err := tx.Exec(ctx, updateSignedIn, account.Organization, account.ID, by.At); err != nil {
		return err
	}
	if forget {
		if _, err := tx.Exec(ctx, forgetTries, account.Organization, account.ID); err != nil {
			return err
		}
	}
	return record(ctx, tx, note(by, account.Organization, action, identity.Kind, account.ID))
}

// challenge keeps a challenge. The try that led to it is none; those before it stay, as whoever knows a password could guess codes for
// ever.
func (db *DB) challenge(ctx context.Context, tx pgx.Tx, by clinic.Stamp, in identity.Admission, token []byte) error {
	organization, account, owe := in.Account.OrganizationID, in.Account.ID, in.Challenge
	var secret []byte
	if owe.Secret != "" {
		pen, err := db.ownPen(ctx, organization)
		if err != nil {
			return err
		}
		secret = pen.seal(pen.in("sign_in_challenges", "totp_secret", owe.ID), owe.Secret)
	}
	_, err := tx.Exec(ctx, insertChallenge, organization, owe.ID, owe.Ticket.Digest[:], account, in.Account.Version, owe.Kind, secret, in.Client, owe.Expires,
		!in.Tried.IsZero())
	if err != nil {
		return err
	}
	if !in.Tried.IsZero() {
		if err := takeBack(ctx, tx, organization, token, in.Tried); err != nil {
			return err
		}
	}
	return record(ctx, tx, note(by, organization, "account.signIn.challenge", identity.Kind, account))
}

const selectStanding = `
SELECT id FROM accounts WHERE organization_id = $1 AND id = $2 AND version = $3 AND suspended_at IS NULL`

// Stands is documented at identity.Standing.
func (s *Accounts) Stands(ctx context.Context, account clinic.Ref, version int) (bool, error) {
	return s.db.stands(ctx, account, version)
}

// Stands is documented at identity.Standing.
func (s *Notes) Stands(ctx context.Context, account clinic.Ref, version int) (bool, error) {
	return s.db.stands(ctx, account, version)
}

func (db *DB) stands(ctx context.Context, account clinic.Ref, version int) (bool, error) {
	found, err := list[struct{ ID uuid.UUID }](ctx, db.tenant(account.Organization), selectStanding, account.Organization, account.ID, version)
	return len(found) > 0, err
}

// SetPassword is documented at identity.Store.
func (s *Accounts) SetPassword(ctx context.Context, by clinic.Stamp, a identity.Account, hash string) (done bool, err error) {
	err = s.db.signIn(ctx, a.OrganizationID, func(ctx context.Context, tx pgx.Tx) (err error) {
		if done, err = setPassword(ctx, tx, a.Ref(), a.Version, hash, by.At); err != nil || !done {
			return err
		}
		return record(ctx, tx, note(by, a.OrganizationID, "account.password", identity.Kind, a.ID))
	})
	return done, err
}
