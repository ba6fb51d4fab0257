package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

const selectToQueue = `
SELECT ` + taskColumns + ` FROM messages m WHERE m.state = 'SCHEDULED' AND m.due_at <= $1 ORDER BY m.due_at LIMIT $2`

// ToQueue is documented at reminder.Dispatcher.
func (s *Messages) ToQueue(ctx context.Context, before time.Time, limit int) ([]reminder.Task, error) {
	rows, err := list[taskRow](ctx, s.db.job(courierRole), selectToQueue, before, limit)
	return tasksOf(rows), err
}

// Whoever else changes one of them meanwhile knows better.
const noteQueued = `
UPDATE messages m SET state = 'QUEUED', queued_at = $4 FROM (
    SELECT q.organization_id, q.id FROM messages q JOIN unnest($1::uuid[], $2::uuid[], $3::int[]) w(organization_id, id, generation)
        ON q.organization_id = w.organization_id AND q.id = w.id AND q.generation = w.generation
    WHERE q.state IN ('SCHEDULED', 'QUEUED') AND q.due_at IS NOT NULL ORDER BY q.organization_id, q.id FOR UPDATE OF q SKIP LOCKED) taken
WHERE m.organization_id = taken.organization_id AND m.id = taken.id RETURNING m.id`

// Queued is documented at reminder.Dispatcher.
func (s *Messages) Queued(ctx context.Context, tasks []reminder.Task, at time.Time) error {
	organizations, ids, generations := unzip(tasks)
	_, err := courier[struct{ ID uuid.UUID }](ctx, s.db, noteQueued, organizations, ids, generations, at)
	return err
}

const selectMissing = `
SELECT ` + taskColumns + ` FROM messages m WHERE m.state = 'QUEUED' AND m.due_at <= $1 AND m.queued_at <= $1 ORDER BY m.due_at LIMIT $2`

// Overdue is documented at reminder.Dispatcher.
func (s *Messages) Overdue(ctx context.Context, before time.Time, limit int) ([]reminder.Task, error) {
	rows, err := list[taskRow](ctx, s.db.job(courierRole), selectMissing, before, limit)
	return tasksOf(rows), err
}

const renewMessage = `
UPDATE messages m SET generation = m.generation + 1, queued_at = $4
WHERE m.organization_id = $1 AND m.id = $2 AND m.generation = $3 AND m.state = 'QUEUED'
RETURNING ` + taskColumns

// Renew is documented at reminder.Dispatcher.
func (s *Messages) Renew(ctx context.Context, t reminder.Task, at time.Time) (next reminder.Task, done bool, err error) {
	rows, err := courier[taskRow](ctx, s.db, renewMessage, t.Message.Organization, t.Message.ID, t.Generation, at)
	if err != nil || len(rows) == 0 {
		return t, false, err
	}
	return tasksOf(rows)[0], true, nil
}

// Each state has an index by time.
const selectWaiting = `
(` + waitingAs + `'SCHEDULED'` + waitingNext + `) UNION ALL (` + waitingAs + `'QUEUED'` + waitingNext + `)
ORDER BY due_at, id LIMIT $5`

const (
	waitingAs   = `SELECT ` + taskColumns + ` FROM messages m WHERE m.state = `
	waitingNext = ` AND m.channel = $1 AND m.due_at <= $2 AND (m.due_at, m.id) > ($3, $4) ORDER BY m.due_at, m.id LIMIT $5`
)

// Waiting is documented at reminder.Dispatcher.
func (s *Messages) Waiting(ctx context.Context, c reminder.ChannelKind, now time.Time, after reminder.Task, limit int) ([]reminder.Task, error) {
	rows, err := list[taskRow](ctx, s.db.job(courierRole), selectWaiting, string(c), now, after.At, after.Message.ID, limit)
	return tasksOf(rows), err
}

// A message that waits for another channel to fail ends quietly with it: whoever is told of it is told of the one that was due.
const expireMessages = `
UPDATE messages m SET state = 'EXPIRED', cause = CASE WHEN m.cause IS NULL THEN 'TOO_LATE' ELSE m.cause END, due_at = NULL, ended_at = $1 FROM (
    SELECT e.organization_id, e.id, e.due_at FROM messages e WHERE e.state IN ('SCHEDULED', 'QUEUED') AND e.expires_at <= $1
    ORDER BY e.expires_at LIMIT $2 FOR UPDATE SKIP LOCKED) taken
WHERE m.organization_id = taken.organization_id AND m.id = taken.id RETURNING ` + messageColumns + `, taken.due_at AS was_due`

// Expire is documented at reminder.Dispatcher.
func (s *Messages) Expire(ctx context.Context, now time.Time, limit int) ([]reminder.Message, error) {
	type row struct {
		messageRow
		WasDue *time.Time
	}
	rows, err := courier[row](ctx, s.db, expireMessages, now, limit)
	return column(rows, func(r row) reminder.Message {
		m := r.message()
		m.Due = utc(r.WasDue)
		return m
	}), err
}
