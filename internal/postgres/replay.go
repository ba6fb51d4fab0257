package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Whoever replays has letters and messages to itself, and no visit of theirs changes meanwhile: all in one order, which is that of who changes a
// visit and withdraws its messages. Who comes second finds the letters replayed.
const (
	lockLetters = `
SELECT d.id FROM dead_letters d WHERE d.organization_id = $1 AND d.id = ANY ($2) AND d.replayed_at IS NULL ORDER BY d.id FOR UPDATE`
	lockVisitsOfLetters = `
SELECT FROM appointments a WHERE a.organization_id = $1 AND a.id IN (
    SELECT m.appointment_id FROM messages m JOIN dead_letters d ON d.organization_id = m.organization_id AND d.message_id = m.id
    WHERE d.organization_id = $1 AND d.id = ANY ($2)) ORDER BY a.id FOR SHARE`
	lockMessagesOfLetters = `
SELECT FROM messages m WHERE m.organization_id = $1 AND m.id IN (
    SELECT d.message_id FROM dead_letters d WHERE d.organization_id = $1 AND d.id = ANY ($2)) ORDER BY m.id FOR UPDATE`
)

// judged says of letters that wait what comes of replaying them now, at $3. A message is sent anew only if it ended, or rests after an episode
// of attempts, if nobody can have got it, and if it still tells what its visit is: confirming a visit changes nothing of that. Of channels that
// tell the same, one is behind the other: it waits for that one to fail.
const judged = `
WITH seen_each AS (
    SELECT d.id AS letter, d.generation AS task, seen.id AS message, seen.patient_id AS patient, seen.appointment_id, seen.kind, seen.rule, seen.scheduled_for,
        seen.place, seen.every_channel, coalesce(a.answer_by, a.starts_at) AS starts_at,
        EXISTS (SELECT FROM messages o WHERE ` + siblings + ` AND (o.state IN ('QUEUED', 'SENDING') OR o.state = 'SCHEDULED' AND o.due_at <= $3)) AS follows,
        CASE
        WHEN seen.state IN ('DELIVERED', 'SENT') THEN 'ALREADY_SENT'
        WHEN seen.state = 'UNKNOWN' THEN 'MAYBE_SENT'
        WHEN seen.state IN ('QUEUED', 'SENDING') OR seen.state = 'SCHEDULED' AND seen.due_at <= $3 THEN 'UNDER_WAY'
        WHEN seen.state = 'CANCELLED' THEN 'VISIT_CHANGED'
        WHEN seen.state = 'SUPPRESSED' THEN CASE WHEN seen.cause = 'REACHED_OTHERWISE' THEN 'REACHED_OTHERWISE' ELSE 'SUPPRESSED' END
        WHEN NOT (a.version = seen.version OR a.version = seen.version + 1 AND a.last_action = 'CONFIRM')
            OR a.status <> CASE seen.kind WHEN 'CANCELLATION' THEN 'CANCELLED' WHEN 'OFFER' THEN 'OFFERED' WHEN 'REQUEST' THEN 'PENDING' ELSE 'BOOKED' END THEN 'VISIT_CHANGED'
        WHEN coalesce(a.answer_by, a.starts_at) <= $3 THEN 'TOO_LATE'
        WHEN EXISTS (SELECT FROM messages o WHERE ` + siblings + ` AND o.state IN ('DELIVERED', 'SENT')) THEN 'REACHED_OTHERWISE'
        ELSE 'REPLAYED' END AS fate
    FROM dead_letters d JOIN messages seen ON seen.organization_id = d.organization_id AND seen.id = d.message_id
    JOIN told_visits a ON a.organization_id = seen.organization_id AND a.id = seen.appointment_id
    WHERE d.organization_id = $1 AND d.id = ANY ($2) AND d.replayed_at IS NULL
), ranked AS (
    SELECT s.*, letter = first_value(letter) OVER (PARTITION BY message ORDER BY task DESC) AS latest,
        NOT every_channel AND (follows OR message <> first_value(message)
            OVER (PARTITION BY fate, appointment_id, kind, rule, scheduled_for ORDER BY place, message)) AS behind
    FROM seen_each s
), judged AS (
    SELECT letter, message, patient, starts_at, behind, fate = 'REPLAYED' AND latest AS anew,
        CASE WHEN fate <> 'REPLAYED' THEN fate WHEN NOT latest THEN 'SUPERSEDED' WHEN behind THEN 'UNDER_WAY' ELSE fate END AS outcome
    FROM ranked
)`

