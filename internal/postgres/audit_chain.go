package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/audit"
)

// Released implements audit.Chains.
func (s *AuditStore) Released(ctx context.Context) (string, int64, error) {
	return s.db.releasedPosition(ctx)
}

// The clinics are found by stepping from one to the next: their events are many.
const (
	eachTenant = `
WITH RECURSIVE tenants AS (
    (SELECT organization_id FROM audit_events ORDER BY organization_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.organization_id FROM audit_events e WHERE e.organization_id > t.organization_id ORDER BY e.organization_id LIMIT 1)
    FROM tenants t WHERE t.organization_id IS NOT NULL
), chained AS (
    (SELECT organization_id FROM audit_chain ORDER BY organization_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.organization_id FROM audit_chain e WHERE e.organization_id > t.organization_id ORDER BY e.organization_id LIMIT 1)
    FROM chained t WHERE t.organization_id IS NOT NULL
)`
	selectTenants = eachTenant + `
SELECT organization_id FROM tenants WHERE organization_id IS NOT NULL
UNION SELECT organization_id FROM chained WHERE organization_id IS NOT NULL`
	selectAllUnsealed = eachTenant + `
SELECT organization_id FROM tenants t WHERE organization_id IS NOT NULL
    AND (SELECT max(position) FROM audit_events e WHERE e.organization_id = t.organization_id)
        > coalesce((SELECT max(position) FROM audit_chain c WHERE c.organization_id = t.organization_id), 0)`
	selectUnsealed   = `SELECT DISTINCT organization_id FROM audit_events WHERE position > $1 AND position <= $2`
	selectChainHeads = eachTenant + `
SELECT organization_id, (SELECT max(ordinal) FROM audit_chain c WHERE c.organization_id = t.organization_id) AS ordinal
FROM chained t WHERE organization_id IS NOT NULL`
)

// Tenants implements audit.Chains.
func (s *AuditStore) Tenants(ctx context.Context) ([]uuid.UUID, error) {
	return s.tenants(ctx, selectTenants)
}

// Unsealed implements audit.Chains.
func (s *AuditStore) Unsealed(ctx context.Context, after, upTo int64) ([]uuid.UUID, error) {
	if after < 0 {
		return s.tenants(ctx, selectAllUnsealed)
	}
	return s.tenants(ctx, selectUnsealed, after, upTo)
}

func (s *AuditStore) tenants(ctx context.Context, query string, args ...any) (found []uuid.UUID, err error) {
	err = s.db.job(sweeperRole).once(ctx, func(ctx context.Context, q querier) (err error) {
		found, err = ids(ctx, q, query, args...)
		return err
	})
	return found, err
}

// Heads implements audit.Chains.
func (s *AuditStore) Heads(ctx context.Context) (map[uuid.UUID]int64, error) {
	type row struct {
		OrganizationID uuid.UUID
		Ordinal        int64
	}
	heads := map[uuid.UUID]int64{}
	err := s.db.job(sweeperRole).once(ctx, func(ctx context.Context, q querier) error {
		rows, err := all[row](ctx, q, selectChainHeads)
		for _, r := range rows {
			heads[r.OrganizationID] = r.Ordinal
		}
		return err
	})
	return heads, err
}

type linkRow struct {
	Ordinal, Position int64
	EventID           uuid.UUID
	Digest, Hash      []byte
	KeyID             int
}

func (r linkRow) link() audit.Link {
	return audit.Link{Ordinal: r.Ordinal, Position: r.Position, Event: r.EventID, Digest: r.Digest, Hash: r.Hash, KeyID: r.KeyID}
}

const (
	lockChain   = `SELECT pg_advisory_xact_lock(hashtextextended('audit chain:' || $1, 0))`
	chainLinks  = `SELECT ordinal, position, event_id, digest, hash, key_id FROM audit_chain WHERE organization_id = $1`
	lastLink    = chainLinks + ` ORDER BY ordinal DESC LIMIT 1`
	nextLinks   = chainLinks + ` AND ordinal > $2 ORDER BY ordinal LIMIT $3`
	linksAt     = chainLinks + ` AND ordinal = ANY ($2)`
	lastPruned  = `SELECT ordinal, position, hash FROM audit_pruned WHERE organization_id = $1 ORDER BY ordinal DESC LIMIT 1`
	nextAudits  = selectAudits + ` AND position > $2 AND position <= $3 ORDER BY position LIMIT $4`
	insertLinks = `
INSERT INTO audit_chain (organization_id, ordinal, position, event_id, digest, hash, key_id)
SELECT $1, u.* FROM unnest($2::bigint[], $3::bigint[], $4::uuid[], $5::bytea[], $6::bytea[], $7::integer[]) u`
)

