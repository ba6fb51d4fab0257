package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/partner"
)

const clientWithTries = `SELECT ` + clientColumns + `, coalesce(t.tries, 0) AS tries FROM api_clients a
LEFT JOIN client_tries t ON t.organization_id = a.organization_id AND t.client_id = a.id AND t.source = $3 AND t.since > $4
WHERE a.organization_id = $1 AND a.id = $2`

// Client implements partner.Uses.
func (p *Partners) Client(ctx context.Context, ref clinic.Ref, source partner.Digest, since time.Time) (c partner.Client, tries int, found bool, err error) {
	type row struct {
		clientRow
		Tries int
	}
	rows, err := list[row](ctx, p.db.tenant(ref.Organization), clientWithTries, ref.Organization, ref.ID, source[:], since)
	if err != nil || len(rows) == 0 {
		return partner.Client{}, 0, false, err
	}
	c, err = rows[0].client()
	return c, rows[0].Tries, true, err
}

// What is over is dropped by whoever comes next.
const (
	dropTries    = `DELETE FROM client_tries WHERE organization_id = $1 AND client_id = $2 AND since <= $3`
	countRefusal = `
INSERT INTO client_tries (organization_id, client_id, source, since, tries) VALUES ($1, $2, $3, $4, 1)
ON CONFLICT (organization_id, client_id, source) DO UPDATE SET tries = client_tries.tries + 1 WHERE client_tries.tries < $5`
)

// Refused implements partner.Uses.
func (p *Partners) Refused(ctx context.Context, by clinic.Stamp, c clinic.Ref, source partner.Digest, since time.Time) error {
	return p.db.write(ctx, c.Organization, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, dropTries, c.Organization, c.ID, since); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, countRefusal, c.Organization, c.ID, source[:], by.At, partner.MaxTries)
		if err != nil || tag.RowsAffected() == 0 { // many came at once
			return err
		}
		_, err = tx.Exec(ctx, insertAudits, auditColumns(c.Organization, []audit.Event{tokenRefused(by, c)})...)
		return err
	})
}

func tokenRefused(by clinic.Stamp, c clinic.Ref) audit.Event {
	return audit.Event{
		Organization: c.Organization, ID: by.AuditID, At: by.At, ActorKind: by.Actor.Kind, Actor: by.Actor.ID, Client: by.Actor.Client,
		Action: tokenAction, EntityKind: partner.ClientKind, Entity: c.ID, Request: by.Actor.RequestID, Effect: audit.Write, Outcome: audit.Denied,
		Purpose: by.Actor.Purpose(), Flags: audit.NoFlags, Times: 1,
	}
}

const tokenAction = "apiClient.token"

const (
	dropAssertions = `DELETE FROM client_assertions WHERE organization_id = $1 AND client_id = $2 AND expires_at <= $3`
	keepAssertion  = `INSERT INTO client_assertions (organization_id, client_id, digest, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
)

// Spend implements partner.Uses.
func (p *Partners) Spend(ctx context.Context, c clinic.Ref, assertion partner.Digest, now, until time.Time) (fresh bool, err error) {
	err = p.db.write(ctx, c.Organization, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, dropAssertions, c.Organization, c.ID, now); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, keepAssertion, c.Organization, c.ID, assertion[:], until)
		fresh = err == nil && tag.RowsAffected() > 0
		return err
	})
	return fresh, err
}

const useClient = `
UPDATE api_clients SET last_used_at = $3, last_used_with = $4
WHERE organization_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at <= $5)`

// Granted implements partner.Uses.
func (p *Partners) Granted(ctx context.Context, by clinic.Stamp, c clinic.Ref) error {
	return p.db.write(ctx, c.Organization, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, useClient, c.Organization, c.ID, by.At, by.Actor.Credential, by.At.Add(-time.Minute))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return record(ctx, tx, note(by, c.Organization, tokenAction, partner.ClientKind, c.ID))
	})
}

// Key implements partner.Uses.
func (p *Partners) Key(ctx context.Context, ref clinic.Ref) (partner.APIKey, bool, error) {
	found, err := p.Keys(ctx, []clinic.Ref{ref})
	k, ok := found[ref]
	return k, ok, err
}

const useAPIKey = `
UPDATE api_keys SET last_used_at = $3 WHERE organization_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at <= $4)`

// KeyUsed implements partner.Uses.
func (p *Partners) KeyUsed(ctx context.Context, k clinic.Ref, at time.Time) error {
	return p.db.write(ctx, k.Organization, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, useAPIKey, k.Organization, k.ID, at, at.Add(-time.Minute))
		return err
	})
}
