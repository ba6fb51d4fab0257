package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/paging"
)

const (
	itemColumns = `i.organization_id, i.id, i.closure_id, i.appointment_id, i.version, i.provider_id, i.location_id, i.starts_at, i.ends_at, i.outcome, i.cause,
    i.new_provider_id, i.new_starts_at, i.offer_id, i.tries, i.settled_at`
	itemsByRef = `SELECT ` + itemColumns + ` FROM unnest($1::uuid[], $2::uuid[]) w(organization, thing)
JOIN closure_items i ON i.organization_id = w.organization AND i.id = w.thing`
	dueClosures = `SELECT organization_id, id FROM closures WHERE state = 'RUNNING' AND due_at <= $1 ORDER BY due_at LIMIT $2`
	listClosure = `
SELECT after_start, after_id FROM closures WHERE organization_id = $1 AND id = $2 AND state = 'RUNNING' AND NOT listed FOR NO KEY UPDATE SKIP LOCKED`
	insertItems = `
INSERT INTO closure_items (organization_id, id, closure_id, appointment_id, version, provider_id, location_id, starts_at, ends_at, due_at)
SELECT $1, v.id, $2, v.visit, v.version, v.provider, v.location, v.starts, v.ends, $3
FROM unnest($4::uuid[], $5::uuid[], $6::integer[], $7::uuid[], $8::uuid[], $9::timestamptz[], $10::timestamptz[]) v(id, visit, version, provider, location, starts, ends)
ON CONFLICT (organization_id, closure_id, appointment_id) DO NOTHING`
	listedTo = `UPDATE closures SET after_start = coalesce($3, after_start), after_id = coalesce($4, after_id), listed = $5 WHERE organization_id = $1 AND id = $2`
	// What is taken is held by its due time, so that no transaction stays open; whoever pauses the closure has its row.
	takeItem = `
UPDATE closure_items i SET due_at = $4, tries = i.tries + 1 FROM (
    SELECT w.id FROM closure_items w WHERE w.organization_id = $1 AND w.closure_id = $2 AND w.outcome = 'WAITING' AND w.due_at <= $3
        AND EXISTS (SELECT FROM closures c WHERE c.organization_id = $1 AND c.id = $2 AND c.state = 'RUNNING')
    ORDER BY w.starts_at, w.id LIMIT 1 FOR UPDATE SKIP LOCKED) taken
WHERE i.organization_id = $1 AND i.id = taken.id RETURNING ` + itemColumns
	settleItem = `
UPDATE closure_items SET outcome = $3, cause = $4, settled_at = $5 WHERE organization_id = $1 AND id = $2 AND outcome = 'WAITING'`
	putOffItem = `UPDATE closure_items SET due_at = $3 WHERE organization_id = $1 AND id = $2 AND outcome = 'WAITING'`
	awaitItem  = `UPDATE closure_items SET due_at = $3, tries = tries - 1 WHERE organization_id = $1 AND id = $2 AND outcome = 'WAITING'`
	endClosure = `
UPDATE closures SET state = 'DONE', finished_at = $3 WHERE organization_id = $1 AND id = $2 AND state = 'RUNNING' AND listed
    AND NOT EXISTS (SELECT FROM closure_items i WHERE i.organization_id = $1 AND i.closure_id = $2 AND i.outcome IN ('OFFERED', 'WAITING'))`
	// Whoever answers an offer has the closure looked at at once.
	restClosure = `
UPDATE closures SET due_at = $3::timestamptz + CASE WHEN EXISTS (
    SELECT FROM closure_items i WHERE i.organization_id = $1 AND i.closure_id = $2 AND i.outcome = 'WAITING') THEN interval '0' ELSE interval '10 seconds' END
WHERE organization_id = $1 AND id = $2 AND state = 'RUNNING'`
)

