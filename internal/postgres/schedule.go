package postgres

import (
	"context"
	"strconv"
	"time"

	"cloud.google.com/go/civil"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
)

const (
	ofDesk         = ` WHERE organization_id = $1 AND provider_id = $2 AND location_id = $3`
	newestSchedule = `SELECT id, location_id, effective_from, effective_until, weekly FROM schedules` + ofDesk +
		` ORDER BY id DESC LIMIT 1`
	scheduleInForce = `SELECT id, location_id, effective_from, effective_until, weekly FROM schedules` + ofDesk +
		` AND effective_from <= $4 AND (effective_until IS NULL OR effective_until >= $4) ORDER BY id DESC LIMIT 1`
)

const insertSchedule = `
INSERT INTO schedules (organization_id, provider_id, location_id, id, effective_from, effective_until, weekly)
VALUES ($1, $2, $3, $4, $5, $6, $7)`

// What the new schedule covers from its first day to its last can never be seen again.
const dropShadowed = `DELETE FROM schedules` + ofDesk + `
AND effective_from >= $4 AND ($5::date IS NULL OR effective_until <= $5)`

// Loads of openings read all schedules of a desk.
const maxSchedules = 500

const schedulesOfDesk = `SELECT count(*) FROM schedules` + ofDesk

// SetSchedule is documented at provider.Store.
func (d *Directory) SetSchedule(ctx context.Context, by clinic.Stamp, at provider.Desk, s provider.Schedule) error {
	return d.settle(ctx, at.Organization, func(ctx context.Context, tx pgx.Tx) error {
		newest, found, err := one[scheduleRow](ctx, tx, newestSchedule, at.Organization, at.Provider, at.Location)
		if err != nil || found && newest.schedule().Same(s) {
			return err
		}
		t, err := lockDesk(ctx, tx, changing{by.At, s.Days()}, at, adding)
		if err != nil {
			return err
		}
		newest, found, err = one[scheduleRow](ctx, tx, newestSchedule, at.Organization, at.Provider, at.Location)
		if err != nil {
			return err
		}
		if found && newest.schedule().Same(s) {
			return errUnchanged
		}
		s.ID = provider.Later(s.ID, newest.ID)
		if err := replaceSchedule(ctx, tx, at, s); err != nil {
			return err
		}
		return t.record(ctx, tx, note(by, at.Organization, "schedule.set", "Provider", at.Provider))
	})
}

func replaceSchedule(ctx context.Context, tx pgx.Tx, at provider.Desk, s provider.Schedule) error {
	from, until := midnight(s.EffectiveFrom), maybeMidnight(s.EffectiveUntil)
	if _, err := tx.Exec(ctx, dropShadowed, at.Organization, at.Provider, at.Location, from, until); err != nil {
		return err
	}
	var left int
	if err := tx.QueryRow(ctx, schedulesOfDesk, at.Organization, at.Provider, at.Location).Scan(&left); err != nil {
		return err
	}
	if left >= maxSchedules {
		return errs.Invalid("There are "+strconv.Itoa(left)+" schedules already. Cover some of them with one.", "effectiveUntil")
	}
	_, err := tx.Exec(ctx, insertSchedule, at.Organization, at.Provider, at.Location, s.ID, from, until, weeklyToJSON(s.Weekly))
	return err
}

// ScheduleInForce is documented at provider.Store.
func (d *Directory) ScheduleInForce(ctx context.Context, at provider.Desk, on civil.Date) (provider.Schedule, bool, error) {
	rows, err := list[scheduleRow](ctx, d.db.everybody(), scheduleInForce, at.Organization, at.Provider, at.Location, midnight(on))
	if err != nil || len(rows) == 0 {
		return provider.Schedule{}, false, err
	}
	return rows[0].schedule(), true, nil
}

// midnight is a date as a parameter.
func midnight(d civil.Date) time.Time { return d.In(time.UTC) }

func maybeMidnight(d *civil.Date) *time.Time {
	if d == nil {
		return nil
	}
	t := midnight(*d)
	return &t
}
