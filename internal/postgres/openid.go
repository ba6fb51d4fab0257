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

var _ identity.OpenIDStore = (*Accounts)(nil)

const insertAttempt = `
INSERT INTO openid_attempts (organization_id, digest, provider, nonce, verifier, redirect_uri, client, account_id, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// KeepAttempt is documented at identity.OpenIDStore.
func (s *Accounts) KeepAttempt(ctx context.Context, a identity.OpenIDAttempt) error {
	return s.db.signIn(ctx, a.Organization, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertAttempt, a.Organization, a.Digest[:], a.Provider, a.Nonce.Reveal(), a.Verifier.Reveal(), a.RedirectURI,
			a.Client, idOf(a.Account), a.Expires)
		return err
	})
}

const takeAttempt = `
DELETE FROM openid_attempts WHERE organization_id = $1 AND digest = $2
RETURNING provider, nonce, verifier, redirect_uri AS redirect, client, account_id, expires_at`

// TakeAttempt is documented at identity.OpenIDStore.
func (s *Accounts) TakeAttempt(ctx context.Context, t identity.Ticket, now time.Time) (a identity.OpenIDAttempt, ok bool, err error) {
	type row struct {
		Provider, Nonce, Verifier, Redirect, Client string
		AccountID                                   *uuid.UUID
		ExpiresAt                                   time.Time
	}
	var r row
	err = s.db.signIn(ctx, t.Organization, func(ctx context.Context, tx pgx.Tx) (err error) {
		r, ok, err = one[row](ctx, tx, takeAttempt, t.Organization, t.Digest[:])
		return err
	})
	a = identity.OpenIDAttempt{
		Ticket: t, Provider: r.Provider, Client: r.Client, Account: or(r.AccountID), Expires: r.ExpiresAt.UTC(),
		OpenIDAsk: identity.OpenIDAsk{Nonce: access.Private(r.Nonce), Verifier: access.Private(r.Verifier), RedirectURI: r.Redirect},
	}
	return a, ok && now.Before(a.Expires), err
}

const (
	accountLinked = `SELECT ` + accountColumns + ` FROM accounts a
JOIN openid_links l ON l.organization_id = a.organization_id AND l.account_id = a.id
WHERE l.organization_id = $1 AND l.provider = $2 AND l.subject_token = $3`
	accountToLink = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.organization_id = $1 AND a.email_token = $2`
)

// Linked is documented at identity.OpenIDStore.
func (s *Accounts) Linked(
	ctx context.Context, organization uuid.UUID, provider, subject string, address access.Private,
) (account identity.Account, linked bool, err error) {
	key, err := s.db.lookUp(ctx, organization)
	if err != nil {
		return account, false, err
	}
	err = s.db.signIn(ctx, organization, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[accountRow](ctx, tx, accountLinked, organization, provider, key.digest(identity.SubjectHandle(provider, subject)))
		if linked = found; err == nil && !found && address != "" {
			row, found, err = one[accountRow](ctx, tx, accountToLink, organization, key.digest(identity.EmailHandle(address)))
		}
		if err != nil || !found {
			return err
		}
		list, err := s.db.accounts(ctx, row)
		if err == nil {
			account = list[0]
		}
		return err
	})
	return account, linked, err
}

const insertOpenIDLink = `
INSERT INTO openid_links (organization_id, provider, subject_token, account_id, linked_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`

// Link is documented at identity.OpenIDStore.
func (s *Accounts) Link(ctx context.Context, by clinic.Stamp, account clinic.Ref, provider, subject string) (done bool, err error) {
	key, err := s.db.lookUp(ctx, account.Organization)
	if err != nil {
		return false, err
	}
	err = s.db.signIn(ctx, account.Organization, func(ctx context.Context, tx pgx.Tx) error {
		token := key.digest(identity.SubjectHandle(provider, subject))
		tag, err := tx.Exec(ctx, insertOpenIDLink, account.Organization, provider, token, account.ID, by.At)
		if done = err == nil && tag.RowsAffected() > 0; !done {
			return err
		}
		return record(ctx, tx, note(by, account.Organization, "account.openId.link", identity.Kind, account.ID))
	})
	return done, err
}
