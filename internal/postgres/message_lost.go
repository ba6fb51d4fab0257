package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

const selectLost = `
SELECT ` + messageColumns + ` FROM messages m WHERE m.state = 'SENDING' AND m.channel = $1 AND m.claimed_until <= $2
ORDER BY m.claimed_until LIMIT $3`

// Lost is documented at reminder.Courier.
func (s *Messages) Lost(ctx context.Context, c reminder.ChannelKind, now time.Time, limit int) ([]reminder.Message, error) {
	rows, err := list[messageRow](ctx, s.db.job(courierRole), selectLost, string(c), now, limit)
	return messagesOf(rows), err
}

const reclaimMessage = `
UPDATE messages m SET claims = m.claims + 1, claimed_until = $4
WHERE m.organization_id = $1 AND m.id = $2 AND m.claims = $3 AND m.state = 'SENDING'
RETURNING ` + messageColumns + `, m.patient_id, m.recipient`

// Reclaim is documented at reminder.Courier.
func (s *Messages) Reclaim(ctx context.Context, m reminder.Message, until time.Time) (again reminder.Message, to access.Private, ok bool, err error) {
	type row struct {
		messageRow
		PatientID uuid.UUID
		Recipient []byte
	}
	var found row
	err = s.db.write(ctx, m.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		found, ok, err = one[row](ctx, tx, reclaimMessage, m.OrganizationID, m.ID, m.Claims, until)
		return err
	})
	if err != nil || !ok {
		return again, "", false, err
	}
	c := cellOf("messages", "recipient", m.OrganizationID, m.ID, found.PatientID, found.Recipient)
	keys, err := s.db.opener(ctx, []cell{c})
	if err != nil {
		return again, "", false, err
	}
	text, err := keys.open(c)
	again = found.message()
	again.PatientID = found.PatientID
	return again, or(text), err == nil, err
}
