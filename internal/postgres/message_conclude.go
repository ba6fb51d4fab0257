package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// concludeMessages: who has a message no longer changes nothing. What was overtaken is not tried again.
var concludeMessages = `
WITH wanted AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) w(organization uuid, message uuid, claims int, becomes text, cause text, code text, vendor text, at timestamptz,
        due timestamptz, until timestamptz, has_left boolean, attempts int, episode int, next_task boolean, outcome text, dead boolean, pass_on boolean,
        reached boolean, rest interval)
), seen AS MATERIALIZED (
    SELECT m.organization_id, m.id, m.appointment_id, m.kind, m.rule, m.scheduled_for, m.place, m.channel, m.generation, m.tries, m.trace, m.recipient_token, w.*,
        m.overtaken_at IS NOT NULL AND w.becomes IN ('SCHEDULED', 'QUEUED') AS void
    FROM wanted w JOIN messages m ON m.organization_id = w.organization AND m.id = w.message AND m.claims = w.claims
    WHERE m.state = 'SENDING' ORDER BY m.organization_id, m.id FOR UPDATE OF m
), done AS (
    UPDATE messages m SET
        state = CASE WHEN seen.void THEN 'CANCELLED' ELSE seen.becomes END, cause = CASE WHEN seen.void THEN 'VISIT_CHANGED' ELSE NULLIF(seen.cause, '') END,
        vendor_id = coalesce(NULLIF(seen.vendor, ''), m.vendor_id), claimed_until = seen.until,
        due_at = CASE WHEN seen.void OR seen.pass_on AND seen.becomes = 'SCHEDULED' AND EXISTS (SELECT FROM messages o
            WHERE ` + siblings + ` AND o.state = 'SCHEDULED' AND o.due_at IS NULL) THEN NULL ELSE seen.due END,
        left_at = CASE WHEN seen.has_left THEN seen.at ELSE m.left_at END, attempts = seen.attempts, episode = seen.episode,
        generation = m.generation + CASE WHEN seen.next_task THEN 1 ELSE 0 END,
        queued_at = CASE WHEN seen.becomes = 'QUEUED' THEN seen.at ELSE m.queued_at END, sent_at = CASE WHEN seen.becomes = 'SENT' THEN seen.at ELSE m.sent_at END,
        ended_at = CASE WHEN seen.void OR seen.becomes IN ('FAILED', 'UNKNOWN', 'CANCELLED', 'SUPPRESSED', 'EXPIRED') THEN seen.at ELSE m.ended_at END
    FROM seen WHERE m.organization_id = seen.organization_id AND m.id = seen.id
    RETURNING m.organization_id, m.id
), attempt AS (
    UPDATE message_attempts a SET ended_at = seen.at, outcome = seen.outcome, cause = NULLIF(seen.cause, ''), code = NULLIF(seen.code, '')
    FROM seen WHERE seen.outcome <> '' AND a.organization_id = seen.organization_id AND a.message_id = seen.id AND a.try = seen.tries
), letter AS (
    INSERT INTO dead_letters (organization_id, message_id, generation, channel, kind, died_at, cause, code, tries, trace)
    SELECT organization_id, id, generation, channel, kind, at, cause, code, tries, trace FROM seen WHERE dead AND NOT void
    ON CONFLICT DO NOTHING
), opted_out AS (
    ` + optOut("seen.at", "seen.becomes = 'FAILED' AND seen.cause = 'OPTED_OUT' AND NOT seen.void") + `
), next AS (
    ` + passOn("seen.at", "seen.rest") + ` AND seen.pass_on AND NOT seen.void
), spared AS (
    UPDATE messages o SET state = 'SUPPRESSED', cause = 'REACHED_OTHERWISE', due_at = NULL, ended_at = seen.at
    FROM seen WHERE seen.reached AND ` + siblings + ` AND o.state IN ('SCHEDULED', 'QUEUED')
)
SELECT organization_id, id FROM done`

// siblings are what tells the same by other channels, unless each is to be used.
const siblings = `o.organization_id = seen.organization_id AND o.appointment_id = seen.appointment_id AND o.kind = seen.kind AND o.rule = seen.rule
    AND o.scheduled_for = seen.scheduled_for AND o.id <> seen.id AND NOT o.every_channel`

