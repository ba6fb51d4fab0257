package postgres

import (
	"context"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// recounts are the counts of windows, by provider, for the event that tells of them.
type recounts map[uuid.UUID]map[uuid.UUID]int

// recount counts the visits that start in capped windows as these are now: also those that were booked before there was a
// cap, and no longer those that the window has left. The caller has locked the providers and written the windows.
func recount(ctx context.Context, tx pgx.Tx, organization uuid.UUID, providers []uuid.UUID, written []provider.Exception) (recounts, error) {
	windows := windowsOf(written)
	if len(windows.ids) == 0 {
		return nil, nil
	}
	all := recounts{}
	for _, p := range providers {
		visits, err := windows.visits(ctx, tx, clinic.Ref{Organization: organization, ID: p})
		if err != nil {
			return nil, err
		}
		if len(visits) == 0 {
			continue
		}
		if all[p], err = windows.recount(ctx, tx, clinic.Ref{Organization: organization, ID: p}, visits); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// cappedWindows are windows that were written, with a time within which all of them lie, whatever the zone.
type cappedWindows struct {
	ids         []uuid.UUID
	early, late time.Time
}

// farthest is how much earlier or later than its wall clock in UTC a visit's widened span can begin.
const farthest = 24*time.Hour + clinic.MaxOccupied

func windowsOf(written []provider.Exception) (w cappedWindows) {
	for _, e := range written {
		if e.Effect != provider.Open {
			continue
		}
		early, late := wall(e.From).Add(-farthest), wall(e.To).Add(farthest)
		if len(w.ids) == 0 || early.Before(w.early) {
			w.early = early
		}
		if len(w.ids) == 0 || late.After(w.late) {
			w.late = late
		}
		w.ids = append(w.ids, e.ID)
	}
	return w
}

// A claim is counted once for each hold or visit; the second claim that a hold for a move may have counts for nothing.
const selectCountable = `
SELECT c.id, c.counted_windows, v.starts_at, v.location_id, v.visit_kind_id, v.modality
FROM claims c
JOIN LATERAL (
    SELECT a.starts_at, a.location_id, a.visit_kind_id, a.modality FROM appointments a
    WHERE a.organization_id = c.organization_id AND a.id = c.appointment_id
    UNION ALL
    SELECT h.starts_at, h.location_id, h.visit_kind_id, h.modality FROM holds h
    WHERE h.organization_id = c.organization_id AND h.id = c.hold_id AND h.moving_appointment_id IS NULL
) v ON true
WHERE c.organization_id = $1 AND c.party_id = $2 AND c.state IN ('ACTIVE', 'PAST')
  AND (c.starts_at >= $3 AND c.starts_at < $4 OR c.counted_windows && $5)
ORDER BY c.id`

type countable struct {
	ID             uuid.UUID
	CountedWindows []uuid.UUID
	StartsAt       time.Time
	LocationID     uuid.UUID
	VisitKindID    uuid.UUID
	Modality       clinic.Modality
}

func (w cappedWindows) visits(ctx context.Context, tx pgx.Tx, p clinic.Ref) ([]countable, error) {
	return all[countable](ctx, tx, selectCountable, p.Organization, p.ID, w.early, w.late, w.ids)
}

const lockCountable = `SELECT lock_all($1, $2, '{}', '{}', $3, $4)`

// recount locks the days and counters that the visits stand on, in the order of all writers, and looks at them anew.
func (w cappedWindows) recount(ctx context.Context, tx pgx.Tx, p clinic.Ref, visits []countable) (map[uuid.UUID]int, error) {
	ids := make([]uuid.UUID, len(visits))
	for i, v := range visits {
		ids[i] = v.ID
	}
	if _, err := tx.Exec(ctx, lockCountable, p.Organization, ids, p.ID, w.ids); err != nil {
		return nil, err
	}
	visits, err := w.visits(ctx, tx, p)
	if err != nil || len(visits) == 0 {
		return nil, err
	}
	rules, err := w.rules(ctx, tx, p, visits)
	if err != nil {
		return nil, err
	}
	batch := &pgx.Batch{}
	for _, v := range visits {
		w.count(batch, rules, p, v)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	return w.save(ctx, tx, p)
}

func (w cappedWindows) rules(ctx context.Context, tx pgx.Tx, p clinic.Ref, visits []countable) (availability.Rules, error) {
	byStart := func(a, b countable) int { return a.StartsAt.Compare(b.StartsAt) }
	reach := availability.ReachOf(slices.MinFunc(visits, byStart).StartsAt, slices.MaxFunc(visits, byStart).StartsAt.Add(time.Minute))
	rows := rulesRows{providers: []clinic.Ref{p}, from: reach.From, until: reach.Until}
	batch := &pgx.Batch{}
	rows.queue(batch)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return availability.Rules{}, err
	}
	return rows.only()
}

const updateCounted = `UPDATE claims SET counted_windows = $3, days = $4 WHERE organization_id = $1 AND id = $2`

// count has a visit counted for those of the windows that it starts in, and touch their days, as a booking of it would now.
func (w cappedWindows) count(batch *pgx.Batch, rules availability.Rules, p clinic.Ref, v countable) {
	plan, ok := availability.PlanOf(rules, availability.SlotID{
		Organization: p.Organization, Provider: p.ID, Location: v.LocationID, VisitKind: v.VisitKindID, Modality: v.Modality, Start: v.StartsAt,
	})
	if !ok {
		return // nobody can tell any more
	}
	ours := func(id uuid.UUID) bool { return slices.Contains(w.ids, id) }
	counted := slices.DeleteFunc(slices.Clone(v.CountedWindows), ours)
	for _, c := range plan.Windows {
		if ours(c.ID) {
			counted = append(counted, c.ID)
		}
	}
	before := slices.Clone(v.CountedWindows)
	slices.SortFunc(counted, compareIDs)
	slices.SortFunc(before, compareIDs)
	if !slices.Equal(counted, before) {
		batch.Queue(updateCounted, p.Organization, v.ID, counted, midnights(plan.Days))
	}
}

func midnights(days []civil.Date) []time.Time {
	list := make([]time.Time, len(days))
	for i, d := range days {
		list[i] = midnight(d)
	}
	return list
}

const saveCounts = `
UPDATE window_counts n SET booked = (SELECT count(*) FROM claims c WHERE c.organization_id = $1 AND c.party_id = $2
    AND c.state IN ('ACTIVE', 'PAST') AND n.exception_id = ANY (c.counted_windows))
WHERE n.organization_id = $1 AND n.provider_id = $2 AND n.exception_id = ANY ($3)
RETURNING exception_id, booked`

func (w cappedWindows) save(ctx context.Context, tx pgx.Tx, p clinic.Ref) (map[uuid.UUID]int, error) {
	rows, err := all[windowRow](ctx, tx, saveCounts, p.Organization, p.ID, w.ids)
	counts := make(map[uuid.UUID]int, len(rows))
	for _, r := range rows {
		counts[r.ExceptionID] = r.Booked
	}
	return counts, err
}
