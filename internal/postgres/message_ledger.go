package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

var _ reminder.LedgerStore = (*Messages)(nil)

// toldRow is a message with whom it is for, and the answer to it.
type toldRow struct {
	messageRow
	PatientID   uuid.UUID
	Response    string
	RespondedAt *time.Time
}

const toldColumns = messageColumns + `, m.patient_id, coalesce(m.response, '') AS response, m.responded_at`

func (r toldRow) told() reminder.Message {
	m := r.message()
	m.PatientID, m.Response, m.RespondedAt = r.PatientID, reminder.Response(r.Response), utc(r.RespondedAt)
	return m
}

// The messages of a visit are few: they are looked up by it, whatever the order, and OFFSET keeps the planner from going through all of the
// organisation's by time instead.
const (
	messagesOfVisits = `
SELECT m.* FROM unnest($1::uuid[], $2::uuid[]) v(organization, visit) CROSS JOIN LATERAL (
    SELECT m.* FROM (
        SELECT ` + toldColumns + ` FROM messages m WHERE m.organization_id = v.organization AND m.appointment_id = v.visit OFFSET 0) m
    WHERE true%s ORDER BY %s LIMIT %d) m`
	countMessagesOfVisits = `
SELECT v.visit, m.messages FROM unnest($1::uuid[], $2::uuid[]) v(organization, visit) CROSS JOIN LATERAL (
    SELECT count(*) AS messages FROM (
        SELECT FROM messages m WHERE m.organization_id = v.organization AND m.appointment_id = v.visit LIMIT $3) c) m`
)

// byTime adds to a query what a window asks for of a list by a time and an id, whose columns are named. It answers the order.
func (w *where) byTime(at, id string, window paging.Window) (string, error) {
	for _, bound := range []struct {
		sign, field string
		key         []string
	}{{">", "after", window.After}, {"<", "before", window.Before}} {
		if len(bound.key) == 0 {
			continue
		}
		when, which, err := reminder.TimeOf(bound.key, bound.field)
		if err != nil {
			return "", err
		}
		w.args = append(w.args, when, which)
		w.conditions = append(w.conditions, fmt.Sprintf("(%s, %s) %s ($%d, $%d)", at, id, bound.sign, len(w.args)-1, len(w.args)))
	}
	if window.Backward {
		return at + " DESC, " + id + " DESC", nil
	}
	return at + ", " + id, nil
}

// OfVisits is documented at reminder.LedgerStore.
func (s *Messages) OfVisits(ctx context.Context, visits []clinic.Ref, w paging.Window) (map[clinic.Ref]paging.Page[reminder.Message], error) {
	found := make(map[clinic.Ref]paging.Page[reminder.Message], len(visits))
	for organization, own := range byTenant(visits) {
		cond := &where{args: columnsOf(own)}
		order, err := cond.byTime("m.scheduled_for", "m.id", w)
		if err != nil {
			return nil, err
		}
		rows, err := list[toldRow](ctx, s.db.tenant(organization), fmt.Sprintf(messagesOfVisits, cond.further(), order, w.Size+1), cond.args...)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, pagesOfVisits(rows, w))
	}
	return found, nil
}

// pagesOfVisits parts rows by their visits. They come in order already, which SQL doesn't promise.
func pagesOfVisits(rows []toldRow, w paging.Window) map[clinic.Ref]paging.Page[reminder.Message] {
	of := map[clinic.Ref][]reminder.Message{}
	for _, r := range rows {
		visit := clinic.Ref{Organization: r.OrganizationID, ID: r.AppointmentID}
		of[visit] = append(of[visit], r.told())
	}
	pages := make(map[clinic.Ref]paging.Page[reminder.Message], len(of))
	for visit, list := range of {
		slices.SortFunc(list, func(a, b reminder.Message) int {
			earlier := cmp.Or(a.Scheduled.Compare(b.Scheduled), compareIDs(a.ID, b.ID))
			if w.Backward {
				return -earlier
			}
			return earlier
		})
		pages[visit] = paging.Cut(list, w)
	}
	return pages
}

// CountOfVisits is documented at reminder.LedgerStore.
func (s *Messages) CountOfVisits(ctx context.Context, visits []clinic.Ref) (map[clinic.Ref]int, error) {
	type row struct {
		Visit    uuid.UUID
		Messages int
	}
	counts := make(map[clinic.Ref]int, len(visits))
	for organization, own := range byTenant(visits) {
		rows, err := list[row](ctx, s.db.tenant(organization), countMessagesOfVisits, append(columnsOf(own), paging.MaxCount)...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			counts[clinic.Ref{Organization: organization, ID: r.Visit}] = r.Messages
		}
	}
	return counts, nil
}

const messagesByRef = eachRef + `SELECT ` + toldColumns + ` FROM messages m` + byRef

// Messages is documented at reminder.LedgerStore.
func (s *Messages) Messages(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]reminder.Message, error) {
	rows, err := listOf[toldRow](ctx, s.db, refs, messagesByRef)
	found := make(map[clinic.Ref]reminder.Message, len(rows))
	for _, r := range rows {
		m := r.told()
		found[m.Ref()] = m
	}
	return found, err
}

const attemptsByRef = `
SELECT a.* FROM unnest($1::uuid[], $2::uuid[]) v(organization, message) CROSS JOIN LATERAL (
    SELECT organization_id, message_id, try, began_at, ended_at, coalesce(outcome, '') AS outcome, coalesce(cause, '') AS cause, coalesce(code, '') AS code
    FROM message_attempts WHERE organization_id = v.organization AND message_id = v.message ORDER BY try DESC LIMIT `

// Attempts is documented at reminder.LedgerStore.
func (s *Messages) Attempts(ctx context.Context, messages []clinic.Ref, limit int) (map[clinic.Ref][]reminder.Attempt, error) {
	type row struct {
		OrganizationID, MessageID uuid.UUID
		Try                       int
		BeganAt                   time.Time
		EndedAt                   *time.Time
		Outcome, Cause, Code      string
	}
	rows, err := listOf[row](ctx, s.db, messages, attemptsByRef+strconv.Itoa(limit)+") a")
	found := make(map[clinic.Ref][]reminder.Attempt, len(messages))
	for _, r := range rows {
		of := clinic.Ref{Organization: r.OrganizationID, ID: r.MessageID}
		found[of] = append(found[of], reminder.Attempt{
			Number: r.Try, Began: r.BeganAt.UTC(), Ended: utc(r.EndedAt), Outcome: reminder.Outcome(r.Outcome), Cause: reminder.Cause(r.Cause), Code: r.Code,
		})
	}
	for _, list := range found {
		slices.SortFunc(list, func(a, b reminder.Attempt) int { return cmp.Compare(a.Number, b.Number) })
	}
	return found, err
}