const (
	foreseeReplay = judged + `SELECT letter, message, patient, outcome FROM judged ORDER BY letter`
	replayLetters = judged + `, due AS (
    UPDATE messages m SET state = 'SCHEDULED', cause = NULL, due_at = CASE WHEN judged.behind THEN NULL ELSE $3::timestamptz END, generation = m.generation + 1, episode = m.episode + 1, attempts = 0, ended_at = NULL,
        expires_at = least($3::timestamptz + $6::interval, judged.starts_at)
    FROM judged WHERE judged.anew AND m.organization_id = $1 AND m.id = judged.message
), marked AS (
    UPDATE dead_letters d SET replayed_at = $3, replayed_by = $4, replay_id = $5, outcome = judged.outcome FROM judged
    WHERE d.organization_id = $1 AND d.id = judged.letter
)
SELECT letter, message, patient, outcome FROM judged ORDER BY letter`
	replayedLetters = `
SELECT d.id AS letter, d.message_id AS message, m.patient_id AS patient, d.outcome
FROM dead_letters d JOIN messages m ON m.organization_id = d.organization_id AND m.id = d.message_id
WHERE d.organization_id = $1 AND d.replay_id = $2 ORDER BY d.id`
)

type replayingRow struct {
	Letter, Message, Patient uuid.UUID
	Outcome                  reminder.ReplayOutcome
}

func (r replayingRow) replaying() reminder.Replaying { return reminder.Replaying(r) }

// Foresee is documented at reminder.DeadLetterStore.
func (s *Messages) Foresee(ctx context.Context, organization uuid.UUID, letters []uuid.UUID, now time.Time) ([]reminder.Replaying, error) {
	rows, err := list[replayingRow](ctx, s.db.tenant(organization), foreseeReplay, organization, letters, now)
	return column(rows, replayingRow.replaying), err
}

// Replay is documented at reminder.DeadLetterStore.
func (s *Messages) Replay(ctx context.Context, r reminder.Replay) (done reminder.Replayings, err error) {
	err = s.db.write(ctx, r.Organization, func(ctx context.Context, tx pgx.Tx) error {
		done = reminder.Replayings{}
		if r.Once == nil {
			done.List, err = replayed(ctx, tx, r)
			return err
		}
		before, again, err := s.db.keyBegin(ctx, tx, r.Organization, r.By, *r.Once)
		if err != nil {
			return err
		}
		if again {
			rows, err := all[replayingRow](ctx, tx, replayedLetters, r.Organization, before)
			done = reminder.Replayings{List: column(rows, replayingRow.replaying), Again: true}
			return err
		}
		if done.List, err = replayed(ctx, tx, r); err != nil {
			return err
		}
		return s.db.keyEnd(ctx, tx, r.Organization, r.By, *r.Once, r.By.AuditID)
	})
	return done, broken(err)
}

// replayed replays what waits of letters. The judgement is a statement of its own, so that it sees what those did who had the rows before.
func replayed(ctx context.Context, tx pgx.Tx, r reminder.Replay) ([]reminder.Replaying, error) {
	waiting, err := ids(ctx, tx, lockLetters, r.Organization, r.Letters)
	if err != nil || len(waiting) == 0 {
		return nil, err
	}
	for _, lock := range []string{lockVisitsOfLetters, lockMessagesOfLetters} {
		if _, err := tx.Exec(ctx, lock, r.Organization, waiting); err != nil {
			return nil, err
		}
	}
	rows, err := all[replayingRow](ctx, tx, replayLetters, r.Organization, waiting, r.By.At, idOf(r.By.Actor.ID), r.By.AuditID, reminder.LifeAfterReplay)
	if err != nil {
		return nil, err
	}
	return column(rows, replayingRow.replaying), recordReplay(ctx, tx, r, rows)
}

// recordReplay records that letters were replayed, and each message that is sent anew for it with whom it is for.
func recordReplay(ctx context.Context, tx pgx.Tx, r reminder.Replay, rows []replayingRow) error {
	if err := record(ctx, tx, note(r.By, r.Organization, "deadLetters.replay", "Organization", r.Organization)); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, row := range rows {
		if row.Outcome == reminder.Replayed {
			by := clinic.Stamp{Actor: r.By.Actor, At: r.By.At, AuditID: r.NewID()}
			c := note(by, r.Organization, "reminder.replay", reminder.TrailKind, row.Message)
			batch.Queue(insertAudit, c.Organization, c.AuditID, c.At, string(c.Actor.Kind), c.Actor.ID, c.Actor.Client, c.Action, c.EntityKind, c.EntityID,
				c.Actor.RequestID, idOf(row.Patient), string(c.Actor.Purpose()), []string{}, idOf(c.Actor.Grant))
		}
	}
	return tx.SendBatch(ctx, batch).Close()
}
