package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
)

const (
	exceptionsRepeated = selectExceptions + `WHERE organization_id = $1 AND repeat_id = $2 AND local_from >= $3 ORDER BY local_from`

	// A counter stays when its window goes: the visits that raised it will lower it.
	deleteExceptions = `DELETE FROM schedule_exceptions WHERE organization_id = $1 AND id = ANY ($2)`

	endRepeat = `UPDATE schedule_exceptions SET repeat_until = $3 WHERE organization_id = $1 AND repeat_id = $2`
)

// RemoveException is documented at provider.Store.
func (d *Directory) RemoveException(ctx context.Context, by clinic.Stamp, exception clinic.Ref, part provider.Part) ([]clinic.Ref, error) {
	var removed []clinic.Ref
	err := d.settle(ctx, exception.Organization, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := partOf(ctx, tx, exception, part)
		if err != nil {
			return err
		}
		list := column(rows, wholeExceptionRow.unexplained)
		t, err := lockTouched(ctx, tx, by, list, len(list))
		if err != nil {
			return err
		}
		removed = column(list, func(e provider.Exception) clinic.Ref { return clinic.Ref{Organization: e.OrganizationID, ID: e.ID} })
		_, ids := split(removed)
		tag, err := tx.Exec(ctx, deleteExceptions, exception.Organization, ids)
		if err != nil {
			return err
		}
		if tag.RowsAffected() < int64(len(list)) { // somebody took some of them back in between
			return errAgain
		}
		if rows[0].RepeatID != nil && part == provider.ThisAndLater {
			before := midnight(list[0].From.Date.AddDays(-1))
			if _, err := tx.Exec(ctx, endRepeat, exception.Organization, *rows[0].RepeatID, before); err != nil {
				return err
			}
		}
		return t.record(ctx, tx, note(by, exception.Organization, "exception.remove", "ScheduleException", exception.ID))
	})
	if err != nil {
		return nil, err
	}
	return removed, nil
}

// partOf are the exceptions of a part, by their beginning.
func partOf(ctx context.Context, tx pgx.Tx, exception clinic.Ref, part provider.Part) ([]wholeExceptionRow, error) {
	row, found, err := one[wholeExceptionRow](ctx, tx, exceptionByID, exception.Organization, exception.ID)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errs.Missing("exception", "exceptionId")
	}
	if row.RepeatID == nil || part == provider.This {
		return []wholeExceptionRow{row}, nil
	}
	var since time.Time
	if part == provider.ThisAndLater {
		since = row.LocalFrom
	}
	rows, err := all[wholeExceptionRow](ctx, tx, exceptionsRepeated, exception.Organization, *row.RepeatID, since)
	if err == nil && len(rows) == 0 { // taken back since the row was read
		err = errAgain
	}
	return rows, err
}
