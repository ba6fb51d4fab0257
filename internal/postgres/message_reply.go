package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

var _ reminder.AnswerStore = (*Messages)(nil)

const selectReply = `
SELECT organization_id, coalesce(message_id, '00000000-0000-0000-0000-000000000000') AS id, effect, at FROM message_replies WHERE vendor_id = $1`

// Replied is documented at reminder.AnswerStore.
func (s *Messages) Replied(ctx context.Context, id string) (a reminder.Answered, ok bool, err error) {
	type row struct {
		OrganizationID, ID uuid.UUID
		Effect             reminder.Effect
		At                 time.Time
	}
	rows, err := list[row](ctx, s.db.job(courierRole), selectReply, id)
	if err != nil || len(rows) == 0 {
		return a, false, err
	}
	r := rows[0]
	a = reminder.Answered{ID: id, Effect: r.Effect, At: r.At.UTC()}
	if r.ID == uuid.Nil {
		return a, true, nil
	}
	a.Message = clinic.Ref{Organization: r.OrganizationID, ID: r.ID}
	t, _, err := s.ToldBy(ctx, a.Message)
	a.Facts = t.Facts
	return a, err == nil, err
}

// mostTold bounds how far back an answer reaches: nobody is sent so many texts in a week.
const mostTold = 50

const selectToldTo = `
SELECT m.organization_id, m.id FROM messages m
WHERE m.recipient_token = $1 AND m.channel = 'SMS' AND m.state IN ('SENT', 'DELIVERED', 'SENDING', 'UNKNOWN') AND coalesce(m.sent_at, m.sending_at) > $2
ORDER BY coalesce(m.sent_at, m.sending_at) DESC, m.id DESC LIMIT $3`

// ToldTo is documented at reminder.AnswerStore. A message whose answer was lost may have arrived, so it may be answered.
func (s *Messages) ToldTo(ctx context.Context, number access.Private, after time.Time) ([]reminder.Told, error) {
	token, err := s.db.recipient(ctx, reminder.SMS, number)
	if err != nil {
		return nil, err
	}
	rows, err := list[struct{ OrganizationID, ID uuid.UUID }](ctx, s.db.job(courierRole), selectToldTo, token, after, mostTold)
	if err != nil {
		return nil, err
	}
	refs := make([]clinic.Ref, len(rows))
	for i, r := range rows {
		refs[i] = clinic.Ref{Organization: r.OrganizationID, ID: r.ID}
	}
	found, err := s.told(ctx, refs)
	slices.SortStableFunc(found, func(a, b reminder.Told) int {
		return slices.Index(refs, a.Message) - slices.Index(refs, b.Message)
	})
	return found, err
}

// ToldBy is documented at reminder.AnswerStore.
func (s *Messages) ToldBy(ctx context.Context, message clinic.Ref) (t reminder.Told, ok bool, err error) {
	found, err := s.told(ctx, []clinic.Ref{message})
	if err != nil || len(found) == 0 {
		return t, false, err
	}
	return found[0], true, nil
}

// A visit that was moved has a notice of that until it is planned, and then a message.
const selectTold = `
SELECT ` + messageColumns + `, m.patient_id, o.name AS organization, l.name AS location, coalesce(l.phone, '') AS location_phone, a.local_start, a.time_zone AS zone,
    a.modality, coalesce(a.cancelled_by, '') AS cancelled_by, a.answer_by_local, a.local_was, coalesce(a.otherwise = 'CANCEL', false) AS or_off, ` + refusal + `, p.phone, p.email, p.language, p.erased_at,
    a.version AS visit_version, a.starts_at, a.confirmed_at, a.status IN ('PENDING', 'BOOKED', 'OFFERED') AS stands, a.status = 'PENDING' AS pending, ` + isAsked + ` AS asked, a.answer_by, a.status = 'CANCELLED' AS cancelled,
    EXISTS (SELECT FROM message_notices n WHERE n.organization_id = m.organization_id AND n.appointment_id = m.appointment_id AND n.version > m.version
            AND n.kind IN ('CHANGED', 'MOVED', 'REQUESTED'))
        OR EXISTS (SELECT FROM messages c WHERE c.organization_id = m.organization_id AND c.appointment_id = m.appointment_id AND c.version > m.version
            AND c.kind IN ('CHANGE', 'REQUEST')) AS moved,
    a.status = 'CANCELLED' AND a.cancelled_by = 'PATIENT' AND NOT EXISTS (SELECT FROM messages c WHERE c.organization_id = m.organization_id
        AND c.appointment_id = m.appointment_id AND c.response = 'ASKED_TO_CANCEL') AS withdrawn,
    EXISTS (SELECT FROM opt_outs x WHERE x.channel = m.channel AND x.token = m.recipient_token) AS opted_out
FROM messages m JOIN told_visits a ON a.organization_id = m.organization_id AND a.id = m.appointment_id
JOIN patients p ON p.organization_id = m.organization_id AND p.id = m.patient_id
JOIN locations l ON l.organization_id = a.organization_id AND l.id = a.location_id
JOIN organizations o ON o.id = m.organization_id
WHERE m.organization_id = ANY ($1) AND m.id = ANY ($2) AND p.erased_at IS NULL`

