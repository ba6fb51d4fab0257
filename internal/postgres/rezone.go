package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

const selectOutdated = `
SELECT ` + appointmentColumns + ` FROM appointments a
WHERE a.tzdb_version <> $1 AND a.starts_at > $2 AND a.status IN ('BOOKED', 'PENDING') AND a.id > $3
ORDER BY a.id LIMIT $4`

// Outdated implements appointment.Store.
func (s *AppointmentStore) Outdated(ctx context.Context, tzdb string, now time.Time, after uuid.UUID, limit int) ([]appointment.Appointment, error) {
	var list []appointment.Appointment
	err := s.db.snapshot(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		list, err = appointments(ctx, tx, selectOutdated, tzdb, now, after, limit)
		return err
	})
	return list, err
}

const updateSeen = `
UPDATE appointments a SET tzdb_version = $3
FROM unnest($1::uuid[], $2::uuid[]) r(organization, id) WHERE a.organization_id = r.organization AND a.id = r.id`

// Seen implements appointment.Store.
func (s *AppointmentStore) Seen(ctx context.Context, refs []clinic.Ref, tzdb string) error {
	return s.db.retry(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, updateSeen, append(columnsOf(refs), tzdb)...)
		return err
	})
}