// Seal implements audit.Chains. The lock is for the chain alone: whoever records an event doesn't meet it.
func (s *AuditStore) Seal(ctx context.Context, organization uuid.UUID, key audit.Key, upTo int64, limit int) (n int, err error) {
	err = s.db.retry(ctx, "begin"+within(organization)+"; SET LOCAL ROLE "+chainerRole, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockChain, organization.String()); err != nil {
			return err
		}
		head, err := chainHead(ctx, tx, organization)
		if err != nil {
			return err
		}
		rows, err := all[auditRow](ctx, tx, nextAudits, organization, head.Position, upTo, limit)
		if n = len(rows); err != nil || n == 0 {
			return err
		}
		links := audit.Extend(key, head, auditEvents(rows))
		_, err = tx.Exec(ctx, insertLinks, organization,
			column(links, func(l audit.Link) int64 { return l.Ordinal }), column(links, func(l audit.Link) int64 { return l.Position }),
			column(links, func(l audit.Link) uuid.UUID { return l.Event }), column(links, func(l audit.Link) []byte { return l.Digest }),
			column(links, func(l audit.Link) []byte { return l.Hash }), column(links, func(l audit.Link) int32 { return int32(l.KeyID) }))
		return err
	})
	return n, broken(err)
}

func chainHead(ctx context.Context, q querier, organization uuid.UUID) (audit.Head, error) {
	last, found, err := one[linkRow](ctx, q, lastLink, organization)
	if err != nil || found {
		return last.link().Head(), err
	}
	pruned, _, err := one[audit.Head](ctx, q, lastPruned, organization)
	return pruned, err
}

// Links implements audit.Chains.
func (s *AuditStore) Links(ctx context.Context, organization uuid.UUID, after int64, limit int) ([]audit.Link, error) {
	rows, err := list[linkRow](ctx, s.db.tenant(organization), nextLinks, organization, after, limit)
	return column(rows, linkRow.link), err
}

// LinksAt implements audit.Chains.
func (s *AuditStore) LinksAt(ctx context.Context, organization uuid.UUID, ordinals []int64) (map[int64]audit.Link, error) {
	rows, err := list[linkRow](ctx, s.db.tenant(organization), linksAt, organization, ordinals)
	found := make(map[int64]audit.Link, len(rows))
	for _, r := range rows {
		found[r.Ordinal] = r.link()
	}
	return found, err
}

// Events implements audit.Chains.
func (s *AuditStore) Events(ctx context.Context, organization uuid.UUID, after int64, limit int) ([]audit.Event, error) {
	const all = int64(1<<63 - 1)
	rows, err := list[auditRow](ctx, s.db.tenant(organization), nextAudits, organization, after, all, limit)
	return auditEvents(rows), err
}

// Pruned implements audit.Chains.
func (s *AuditStore) Pruned(ctx context.Context, organization uuid.UUID) (audit.Head, error) {
	rows, err := list[audit.Head](ctx, s.db.tenant(organization), lastPruned, organization)
	if err != nil || len(rows) == 0 {
		return audit.Head{}, err
	}
	return rows[0], nil
}

const (
	oldestLinks = `
SELECT c.ordinal, c.position, c.hash, e.at FROM (
    SELECT ordinal, position, hash FROM audit_chain WHERE organization_id = $1 ORDER BY ordinal LIMIT $2) c
LEFT JOIN audit_events e ON e.organization_id = $1 AND e.position = c.position ORDER BY c.ordinal`
	notePruned = `
INSERT INTO audit_pruned (organization_id, ordinal, position, hash, pruned_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (organization_id, ordinal) DO NOTHING`
	dropEvents = `DELETE FROM audit_events WHERE organization_id = $1 AND position <= $2`
	dropLinks  = `DELETE FROM audit_chain WHERE organization_id = $1 AND ordinal <= $2`
)

// Ripe implements audit.Chains.
func (s *AuditStore) Ripe(ctx context.Context, organization uuid.UUID, before time.Time, limit int) (head audit.Head, err error) {
	type row struct {
		Ordinal, Position int64
		Hash              []byte
		At                *time.Time
	}
	err = s.db.job(archivistRole).once(ctx, func(ctx context.Context, q querier) error {
		rows, err := all[row](ctx, q, oldestLinks, organization, limit)
		for _, r := range rows {
			if r.At == nil || !r.At.Before(before) {
				break
			}
			head = audit.Head{Ordinal: r.Ordinal, Position: r.Position, Hash: r.Hash}
		}
		return err
	})
	return head, err
}

// Prune implements audit.Chains.
func (s *AuditStore) Prune(ctx context.Context, organization uuid.UUID, upTo audit.Head, at time.Time) error {
	return broken(s.db.writeAs(ctx, archivistRole, func(ctx context.Context, tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(notePruned, organization, upTo.Ordinal, upTo.Position, upTo.Hash, at)
		batch.Queue(dropEvents, organization, upTo.Position)
		batch.Queue(dropLinks, organization, upTo.Ordinal)
		return tx.SendBatch(ctx, batch).Close()
	}))
}
