package postgres

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

const selectDraft = `
SELECT ` + messageColumns + `, m.patient_id, o.name AS organization, l.name AS location, coalesce(l.phone, '') AS location_phone, a.local_start, a.time_zone AS zone,
    a.modality, coalesce(a.cancelled_by, '') AS cancelled_by, p.phone, p.email, p.language, p.erased_at
FROM messages m JOIN appointments a ON a.organization_id = m.organization_id AND a.id = m.appointment_id
JOIN patients p ON p.organization_id = m.organization_id AND p.id = m.patient_id
JOIN locations l ON l.organization_id = a.organization_id AND l.id = a.location_id
JOIN organizations o ON o.id = m.organization_id
WHERE m.organization_id = $1 AND m.id = $2 AND m.generation = $3 AND m.state IN ('SCHEDULED', 'QUEUED') AND m.due_at IS NOT NULL`

type draftRow struct {
	messageRow
	PatientID              uuid.UUID
	Organization, Location string
	LocationPhone          string
	LocalStart             time.Time
	Zone                   string
	Modality               clinic.Modality
	CancelledBy            string
	Phone, Email, Language []byte
	ErasedAt               *time.Time
}

const optedOut = `SELECT EXISTS (SELECT FROM opt_outs WHERE channel = $1 AND token = $2) AS opted_out`

// Draft is documented at reminder.Courier.
func (s *Messages) Draft(ctx context.Context, t reminder.Task) (d reminder.Draft, ok bool, err error) {
	in := s.db.tenant(t.Message.Organization)
	rows, err := list[draftRow](ctx, in, selectDraft, t.Message.Organization, t.Message.ID, t.Generation)
	if err != nil || len(rows) == 0 {
		return d, false, err
	}
	r := rows[0]
	if d, err = s.db.drafted(ctx, r); err != nil || d.To == "" || d.Blocked != "" {
		return d, err == nil, err
	}
	token, err := s.db.recipient(ctx, r.Channel, d.To)
	if err != nil {
		return d, false, err
	}
	out, err := list[struct{ OptedOut bool }](ctx, in, optedOut, string(r.Channel), token)
	if err == nil && out[0].OptedOut {
		d.Blocked = reminder.OptedOut
	}
	return d, err == nil, err
}

// drafted opens what is private of a row.
func (db *DB) drafted(ctx context.Context, r draftRow) (reminder.Draft, error) {
	cells := []cell{
		cellOf("patients", "phone", r.OrganizationID, r.PatientID, r.PatientID, r.Phone),
		cellOf("patients", "email", r.OrganizationID, r.PatientID, r.PatientID, r.Email),
		cellOf("patients", "language", r.OrganizationID, r.PatientID, r.PatientID, r.Language),
	}
	m := r.message()
	m.PatientID = r.PatientID
	d := reminder.Draft{Message: m, Facts: reminder.Facts{
		Organization: r.Organization, Location: r.Location, Phone: r.LocationPhone, Local: civil.DateTimeOf(r.LocalStart), TimeZone: r.Zone, Modality: r.Modality,
		ByClinic: r.CancelledBy == "CLINIC", Reference: r.Reference,
	}}
	if r.ErasedAt != nil {
		d.Blocked = reminder.PatientErased
		return d, nil
	}
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return d, err
	}
	texts := make([]*access.Private, len(cells))
	for i, c := range cells {
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
), next AS (` + passOn(5, 6) + `)
SELECT id FROM done`

// Suppress is documented at reminder.Courier.
func (s *Messages) Suppress(ctx context.Context, t reminder.Task, why reminder.Cause, at time.Time) error {
	_, err := courier[struct{ ID uuid.UUID }](ctx, s.db, suppressMessage, t.Message.Organization, t.Message.ID, t.Generation, string(why), at, time.Duration(0))
	return err
}

// What passes its turn on waits for it to come back.
var passMessageOn = waiting + `, next AS (` + passOn(5, 6) + ` AND NOT seen.every_channel RETURNING t.id
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
