package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

const selectOutdated = `
SELECT a.organization_id AS organization, a.id FROM appointments a
WHERE a.tzdb_version <> $1 AND a.starts_at > $2 AND a.status IN ('BOOKED', 'PENDING') AND a.id > $3
ORDER BY a.id LIMIT $4`

// Outdated implements appointment.Store.
func (s *AppointmentStore) Outdated(ctx context.Context, tzdb string, now time.Time, after uuid.UUID, limit int) ([]appointment.Appointment, error) {
	var refs []clinic.Ref
	err := s.db.job(sweeperRole).snapshot(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		refs, err = all[clinic.Ref](ctx, tx, selectOutdated, tzdb, now, after, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	found, err := s.Appointments(ctx, refs)
	visits := make([]appointment.Appointment, 0, len(refs))
	for _, ref := range refs {
		if visit, there := found[ref]; there {
			visits = append(visits, visit)
		}
	}
	return visits, err
}

const updateSeen = `
UPDATE appointments a SET tzdb_version = $3
FROM unnest($1::uuid[], $2::uuid[]) r(organization, id) WHERE a.organization_id = r.organization AND a.id = r.id`

// Seen implements appointment.Store.
func (s *AppointmentStore) Seen(ctx context.Context, refs []clinic.Ref, tzdb string) error {
	for organization, own := range byTenant(refs) {
		err := s.db.write(ctx, organization, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, updateSeen, append(columnsOf(own), tzdb)...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
