package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Whoever takes notices has them for a while, so that several processes plan side by side. News goes first: of what is planned anew there may
// be very many at once, and nobody waits for it.
const takeDueNotices = `
UPDATE message_notices n SET due_at = $1::timestamptz + interval '10 seconds' FROM (
    SELECT d.organization_id, d.appointment_id, d.version FROM message_notices d WHERE d.due_at <= $1 ORDER BY d.kind = 'REPLANNED', d.due_at LIMIT $2
    FOR UPDATE SKIP LOCKED) taken
WHERE n.organization_id = taken.organization_id AND n.appointment_id = taken.appointment_id AND n.version = taken.version
RETURNING n.organization_id, n.appointment_id, n.version, n.kind, n.at, n.due_at, n.tries, n.request_id`

// DueNotices is documented at reminder.Planner.
func (s *Messages) DueNotices(ctx context.Context, now time.Time, limit int) ([]reminder.Notice, error) {
	type row struct {
		OrganizationID, AppointmentID uuid.UUID
		Version                       int
		Kind                          reminder.NoticeKind
		At, DueAt                     time.Time
		Tries                         int
		RequestID                     string
	}
	rows, err := courier[row](ctx, s.db, takeDueNotices, now, limit)
	notices := make([]reminder.Notice, len(rows))
	for i, r := range rows {
		notices[i] = reminder.Notice{
			Appointment: clinic.Ref{Organization: r.OrganizationID, ID: r.AppointmentID}, Version: r.Version, Kind: r.Kind, At: r.At.UTC(), Taken: r.DueAt.UTC(),
			Tries: r.Tries, Trace: traceOf(r.RequestID),
		}
	}
	return notices, err
}

// isAsked is whether a patient is asked about a visit that can't take place, which stands where it was still.
const isAsked = `EXISTS (SELECT FROM closure_items i WHERE i.organization_id = a.organization_id AND i.appointment_id = a.id AND i.outcome = 'OFFERED'
        AND i.provider_id = a.provider_id AND i.location_id = a.location_id AND i.starts_at = a.starts_at)`

const selectVisit = `
SELECT organization_id, id, version, status, provider_id, location_id, visit_kind_id, patient_id, modality, starts_at, time_zone, answer_by,
    coalesce((SELECT last.kind FROM (
        SELECT m.kind, m.version, bool_or(m.state = 'CANCELLED') AND NOT bool_or(m.state IN ('DELIVERED', 'SENDING', 'SENT', 'UNKNOWN')) AS untold
        FROM messages m WHERE m.organization_id = a.organization_id AND m.appointment_id = a.id AND m.kind IN ('CHANGE', 'CONFIRMATION') GROUP BY m.kind, m.version
        UNION ALL
        SELECT CASE n.kind WHEN 'MOVED' THEN 'CHANGE' ELSE 'CONFIRMATION' END, n.version, true
        FROM message_notices n WHERE n.organization_id = a.organization_id AND n.appointment_id = a.id AND n.version < a.version AND n.kind IN ('BOOKED', 'MOVED')
        ORDER BY version DESC LIMIT 1) last WHERE last.untold), '') AS untold,
    EXISTS (SELECT FROM messages m WHERE m.organization_id = a.organization_id AND m.appointment_id = a.id AND m.state = 'SENDING' AND m.overtaken_at IS NOT NULL) AS leaving,
    ` + isAsked + ` AS asked
FROM told_visits a WHERE organization_id = $1 AND id = $2`

type toldVisitRow struct {
	OrganizationID, ID                             uuid.UUID
	Version                                        int
	Status                                         string
	ProviderID, LocationID, VisitKindID, PatientID uuid.UUID
	Modality                                       clinic.Modality
	StartsAt                                       time.Time
	TimeZone                                       string
	AnswerBy                                       *time.Time
	Untold                                         reminder.Kind
	Leaving                                        bool
	Asked                                          bool // whether another time suits, since it can't take place then
}

func (r toldVisitRow) visit() reminder.Visit {
	v := reminder.Visit{
		Ref: clinic.Ref{Organization: r.OrganizationID, ID: r.ID}, PatientID: r.PatientID, VisitKindID: r.VisitKindID, ProviderID: r.ProviderID,
		LocationID: r.LocationID, Version: r.Version, Stands: r.Status == "BOOKED", Asked: r.Asked, Pending: r.Status == "PENDING", Start: r.StartsAt.UTC(), TimeZone: r.TimeZone, Modality: r.Modality, Untold: r.Untold, Leaving: r.Leaving,
	}
	if r.Status == "OFFERED" {
		v.AnswerBy = r.AnswerBy.UTC()
	}
	return v
}

// Situation is documented at reminder.Planner.
func (s *Messages) Situation(ctx context.Context, n reminder.Notice) (about reminder.Situation, ok bool, err error) {
	err = s.db.tenant(n.Appointment.Organization).snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var row toldVisitRow
		if row, ok, err = one[toldVisitRow](ctx, tx, selectVisit, n.Appointment.Organization, n.Appointment.ID); err != nil || !ok {
			return err
		}
		about.Visit = row.visit()
		return nil
	})
	if err != nil || !ok {
		return about, false, err
	}
	// What is read after the visit may be newer. Whoever changes it leaves another notice.
	directory, whom := s.db.Directory(), clinic.Ref{Organization: n.Appointment.Organization, ID: about.Visit.PatientID}
	contacts, err := directory.Contacts(ctx, []clinic.Ref{whom})
	if err != nil {
		return about, false, err
	}
	about.Contact = contacts[whom].Contact
	about.Rules, err = directory.Rules(ctx, whom.Organization)
	return about, err == nil, err
}