type itemRow struct {
	OrganizationID, ID, ClosureID, AppointmentID uuid.UUID
	Version                                      int
	ProviderID, LocationID                       uuid.UUID
	StartsAt, EndsAt                             time.Time
	Outcome                                      closure.Outcome
	Cause                                        *closure.Cause
	NewProviderID                                *uuid.UUID
	NewStartsAt                                  *time.Time
	OfferID                                      *uuid.UUID
	Tries                                        int
	SettledAt                                    *time.Time
}

func (r itemRow) item() closure.Item {
	return closure.Item{
		ID: r.ID, OrganizationID: r.OrganizationID, ClosureID: r.ClosureID, AppointmentID: r.AppointmentID, Version: r.Version, ProviderID: r.ProviderID,
		LocationID: r.LocationID, Start: r.StartsAt.UTC(), End: r.EndsAt.UTC(), Outcome: r.Outcome, Cause: or(r.Cause), NewProviderID: or(r.NewProviderID),
		NewStart: utc(r.NewStartsAt), OfferID: or(r.OfferID), Tries: r.Tries, SettledAt: utc(r.SettledAt),
	}
}

// Items is documented at closure.Store.
func (s *ClosureStore) Items(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]closure.Item, error) {
	rows, err := listOf[itemRow](ctx, s.db, refs, itemsByRef)
	found := make(map[clinic.Ref]closure.Item, len(rows))
	for _, r := range rows {
		found[r.item().Ref()] = r.item()
	}
	return found, err
}

func itemsIn(of clinic.Ref, outcomes []closure.Outcome) *where {
	w := &where{}
	w.and("i.organization_id = $%d", of.Organization)
	w.and("i.closure_id = $%d", of.ID)
	if len(outcomes) > 0 {
		w.and("i.outcome = ANY ($%d)", outcomes)
	}
	return w
}

// ListItems is documented at closure.Store.
func (s *ClosureStore) ListItems(ctx context.Context, of clinic.Ref, outcomes []closure.Outcome, w paging.Window) (paging.Page[closure.Item], error) {
	cond := itemsIn(of, outcomes)
	order, err := cond.byTime("i.starts_at", "i.id", w)
	if err != nil {
		return paging.Page[closure.Item]{}, err
	}
	sql := fmt.Sprintf("SELECT %s FROM closure_items i WHERE %s ORDER BY %s LIMIT %d", itemColumns, cond, order, w.Size+1)
	rows, err := list[itemRow](ctx, s.db.tenant(of.Organization), sql, cond.args...)
	return mapPage(paging.Cut(rows, w), itemRow.item), err
}

// CountItems is documented at closure.Store.
func (s *ClosureStore) CountItems(ctx context.Context, of clinic.Ref, outcomes []closure.Outcome) (int, error) {
	cond := itemsIn(of, outcomes)
	return count(ctx, s.db.tenant(of.Organization), kept, "SELECT FROM closure_items i WHERE "+cond.String(), cond.args...)
}

// Due is documented at closure.Run.
func (s *ClosureStore) Due(ctx context.Context, now time.Time, limit int) ([]clinic.Ref, error) {
	type row struct{ OrganizationID, ID uuid.UUID }
	rows, err := list[row](ctx, s.db.job(sweeperRole), dueClosures, now, limit)
	return column(rows, func(r row) clinic.Ref { return clinic.Ref{Organization: r.OrganizationID, ID: r.ID} }), err
}

// AddItems is documented at closure.Run.
func (s *ClosureStore) AddItems(ctx context.Context, c closure.Closure, f appointment.Filter, now time.Time, newID func() uuid.UUID, limit int) error {
	type place struct {
		AfterStart *time.Time
		AfterID    *uuid.UUID
	}
	err := s.db.write(ctx, c.Organization, func(ctx context.Context, tx pgx.Tx) error {
		from, ok, err := one[place](ctx, tx, listClosure, c.Organization, c.ID)
		if err != nil || !ok {
			return err // somebody else is at it
		}
		cond, err := s.visits.filtered(ctx, f)
		if err != nil {
			return err
		}
		if from.AfterStart != nil {
			cond.args = append(cond.args, from.AfterStart, from.AfterID)
			cond.conditions = append(cond.conditions, fmt.Sprintf("(a.starts_at, a.id) > ($%d, $%d)", len(cond.args)-1, len(cond.args)))
		}
		rows, err := all[affectedRow](ctx, tx, fmt.Sprintf(selectAffected, cond, limit), cond.args...)
		if err != nil {
			return err
		}
		return addItems(ctx, tx, c, rows, now, newID, len(rows) < limit)
	})
	return broken(err)
}

