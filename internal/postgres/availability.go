package postgres

import (
	"context"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// AvailabilityStore reads what openings follow from.
type AvailabilityStore struct{ db *DB }

var _ availability.Store = (*AvailabilityStore)(nil)

// NewAvailabilityStore puts the store over a database.
func NewAvailabilityStore(db *DB) *AvailabilityStore { return &AvailabilityStore{db} }

// StreamCursor implements availability.Store.
func (s *AvailabilityStore) StreamCursor(ctx context.Context) (string, error) {
	return s.db.streamCursor(ctx)
}

// Rules implements availability.Store.
func (s *AvailabilityStore) Rules(ctx context.Context, provider clinic.Ref, from, until civil.Date) (availability.Rules, error) {
	var rules availability.Rules
	err := s.db.snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows := rulesRows{provider: provider, from: from, until: until}
		batch := &pgx.Batch{}
		rows.queue(batch)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		var err error
		rules, err = rows.rules()
		return err
	})
	return rules, err
}

// View implements availability.Store.
func (s *AvailabilityStore) View(ctx context.Context, provider clinic.Ref, p availability.Period) (availability.View, error) {
	var view availability.View
	reach := p.Reach()
	err := s.db.snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows := rulesRows{provider: provider, from: reach.From, until: reach.Until}
		taken := takenRows{provider: provider, patient: p.Patient, reach: reach}
		batch := &pgx.Batch{}
		rows.queue(batch)
		taken.queue(batch)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		var err error
		if view.Rules, err = rows.rules(); err != nil {
			return err
		}
		if taken.strange() {
			return errs.Missing("patient", "patientId")
		}
		view.Taken = taken.taken()
		return nil
	})
	return view, err
}

const selectNearby = `
WITH here AS (
    SELECT latitude, longitude FROM locations WHERE organization_id = $1 AND id = $2
), places AS (
    SELECT s.provider_id, min(CASE WHEN l.id = $2 THEN -1 ELSE
        (l.latitude - h.latitude) ^ 2 + ((l.longitude - h.longitude) * cos(radians(h.latitude))) ^ 2 END) AS distance
    FROM schedules s
    JOIN locations l ON l.organization_id = s.organization_id AND l.id = s.location_id
    CROSS JOIN here h
    WHERE s.organization_id = $1
    GROUP BY s.provider_id
)
SELECT k.provider_id FROM provider_visit_kinds k
JOIN places p ON p.provider_id = k.provider_id
WHERE k.organization_id = $1 AND k.visit_kind_id = $3 AND k.provider_id <> $4
ORDER BY p.distance NULLS LAST, k.provider_id
LIMIT $5`

// Nearby implements availability.Store.
func (s *AvailabilityStore) Nearby(ctx context.Context, slot availability.SlotID, limit int) ([]clinic.Ref, error) {
	var refs []clinic.Ref
	err := s.db.snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, selectNearby, slot.Organization, slot.Location, slot.VisitKind, slot.Provider, limit)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		for _, id := range ids {
			refs = append(refs, clinic.Ref{Organization: slot.Organization, ID: id})
		}
		return err
	})
	return refs, err
}