const (
	dropNotice  = `DELETE FROM message_notices WHERE organization_id = $1 AND appointment_id = $2 AND version = $3 AND due_at = $4`
	lockVersion = `SELECT version FROM appointments WHERE organization_id = $1 AND id = $2 FOR SHARE`
	lockOffer   = `SELECT version FROM waitlist_offers WHERE organization_id = $1 AND id = $2 FOR SHARE`
)

// A message that was withdrawn, and never sent, comes back when its visit does; what was told by one channel is not told by another.
const saveMessage = `
INSERT INTO messages AS m (organization_id, id, appointment_id, patient_id, version, kind, rule, channel, place, every_channel, scheduled_for, expires_at, due_at,
    state, cause, reference, trace, planned_at, ended_at)
SELECT $1, $2, $3, $4, $5, $6::text, $7::text, $8, $9, $10::boolean, $11::timestamptz, $12, $13, $14::text, NULLIF($15::text, ''), $16, $17, $18::timestamptz,
    CASE WHEN $14 IN ('CANCELLED', 'EXPIRED', 'SUPPRESSED') THEN $18 END
WHERE ($10 OR NOT EXISTS (SELECT FROM messages o WHERE o.organization_id = $1 AND o.appointment_id = $3 AND o.kind = $6 AND o.rule = $7 AND o.scheduled_for = $11
        AND o.state IN ('SENDING', 'SENT', 'DELIVERED', 'UNKNOWN')))
    AND (NOT $19 OR EXISTS (SELECT FROM messages o WHERE o.organization_id = $1 AND o.appointment_id = $3 AND o.kind = $6 AND o.rule = $7 AND o.scheduled_for = $11
        AND o.state = 'CANCELLED'))
ON CONFLICT (organization_id, appointment_id, kind, rule, channel, scheduled_for) DO UPDATE SET
    version = EXCLUDED.version, place = EXCLUDED.place, every_channel = EXCLUDED.every_channel, expires_at = EXCLUDED.expires_at, due_at = EXCLUDED.due_at,
    state = EXCLUDED.state, cause = EXCLUDED.cause, generation = m.generation + 1, attempts = 0, overtaken_at = NULL, planned_at = EXCLUDED.planned_at,
    ended_at = EXCLUDED.ended_at, queued_at = NULL
WHERE m.state IN ('CANCELLED', 'SUPPRESSED') AND m.sent_at IS NULL`

// A visit that stands again is told of by the next channel again, should the one that told of it turn out not to have arrived: as far back as the
// visit has been what it is.
const restoreTurns = `
UPDATE messages m SET overtaken_at = NULL
WHERE m.organization_id = $1 AND m.appointment_id = $2 AND m.state = 'SUPPRESSED' AND m.cause = 'REACHED_OTHERWISE' AND m.overtaken_at IS NOT NULL
    AND EXISTS (SELECT FROM appointments a WHERE a.organization_id = $1 AND a.id = $2 AND a.status = 'BOOKED')
    AND m.version >= coalesce((SELECT max(c.version) FROM messages c WHERE c.organization_id = $1 AND c.appointment_id = $2
        AND c.kind IN ('CHANGE', 'CONFIRMATION')), 0)`

// Save is documented at reminder.Planner.
func (s *Messages) Save(ctx context.Context, n reminder.Notice, at time.Time, messages []reminder.Message) (done bool, err error) {
	organization := n.Appointment.Organization
	err = s.db.write(ctx, organization, func(ctx context.Context, tx pgx.Tx) error {
		lock := lockVersion
		if n.Kind == reminder.NoticeOffered {
			lock = lockOffer
		}
		now, _, err := one[struct{ Version int }](ctx, tx, lock, organization, n.Appointment.ID) // first, as who changes a visit has it
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, dropNotice, organization, n.Appointment.ID, n.Version, n.Taken)
		if err != nil || tag.RowsAffected() == 0 {
			return err // somebody else has planned it, or it is to be planned anew
		}
		if slices.ContainsFunc(messages, func(m reminder.Message) bool { return m.State != reminder.Cancelled && m.Version != now.Version }) {
			return errAgain // what was taken back may be of an earlier one
		}
		batch := &pgx.Batch{}
		if n.Kind == reminder.NoticeRestored {
			batch.Queue(restoreTurns, organization, n.Appointment.ID)
		}
		for _, m := range messages {
			batch.Queue(saveMessage, organization, m.ID, n.Appointment.ID, m.PatientID, m.Version, string(m.Kind), m.Rule, string(m.Channel), m.Place, m.Both,
				m.Scheduled, m.Expires, m.Due, string(m.State), string(m.Cause), m.Reference, m.Trace, at, m.Again)
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if errors.Is(err, errAgain) {
		return false, nil
	}
	return err == nil, err
}

const putOffNotice = `
UPDATE message_notices SET due_at = $4, tries = tries + 1 WHERE organization_id = $1 AND appointment_id = $2 AND version = $3 RETURNING version`

// PutOff is documented at reminder.Planner.
func (s *Messages) PutOff(ctx context.Context, n reminder.Notice, until time.Time) error {
	_, err := courier[struct{ Version int }](ctx, s.db, putOffNotice, n.Appointment.Organization, n.Appointment.ID, n.Version, until)
	return err
}
