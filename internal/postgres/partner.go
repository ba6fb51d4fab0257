package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/partner"
)

// Partners keeps clients and API keys.
type Partners struct{ db *DB }

var (
	_ partner.Store = (*Partners)(nil)
	_ partner.Uses  = (*Partners)(nil)
)

// NewPartners puts partners over a database.
func NewPartners(db *DB) *Partners { return &Partners{db} }

const clientColumns = `a.organization_id, a.id, a.version, a.name, a.method, a.secrets, a.keys, a.scopes, a.per_minute, a.created_at, a.created_by,
    a.last_used_at, a.last_used_with, a.revoked_at`

type clientRow struct {
	OrganizationID, ID uuid.UUID
	Version            int
	Name               string
	Method             partner.Method
	Secrets            json.RawMessage
	Keys               json.RawMessage
	Scopes             []string
	PerMinute          *int
	CreatedAt          time.Time
	CreatedBy          uuid.UUID
	LastUsedAt         *time.Time
	LastUsedWith       *uuid.UUID
	RevokedAt          *time.Time
}

// keptSecret is a secret as it is kept. Its digest is base64.
type keptSecret struct {
	ID        uuid.UUID  `json:"id"`
	Digest    []byte     `json:"digest"`
	CreatedAt time.Time  `json:"createdAt"`
	EndsAt    *time.Time `json:"endsAt,omitempty"`
}

func (r clientRow) client() (partner.Client, error) {
	c := partner.Client{
		OrganizationID: r.OrganizationID, ID: r.ID, Version: r.Version, Name: r.Name, Method: r.Method, Scopes: r.Scopes, PerMinute: or(r.PerMinute),
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, LastUsedAt: utc(r.LastUsedAt), LastUsedWith: or(r.LastUsedWith), RevokedAt: utc(r.RevokedAt),
	}
	var secrets []keptSecret
	if err := json.Unmarshal(r.Secrets, &secrets); err != nil {
		return c, err
	}
	for _, s := range secrets {
		kept := partner.Secret{ID: s.ID, CreatedAt: s.CreatedAt, EndsAt: s.EndsAt}
		copy(kept.Digest[:], s.Digest)
		c.Secrets = append(c.Secrets, kept)
	}
	if r.Method != partner.ByKey {
		return c, nil
	}
	keys, err := partner.KeptKeys(r.ID, r.Keys)
	c.Keys = keys
	return c, err
}

// proofs are what a client proves itself with, as it is kept.
func proofs(c partner.Client) (secrets, keys json.RawMessage, err error) {
	kept := []keptSecret{}
	for _, s := range c.Secrets {
		kept = append(kept, keptSecret{s.ID, s.Digest[:], s.CreatedAt, s.EndsAt})
	}
	if secrets, err = json.Marshal(kept); err != nil {
		return nil, nil, err
	}
	keys, err = partner.KeySet(c.Keys)
	return secrets, keys, err
}

const (
	lockPartners = `SELECT pg_advisory_xact_lock(hashtextextended('partners ' || $1::uuid, 0))`
	countClients = `SELECT count(*) FROM api_clients WHERE organization_id = $1 AND revoked_at IS NULL`
	clientByID   = `SELECT ` + clientColumns + ` FROM api_clients a WHERE a.organization_id = $1 AND a.id = $2`
	clientsByRef = `SELECT ` + clientColumns + ` FROM api_clients a JOIN unnest($1::uuid[], $2::uuid[]) r(organization, thing) ON a.organization_id = r.organization AND a.id = r.thing`
	insertClient = `
INSERT INTO api_clients (organization_id, id, version, name, method, secrets, keys, scopes, per_minute, created_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, 0), $10, $11)`
)

