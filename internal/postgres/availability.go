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
		var ok bool
		var err error
		if view, ok, err = viewAgain(ctx, tx, provider, p); ok || err != nil {
			return err
		}
		found, err := views(ctx, tx, []clinic.Ref{provider}, p)
		if err != nil {
			return err
		}
		if view, ok = found[provider]; !ok {
			return errs.Missing("provider")
		}
		return nil
	})
	return view, err
}

// What is read of things is found by their ids, however many they are. PostgreSQL would plan these statements anew each time, since
// it guesses that there are ten: that takes several times as long as to run them.
const (
	plannedOnce = `SET LOCAL plan_cache_mode = force_generic_plan`
	plannedAsIs = `SET LOCAL plan_cache_mode = auto`
	// Without a BEGIN.
	plannedOnceHere = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true)`
)

// views reads rules and what is taken of some providers, with the same number of statements for one as for all.
func views(ctx context.Context, tx pgx.Tx, providers []clinic.Ref, p availability.Period) (map[clinic.Ref]availability.View, error) {
	reach := p.Reach()
	rules := rulesRows{providers: providers, from: reach.From, until: reach.Until}
	taken := takenOf(providers, p)
	batch := &pgx.Batch{}
	batch.Queue(plannedOnce)
	rules.queue(batch)
	taken.queue(batch)
	batch.Queue(plannedAsIs)
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

func takenOf(providers []clinic.Ref, p availability.Period) takenRows {
	taken := takenRows{providers: providers, reach: p.Reach(), moving: p.Moving, beside: p.Beside, holder: p.Holder, holders: p.Holders}
	if p.Patient != uuid.Nil {
		taken.patient = clinic.Ref{Organization: providers[0].Organization, ID: p.Patient}
	}
	return taken
}

const selectRevision = `SELECT schedule_revision FROM providers WHERE organization_id = $1 AND id = $2`

// viewAgain reads what is taken of a provider whose rules are known, unless they have another revision by now: ok is false then.
func viewAgain(ctx context.Context, tx pgx.Tx, provider clinic.Ref, p availability.Period) (view availability.View, ok bool, err error) {
	reach := p.Reach()
	if p.Known == nil || p.Known.From != reach.From || p.Known.Until != reach.Until {
		return view, false, nil
	}
	taken := takenOf([]clinic.Ref{provider}, p)
	batch := &pgx.Batch{}
	batch.Queue(plannedOnce)
	batch.Queue(selectRevision, provider.Organization, provider.ID).Query(func(rows pgx.Rows) error {
		revisions, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		ok = len(revisions) == 1 && revisions[0] == p.Known.Revision
		return err
	})
	taken.queue(batch)
	batch.Queue(plannedAsIs)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil || !ok {
		return view, false, err
	}
	if taken.strange() {
		return view, false, errs.Missing("patient", "patientId")
	}
	return availability.View{Rules: *p.Known, Taken: taken.taken()[0]}, true, nil
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
