package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// concern reads whom things concern, and which concern somebody, of one table.
type concern struct{ whose, own string }

func concernIn(table string) concern {
	return concern{
		whose: `
SELECT a.organization_id, a.id, a.patient_id, ARRAY(SELECT l.account_id FROM account_links l
    WHERE l.organization_id = a.organization_id AND l.patient_id = a.patient_id AND l.ended_at IS NULL) AS accounts
FROM ` + table + ` a JOIN unnest($1::uuid[], $2::uuid[]) r(organization, id) ON a.organization_id = r.organization AND a.id = r.id`,
		// Patients first, each by an index of its own, then the things of each.
		own: `
SELECT a.organization_id AS organization, a.id FROM (
    SELECT $2::uuid AS patient_id
    UNION SELECT patient_id FROM account_links WHERE organization_id = $1 AND account_id = $3 AND ended_at IS NULL
) p CROSS JOIN LATERAL (
    SELECT organization_id, id FROM ` + table + ` WHERE organization_id = $1 AND patient_id = p.patient_id LIMIT $4
) a LIMIT $4`,
	}
}

var concernOfVisits, concernOfOffers = concernIn("appointments"), concernIn("waitlist_offers")

// Concerns implements appointment.Store.
func (s *AppointmentStore) Concerns(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Concern, error) {
	return s.db.concerns(ctx, concernOfVisits, refs)
}

// Concerns is documented at waitlist.Store.
func (s *WaitlistStore) Concerns(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Concern, error) {
	return s.db.concerns(ctx, concernOfOffers, refs)
}

func (db *DB) concerns(ctx context.Context, c concern, refs []clinic.Ref) (map[clinic.Ref]appointment.Concern, error) {
	type row struct {
		OrganizationID, ID, PatientID uuid.UUID
		Accounts                      []uuid.UUID
	}
	found := make(map[clinic.Ref]appointment.Concern, len(refs))
	for organization, own := range byTenant(refs) {
		rows, err := list[row](ctx, db.tenant(organization), c.whose, columnsOf(own)...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found[clinic.Ref{Organization: r.OrganizationID, ID: r.ID}] = appointment.Concern{Patient: r.PatientID, Accounts: r.Accounts}
		}
	}
	return found, nil
}

// Concerning implements appointment.Store.
func (s *AppointmentStore) Concerning(ctx context.Context, a access.Actor, limit int) ([]clinic.Ref, error) {
	return s.db.concerning(ctx, concernOfVisits, a, limit)
}

// Concerning is documented at waitlist.Store.
func (s *WaitlistStore) Concerning(ctx context.Context, a access.Actor, limit int) ([]clinic.Ref, error) {
	return s.db.concerning(ctx, concernOfOffers, a, limit)
}

func (db *DB) concerning(ctx context.Context, c concern, a access.Actor, limit int) ([]clinic.Ref, error) {
	return list[clinic.Ref](ctx, db.tenant(a.Organization), c.own, a.Organization, a.PatientID, a.ID, limit)
}