// optOut keeps a number that has opted out at the carrier, as if its STOP had come here: START undoes it. E-mails have theirs from events.
func optOut(at, when string) string {
	return `INSERT INTO opt_outs (channel, token, at) SELECT seen.channel, seen.recipient_token, max(` + at + `) FROM seen
    WHERE seen.channel = 'SMS' AND seen.recipient_token IS NOT NULL AND ` + when + `
    GROUP BY seen.channel, seen.recipient_token ORDER BY seen.recipient_token ON CONFLICT DO NOTHING`
}

// passOn gives the next channel its turn: the one after this one, else the first one that waits. One that has failed before rests first.
func passOn(now, rest string) string { return fmt.Sprintf(passTurn, now, rest) }

const passTurn = `
    UPDATE messages t SET state = 'SCHEDULED', cause = NULL, ended_at = NULL,
        due_at = %[1]s::timestamptz + CASE WHEN t.episode = 0 THEN interval '0' ELSE %[2]s::interval END
    FROM seen WHERE t.organization_id = seen.organization_id AND t.id = (
        SELECT o.id FROM messages o WHERE ` + siblings + ` AND o.expires_at > %[1]s
            AND (o.state = 'SCHEDULED' AND o.due_at IS NULL OR o.state = 'SUPPRESSED' AND o.cause = 'REACHED_OTHERWISE' AND o.overtaken_at IS NULL)
        ORDER BY o.place > seen.place DESC, o.place LIMIT 1)`

// concluding is what is to be kept of a claim.
type concluding struct {
	message    reminder.Message
	conclusion reminder.Conclusion
}

// concludeParam is one of them as the statement reads it.
type concludeParam struct {
	Organization uuid.UUID  `json:"organization"`
	Message      uuid.UUID  `json:"message"`
	Claims       int        `json:"claims"`
	Becomes      string     `json:"becomes"`
	Cause        string     `json:"cause"`
	Code         string     `json:"code"`
	Vendor       string     `json:"vendor"`
	At           time.Time  `json:"at"`
	Due          *time.Time `json:"due"`
	Until        *time.Time `json:"until"`
	Left         bool       `json:"has_left"`
	Attempts     int        `json:"attempts"`
	Episode      int        `json:"episode"`
	NextTask     bool       `json:"next_task"`
	Outcome      string     `json:"outcome"`
	Dead         bool       `json:"dead"`
	PassOn       bool       `json:"pass_on"`
	Reached      bool       `json:"reached"`
	Rest         string     `json:"rest"`
}

func (c concluding) param() concludeParam {
	k := c.conclusion
	return concludeParam{
		Organization: c.message.OrganizationID, Message: c.message.ID, Claims: c.message.Claims, Becomes: string(k.State), Cause: string(k.Cause), Code: k.Code,
		Vendor: k.VendorID, At: k.At, Due: k.Due, Until: k.Until, Left: k.Left, Attempts: k.Attempts, Episode: k.Episode, NextTask: k.NextTask,
		Outcome: string(k.Outcome), Dead: k.Dead, PassOn: k.PassOn, Reached: k.Reached, Rest: fmt.Sprintf("%d microseconds", k.Rest.Microseconds()),
	}
}

// Conclude is documented at reminder.Courier.
func (s *Messages) Conclude(ctx context.Context, m reminder.Message, c reminder.Conclusion) (bool, error) {
	return s.conclusion.ask(ctx, concluding{m, c})
}

func (s *Messages) concludeAll(ctx context.Context, list []concluding) ([]bool, error) {
	params := make([]concludeParam, len(list))
	for i, c := range list {
		params[i] = c.param()
	}
	rows, err := courier[struct{ OrganizationID, ID uuid.UUID }](ctx, s.db, concludeMessages, params)
	if err != nil {
		return nil, err
	}
	done := make(map[clinic.Ref]bool, len(rows))
	for _, r := range rows {
		done[clinic.Ref{Organization: r.OrganizationID, ID: r.ID}] = true
	}
	answers := make([]bool, len(list))
	for i, c := range list {
		answers[i] = done[c.message.Ref()]
	}
	return answers, nil
}
