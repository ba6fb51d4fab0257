package app

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	tellOfVisits = `
INSERT INTO messages (organization_id, id, appointment_id, patient_id, version, kind, channel, scheduled_for, expires_at, state, cause, tries, reference, planned_at,
    queued_at, sending_at, sent_at, delivered_at, ended_at, response, responded_at)
SELECT organization_id, gen_random_uuid(), id, patient_id, version, 'REMINDER', 'SMS', starts_at - interval '1 day', starts_at, 'FAILED', 'NOT_DELIVERED', 1, 'R', now(),
    now(), now(), now(), now(), now(), 'CONFIRMED', now() FROM appointments WHERE organization_id = $1`
	tryMessages = `
INSERT INTO message_attempts (organization_id, message_id, try, began_at, ended_at, outcome, cause, code)
SELECT organization_id, id, 1, now(), now(), 'FAILED', 'VENDOR_UNAVAILABLE', '503' FROM messages WHERE organization_id = $1`
	planMessages = `
UPDATE messages SET state = 'SCHEDULED', due_at = scheduled_for WHERE organization_id = $1 AND id IN (SELECT min(id::text)::uuid FROM messages WHERE organization_id = $1)`
	giveUp = `
INSERT INTO dead_letters (organization_id, message_id, generation, channel, kind, died_at, cause, code, tries, trace, replayed_at, outcome)
SELECT organization_id, id, 0, channel, kind, now(), 'VENDOR_UNAVAILABLE', '503', 5, '00-0-0-01', now(), 'UNDER_WAY' FROM messages WHERE organization_id = $1
ORDER BY id LIMIT 2`
	messagesOf = `SELECT id, appointment_id, patient_id FROM messages WHERE organization_id = $1`
	lettersOf  = `SELECT id FROM dead_letters WHERE organization_id = $1`
)

// keepMessages tells of each visit of a site once, and has given up two of these.
func (r *realm) keepMessages(t *testing.T, s *site) {
	t.Helper()
	for _, sql := range []string{tellOfVisits, tryMessages, giveUp, planMessages} {
		s.Set(sql)
	}
	for _, m := range r.rows(t, s, messagesOf) {
		id := s.id(globalid.Reminder, m[0])
		r.know(id, subject{kind: globalid.Reminder, organization: s.Organization, patient: m[2]})
		r.with[id] = s.id(globalid.Appointment, m[1])
	}
	for _, letter := range r.rows(t, s, lettersOf) {
		r.know(s.id(globalid.DeadLetter, letter[0]), subject{kind: globalid.DeadLetter, organization: s.Organization})
	}
}

// rows are ids that a query answers of a site.
func (r *realm) rows(t *testing.T, s *site, query string) (found [][]uuid.UUID) {
	t.Helper()
	rows, err := r.pool.Query(context.Background(), query, s.Organization)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]uuid.UUID, len(rows.FieldDescriptions()))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		found = append(found, row)
	}
	return found
}

// telling are inputs of changes of what patients are told.
func (r *realm) telling(t *testing.T) map[string]func() []inputFor {
	s := r.here
	return map[string]func() []inputFor{
		"replayDeadLetters": func() []inputFor {
			return []inputFor{{about: subject{organization: s.Organization}, input: func() vars {
				id := sample.NewID()
				s.Set(`INSERT INTO dead_letters (organization_id, id, message_id, generation, channel, kind, died_at, cause, tries)
					SELECT organization_id, $2, id, 1 + (SELECT count(*) FROM dead_letters), channel, kind, now(), 'VENDOR_UNAVAILABLE', 5 FROM messages
					WHERE organization_id = $1 ORDER BY id LIMIT 1`, id)
				return vars{"deadLetterIds": []string{s.id(globalid.DeadLetter, id)}, "idempotencyKey": r.key()}
			}}}
		},
	}
}