// CreateClient implements partner.Store.
func (p *Partners) CreateClient(ctx context.Context, by clinic.Stamp, once clinic.Once, c partner.Client) (was partner.Client, replayed bool, err error) {
	secrets, keys, err := proofs(c)
	if err != nil {
		return partner.Client{}, false, err
	}
	err = p.db.write(ctx, c.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		var before uuid.UUID
		if before, replayed, err = p.db.keyBegin(ctx, tx, c.OrganizationID, by, once); err != nil {
			return err
		}
		if replayed {
			row, _, err := one[clientRow](ctx, tx, clientByID, c.OrganizationID, before)
			if err == nil {
				was, err = row.client()
			}
			return err
		}
		if err := fewer(ctx, tx, partner.MaxClients, partner.ErrManyClients, countClients, c.OrganizationID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertClient, c.OrganizationID, c.ID, c.Version, c.Name, c.Method, secrets, keys, c.Scopes, c.PerMinute, c.CreatedAt, c.CreatedBy); err != nil {
			return err
		}
		if err := p.db.keyEnd(ctx, tx, c.OrganizationID, by, once, c.ID); err != nil {
			return err
		}
		was = c
		return record(ctx, tx, note(by, c.OrganizationID, "apiClient.create", partner.ClientKind, c.ID))
	})
	return was, replayed, broken(err)
}

// fewer fails when an organisation, $1 of a query, has so many already. Nobody else makes one until the transaction ends.
func fewer(ctx context.Context, tx pgx.Tx, most int, many error, query string, args ...any) error {
	if _, err := tx.Exec(ctx, lockPartners, args[0]); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(ctx, query, args...).Scan(&n); err != nil {
		return err
	}
	if n >= most {
		return many
	}
	return nil
}

const updateClient = `
UPDATE api_clients SET version = $4, secrets = $5, keys = $6, revoked_at = $7
WHERE organization_id = $1 AND id = $2 AND version = $3`

// ChangeClient implements partner.Store.
func (p *Partners) ChangeClient(ctx context.Context, by clinic.Stamp, action string, from, to partner.Client, revoked []uuid.UUID) (done bool, err error) {
	secrets, keys, err := proofs(to)
	if err != nil {
		return false, err
	}
	err = p.db.write(ctx, to.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, updateClient, to.OrganizationID, to.ID, from.Version, to.Version, secrets, keys, to.RevokedAt)
		if done = err == nil && tag.RowsAffected() > 0; !done {
			return err
		}
		if err := revokeAll(ctx, tx, revoked); err != nil {
			return err
		}
		return record(ctx, tx, note(by, to.OrganizationID, action, partner.ClientKind, to.ID))
	})
	return done, err
}

// Clients implements partner.Store.
func (p *Partners) Clients(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]partner.Client, error) {
	rows, err := listOf[clientRow](ctx, p.db, refs, clientsByRef)
	if err != nil {
		return nil, err
	}
	found := make(map[clinic.Ref]partner.Client, len(rows))
	for _, r := range rows {
		c, err := r.client()
		if err != nil {
			return nil, err
		}
		found[c.Ref()] = c
	}
	return found, nil
}

var newestPartners = order{column: "a.created_at", descending: true}

func filteredPartners(f partner.Filter) *where {
	w := &where{}
	w.and("a.organization_id = $%d", f.Organization)
	if !f.Revoked {
		w.conditions = append(w.conditions, "a.revoked_at IS NULL")
	}
	return w
}

// partnersPage lists the rows of a table that a page needs.
func partnersPage[R any](ctx context.Context, db *DB, columns, table string, f partner.Filter, w paging.Window) (paging.Page[R], error) {
	cond := filteredPartners(f)
	if err := cond.keyset(newestPartners, w); err != nil {
		return paging.Page[R]{}, err
	}
	sql := fmt.Sprintf("SELECT %s FROM %s a WHERE %s ORDER BY %s LIMIT %d", columns, table, cond, newestPartners.clause(w), w.Size+1)
	rows, err := list[R](ctx, db.tenant(f.Organization), sql, cond.args...)
	return paging.Cut(rows, w), err
}

// ListClients implements partner.Store.
func (p *Partners) ListClients(ctx context.Context, f partner.Filter, w paging.Window) (paging.Page[partner.Client], error) {
	rows, err := partnersPage[clientRow](ctx, p.db, clientColumns, "api_clients", f, w)
	if err != nil {
		return paging.Page[partner.Client]{}, err
	}
	page := paging.Page[partner.Client]{HasNext: rows.HasNext, HasPrevious: rows.HasPrevious}
	for _, r := range rows.Items {
		c, err := r.client()
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, c)
	}
	return page, nil
}

// CountClients implements partner.Store.
func (p *Partners) CountClients(ctx context.Context, f partner.Filter) (int, error) {
	cond := filteredPartners(f)
	return count(ctx, p.db.tenant(f.Organization), kept, "SELECT FROM api_clients a WHERE "+cond.String(), cond.args...)
}
