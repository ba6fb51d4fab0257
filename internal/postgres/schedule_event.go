package postgres

import (
	"context"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/live"
)

// scheduleTopic is the topic of events that tell whose openings follow from other rules than before.
const scheduleTopic = live.ScheduleTopic

// scheduleSpan is their payload: the local days, both inclusive, on which openings may differ. Null bounds nothing.
type scheduleSpan struct {
	Location *uuid.UUID        `json:"location"`
	From     *civil.Date       `json:"from"`
	Until    *civil.Date       `json:"until"`
	Windows  map[uuid.UUID]int `json:"windows,omitempty"` // what capped windows count now
}

// note makes the record of a change without an event.
func note(by clinic.Stamp, organization uuid.UUID, action, kind string, id uuid.UUID) change {
	return change{
		Organization: organization, AuditID: by.AuditID, At: by.At, Actor: by.Actor,
		Action: action, EntityKind: kind, EntityID: id,
	}
}

// The event names the revision that the rules have now. The former ones are kept under the one before; without a revision there were
// none.
const insertScheduleEvent = `
INSERT INTO event_log (organization_id, at, topic, provider_id, payload)
SELECT $1, $2, '` + scheduleTopic + `', id, $4::jsonb || jsonb_build_object('revision', schedule_revision) FROM providers
WHERE organization_id = $1 AND id = $3`

// recordFor writes a change's audit row and an event for each provider whose openings it touches. Like record it comes last.
func recordFor(ctx context.Context, tx pgx.Tx, c change, providers []uuid.UUID, span scheduleSpan) error {
	if err := record(ctx, tx, c); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, p := range providers {
		span.Windows = c.Counts[p]
		batch.Queue(insertScheduleEvent, c.Organization, c.At, p, span)
	}
	batch.Queue(lookForWaiting, c.Organization, c.At)
	return tx.SendBatch(ctx, batch).Close()
}
