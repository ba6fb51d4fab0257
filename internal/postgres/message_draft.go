package postgres

import (
	"bytes"
	"context"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// refusal is how a cancelled visit was refused that had been asked for.
const refusal = `CASE WHEN a.status <> 'CANCELLED' THEN '' WHEN a.last_action = 'DECLINE' THEN 'DECLINED'
    WHEN (SELECT v.cancel_reason FROM appointments v WHERE v.organization_id = m.organization_id AND v.id = m.appointment_id) = 'NOT_APPROVED_IN_TIME' THEN 'LAPSED'
    ELSE '' END AS refusal`

const selectDrafts = `
SELECT ` + messageColumns + `, m.patient_id, o.name AS organization, l.name AS location, coalesce(l.phone, '') AS location_phone, a.local_start, a.time_zone AS zone,
    a.modality, coalesce(a.cancelled_by, '') AS cancelled_by, a.answer_by_local, a.local_was, coalesce(a.otherwise = 'CANCEL', false) AS or_off, ` + refusal + `, p.phone, p.email, p.language, p.erased_at,
    coalesce(m.kind = 'REMINDER' AND NOT c.reminders OR c.channels @> jsonb_build_array(jsonb_build_object('channel', m.channel, 'allowed', false)), false) AS unwanted
FROM unnest($1::uuid[], $2::int[]) w(id, generation) JOIN messages m ON m.organization_id = $3 AND m.id = w.id AND m.generation = w.generation
JOIN told_visits a ON a.organization_id = m.organization_id AND a.id = m.appointment_id
JOIN patients p ON p.organization_id = m.organization_id AND p.id = m.patient_id
JOIN locations l ON l.organization_id = a.organization_id AND l.id = a.location_id
JOIN organizations o ON o.id = m.organization_id
LEFT JOIN contact_preferences c ON c.organization_id = m.organization_id AND c.patient_id = m.patient_id
WHERE m.state IN ('SCHEDULED', 'QUEUED') AND m.due_at IS NOT NULL`

type draftRow struct {
	messageRow
	PatientID              uuid.UUID
	Organization, Location string
	LocationPhone          string
	LocalStart             time.Time
	Zone                   string
	Modality               clinic.Modality
	CancelledBy            string
	AnswerByLocal          *time.Time
	LocalWas               *time.Time
	OrOff                  bool
	Refusal                reminder.Refusal
	Phone, Email, Language []byte
	ErasedAt               *time.Time
}

// waitingRow is one that may be sent, unless the patient has said meanwhile that they want none such.
type waitingRow struct {
	draftRow
	Unwanted bool
}

const selectOptedOut = `SELECT o.channel, o.token FROM unnest($1::text[], $2::bytea[]) w(channel, token) JOIN opt_outs o ON o.channel = w.channel AND o.token = w.token`

type drafted struct {
	draft reminder.Draft
	ok    bool
}

// Draft is documented at reminder.Courier.
func (s *Messages) Draft(ctx context.Context, t reminder.Task) (reminder.Draft, bool, error) {
	d, err := s.drafts.ask(ctx, t)
	return d.draft, d.ok, err
}

func (s *Messages) draftAll(ctx context.Context, tasks []reminder.Task) ([]drafted, error) {
	parts := map[uuid.UUID][]reminder.Task{}
	for _, t := range tasks {
		parts[t.Message.Organization] = append(parts[t.Message.Organization], t)
	}
	found := make(map[clinic.Ref]reminder.Draft, len(tasks))
	for organization, own := range parts {
		if err := s.draftsOf(ctx, organization, own, found); err != nil {
			return nil, err
		}
	}
	answers := make([]drafted, len(tasks))
	for i, t := range tasks {
		d, ok := found[t.Message]
		answers[i] = drafted{d, ok && d.Message.Generation == t.Generation}
	}
	return answers, nil
}

// draftsOf adds one organisation's drafts to found.
func (s *Messages) draftsOf(ctx context.Context, organization uuid.UUID, tasks []reminder.Task, found map[clinic.Ref]reminder.Draft) error {
	_, ids, generations := unzip(tasks)
	in := s.db.tenant(organization)
	rows, err := list[waitingRow](ctx, in, selectDrafts, ids, generations, organization)
	if err != nil || len(rows) == 0 {
		return err
	}
	drafts, err := s.db.openDrafts(ctx, column(rows, func(r waitingRow) draftRow { return r.draftRow }))
	if err != nil {
		return err
	}
	channels, tokens := make([]string, len(drafts)), make([][]byte, len(drafts))
	for i, d := range drafts {
		channels[i] = string(d.Message.Channel)
		if tokens[i], err = s.db.recipient(ctx, d.Message.Channel, d.To); err != nil {
			return err
		}
	}
	type optOut struct {
		Channel string
		Token   []byte
	}
	out, err := list[optOut](ctx, in, selectOptedOut, channels, tokens)
	if err != nil {
		return err
	}
	for i, d := range drafts {
		if rows[i].Unwanted {
			d.Blocked = reminder.NoConsent
		}
		if slices.ContainsFunc(out, func(o optOut) bool { return o.Channel == channels[i] && bytes.Equal(o.Token, tokens[i]) }) {
			d.Blocked = reminder.OptedOut
		}
		found[d.Message.Ref()] = d
	}
	return nil
}

// openDrafts opens what is private of rows, with one look for all their keys.
func (db *DB) openDrafts(ctx context.Context, rows []draftRow) ([]reminder.Draft, error) {
	var cells []cell
	for _, r := range rows {
		cells = append(cells, r.cells()...)
	}
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return nil, err
	}
	list := make([]reminder.Draft, len(rows))
	for i, r := range rows {
		if list[i], err = r.draft(keys); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (r draftRow) cells() []cell {
	return []cell{
		cellOf("patients", "phone", r.OrganizationID, r.PatientID, r.PatientID, r.Phone),
		cellOf("patients", "email", r.OrganizationID, r.PatientID, r.PatientID, r.Email),
		cellOf("patients", "language", r.OrganizationID, r.PatientID, r.PatientID, r.Language),
	}
}

func (r draftRow) draft(keys opener) (reminder.Draft, error) {
	m := r.message()
	m.PatientID = r.PatientID
	d := reminder.Draft{Message: m, Facts: reminder.Facts{
		Organization: r.Organization, Location: r.Location, Phone: r.LocationPhone, Local: civil.DateTimeOf(r.LocalStart), TimeZone: r.Zone, Modality: r.Modality,
		ByClinic: r.CancelledBy == "CLINIC", Refusal: r.Refusal, Reference: r.Reference,
	}}
	if r.AnswerByLocal != nil {
		d.Facts.Until = civil.DateTimeOf(*r.AnswerByLocal)
	}
	if r.LocalWas != nil {
		d.Facts.Was, d.Facts.OrOff = civil.DateTimeOf(*r.LocalWas), r.OrOff
	}
	if r.ErasedAt != nil {
		d.Blocked = reminder.PatientErased
		return d, nil
	}
	cells := r.cells()
	texts := make([]*access.Private, len(cells))
	for i, c := range cells {
		var err error
		if texts[i], err = keys.open(c); err != nil {
			return d, err
		}
	}
	d.Facts.Language = or(texts[2]).Reveal()
	switch m.Channel {
	case reminder.SMS:
		d.To = or(texts[0])
	case reminder.Email:
		d.To = or(texts[1])
	}
	return d, nil
}

// waiting is a message that a task is about.
const waiting = `
WITH seen AS (
    SELECT ` + seenByCourier + ` FROM messages m WHERE m.organization_id = $1 AND m.id = $2 AND m.generation = $3 AND m.state IN ('SCHEDULED', 'QUEUED')
        AND m.due_at IS NOT NULL FOR UPDATE
)`

var suppressMessage = waiting + `, done AS (
    UPDATE messages m SET state = 'SUPPRESSED', cause = $4, due_at = NULL, ended_at = $5
    FROM seen WHERE m.organization_id = seen.organization_id AND m.id = seen.id RETURNING m.id
), next AS (` + passOn("$5", "$6") + `)
SELECT id FROM done`

// Suppress is documented at reminder.Courier.
func (s *Messages) Suppress(ctx context.Context, t reminder.Task, why reminder.Cause, at time.Time, rest time.Duration) (bool, error) {
	rows, err := courier[struct{ ID uuid.UUID }](ctx, s.db, suppressMessage, t.Message.Organization, t.Message.ID, t.Generation, string(why), at, rest)
	return len(rows) > 0, err
}

// What passes its turn on waits for it to come back.
var passMessageOn = waiting + `, next AS (` + passOn("$5", "$6") + ` AND NOT seen.every_channel RETURNING t.id
), done AS (
    UPDATE messages m SET state = 'SCHEDULED', cause = $4, due_at = NULL, episode = m.episode + 1, attempts = 0, generation = m.generation + 1
    FROM seen, next WHERE m.organization_id = seen.organization_id AND m.id = seen.id RETURNING m.id
)
SELECT id FROM done`

// PassOn is documented at reminder.Courier.
func (s *Messages) PassOn(ctx context.Context, t reminder.Task, why reminder.Cause, at time.Time, rest time.Duration) (bool, error) {
	rows, err := courier[struct{ ID uuid.UUID }](ctx, s.db, passMessageOn, t.Message.Organization, t.Message.ID, t.Generation, string(why), at, rest)
	return len(rows) > 0, err
}

// A tenant's statement, as the courier has no say in when a message expires.
var restMessage = waiting + `, done AS (
    UPDATE messages m SET state = 'SCHEDULED', cause = $4, due_at = $5, expires_at = greatest(m.expires_at, $6), attempts = 0, generation = m.generation + 1
    FROM seen WHERE m.organization_id = seen.organization_id AND m.id = seen.id RETURNING m.id
), others AS (
    UPDATE messages o SET expires_at = greatest(o.expires_at, $6) FROM seen WHERE ` + siblings + ` AND o.state IN ('SCHEDULED', 'QUEUED')
)
SELECT id FROM done`

// Rest is documented at reminder.Courier.
func (s *Messages) Rest(ctx context.Context, t reminder.Task, until, expires time.Time) error {
	return s.db.write(ctx, t.Message.Organization, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, restMessage, t.Message.Organization, t.Message.ID, t.Generation, string(reminder.Quiet), until, expires)
		return err
	})
}
