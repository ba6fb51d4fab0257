package postgres

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/seal"
)

const selectExceptions = `
SELECT organization_id, id, provider_id, location_id, local_from, local_to, effect, capacity, max_appointments, reason, repeat_id, repeat_weeks, repeat_until,
    CASE WHEN repeat_id IS NOT NULL THEN ARRAY(SELECT o.local_from FROM schedule_exceptions o
        WHERE o.organization_id = schedule_exceptions.organization_id AND o.repeat_id = schedule_exceptions.repeat_id ORDER BY 1) END AS repeat_dates
FROM schedule_exceptions `

const (
	exceptionByID   = selectExceptions + `WHERE organization_id = $1 AND id = $2`
	exceptionsByRef = eachRef + selectExceptions + byRef
)

// wholeExceptionRow is a row of the table.
type wholeExceptionRow struct {
	exceptionRow
	OrganizationID uuid.UUID
	Reason         []byte
	RepeatID       *uuid.UUID // of all that were added as one; nil, and so are the others: alone
	RepeatWeeks    *int
	RepeatUntil    *time.Time
	RepeatDates    []time.Time // where those that stand begin
}

// unexplained is the exception without its reason.
func (r wholeExceptionRow) unexplained() provider.Exception {
	e := r.exception(r.OrganizationID)
	if r.RepeatID != nil {
		e.Repeat = &provider.Repeat{EveryWeeks: *r.RepeatWeeks, Until: civil.DateOf(*r.RepeatUntil), Dates: column(r.RepeatDates, civil.DateOf)}
	}
	return e
}

// The reason is the organisation's own.
func (r wholeExceptionRow) cell() cell {
	return cellOf("schedule_exceptions", "reason", r.OrganizationID, r.ID, r.OrganizationID, r.Reason)
}

// exceptions reads rows, with one look for all their keys.
func (db *DB) exceptions(ctx context.Context, rows []wholeExceptionRow) ([]provider.Exception, error) {
	cells := make([]cell, len(rows))
	for i, r := range rows {
		cells[i] = r.cell()
	}
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return nil, err
	}
	list := make([]provider.Exception, len(rows))
	for i, r := range rows {
		list[i] = r.unexplained()
		reason, err := keys.open(cells[i])
		if err != nil {
			return nil, err
		}
		list[i].Reason = (*string)(reason)
	}
	return list, nil
}

const (
	insertException = `
INSERT INTO schedule_exceptions (organization_id, id, provider_id, location_id, local_from, local_to, effect, capacity,
    max_appointments, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

	insertTime = `
INSERT INTO schedule_exceptions (organization_id, id, provider_id, location_id, local_from, local_to, effect, capacity,
    max_appointments, reason, repeat_id, repeat_weeks, repeat_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
)

// AddExceptions is documented at provider.Store.
func (d *Directory) AddExceptions(ctx context.Context, by clinic.Stamp, once clinic.Once, times []provider.Exception) (provider.Exception, error) {
	e := times[0]
	own := seal.Subject{Organization: e.OrganizationID, ID: e.OrganizationID}
	err := d.settle(ctx, e.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		before, replayed, err := d.db.keyBegin(ctx, tx, e.OrganizationID, by, once)
		if err != nil {
			return err
		}
		if replayed {
			e.ID = before
			return nil
		}
		e.ID = times[0].ID
		t, err := lockTouched(ctx, tx, by, times, adding)
		if err != nil {
			return err
		}
		pens, err := d.db.pens(ctx, own)
		if err != nil {
			return err
		}
		if err := insertTimes(ctx, tx, pens[own], times); err != nil {
			return err
		}
		if err := d.db.keyEnd(ctx, tx, e.OrganizationID, by, once, e.ID); err != nil {
			return err
		}
		return t.record(ctx, tx, note(by, e.OrganizationID, "exception.add", "ScheduleException", e.ID), times...)
	})
	return e, err
}

// lockTouched locks the providers whose openings follow from exceptions of one provider and location.
func lockTouched(ctx context.Context, tx pgx.Tx, by clinic.Stamp, list []provider.Exception, does int) (touched, error) {
	e, c := list[0], changing{by.At, provider.DaysOf(list)}
	if e.ProviderID != uuid.Nil && e.LocationID != uuid.Nil {
		return lockDesk(ctx, tx, c, provider.Desk{Organization: e.OrganizationID, Provider: e.ProviderID, Location: e.LocationID}, does)
	}
	t := touched{
		organization: e.OrganizationID, providers: []uuid.UUID{e.ProviderID},
		span: scheduleSpan{Location: maybe(e.LocationID), From: c.days.From, Until: c.days.Until},
	}
	if e.ProviderID != uuid.Nil {
		return t, lockProvidersForChange(ctx, tx, c, t.organization, t.providers)
	}
	there := dependents{query: providersAt, changing: c, organization: e.OrganizationID, on: e.LocationID}
	if err := there.lock(ctx, tx); err != nil {
		return t, err
	}
	if err := hit(tx.Exec(ctx, keepLocation, e.OrganizationID, e.LocationID)); err != nil {
		return t, err
	}
	t.providers = there.providers
	return t, there.confirm(ctx, tx)
}

