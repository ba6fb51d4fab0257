package postgres

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

const insertOrganization = `INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)`

// CreateOrganization is documented at clinic.Store.
func (d *Directory) CreateOrganization(ctx context.Context, by clinic.Stamp, once clinic.Once, o clinic.Organization) (clinic.Organization, error) {
	made := o
	err := d.db.write(ctx, o.ID, func(ctx context.Context, tx pgx.Tx) error {
		key, err := d.db.keyParam(ctx, uuid.Nil, by, once)
		if err != nil {
			return err
		}
		first, replayed, err := platformKeyBegin(ctx, tx, by, key)
		if err != nil {
			return err
		}
		if replayed {
			made.ID = first
			return nil
		}
		made.ID = o.ID
		if _, err := tx.Exec(ctx, insertOrganization, o.ID, o.Name, by.At); err != nil {
			return err
		}
		if err := platformKeyEnd(ctx, tx, by, key, o.ID); err != nil {
			return err
		}
		return record(ctx, tx, note(by, o.ID, "organization.create", "Organization", o.ID))
	})
	return made, err
}

const tryPlatformKey = `SELECT pg_try_advisory_xact_lock(hashtextextended(concat_ws(':', 'platform key', $2::uuid, $1::text, $3::text), 0))`

// A replay writes, so that under synchronous replication it waits as the first answer did.
const usePlatformKey = `
UPDATE platform_idempotency_keys SET replays = replays + 1 WHERE client = $1 AND actor_id = $2 AND key = $3
RETURNING operation, input_hash, (result->>'id')::uuid AS id, created_at`

const dropPlatformKey = `DELETE FROM platform_idempotency_keys WHERE client = $1 AND actor_id = $2 AND key = $3`

type platformKeyRow struct {
	Operation string
	InputHash []byte
	ID        uuid.UUID
	CreatedAt time.Time
}

// platformKeyBegin claims a key that belongs to no organisation, or answers what it made before.
func platformKeyBegin(ctx context.Context, tx pgx.Tx, by clinic.Stamp, key keyParam) (uuid.UUID, bool, error) {
	var got bool
	if err := tx.QueryRow(ctx, tryPlatformKey, key.Client, key.Actor, key.Key).Scan(&got); err != nil {
		return uuid.Nil, false, err
	}
	if !got {
		return uuid.Nil, false, errs.KeyInUse{}
	}
	used, found, err := one[platformKeyRow](ctx, tx, usePlatformKey, key.Client, key.Actor, key.Key)
	if err != nil {
		return uuid.Nil, false, err
	}
	if !found {
		return uuid.Nil, false, platformKeysReached(ctx, tx, key)
	}
	if !used.CreatedAt.After(by.At.Add(-clinic.KeyLife)) {
		_, err := tx.Exec(ctx, dropPlatformKey, key.Client, key.Actor, key.Key)
		return uuid.Nil, false, err
	}
	if used.Operation != key.Operation || hex.EncodeToString(used.InputHash) != key.Hash {
		return uuid.Nil, false, errs.KeyReused{FirstUsedAt: used.CreatedAt}
	}
	return used.ID, true, nil
}

// Few run the platform, so that their keys are counted.
const platformKeys = `
SELECT count(*)::int AS in_use, min(created_at) AS first FROM (
    SELECT created_at FROM platform_idempotency_keys WHERE client = $1 AND actor_id = $2 LIMIT $3) used`

func platformKeysReached(ctx context.Context, tx pgx.Tx, key keyParam) error {
	used, _, err := one[struct {
		InUse int
		First *time.Time
	}](ctx, tx, platformKeys, key.Client, key.Actor, key.Most)
	if err != nil || used.InUse < key.Most {
		return err
	}
	return errs.LimitReached{Limit: errs.IdempotencyKeys, Most: key.Most, InUse: used.InUse, RetryAt: used.First.Add(clinic.KeyLife).UTC()}
}

const keepPlatformKey = `
INSERT INTO platform_idempotency_keys (client, actor_id, key, operation, input_hash, result, created_at)
VALUES ($1, $2, $3, $4, decode($5, 'hex'), jsonb_build_object('id', $6::uuid), $7)`

func platformKeyEnd(ctx context.Context, tx pgx.Tx, by clinic.Stamp, key keyParam, id uuid.UUID) error {
	_, err := tx.Exec(ctx, keepPlatformKey, key.Client, key.Actor, key.Key, key.Operation, key.Hash, id, by.At)
	return err
}

const organizationsByID = `SELECT id, name FROM organizations WHERE id = ANY ($1)`

// Organizations is documented at clinic.Store.
func (d *Directory) Organizations(ctx context.Context, wanted []uuid.UUID) (map[uuid.UUID]clinic.Organization, error) {
	rows, err := list[clinic.Organization](ctx, d.db.everybody(), organizationsByID, wanted)
	found := make(map[uuid.UUID]clinic.Organization, len(rows))
	for _, o := range rows {
		found[o.ID] = o
	}
	return found, err
}
