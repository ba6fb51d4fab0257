package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

const saveOpenings = `
INSERT INTO schedule_exceptions (organization_id, provider_id, location_id, effect, id, local_from, local_to, capacity,
    max_appointments)
SELECT $1, $2, $3, 'OPEN', * FROM unnest($4::uuid[], $5::timestamp[], $6::timestamp[], $7::integer[], $8::integer[])
ON CONFLICT (organization_id, id) DO UPDATE SET local_from = excluded.local_from, local_to = excluded.local_to,
    capacity = excluded.capacity, max_appointments = excluded.max_appointments`

// PutOpenings is documented at provider.Store.
func (d *Directory) PutOpenings(ctx context.Context, by clinic.Stamp, at provider.Desk, list []provider.Exception) (int, error) {
	changed := 0
	err := d.settle(ctx, at.Organization, func(ctx context.Context, tx pgx.Tx) error {
		changed = 0
		fresh, expected, err := unlikeStored(ctx, tx, at.Organization, list)
		if err != nil || len(fresh) == 0 {
			return err
		}
		t, err := lockDesk(ctx, tx, changing{by.At, expected}, at, adding)
		if err != nil {
			return err
		}
		fresh, days, err := unlikeStored(ctx, tx, at.Organization, list)
		if err != nil {
			return err
		}
		if expected.Join(days) != expected { // somebody changed them in between
			return errAgain
		}
		if len(fresh) == 0 {
			return errUnchanged
		}
		changed = len(fresh)
		if err := saveAll(ctx, tx, at, fresh); err != nil {
			return err
		}
		return t.record(ctx, tx, note(by, at.Organization, "openings.put", "Provider", at.Provider), fresh...)
	})
	return changed, err
}

// unlikeStored picks what is new or changed, with the days that it touches or used to touch.
func unlikeStored(ctx context.Context, tx pgx.Tx, organization uuid.UUID, list []provider.Exception) ([]provider.Exception, provider.Days, error) {
	wanted := make([]clinic.Ref, len(list))
	for i, e := range list {
		wanted[i] = clinic.Ref{Organization: organization, ID: e.ID}
	}
	organizations, ids := split(wanted)
	rows, err := all[wholeExceptionRow](ctx, tx, exceptionsByRef, organizations, ids)
	stored := make(map[uuid.UUID]provider.Exception, len(rows))
	for _, r := range rows {
		stored[r.ID] = r.unexplained() // a published window has no reason
	}
	fresh := slices.DeleteFunc(slices.Clone(list), func(e provider.Exception) bool { return stored[e.ID].Same(e) })
	var days provider.Days
	for i, e := range fresh {
		if i == 0 {
			days = e.Days()
		}
		days = days.Join(e.Days())
		if old, ok := stored[e.ID]; ok {
			days = days.Join(old.Days())
		}
	}
	return fresh, days, err
}

func saveAll(ctx context.Context, tx pgx.Tx, at provider.Desk, list []provider.Exception) error {
	var ids []uuid.UUID
	var from, to []time.Time
	var capacities []int
	var caps []*int
	for _, e := range list {
		ids, from, to = append(ids, e.ID), append(from, wall(e.From)), append(to, wall(e.To))
		capacities, caps = append(capacities, e.Capacity), append(caps, e.MaxAppointments)
	}
	_, err := tx.Exec(ctx, saveOpenings, at.Organization, at.Provider, at.Location, ids, from, to, capacities, caps)
	return err
}
