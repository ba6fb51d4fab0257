package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Clocks of processes differ a little: a task may come when its message is not quite due.
const claimMessage = `
WITH taken AS (
    UPDATE messages m SET state = 'SENDING', claims = m.claims + 1, attempts = m.attempts + 1, tries = m.tries + 1, sending_at = $4, claimed_until = $5,
        due_at = NULL, left_at = NULL, recipient = $6, recipient_token = $7, cause = NULL
    WHERE m.organization_id = $1 AND m.id = $2 AND m.generation = $3 AND m.state IN ('SCHEDULED', 'QUEUED') AND m.due_at <= $4::timestamptz + interval '2 seconds'
        AND m.expires_at > $4
    RETURNING ` + seenByCourier + `
), attempt AS (
    INSERT INTO message_attempts (organization_id, message_id, try, began_at) SELECT organization_id, id, tries, $4 FROM taken
)
SELECT ` + messageColumns + ` FROM taken m`

// Claim is documented at reminder.Courier.
func (s *Messages) Claim(ctx context.Context, c reminder.Claim) (m reminder.Message, ok bool, err error) {
	pen, err := s.db.penOf(ctx, c.Patient.Organization, c.Patient.ID)
	if err != nil {
		if errs.Of(err) == errs.NotFound {
			return m, false, nil // erased meanwhile
		}
		return m, false, err
	}
	token, err := s.db.recipient(ctx, c.Channel, c.To)
	if err != nil {
		return m, false, err
	}
	rows, err := courier[messageRow](ctx, s.db, claimMessage, c.Message.Organization, c.Message.ID, c.Generation, c.At, c.Until,
		pen.seal(pen.in("messages", "recipient", c.Message.ID), c.To), token)
	if err != nil || len(rows) == 0 {
		return m, false, err
	}
	m = rows[0].message()
	m.PatientID = c.Patient.ID
	return m, true, nil
}

// leaveFor bounds how long a letter holds up who changes its visit: the server ends the transaction then.
const leaveFor = time.Second

const (
	beginLeaving = "begin; SET LOCAL ROLE " + courierRole + "; SET LOCAL idle_in_transaction_session_timeout = '1s'"
	holdMessage  = `
SELECT id FROM messages
WHERE organization_id = $1 AND id = $2 AND claims = $3 AND state = 'SENDING' AND overtaken_at IS NULL FOR SHARE`
)

// Leave is documented at reminder.Courier. The lock that it holds makes whoever changes the visit wait until the letter has left.
func (s *Messages) Leave(ctx context.Context, m reminder.Message) (func(), error) {
	waiting, cancel := context.WithTimeout(ctx, leaveFor)
	defer cancel()
	conn, err := s.db.tenants.Acquire(waiting)
	if err != nil {
		return nil, errs.TryAgain(err)
	}
	tx, err := conn.BeginTx(waiting, pgx.TxOptions{BeginQuery: beginLeaving})
	if err != nil {
		conn.Release()
		return nil, translated(err)
	}
	end := func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveFor)
		defer cancel()
		_ = tx.Rollback(within) // nothing was written
		conn.Release()
	}
	_, held, err := one[struct{ ID uuid.UUID }](waiting, tx, holdMessage, m.OrganizationID, m.ID, m.Claims)
	switch {
	case err != nil:
		end()
		return nil, translated(err)
	case !held:
		end()
		return nil, reminder.ErrOvertaken
	}
	return end, nil
}