const selectAffected = `SELECT a.id, a.version, a.provider_id, a.location_id, a.starts_at, a.ends_at FROM appointments a WHERE %s ORDER BY a.starts_at, a.id LIMIT %d`

type affectedRow struct {
	ID                     uuid.UUID
	Version                int
	ProviderID, LocationID uuid.UUID
	StartsAt, EndsAt       time.Time
}

func addItems(ctx context.Context, tx pgx.Tx, c closure.Closure, rows []affectedRow, now time.Time, newID func() uuid.UUID, last bool) error {
	if len(rows) == 0 {
		_, err := tx.Exec(ctx, listedTo, c.Organization, c.ID, nil, nil, true)
		return err
	}
	end := rows[len(rows)-1]
	if _, err := tx.Exec(ctx, insertItems, c.Organization, c.ID, now,
		column(rows, func(affectedRow) uuid.UUID { return newID() }), column(rows, func(r affectedRow) uuid.UUID { return r.ID }),
		column(rows, func(r affectedRow) int { return r.Version }), column(rows, func(r affectedRow) uuid.UUID { return r.ProviderID }),
		column(rows, func(r affectedRow) uuid.UUID { return r.LocationID }), column(rows, func(r affectedRow) time.Time { return r.StartsAt }),
		column(rows, func(r affectedRow) time.Time { return r.EndsAt })); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, listedTo, c.Organization, c.ID, end.StartsAt, end.ID, last)
	return err
}

// Take is documented at closure.Run.
func (s *ClosureStore) Take(ctx context.Context, of clinic.Ref, now, until time.Time) (i closure.Item, ok bool, err error) {
	err = s.db.write(ctx, of.Organization, func(ctx context.Context, tx pgx.Tx) error {
		var row itemRow
		row, ok, err = one[itemRow](ctx, tx, takeItem, of.Organization, of.ID, now, until)
		i = row.item()
		return err
	})
	return i, ok && err == nil, err
}

// Settle is documented at closure.Run.
func (s *ClosureStore) Settle(ctx context.Context, i closure.Item, as closure.Outcome, why closure.Cause, now time.Time) error {
	return s.db.write(ctx, i.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, settleItem, i.OrganizationID, i.ID, string(as), nonEmpty(string(why)), now)
		if err != nil || tag.RowsAffected() == 0 || i.OfferID == uuid.Nil {
			return err
		}
		_, err = tx.Exec(ctx, `SELECT restore_displaced($1, $2, $3)`, i.OrganizationID, i.AppointmentID, now)
		return err
	})
}

// PutOff is documented at closure.Run.
func (s *ClosureStore) PutOff(ctx context.Context, i closure.Item, until time.Time) error {
	return s.change(ctx, i.Ref(), putOffItem, until)
}

// Await is documented at closure.Run.
func (s *ClosureStore) Await(ctx context.Context, i closure.Item, until time.Time) error {
	return s.change(ctx, i.Ref(), awaitItem, until)
}

// Rest is documented at closure.Run.
func (s *ClosureStore) Rest(ctx context.Context, of clinic.Ref, now, until time.Time) error {
	return errors.Join(s.change(ctx, of, endClosure, now), s.change(ctx, of, restClosure, until))
}

func (s *ClosureStore) change(ctx context.Context, of clinic.Ref, sql string, args ...any) error {
	return s.db.write(ctx, of.Organization, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql, append([]any{of.Organization, of.ID}, args...)...)
		return err
	})
}
