package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

const selectOverrides = `
SELECT o.organization_id, o.id, o.appointment_id, o.patient_id, o.rules, o.reason, o.waits, o.at
FROM unnest($1::uuid[], $2::uuid[]) r(organization, id)
JOIN rule_overrides o ON o.organization_id = r.organization AND o.appointment_id = r.id
ORDER BY o.organization_id, o.appointment_id, o.version DESC`

type overrideRow struct {
	OrganizationID, ID, AppointmentID, PatientID uuid.UUID
	Rules                                        []availability.Rule
	Reason                                       []byte
	Waits                                        bool
	At                                           time.Time
}

func (r overrideRow) cell() cell {
	return cellOf("rule_overrides", "reason", r.OrganizationID, r.ID, r.PatientID, r.Reason)
}

// Overrides implements appointment.Store.
func (s *AppointmentStore) Overrides(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref][]appointment.Overridden, error) {
	rows, err := listOf[overrideRow](ctx, s.db, refs, selectOverrides)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	keys, err := s.db.opener(ctx, column(rows, overrideRow.cell))
	if err != nil {
		return nil, err
	}
	found := map[clinic.Ref][]appointment.Overridden{}
	for _, r := range rows {
		o := appointment.Overridden{Rules: r.Rules, At: r.At.UTC(), NeededApproval: r.Waits}
		if o.Reason, err = keys.open(r.cell()); err != nil {
			return nil, err
		}
		ref := clinic.Ref{Organization: r.OrganizationID, ID: r.AppointmentID}
		found[ref] = append(found[ref], o)
	}
	return found, nil
}