// concludeMessage: who has the message no longer changes nothing. What was overtaken is not tried again.
var concludeMessage = `
WITH seen AS (
    SELECT ` + seenByCourier + `, m.overtaken_at IS NOT NULL AND $4 IN ('SCHEDULED', 'QUEUED') AS void FROM messages m
    WHERE m.organization_id = $1 AND m.id = $2 AND m.claims = $3 AND m.state = 'SENDING' FOR UPDATE
), alone AS (
    SELECT NOT EXISTS (SELECT FROM messages o, seen WHERE ` + siblings + ` AND o.state = 'SCHEDULED' AND o.due_at IS NULL) AS last FROM seen
), done AS (
    UPDATE messages m SET
        state = CASE WHEN seen.void THEN 'CANCELLED' ELSE $4 END, cause = CASE WHEN seen.void THEN 'VISIT_CHANGED' ELSE NULLIF($5, '') END,
        vendor_id = coalesce(NULLIF($6, ''), m.vendor_id), claimed_until = $9,
        due_at = CASE WHEN seen.void OR $15 AND $4 = 'SCHEDULED' AND NOT alone.last THEN NULL ELSE $8::timestamptz END,
        left_at = CASE WHEN $10 THEN $7 ELSE m.left_at END, attempts = $11, episode = $12, generation = m.generation + CASE WHEN $13 THEN 1 ELSE 0 END,
        queued_at = CASE WHEN $4 = 'QUEUED' THEN $7 ELSE m.queued_at END,
        sent_at = CASE WHEN $4 = 'SENT' THEN $7 ELSE m.sent_at END,
        ended_at = CASE WHEN seen.void OR $4 IN ('FAILED', 'UNKNOWN', 'CANCELLED', 'SUPPRESSED', 'EXPIRED') THEN $7 ELSE m.ended_at END
    FROM seen, alone WHERE m.organization_id = seen.organization_id AND m.id = seen.id
    RETURNING ` + seenByCourier + `, seen.void, seen.generation AS task
), attempt AS (
    UPDATE message_attempts a SET ended_at = $7, outcome = $14, cause = NULLIF($5, ''), code = NULLIF($16, '')
    FROM done WHERE $14 <> '' AND a.organization_id = done.organization_id AND a.message_id = done.id AND a.try = done.tries
), dead AS (
    INSERT INTO dead_letters (organization_id, message_id, generation, channel, kind, died_at, cause, code, tries, trace)
    SELECT organization_id, id, task, channel, kind, $7, $5, $16, tries, trace FROM done WHERE $17 AND NOT void
    ON CONFLICT DO NOTHING
), next AS (
    ` + passOn(7, 19) + ` AND $15 AND NOT seen.void
), spared AS (
    UPDATE messages o SET state = 'SUPPRESSED', cause = 'REACHED_OTHERWISE', due_at = NULL, ended_at = $7
    FROM done seen WHERE $18 AND ` + siblings + ` AND o.state IN ('SCHEDULED', 'QUEUED')
)
SELECT id FROM done`

// siblings are what tells the same by other channels, unless each is to be used.
const siblings = `o.organization_id = seen.organization_id AND o.appointment_id = seen.appointment_id AND o.kind = seen.kind AND o.rule = seen.rule
    AND o.scheduled_for = seen.scheduled_for AND o.id <> seen.id AND NOT o.every_channel`

// passOn gives the next channel its turn: the one after this one, else the first one that waits. One that has failed before rests first, for a
// time. The parameters are of the present time and of that one.
func passOn(now, rest int) string { return fmt.Sprintf(passOnTo, now, rest) }

const passOnTo = `
    UPDATE messages t SET state = 'SCHEDULED', cause = NULL, ended_at = NULL,
        due_at = $%[1]d::timestamptz + CASE WHEN t.episode = 0 THEN interval '0' ELSE $%[2]d::interval END
    FROM seen WHERE t.organization_id = seen.organization_id AND t.id = (
        SELECT o.id FROM messages o WHERE ` + siblings + ` AND o.expires_at > $%[1]d
            AND (o.state = 'SCHEDULED' AND o.due_at IS NULL OR o.state = 'SUPPRESSED' AND o.cause = 'REACHED_OTHERWISE')
        ORDER BY o.place > seen.place DESC, o.place LIMIT 1)`

// Conclude is documented at reminder.Courier.
func (s *Messages) Conclude(ctx context.Context, m reminder.Message, c reminder.Conclusion) (bool, error) {
	rows, err := courier[struct{ ID uuid.UUID }](ctx, s.db, concludeMessage, m.OrganizationID, m.ID, m.Claims, string(c.State), string(c.Cause),
		c.VendorID, c.At, c.Due, c.Until, c.Left, c.Attempts, c.Episode, c.NextTask, string(c.Outcome), c.PassOn, c.Code, c.Dead, c.Reached, c.Rest)
	return len(rows) > 0, err
}
