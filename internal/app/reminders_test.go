package app

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// told puts a message about a visit into the database and answers its id.
func (f *file) told(visit, at, state, cause string) uuid.UUID {
	f.t.Helper()
	id := sample.NewID()
	f.clinic.Set(`INSERT INTO messages (organization_id, id, appointment_id, patient_id, version, kind, channel, scheduled_for, expires_at, state, cause, tries, reference, planned_at)
		SELECT organization_id, $2, id, patient_id, version, 'REMINDER', 'SMS', $4, starts_at, $5, NULLIF($6, ''), 1, 'R', now()
		FROM appointments WHERE organization_id = $1 AND id = $3`, id, mustRef(f.t, visit).ID, at, state, cause)
	f.clinic.Set(`INSERT INTO message_attempts (organization_id, message_id, try, began_at, ended_at, outcome, cause, code)
		VALUES ($1, $2, 1, $3, $3, 'REFUSED', 'LANDLINE', '21614')`, id, at)
	return id
}

const whatWasTold = `query($id: ID!, $first: Int, $after: String) { node(id: $id) { ... on Appointment { reminders(first: $first, after: $after) {
	totalCount pageInfo { hasNextPage endCursor } edges { node { id kind channel status scheduledFor suppressedReason cause attempts appointment { id }
	history { number beganAt outcome cause code } } } } } } }`

func TestTheFrontDeskFindsOutWhyAPatientWasNotReminded(t *testing.T) {
	f := newFile(t)
	f.told(f.visit, "2026-06-08T12:00:00Z", "SENT", "")
	failed := f.told(f.visit, "2026-06-07T14:00:00Z", "FAILED", "LANDLINE")
	answer := f.desk.Post(t, whatWasTold, vars{"id": f.visit, "first": 1}).OK(t)
	page, _ := answer.Data("node", "reminders").(vars)
	node, _ := answer.Data("node", "reminders", "edges", 0, "node").(vars)
	if page["totalCount"] != 2.0 || node["id"] != f.id(globalid.Reminder, clinic.Ref{Organization: f.clinic.Organization, ID: failed}) || node["status"] != "FAILED" ||
		node["suppressedReason"] != "LANDLINE" || node["kind"] != "REMINDER" || node["attempts"] != 1.0 {
		t.Fatalf("%s", answer.Raw)
	}
	if answer.Text("node", "reminders", "edges", 0, "node", "history", 0, "code") != "21614" || answer.Text("node", "reminders", "edges", 0, "node", "appointment", "id") != f.visit {
		t.Errorf("%s", answer.Raw)
	}
	next := f.desk.Post(t, whatWasTold, vars{"id": f.visit, "first": 1, "after": answer.Text("node", "reminders", "pageInfo", "endCursor")}).OK(t)
	if next.Text("node", "reminders", "edges", 0, "node", "status") != "SENT" || next.Data("node", "reminders", "edges", 0, "node", "suppressedReason") != nil ||
		next.Data("node", "reminders", "pageInfo", "hasNextPage") != false {
		t.Errorf("the next page is %s", next.Raw)
	}
	reminder := vars{"id": node["id"]}
	const byID = `query($id: ID!) { node(id: $id) { ... on Reminder { status } } }`
	if own := f.by(f.ann).Post(t, byID, reminder).OK(t); own.Text("node", "status") != "FAILED" {
		t.Errorf("the patient is told %s", own.Raw)
	}
	if others := f.by(f.bob).Post(t, byID, reminder).OK(t); others.Data("node") != nil {
		t.Errorf("somebody else is told %s", others.Raw)
	}
	if unread := f.by(lacking(f.clinic.FrontDesk(), access.AppointmentsRead)).Post(t, byID, reminder).OK(t); unread.Data("node") != nil {
		t.Errorf("one who reads patients only is told %s", unread.Raw)
	}
	if !slices.ContainsFunc(f.recorded(), func(row string) bool { return len(row) > 13 && row[:13] == "reminder.read" }) {
		t.Errorf("that messages were looked at isn't recorded: %v", f.recorded())
	}
}

func TestWhatManyVisitsTellCostsAConstantNumberOfStatements(t *testing.T) {
	f := newFile(t)
	const query = `query($n: Int) { appointments(first: $n) { edges { node { id reminders { totalCount edges { node { status history { outcome } } } } } } } }`
	for hour := range 6 {
		visit := f.book(f.bob, []int{9, 11, 12, 13, 15, 16}[hour])
		f.told(visit, "2026-06-07T14:00:00Z", "SENT", "")
	}
	f.told(f.visit, "2026-06-07T14:00:00Z", "SENT", "")
	_, few := f.counted(t, f.desk, query, vars{"n": 1})
	answer, many := f.counted(t, f.desk, query, vars{"n": 7})
	if edges, _ := answer.Data("appointments", "edges").([]any); len(edges) != 7 || few != many {
		t.Errorf("one visit costs %d statements, and %d visits %d", few, len(edges), many)
	}
	for i := range 7 {
		if answer.Text("appointments", "edges", i, "node", "reminders", "edges", 0, "node", "history", 0, "outcome") != "REFUSED" {
			t.Errorf("%s", answer.Raw)
		}
	}
}

