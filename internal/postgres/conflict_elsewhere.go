package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

const (
	selectLinksElsewhere = `
SELECT organization_id, patient_id FROM account_links WHERE account_id = $1 AND organization_id <> $2 AND ended_at IS NULL
ORDER BY organization_id, patient_id LIMIT $3`
	selectOverlaps = `
SELECT c.appointment_id, c.party_id AS patient_id, c.starts_at, c.ends_at FROM unnest($2::uuid[]) p(patient)
JOIN claims c ON c.organization_id = $1 AND c.party_id = p.patient AND c.state = 'ACTIVE' AND c.appointment_id IS NOT NULL
    AND c.starts_at < $4 AND c.ends_at > $3 AND c.starts_at > $3::timestamptz - interval '48 hours'
ORDER BY c.starts_at, c.id LIMIT $5`
)

// OverlapsElsewhere is documented at conflict.Store. Whom the account acts for is found out as the sign-in role, which sees ids only; then each
// organisation is asked as itself.
func (s *ConflictStore) OverlapsElsewhere(ctx context.Context, account, other uuid.UUID, during availability.Span) ([]conflict.Warning, error) {
	type link struct{ OrganizationID, PatientID uuid.UUID }
	links, err := list[link](ctx, s.db.job(signInRole), selectLinksElsewhere, account, other, access.MaxLinks)
	if err != nil || len(links) == 0 {
		return nil, err
	}
	patients := map[uuid.UUID][]uuid.UUID{}
	for _, l := range links {
		patients[l.OrganizationID] = append(patients[l.OrganizationID], l.PatientID)
	}
	var found []conflict.Warning
	for organization, people := range patients {
		type row struct {
			AppointmentID, PatientID uuid.UUID
			StartsAt, EndsAt         time.Time
		}
		rows, err := list[row](ctx, s.db.tenant(organization), selectOverlaps, organization, people, during.Start, during.End, conflict.MaxWarnings)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found = append(found, conflict.Warning{
				Organization: organization, Appointment: r.AppointmentID, Patient: r.PatientID,
				Span: availability.Span{Start: r.StartsAt.UTC(), End: r.EndsAt.UTC()},
			})
		}
	}
	slices.SortFunc(found, func(a, b conflict.Warning) int {
		return cmp.Or(a.Start.Compare(b.Start), slices.Compare(a.Appointment[:], b.Appointment[:]))
	})
	return found[:min(len(found), conflict.MaxWarnings)], nil
}