// insertTimes writes an exception, or all times of one that repeats: these have the id of the first in common.
func insertTimes(ctx context.Context, tx pgx.Tx, own pen, times []provider.Exception) error {
	batch := &pgx.Batch{}
	for _, e := range times {
		if e.Repeat == nil {
			batch.Queue(insertException, exceptionValues(own, e)...)
			continue
		}
		batch.Queue(insertTime, append(exceptionValues(own, e), times[0].ID, e.Repeat.EveryWeeks, midnight(e.Repeat.Until))...)
	}
	return tx.SendBatch(ctx, batch).Close()
}

func exceptionValues(own pen, e provider.Exception) []any {
	return []any{
		e.OrganizationID, e.ID, maybe(e.ProviderID), maybe(e.LocationID), wall(e.From), wall(e.To), string(e.Effect), e.Capacity,
		e.MaxAppointments, own.sealed(own.in("schedule_exceptions", "reason", e.ID), (*access.Private)(e.Reason)),
	}
}

// maybe is an id as a parameter: null when it is zero.
func maybe(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// wall is a wall-clock time as a parameter.
func wall(t civil.DateTime) time.Time { return t.In(time.UTC) }

// Exceptions is documented at provider.Store.
func (d *Directory) Exceptions(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]provider.Exception, error) {
	rows, err := listOf[wholeExceptionRow](ctx, d.db, refs, exceptionsByRef)
	if err != nil {
		return nil, err
	}
	list, err := d.db.exceptions(ctx, rows)
	found := make(map[clinic.Ref]provider.Exception, len(rows))
	for _, e := range list {
		found[clinic.Ref{Organization: e.OrganizationID, ID: e.ID}] = e
	}
	return found, err
}

// $3 to $5 are the periods; the one without a location is for exceptions without one.
const thatMeet = `
WHERE organization_id = $1 AND (provider_id = $2 OR provider_id IS NULL AND location_id = ANY ($3::uuid[]))
AND EXISTS (SELECT FROM unnest($3::uuid[], $4::timestamp[], $5::timestamp[]) p(location, starts, ends)
    WHERE p.location = coalesce(location_id, '00000000-0000-0000-0000-000000000000') AND local_from < p.ends AND local_to > p.starts)`

// ListExceptions is documented at provider.Store.
func (d *Directory) ListExceptions(ctx context.Context, p clinic.Ref, periods []provider.Period, w paging.Window) (paging.Page[provider.Exception], error) {
	for part, keys := range map[string][]string{"after": w.After, "before": w.Before} {
		if len(keys) == 0 {
			continue
		}
		if at, err := civil.ParseDateTime(keys[0]); err != nil || at.Date.Year < 1 { // PostgreSQL has no year 0
			return paging.Page[provider.Exception]{}, errs.Invalid("This is not a cursor of this list.", part)
		}
	}
	rows, err := page[wholeExceptionRow](ctx, d.db.tenant(p.Organization), kept, selectExceptions+thatMeet, `local_from, id`, w, meeting(p, periods)...)
	if err != nil {
		return paging.Page[provider.Exception]{}, err
	}
	list, err := d.db.exceptions(ctx, rows.Items)
	return paging.Page[provider.Exception]{Items: list, HasNext: rows.HasNext, HasPrevious: rows.HasPrevious}, err
}

// CountExceptions is documented at provider.Store.
func (d *Directory) CountExceptions(ctx context.Context, p clinic.Ref, periods []provider.Period) (int, error) {
	return count(ctx, d.db.tenant(p.Organization), kept, `SELECT FROM schedule_exceptions`+thatMeet, meeting(p, periods)...)
}

func meeting(p clinic.Ref, periods []provider.Period) []any {
	locations, starts, ends := make([]uuid.UUID, len(periods)), make([]time.Time, len(periods)), make([]time.Time, len(periods))
	for i, period := range periods {
		locations[i], starts[i], ends[i] = period.Location, wall(period.From), wall(period.To)
	}
	return []any{p.Organization, p.ID, locations, starts, ends}
}

const zonesOfProvider = `
SELECT l.id, l.time_zone FROM desks d JOIN locations l ON l.organization_id = d.organization_id AND l.id = d.location_id
WHERE d.organization_id = $1 AND d.provider_id = $2`

// Zones is documented at provider.Store.
func (d *Directory) Zones(ctx context.Context, p clinic.Ref) (map[uuid.UUID]string, error) {
	rows, err := list[placeRow](ctx, d.db.everybody(), zonesOfProvider, p.Organization, p.ID)
	zones := make(map[uuid.UUID]string, len(rows))
	for _, r := range rows {
		zones[r.ID] = r.TimeZone
	}
	return zones, err
}
