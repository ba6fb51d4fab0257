package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Visits ahead whose reminders follow from something else by now: what was planned is taken back, and planned anew. A reminder whose time has
// come is on its way, and would not be planned again. Who plans a visit just now has read what it was: their notice is taken from them, or what
// they have saved is taken back.
const (
	noticeReplanning = `
INSERT INTO message_notices AS n (organization_id, appointment_id, version, kind, at, due_at, request_id)
SELECT organization_id, id, version, 'REPLANNED', $3, $3, $4 FROM appointments a
WHERE a.organization_id = $1 AND a.starts_at > $3 AND a.status = 'BOOKED' AND a.`
	onceEach          = ` ORDER BY a.id ON CONFLICT (organization_id, appointment_id, version) DO UPDATE SET due_at = EXCLUDED.due_at`
	withdrawReminders = `
UPDATE messages m SET state = 'CANCELLED', cause = 'PLANNED_ANEW', due_at = NULL, ended_at = $3
FROM appointments a WHERE m.organization_id = $1 AND m.kind = 'REMINDER' AND m.state IN ('SCHEDULED', 'QUEUED') AND m.scheduled_for > $4
    AND a.organization_id = m.organization_id AND a.id = m.appointment_id AND a.starts_at > $3 AND a.`
	// Whoever has read how, and where, the patient was to be told reads it again.
	readAgain = `
UPDATE messages m SET state = 'SCHEDULED', generation = m.generation + 1
FROM appointments a WHERE m.organization_id = $1 AND m.state IN ('SCHEDULED', 'QUEUED') AND m.due_at IS NOT NULL
    AND a.organization_id = m.organization_id AND a.id = m.appointment_id AND a.starts_at > $3 AND a.`
	ofPatient = `patient_id = $2`
	ofPage    = `id = ANY($2::uuid[])`
)

// noticeVisits has the visits ahead of a patient planned anew, since what their reminders follow from changed.
func noticeVisits(ctx context.Context, tx pgx.Tx, by clinic.Stamp, patient clinic.Ref) error {
	batch := &pgx.Batch{}
	batch.Queue(noticeReplanning+ofPatient+onceEach, patient.Organization, patient.ID, by.At, by.Actor.RequestID)
	batch.Queue(withdrawReminders+ofPatient, patient.Organization, patient.ID, by.At, by.At)
	batch.Queue(readAgain+ofPatient, patient.Organization, patient.ID, by.At)
	return tx.SendBatch(ctx, batch).Close()
}

// It begins anew, wherever it had got to: what is done by then was planned by other rules.
const markReplan = `
INSERT INTO message_replans (organization_id, id, visit_kind_id, at, due_at, request_id) VALUES ($1, $2, $3, $4, $4, $5)
ON CONFLICT (organization_id, visit_kind_id) DO UPDATE SET
    at = EXCLUDED.at, due_at = EXCLUDED.due_at, request_id = EXCLUDED.request_id, after_start = NULL, after_id = NULL`

// mostReplanned is how many visits wait at most to be planned anew before the next of them are taken: what was withdrawn shall be planned again
// soon.
const mostReplanned = 1_000

// soon is how long before its time a reminder isn't withdrawn for other rules: it might not be planned again in time.
const soon = time.Minute

