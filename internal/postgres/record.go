package postgres

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
)

// change is what a writing transaction records beside its effect: an audit row, and an event unless Topic is empty.
type change struct {
	Organization uuid.UUID
	AuditID      uuid.UUID
	At           time.Time
	Actor        access.Actor
	Action       string // "location.put"
	EntityKind   string // "Location"
	EntityID     uuid.UUID
	Patient      uuid.UUID // whom it is about; zero when nobody
	Fields       []string  // that were changed
	Topic        string
	Provider     uuid.UUID // whose openings changed; zero when nobody's
	Payload      any       // of the event: no patient's data
	Counts       recounts  // what capped windows count now, for the events of recordFor
}

const insertAudit = `
INSERT INTO audit_events (organization_id, id, at, actor_kind, actor_id, client, action, entity_kind, entity_id, request_id,
    patient_id, purpose, fields, grant_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

const insertEvent = `
INSERT INTO event_log (organization_id, at, topic, provider_id, payload)
VALUES ($1, $2, $3, NULLIF($4, '00000000-0000-0000-0000-000000000000'::uuid), $5)`

// record writes a change's audit row and its event. Call it last: an event's position is taken after the change is won.
func record(ctx context.Context, tx pgx.Tx, c change) error {
	_, err := tx.Exec(ctx, insertAudit, c.Organization, c.AuditID, c.At, string(c.Actor.Kind), c.Actor.ID, c.Actor.Client,
		c.Action, c.EntityKind, c.EntityID, c.Actor.RequestID, idOf(c.Patient), string(c.Actor.Purpose()), emptied(c.Fields), idOf(c.Actor.Grant))
	if err != nil || c.Topic == "" {
		return err
	}
	payload := c.Payload
	if payload == nil {
		payload = struct{}{}
	}
	_, err = tx.Exec(ctx, insertEvent, c.Organization, c.At, c.Topic, c.Provider, payload)
	return err
}

// emptied is a list for a column that knows no null.
func emptied(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Bookings take the provider's lock shared; see provider_lock in the migrations.
const lockProvider = `SELECT pg_advisory_xact_lock(provider_lock($1, $2))`

const raiseRevision = `UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1 AND id = $2`

// lockProvidersForChange keeps bookings of these providers out until the transaction ends, and raises their schedule
// revisions, so that a booking decided on the old rules is decided again. The old rules are kept for live streams, as far as they may
// change.
func lockProvidersForChange(ctx context.Context, tx pgx.Tx, c changing, organization uuid.UUID, providers []uuid.UUID) error {
	sorted := slices.Clone(providers)
	slices.SortFunc(sorted, compareIDs)
	batch := &pgx.Batch{}
	for _, id := range slices.Compact(sorted) {
		batch.Queue(lockProvider, organization, id)
		batch.Queue(saveFormer, c.of(organization, id)...)
		batch.Queue(raiseRevision, organization, id)
	}
	return tx.SendBatch(ctx, batch).Close()
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
