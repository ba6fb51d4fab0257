package postgres

import (
	"context"
	"slices"

	"cloud.google.com/go/civil"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

const (
	dateHours     = `SELECT location_id, local_date, hours FROM date_hours` + ofDesk + ` AND local_date = $4`
	dropDateHours = `DELETE FROM date_hours` + ofDesk + ` AND local_date = $4`
	saveDateHours = `
INSERT INTO date_hours (organization_id, provider_id, location_id, local_date, hours) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (organization_id, provider_id, location_id, local_date) DO UPDATE SET hours = excluded.hours`
)

// SetDateHours is documented at provider.Store.
func (d *Directory) SetDateHours(ctx context.Context, by clinic.Stamp, at provider.Desk, date civil.Date, hours []provider.Hours) error {
	return d.settle(ctx, at.Organization, func(ctx context.Context, tx pgx.Tx) error {
		if same, err := hasDateHours(ctx, tx, at, date, hours); err != nil || same {
			return err
		}
		does := adding
		if hours == nil {
			does = removing
		}
		t, err := lockDesk(ctx, tx, changing{by.At, provider.DaysAround(date)}, at, does)
		if err != nil {
			return err
		}
		same, err := hasDateHours(ctx, tx, at, date, hours)
		if err != nil {
			return err
		}
		if same {
			return errUnchanged
		}
		if hours == nil {
			_, err = tx.Exec(ctx, dropDateHours, at.Organization, at.Provider, at.Location, midnight(date))
		} else {
			_, err = tx.Exec(ctx, saveDateHours, at.Organization, at.Provider, at.Location, midnight(date), hoursToJSON(hours))
		}
		if err != nil {
			return err
		}
		return t.record(ctx, tx, note(by, at.Organization, "dateHours.set", "Provider", at.Provider))
	})
}

func hasDateHours(ctx context.Context, tx pgx.Tx, at provider.Desk, date civil.Date, hours []provider.Hours) (bool, error) {
	old, found, err := one[dateHoursRow](ctx, tx, dateHours, at.Organization, at.Provider, at.Location, midnight(date))
	return found == (hours != nil) && slices.EqualFunc(hoursFromJSON(old.Hours), hours, provider.Hours.Same), err
}