const funnel = `query($where: ReminderFunnelInput!) { reminderFunnel(where: $where) { scheduled queued sent delivered responded confirmed failed suppressed noShowRate
	byHour { hour scheduled delivered onTime } byCause { status cause count } } }`

// New York is 4 hours behind: what is due at 03:30 UTC belongs to the day before.
func TestAFunnelCountsWhatBecameOfMessages(t *testing.T) {
	f := newFile(t)
	onTime, late := f.told(f.visit, "2026-06-09T03:30:00Z", "DELIVERED", ""), f.told(f.visit, "2026-06-08T14:00:00Z", "DELIVERED", "")
	f.told(f.visit, "2026-06-08T15:00:00Z", "FAILED", "LANDLINE")
	f.told(f.visit, "2026-06-08T16:00:00Z", "SUPPRESSED", "NO_ADDRESS")
	f.told(f.visit, "2026-06-09T04:30:00Z", "EXPIRED", "TOO_LATE")
	f.clinic.Set(`UPDATE messages SET queued_at = scheduled_for, sent_at = scheduled_for, response = 'CONFIRMED',
		delivered_at = scheduled_for + CASE id WHEN $2 THEN interval '30 minutes' ELSE interval '31 minutes' END WHERE organization_id = $1 AND id IN ($2, $3)`, onTime, late)
	f.clinic.Set(`UPDATE appointments SET status = 'NO_SHOW' WHERE organization_id = $1`)
	held := f.book(f.bob, 11)
	f.clinic.Set(`UPDATE appointments SET status = 'FULFILLED' WHERE organization_id = $1 AND id = $2`, mustRef(t, held).ID)
	day := vars{"from": "2026-06-08", "to": "2026-06-08"}
	got := f.desk.Post(t, funnel, vars{"where": day}).OK(t).Data("reminderFunnel").(vars)
	want := `map[byCause:[map[cause:LANDLINE count:1 status:FAILED] map[cause:NO_ADDRESS count:1 status:SUPPRESSED]] ` +
		`byHour:[map[delivered:1 hour:2026-06-08T14:00:00Z onTime:0 scheduled:1] map[delivered:0 hour:2026-06-08T15:00:00Z onTime:0 scheduled:1] ` +
		`map[delivered:0 hour:2026-06-08T16:00:00Z onTime:0 scheduled:1] map[delivered:1 hour:2026-06-09T03:00:00Z onTime:1 scheduled:1]] ` +
		`confirmed:2 delivered:2 failed:1 noShowRate:0.5 queued:2 responded:2 scheduled:4 sent:2 suppressed:1]`
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	for name, c := range map[string]struct {
		where vars
		want  float64
	}{
		"at the place":      {vars{"from": "2026-06-08", "to": "2026-06-08", "locationId": f.ids["location"]}, 4},
		"of both days":      {vars{"from": "2026-06-08", "to": "2026-06-09"}, 5},
		"by another way":    {vars{"from": "2026-06-08", "to": "2026-06-08", "channel": "EMAIL"}, 0},
		"of another kind":   {vars{"from": "2026-06-08", "to": "2026-06-08", "kind": "CHANGE"}, 0},
		"of the 92 days":    {vars{"from": "2026-04-01", "to": "2026-07-01"}, 5},
		"of another season": {vars{"from": "2026-01-01", "to": "2026-02-01"}, 0},
	} {
		if answer := f.desk.Post(t, funnel, vars{"where": c.where}).OK(t); answer.Data("reminderFunnel", "scheduled") != c.want {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
	for name, c := range map[string]struct {
		where      vars
		code, path string
	}{
		"from behind":     {vars{"from": "2026-06-09", "to": "2026-06-08"}, "INVALID_INPUT", "[where to]"},
		"for too long":    {vars{"from": "2026-04-01", "to": "2026-07-02"}, "INVALID_INPUT", "[where to]"},
		"of no place":     {vars{"from": "2026-06-08", "to": "2026-06-08", "locationId": f.visit}, "INVALID_INPUT", "[where locationId]"},
		"of a lost place": {vars{"from": "2026-06-08", "to": "2026-06-08", "locationId": f.id(globalid.Location, clinic.Ref{Organization: f.clinic.Organization, ID: sample.NewID()})}, "NOT_FOUND", "[where locationId]"},
		"of another's":    {vars{"from": "2026-06-08", "to": "2026-06-08", "locationId": f.ids["foreign location"]}, "NOT_FOUND", "[where locationId]"},
	} {
		answer := f.desk.Post(t, funnel, vars{"where": c.where})
		if path := fmt.Sprint(gqltest.At(answer.Body, "errors", 0, "extensions", "path")); answer.Code() != c.code || path != c.path {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
	if refused := f.by(f.ann).Post(t, funnel, vars{"where": day}); refused.Code() != "FORBIDDEN" {
		t.Errorf("a patient is told %s", refused.Raw)
	}
}

const (
	listLetters = `query($where: DeadLetterFilterInput) { deadLetters(where: $where) { totalCount edges { node { id channel cause code attempts outcome replayedAt reminder { status } } } } }`
	replayIt    = `mutation($input: ReplayDeadLettersInput!) { replayDeadLetters(input: $input) { more replayed outcomes { outcome count } errors { ... on UserError { code path } } } }`
)

func TestAnAdministratorSendsAgainWhatWasGivenUp(t *testing.T) {
	f := newFile(t)
	for _, m := range []uuid.UUID{f.told(f.visit, "2026-06-08T09:00:00Z", "FAILED", "LANDLINE"), f.told(f.visit, "2026-06-08T09:30:00Z", "SENT", "")} {
		f.clinic.Set(`INSERT INTO dead_letters (organization_id, message_id, generation, channel, kind, died_at, cause, code, tries)
			VALUES ($1, $2, 0, 'SMS', 'REMINDER', $3, 'LANDLINE', '21614', 1)`, m, f.clock.Now())
	}
	if refused := f.desk.Post(t, listLetters, nil); refused.Code() != "FORBIDDEN" {
		t.Errorf("the front desk is told %s", refused.Raw)
	}
	if list := f.admin.Post(t, listLetters, vars{"where": vars{"cause": "LANDLINE", "replayed": false}}).OK(t); list.Data("deadLetters", "totalCount") != 2.0 ||
		list.Text("deadLetters", "edges", 0, "node", "code") != "21614" || list.Data("deadLetters", "edges", 0, "node", "reminder") == nil {
		t.Fatalf("%s", list.Raw)
	}
	const both = "[map[count:1 outcome:ALREADY_SENT] map[count:1 outcome:REPLAYED]]"
	dry := f.admin.Post(t, replayIt, vars{"input": vars{"filter": vars{}, "dryRun": true, "idempotencyKey": "dry"}}).OK(t)
	if fmt.Sprint(dry.Data("replayDeadLetters", "outcomes")) != both {
		t.Errorf("foreseen: %s", dry.Raw)
	}
	for i, replayed := range []bool{false, true} {
		done := f.admin.Post(t, replayIt, vars{"input": vars{"filter": vars{}, "idempotencyKey": "key"}}).OK(t)
		if fmt.Sprint(done.Data("replayDeadLetters", "outcomes")) != both || done.Data("replayDeadLetters", "replayed") != replayed || done.Data("replayDeadLetters", "more") != false {
			t.Errorf("the %d-th time: %s", i+1, done.Raw)
		}
	}
	if again := f.admin.Post(t, replayIt, vars{"input": vars{"filter": vars{}, "idempotencyKey": "other"}}).OK(t); fmt.Sprint(again.Data("replayDeadLetters", "outcomes")) != "[]" {
		t.Errorf("under another key: %s", again.Raw)
	}
	if list := f.admin.Post(t, listLetters, vars{"where": vars{"replayed": true}}).OK(t); list.Data("deadLetters", "totalCount") != 2.0 {
		t.Errorf("%s", list.Raw)
	}
	for name, input := range map[string]vars{
		"neither": {"idempotencyKey": "a"}, "both": {"filter": vars{}, "deadLetterIds": []string{f.id(globalid.DeadLetter, clinic.Ref{Organization: f.clinic.Organization, ID: sample.NewID()})}, "idempotencyKey": "b"},
	} {
		if bad := f.admin.Post(t, replayIt, vars{"input": input}).OK(t); fmt.Sprint(bad.Data("replayDeadLetters", "errors")) != "[map[code:INVALID_INPUT path:[input deadLetterIds]]]" {
			t.Errorf("%s: %s", name, bad.Raw)
		}
	}
	if none := f.admin.Post(t, replayIt, vars{"input": vars{"deadLetterIds": []string{}, "idempotencyKey": "c"}}).OK(t); none.Text("replayDeadLetters", "errors", 0, "code") != "INVALID_INPUT" {
		t.Errorf("no letters at all: %s", none.Raw)
	}
	if !slices.Contains(access.ScopesOf(access.Admin), access.MessagesManage) {
		t.Error("no administrator may do so")
	}
}
