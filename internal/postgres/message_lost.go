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
SELECT ` + messageColumns + ` FROM messages m WHERE m.state = 'SENDING' AND m.claimed_until <= $1 ORDER BY m.claimed_until LIMIT $2`

// Lost is documented at reminder.Courier.
func (s *Messages) Lost(ctx context.Context, now time.Time, limit int) ([]reminder.Message, error) {
	rows, err := list[messageRow](ctx, s.db.job(courierRole), selectLost, now, limit)
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

// A letter that its vendor has taken, or delivered, is not sent again, whatever was thought of it meanwhile. Of one that was sent anew since it
// seemed not to have been taken, the failure of another try says nothing; nor does one that comes after another channel had its turn give a third one.
var tellMessage = `
WITH seen AS (
    SELECT ` + seenByCourier + `, m.recipient_token, CASE
        WHEN $3 = 'ARRIVED' AND m.state <> 'DELIVERED' THEN 'DELIVERED'
        WHEN $3 = 'TAKEN' AND m.state IN ('SCHEDULED', 'QUEUED', 'SENDING', 'UNKNOWN') THEN 'SENT'
        WHEN $3 = 'NOT_DELIVERED' AND m.state IN ('SENDING', 'SENT', 'UNKNOWN') AND coalesce(m.tries = 1 OR $6 = '' OR m.vendor_id = $6, true) THEN 'FAILED'
        END AS becomes
    FROM messages m WHERE m.organization_id = $1 AND m.id = $2 AND m.tries > 0 FOR UPDATE
), done AS (
    UPDATE messages m SET state = seen.becomes, cause = CASE WHEN seen.becomes = 'FAILED' THEN $4 END, vendor_id = coalesce(NULLIF($6, ''), m.vendor_id),
        claimed_until = NULL, due_at = NULL, sent_at = coalesce(m.sent_at, $7), delivered_at = CASE WHEN seen.becomes = 'DELIVERED' THEN $7 ELSE m.delivered_at END,
        ended_at = CASE WHEN seen.becomes = 'FAILED' THEN $7 END
    FROM seen WHERE seen.becomes IS NOT NULL AND m.organization_id = seen.organization_id AND m.id = seen.id
    RETURNING ` + seenByCourier + `
), attempt AS (
    UPDATE message_attempts a SET ended_at = $7, outcome = CASE WHEN done.state = 'FAILED' THEN 'REFUSED' ELSE 'SENT' END,
        cause = CASE WHEN done.state = 'FAILED' THEN $4 END, code = NULLIF($5, '')
    FROM done WHERE a.organization_id = done.organization_id AND a.message_id = done.id AND a.try = done.tries AND (a.outcome IS NULL OR a.outcome <> 'SENT' OR done.state = 'FAILED')
), dead AS (
    INSERT INTO dead_letters (organization_id, message_id, generation, channel, kind, died_at, cause, code, tries, trace)
    SELECT organization_id, id, generation, channel, kind, $7, $4, $5, tries, trace FROM done WHERE state = 'FAILED'
    ON CONFLICT DO NOTHING
), opted_out AS (
    ` + optOut("$7::timestamptz", "seen.becomes = 'FAILED' AND $4 = 'OPTED_OUT'") + `
), next AS (
    ` + passOn("$7", "$8") + ` AND seen.becomes = 'FAILED' AND NOT EXISTS (SELECT FROM messages o
        WHERE ` + siblings + ` AND (o.due_at IS NOT NULL OR o.state IN ('DELIVERED', 'SENDING', 'SENT')))
), spared AS (
    UPDATE messages o SET state = 'SUPPRESSED', cause = 'REACHED_OTHERWISE', due_at = NULL, ended_at = $7
    FROM done seen WHERE seen.state <> 'FAILED' AND ` + siblings + ` AND o.state IN ('SCHEDULED', 'QUEUED')
)
SELECT ` + messageColumns + ` FROM done m`

// Tell is documented at reminder.Courier.
func (s *Messages) Tell(ctx context.Context, r reminder.Report, rest time.Duration) (reminder.Message, bool, error) {
	rows, err := courier[messageRow](ctx, s.db, tellMessage, r.Message.Organization, r.Message.ID, string(r.Fate), string(r.Cause), r.Code, r.VendorID, r.At,
		rest)
	if err != nil || len(rows) == 0 {
		return reminder.Message{}, false, err
	}
	return rows[0].message(), true, nil
}