// The organisation that had its turn the longest ago goes first. Who dies with a turn has lost it after a while.
const (
	takeReplan = `
UPDATE message_replans r SET due_at = $1::timestamptz + interval '10 seconds' FROM (
    SELECT d.organization_id, d.id FROM message_replans d
    WHERE d.due_at <= $1 AND $2 > (SELECT count(*) FROM (SELECT FROM message_notices w WHERE w.kind = 'REPLANNED' AND w.due_at <= $1 LIMIT $2) waiting)
    ORDER BY d.due_at LIMIT 1 FOR UPDATE SKIP LOCKED) taken
WHERE r.organization_id = taken.organization_id AND r.id = taken.id RETURNING r.organization_id, r.id`
	lockReplan = `
SELECT organization_id, id, visit_kind_id, after_start, after_id, request_id FROM message_replans WHERE organization_id = $1 AND id = $2 FOR UPDATE SKIP LOCKED`
	// Whatever changes a visit, or books one, since the rules did has it planned by these: a cursor passes over nobody.
	pageToReplan = `
SELECT a.id, a.starts_at, a.status = 'BOOKED' AND ($2::uuid IS NULL OR a.visit_kind_id = $2) AS concerned FROM appointments a
WHERE a.organization_id = $1 AND (a.starts_at, a.id) > ($3, $4) ORDER BY a.starts_at, a.id LIMIT $5`
	// Who withdraws messages of a visit locks them in this order.
	lockReminders = `
SELECT FROM messages m WHERE m.organization_id = $1 AND m.appointment_id = ANY($2::uuid[]) AND m.kind = 'REMINDER' AND m.state IN ('SCHEDULED', 'QUEUED')
    AND m.scheduled_for > $3 ORDER BY m.appointment_id, m.due_at IS NULL, m.id FOR UPDATE`
	turnReplan = `UPDATE message_replans SET after_start = $3, after_id = $4, due_at = $5 WHERE organization_id = $1 AND id = $2`
	dropReplan = `DELETE FROM message_replans WHERE organization_id = $1 AND id = $2`
)

// replanRow is a mark, as it is while it is locked.
type replanRow struct {
	OrganizationID, ID uuid.UUID
	VisitKindID        *uuid.UUID
	AfterStart         *time.Time
	AfterID            *uuid.UUID
	RequestID          string
}

// begins is the place after which the next page begins: behind the last one, or behind what has begun.
func (r replanRow) begins(now time.Time) (time.Time, uuid.UUID) {
	if r.AfterStart != nil && r.AfterStart.After(now) {
		return *r.AfterStart, *r.AfterID
	}
	return now, uuid.Max
}

type replannedRow struct {
	ID        uuid.UUID
	StartsAt  time.Time
	Concerned bool
}

// Replan is documented at reminder.Planner.
func (s *Messages) Replan(ctx context.Context, now time.Time, limit int) (visits int, more bool, err error) {
	taken, err := courier[struct{ OrganizationID, ID uuid.UUID }](ctx, s.db, takeReplan, now, mostReplanned)
	if err != nil || len(taken) == 0 {
		return 0, false, err
	}
	organization := taken[0].OrganizationID
	err = s.db.write(ctx, organization, func(ctx context.Context, tx pgx.Tx) error {
		visits = 0
		r, ok, err := one[replanRow](ctx, tx, lockReplan, organization, taken[0].ID)
		if err != nil || !ok {
			return err // somebody else is at it, or was
		}
		start, id := r.begins(now)
		page, err := all[replannedRow](ctx, tx, pageToReplan, organization, r.VisitKindID, start, id, limit)
		if err != nil {
			return err
		}
		visits = len(page)
		return r.leave(ctx, tx, now, page, len(page) < limit)
	})
	return visits, err == nil, err
}

// leave leaves notices of a page's visits, and the mark for the next page.
func (r replanRow) leave(ctx context.Context, tx pgx.Tx, now time.Time, page []replannedRow, last bool) error {
	var concerned []uuid.UUID
	for _, v := range page {
		if v.Concerned {
			concerned = append(concerned, v.ID)
		}
	}
	batch := &pgx.Batch{}
	if len(concerned) > 0 {
		batch.Queue(noticeReplanning+ofPage+onceEach, r.OrganizationID, concerned, now, r.RequestID)
		batch.Queue(lockReminders, r.OrganizationID, concerned, now.Add(soon))
		batch.Queue(withdrawReminders+ofPage, r.OrganizationID, concerned, now, now.Add(soon))
	}
	if last {
		batch.Queue(dropReplan, r.OrganizationID, r.ID)
	} else {
		end := page[len(page)-1]
		batch.Queue(turnReplan, r.OrganizationID, r.ID, end.StartsAt, end.ID, now)
	}
	return tx.SendBatch(ctx, batch).Close()
}
