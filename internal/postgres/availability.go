package postgres

import (
	"context"
	"time"

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
func (s *AvailabilityStore) StreamCursor(ctx context.Context, now time.Time) (string, error) {
	return s.db.streamCursor(ctx, now)
}

// Rules implements availability.Store.
func (s *AvailabilityStore) Rules(ctx context.Context, provider clinic.Ref, from, until civil.Date) (availability.Rules, error) {
	var rules availability.Rules
	err := s.db.everybody().snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows := rulesRows{providers: []clinic.Ref{provider}, from: from, until: until}
		batch := &pgx.Batch{}
		rows.queue(batch)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		var err error
		rules, err = rows.only()
		return err
	})
	return rules, err
}

// View implements availability.Store.
func (s *AvailabilityStore) View(ctx context.Context, provider clinic.Ref, p availability.Period) (availability.View, error) {
	var view availability.View
	err := s.db.everybody().snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		found, err := views(ctx, tx, []clinic.Ref{provider}, p)
		if err != nil {
			return err
		}
		var ok bool
		if view, ok = found[provider]; !ok {
			return errs.Missing("provider")
		}
		return nil
	})
	return view, err
}

// views reads rules and what is taken of some providers, with the same number of statements for one as for all.
func views(ctx context.Context, tx pgx.Tx, providers []clinic.Ref, p availability.Period) (map[clinic.Ref]availability.View, error) {
	reach := p.Reach()
	rules := rulesRows{providers: providers, from: reach.From, until: reach.Until}
	taken := takenRows{providers: providers, reach: reach, moving: p.Moving, holder: p.Holder, holders: p.Holders}
	if p.Patient != uuid.Nil {
		taken.patient = clinic.Ref{Organization: providers[0].Organization, ID: p.Patient}
	}
	batch := &pgx.Batch{}
	rules.queue(batch)
	taken.queue(batch)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	all, err := rules.rules()
	if err != nil {
		return nil, err
	}
	if len(all) > 0 && taken.strange() {
		return nil, errs.Missing("patient", "patientId")
	}
	found := make(map[clinic.Ref]availability.View, len(all))
	for i, t := range taken.taken() {
		if r, exists := all[providers[i]]; exists {
			found[providers[i]] = availability.View{Rules: r, Taken: t}
		}
	}
	return found, nil
}

// Whoever has hours at a place is there: weekly ones, or windows and dates that aren't over when alternatives are looked for.
const selectNearby = `
WITH here AS (
    SELECT latitude, longitude FROM locations WHERE organization_id = $1 AND id = $2
), places AS (
    SELECT k.provider_id, p.location_id FROM provider_visit_kinds k CROSS JOIN LATERAL (
        SELECT location_id FROM schedules WHERE organization_id = $1 AND provider_id = k.provider_id
        UNION SELECT location_id FROM date_hours WHERE organization_id = $1 AND provider_id = k.provider_id AND local_date >= $5::date
        UNION SELECT location_id FROM schedule_exceptions
            WHERE organization_id = $1 AND provider_id = k.provider_id AND local_to > $5::date AND effect = 'OPEN' AND location_id IS NOT NULL
    ) p
    WHERE k.organization_id = $1 AND k.visit_kind_id = $3 AND k.provider_id <> $4
)
SELECT p.provider_id FROM places p
JOIN locations l ON l.organization_id = $1 AND l.id = p.location_id
CROSS JOIN here h
GROUP BY p.provider_id
ORDER BY min(CASE WHEN l.id = $2 THEN -1 ELSE
    (l.latitude - h.latitude) ^ 2 + ((l.longitude - h.longitude) * cos(radians(h.latitude))) ^ 2 END) NULLS LAST, p.provider_id
LIMIT $6`

// Alternatives are looked for up to a week before a slot; no zone is further than a day from UTC.
const lookedBack = 8 // days

// Nearby implements availability.Store.
func (s *AvailabilityStore) Nearby(ctx context.Context, slot availability.SlotID, limit int) ([]clinic.Ref, error) {
	var refs []clinic.Ref
	err := s.db.everybody().snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		since := slot.Start.UTC().AddDate(0, 0, -lookedBack)
		rows, _ := tx.Query(ctx, selectNearby, slot.Organization, slot.Location, slot.VisitKind, slot.Provider, since, limit)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		for _, id := range ids {
			refs = append(refs, clinic.Ref{Organization: slot.Organization, ID: id})
		}
		return err
	})
	return refs, err
}