type answeredRow struct {
	draftRow
	VisitVersion      int
	StartsAt          time.Time
	ConfirmedAt       *time.Time
	Stands, Cancelled bool
	AnswerBy          *time.Time
	Pending, Asked    bool
	Moved, OptedOut   bool
	Withdrawn         bool
}

// told reads messages with their visits.
func (s *Messages) told(ctx context.Context, refs []clinic.Ref) ([]reminder.Told, error) {
	var all []reminder.Told
	for organization, own := range byTenant(refs) {
		organizations, wanted := split(own)
		rows, err := list[answeredRow](ctx, s.db.tenant(organization), selectTold, organizations, wanted)
		if err != nil {
			return nil, err
		}
		drafts, err := s.db.openDrafts(ctx, column(rows, func(r answeredRow) draftRow { return r.draftRow }))
		if err != nil {
			return nil, err
		}
		for i, r := range rows {
			all = append(all, r.told(drafts[i]))
		}
	}
	return all, nil
}

func (r answeredRow) told(d reminder.Draft) reminder.Told {
	at := r.SentAt
	if at == nil {
		at = r.SendingAt
	}
	in := func(id uuid.UUID) clinic.Ref { return clinic.Ref{Organization: r.OrganizationID, ID: id} }
	return reminder.Told{
		Message: in(r.ID), Visit: in(r.AppointmentID), Patient: in(r.PatientID), Channel: r.Channel, At: or(at).UTC(),
		Start: r.StartsAt.UTC(), Version: r.VisitVersion, Stands: r.Stands, Pending: r.Pending, Asked: r.Asked, Cancelled: r.Cancelled, Confirmed: r.ConfirmedAt != nil, Moved: r.Moved, OptedOut: r.OptedOut,
		Withdrawn: r.Withdrawn, AnswerBy: utc(r.AnswerBy), Facts: d.Facts,
	}
}

const keepAnswer = `
WITH kept AS (
    INSERT INTO message_replies (organization_id, vendor_id, message_id, at, effect)
    SELECT $1, $2, NULLIF($3::uuid, '00000000-0000-0000-0000-000000000000'), $4, $5 WHERE $2 <> '' ON CONFLICT DO NOTHING RETURNING vendor_id
), told AS (
    UPDATE messages m SET response = $6, responded_at = $4
    WHERE m.organization_id = $1 AND m.id = $3 AND $6 <> '' AND m.response IS DISTINCT FROM $6 AND ($2 = '' OR EXISTS (SELECT FROM kept))
)`

// Keep is documented at reminder.AnswerStore.
func (s *Messages) Keep(ctx context.Context, a reminder.Answered) error {
	_, err := courier[struct{ N int }](ctx, s.db, keepAnswer+` SELECT count(*) AS n FROM kept`, answerColumns(a)...)
	return err
}

const (
	stopTexts  = keepAnswer + `, turned AS (INSERT INTO opt_outs (channel, token, at) SELECT 'SMS', $7, $4 FROM kept ON CONFLICT DO NOTHING RETURNING token)`
	startTexts = keepAnswer + `, turned AS (DELETE FROM opt_outs o USING kept WHERE o.channel = 'SMS' AND o.token = $7 RETURNING o.token)`
)

// OptOut is documented at reminder.AnswerStore.
func (s *Messages) OptOut(ctx context.Context, a reminder.Answered, number access.Private) (bool, error) {
	token, err := s.db.recipient(ctx, reminder.SMS, number)
	if err != nil {
		return false, err
	}
	statement := startTexts
	if a.Effect == reminder.Stopped {
		statement = stopTexts
	}
	rows, err := courier[struct{ N int }](ctx, s.db, statement+` SELECT count(*) AS n FROM turned`, append(answerColumns(a), token)...)
	return err == nil && rows[0].N > 0, err
}

const unsubscribe = `
WITH told AS (
    UPDATE messages m SET response = 'OPTED_OUT', responded_at = $3
    WHERE m.organization_id = $1 AND m.id = $2 AND m.channel = 'EMAIL' AND m.response IS DISTINCT FROM 'OPTED_OUT'
), turned AS (
    INSERT INTO opt_outs (channel, token, at) SELECT m.channel, m.recipient_token, $3 FROM messages m
    WHERE m.organization_id = $1 AND m.id = $2 AND m.channel = 'EMAIL' AND m.recipient_token IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING token
)
SELECT count(*) AS n FROM turned`

// Unsubscribe is documented at reminder.AnswerStore.
func (s *Messages) Unsubscribe(ctx context.Context, message clinic.Ref, at time.Time) (bool, error) {
	rows, err := courier[struct{ N int }](ctx, s.db, unsubscribe, message.Organization, message.ID, at)
	return err == nil && rows[0].N > 0, err
}

func answerColumns(a reminder.Answered) []any {
	return []any{a.Message.Organization, a.ID, a.Message.ID, a.At, string(a.Effect), string(a.Response)}
}
