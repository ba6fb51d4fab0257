package postgres

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

const selectOthers = `
SELECT coalesce(bool_or(o.state IN ('QUEUED', 'SENDING', 'SENT', 'DELIVERED') OR o.state = 'SCHEDULED' AND o.due_at IS NOT NULL), false) AS hope,
    coalesce(bool_or(o.state = 'UNKNOWN'), false) AS unclear, coalesce(bool_or(o.state = 'SUPPRESSED' AND o.cause = 'LIMIT_REACHED'), false) AS limited
FROM messages o WHERE o.organization_id = $1 AND o.appointment_id = $2 AND o.kind = $3 AND o.rule = $4 AND o.scheduled_for = $5 AND o.id <> $6`

// Others is documented at reminder.Courier.
func (s *Messages) Others(ctx context.Context, m reminder.Message) (reminder.Others, error) {
	rows, err := courier[reminder.Others](ctx, s.db, selectOthers, m.OrganizationID, m.AppointmentID, string(m.Kind), m.Rule, m.Scheduled, m.ID)
	if err != nil || len(rows) == 0 {
		return reminder.Others{}, err
	}
	return rows[0], nil
}
