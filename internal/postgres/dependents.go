package postgres

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// dependents are the providers whose openings follow from a row: lock them, change or lock the row, confirm that nobody
// joined them in between. Without a query there are none.
type dependents struct {
	query string
	changing
	organization, on uuid.UUID
	providers        []uuid.UUID
}

// A provider is at a location when any hours of theirs are.
const providersAt = `
SELECT provider_id FROM schedules WHERE organization_id = $1 AND location_id = $2
UNION SELECT provider_id FROM date_hours WHERE organization_id = $1 AND location_id = $2
UNION SELECT provider_id FROM schedule_exceptions
    WHERE organization_id = $1 AND location_id = $2 AND provider_id IS NOT NULL
ORDER BY 1`

const providersOffering = `
SELECT provider_id FROM provider_visit_kinds WHERE organization_id = $1 AND visit_kind_id = $2 ORDER BY 1`

func (d *dependents) lock(ctx context.Context, tx pgx.Tx) (err error) {
	if d.query == "" {
		return nil
	}
	if d.providers, err = ids(ctx, tx, d.query, d.organization, d.on); err != nil {
		return err
	}
	return lockProvidersForChange(ctx, tx, d.changing, d.organization, d.providers)
}

func (d *dependents) confirm(ctx context.Context, tx pgx.Tx) error {
	if d.query == "" {
		return nil
	}
	now, err := ids(ctx, tx, d.query, d.organization, d.on)
	if err != nil {
		return err
	}
	locked := make(map[uuid.UUID]bool, len(d.providers))
	for _, p := range d.providers {
		locked[p] = true
	}
	if slices.ContainsFunc(now, func(p uuid.UUID) bool { return !locked[p] }) {
		return errAgain
	}
	return nil
}

const (
	shareLocation = `SELECT FROM locations WHERE organization_id = $1 AND id = $2 FOR SHARE`
	keepLocation  = `SELECT FROM locations WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE`
	shareKinds    = `SELECT FROM visit_kinds WHERE organization_id = $1 AND id = ANY ($2) ORDER BY id FOR SHARE`
)

// hit is errAgain when a statement that should have changed a row found none to change.
func hit(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() == 0 {
		return errAgain
	}
	return err
}
