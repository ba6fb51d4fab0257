package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/partner"
)

const apiKeyColumns = `a.organization_id, a.id, a.version, a.name, a.prefix, a.digest, a.scopes, a.per_minute, a.created_at, a.created_by, a.expires_at,
    a.last_used_at, a.revoked_at`

type apiKeyRow struct {
	OrganizationID, ID uuid.UUID
	Version            int
	Name, Prefix       string
	Digest             []byte
	Scopes             []string
	PerMinute          *int
	CreatedAt          time.Time
	CreatedBy          uuid.UUID
	ExpiresAt          time.Time
	LastUsedAt         *time.Time
	RevokedAt          *time.Time
}

func (r apiKeyRow) key() partner.APIKey {
	k := partner.APIKey{
		OrganizationID: r.OrganizationID, ID: r.ID, Version: r.Version, Name: r.Name, Prefix: r.Prefix, Scopes: r.Scopes, PerMinute: or(r.PerMinute),
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, ExpiresAt: r.ExpiresAt.UTC(), LastUsedAt: utc(r.LastUsedAt), RevokedAt: utc(r.RevokedAt),
	}
	copy(k.Digest[:], r.Digest)
	return k
}

const (
	countAPIKeys = `SELECT count(*) FROM api_keys WHERE organization_id = $1 AND revoked_at IS NULL AND expires_at > $2`
	apiKeyByID   = `SELECT ` + apiKeyColumns + ` FROM api_keys a WHERE a.organization_id = $1 AND a.id = $2`
	apiKeysByRef = `SELECT ` + apiKeyColumns + ` FROM api_keys a JOIN unnest($1::uuid[], $2::uuid[]) r(organization, thing) ON a.organization_id = r.organization AND a.id = r.thing`
	insertAPIKey = `
INSERT INTO api_keys (organization_id, id, version, name, prefix, digest, scopes, per_minute, created_at, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, 0), $9, $10, $11)`
)

// CreateKey implements partner.Store.
func (p *Partners) CreateKey(ctx context.Context, by clinic.Stamp, once clinic.Once, k partner.APIKey) (was partner.APIKey, replayed bool, err error) {
	err = p.db.write(ctx, k.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		var before uuid.UUID
		if before, replayed, err = p.db.keyBegin(ctx, tx, k.OrganizationID, by, once); err != nil {
			return err
		}
		if replayed {
			row, _, err := one[apiKeyRow](ctx, tx, apiKeyByID, k.OrganizationID, before)
			was = row.key()
			return err
		}
		if err := fewer(ctx, tx, partner.MaxAPIKeys, partner.ErrManyKeys, countAPIKeys, k.OrganizationID, by.At); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertAPIKey, k.OrganizationID, k.ID, k.Version, k.Name, k.Prefix, k.Digest[:], k.Scopes, k.PerMinute, k.CreatedAt, k.CreatedBy, k.ExpiresAt); err != nil {
			return err
		}
		if err := p.db.keyEnd(ctx, tx, k.OrganizationID, by, once, k.ID); err != nil {
			return err
		}
		was = k
		return record(ctx, tx, note(by, k.OrganizationID, "apiKey.create", partner.KeyKind, k.ID))
	})
	return was, replayed, broken(err)
}

const updateAPIKey = `UPDATE api_keys SET version = $4, revoked_at = $5 WHERE organization_id = $1 AND id = $2 AND version = $3`

// ChangeKey implements partner.Store.
func (p *Partners) ChangeKey(ctx context.Context, by clinic.Stamp, action string, from, to partner.APIKey) (done bool, err error) {
	err = p.db.write(ctx, to.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, updateAPIKey, to.OrganizationID, to.ID, from.Version, to.Version, to.RevokedAt)
		if done = err == nil && tag.RowsAffected() > 0; !done {
			return err
		}
		if err := revokeAll(ctx, tx, []uuid.UUID{to.ID}); err != nil {
			return err
		}
		return record(ctx, tx, note(by, to.OrganizationID, action, partner.KeyKind, to.ID))
	})
	return done, err
}

// Keys implements partner.Store.
func (p *Partners) Keys(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]partner.APIKey, error) {
	rows, err := listOf[apiKeyRow](ctx, p.db, refs, apiKeysByRef)
	found := make(map[clinic.Ref]partner.APIKey, len(rows))
	for _, r := range rows {
		k := r.key()
		found[k.Ref()] = k
	}
	return found, err
}

// ListKeys implements partner.Store.
func (p *Partners) ListKeys(ctx context.Context, f partner.Filter, w paging.Window) (paging.Page[partner.APIKey], error) {
	rows, err := partnersPage[apiKeyRow](ctx, p.db, apiKeyColumns, "api_keys", f, w)
	return mapPage(rows, apiKeyRow.key), err
}

// CountKeys implements partner.Store.
func (p *Partners) CountKeys(ctx context.Context, f partner.Filter) (int, error) {
	cond := filteredPartners(f)
	return count(ctx, p.db.tenant(f.Organization), kept, "SELECT FROM api_keys a WHERE "+cond.String(), cond.args...)
}
