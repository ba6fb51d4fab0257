package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// A letter that its vendor has taken, or delivered, is not sent again, whatever was thought of it meanwhile. Of one that was sent anew, the
// failure of an earlier try says nothing: whose answer hasn't come has the vendor's id of that one. Nor does a failure that comes after another channel
// had its turn give a third one.
var tellMessages = `
WITH wanted AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) w(organization uuid, message uuid, fate text, why text, code text, vendor text, at timestamptz)
), seen AS MATERIALIZED (
    SELECT ` + seenByCourier + `, m.recipient_token, w.why, w.code, w.vendor, w.at, CASE
        WHEN w.fate = 'ARRIVED' AND m.state <> 'DELIVERED' THEN 'DELIVERED'
        WHEN w.fate = 'TAKEN' AND m.state IN ('SCHEDULED', 'QUEUED', 'SENDING', 'UNKNOWN') THEN 'SENT'
        WHEN w.fate = 'NOT_DELIVERED' AND m.state IN ('SENDING', 'SENT', 'UNKNOWN')
            AND (m.tries = 1 OR w.vendor = '' OR m.vendor_id IS NULL OR (m.vendor_id = w.vendor) = (m.state = 'SENT')) THEN 'FAILED'
        END AS becomes
    FROM wanted w JOIN messages m ON m.organization_id = w.organization AND m.id = w.message
    WHERE m.tries > 0 ORDER BY m.organization_id, m.id FOR UPDATE OF m
), done AS (
    UPDATE messages m SET state = seen.becomes, cause = CASE WHEN seen.becomes = 'FAILED' THEN seen.why END, vendor_id = coalesce(NULLIF(seen.vendor, ''), m.vendor_id),
        claimed_until = NULL, due_at = NULL, sent_at = coalesce(m.sent_at, seen.at), delivered_at = CASE WHEN seen.becomes = 'DELIVERED' THEN seen.at ELSE m.delivered_at END,
        ended_at = CASE WHEN seen.becomes = 'FAILED' THEN seen.at END
    FROM seen WHERE seen.becomes IS NOT NULL AND m.organization_id = seen.organization_id AND m.id = seen.id
    RETURNING ` + seenByCourier + `, seen.why, seen.code, seen.at
), attempt AS (
    UPDATE message_attempts a SET ended_at = done.at, outcome = CASE WHEN done.state = 'FAILED' THEN 'REFUSED' ELSE 'SENT' END,
        cause = CASE WHEN done.state = 'FAILED' THEN done.why END, code = NULLIF(done.code, '')
    FROM done WHERE a.organization_id = done.organization_id AND a.message_id = done.id AND a.try = done.tries AND (a.outcome IS NULL OR a.outcome <> 'SENT' OR done.state = 'FAILED')
), dead AS (
    INSERT INTO dead_letters (organization_id, message_id, generation, channel, kind, died_at, cause, code, tries, trace)
    SELECT organization_id, id, generation, channel, kind, at, why, code, tries, trace FROM done WHERE state = 'FAILED'
    ON CONFLICT DO NOTHING
), opted_out AS (
    ` + optOut("seen.at", "seen.becomes = 'FAILED' AND seen.why = 'OPTED_OUT'") + `
), next AS (
    ` + passOn("seen.at", "$2") + ` AND seen.becomes = 'FAILED' AND NOT EXISTS (SELECT FROM messages o
        WHERE ` + siblings + ` AND (o.due_at IS NOT NULL OR o.state IN ('DELIVERED', 'SENDING', 'SENT')))
), spared AS (
    UPDATE messages o SET state = 'SUPPRESSED', cause = 'REACHED_OTHERWISE', due_at = NULL, ended_at = seen.at
    FROM done seen WHERE seen.state <> 'FAILED' AND ` + siblings + ` AND o.state IN ('SCHEDULED', 'QUEUED')
)
SELECT ` + messageColumns + ` FROM done m`

// tellParam is a report as the statement reads it.
type tellParam struct {
	Organization uuid.UUID `json:"organization"`
	Message      uuid.UUID `json:"message"`
	Fate         string    `json:"fate"`
	Why          string    `json:"why"`
	Code         string    `json:"code"`
	Vendor       string    `json:"vendor"`
	At           time.Time `json:"at"`
}

// Tell is documented at reminder.Courier.
func (s *Messages) Tell(ctx context.Context, reports []reminder.Report, rest time.Duration) (changed []reminder.Message, err error) {
	var failed []error
	for _, round := range rounds(reports) {
		told, err := s.tell(ctx, round, rest)
		changed = append(changed, told...)
		if err != nil {
			failed = append(failed, err)
		}
		if passes(ctx, err) {
			break // and nothing that is told later comes first
		}
	}
	return changed, errors.Join(failed...)
}

// tell keeps reports together. If one of them is at fault, the others are kept all the same.
func (s *Messages) tell(ctx context.Context, reports []reminder.Report, rest time.Duration) ([]reminder.Message, error) {
	rows, err := courier[messageRow](ctx, s.db, tellMessages, column(reports, tellParamOf), rest)
	if err == nil || len(reports) == 1 || passes(ctx, err) {
		return messagesOf(rows), err
	}
	half := len(reports) / 2
	first, err := s.tell(ctx, reports[:half], rest)
	if passes(ctx, err) {
		return first, err
	}
	second, other := s.tell(ctx, reports[half:], rest)
	return append(first, second...), errors.Join(err, other)
}

// passes says that an error is nobody's fault, and that there is no use in going on now.
func passes(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errs.Of(err) == errs.Busy)
}

func tellParamOf(r reminder.Report) tellParam {
	return tellParam{
		Organization: r.Message.Organization, Message: r.Message.ID, Fate: string(r.Fate), Why: string(r.Cause), Code: r.Code, Vendor: r.VendorID, At: r.At,
	}
}

// mostTogether bounds the reports of one statement.
const mostTogether = 250

// rounds are reports that one statement each keeps: one of each message, which a statement changes once, in the order that they came. What only
// repeats the report before it is left out.
func rounds(reports []reminder.Report) (list [][]reminder.Report) {
	type place struct {
		after int // the round of the report before
		last  reminder.Report
	}
	places := make(map[clinic.Ref]place, len(reports))
	for _, r := range reports {
		p, known := places[r.Message]
		if known && p.last.Fate == r.Fate && p.last.VendorID == r.VendorID {
			continue
		}
		round := 0
		if known {
			round = p.after + 1
		}
		for round < len(list) && len(list[round]) == mostTogether {
			round++
		}
		if round == len(list) {
			list = append(list, nil)
		}
		list[round] = append(list[round], r)
		places[r.Message] = place{round, r}
	}
	return list
}
