package prove_test

import "strings"

// statementNames are what the statements of messages do, by what stands in them and in no other.
var statementNames = []struct {
	part, name string
	effect     bool
}{
	{"SELECT book($1)", "book the visit", true},
	{"SELECT cancel_appointment($1)", "cancel the visit", true},
	{"SELECT move_appointment($1)", "move the visit", true},
	{"UPDATE message_notices n SET due_at", "take the notice", true},
	{"DELETE FROM message_notices WHERE organization_id = $1", "delete the notice", true},
	{"SELECT organization_id, id, version, status, provider_id, location_id, visit_kind_id, patient_id", "read the visit", false},
	{"AS patient_id, c.version", "read how the patient wants to be told", false},
	{"before_minutes, days_before", "read when patients are reminded", false},
	{"SELECT version FROM appointments", "lock the visit", false},
	{"INSERT INTO messages AS m", "write the messages", true},
	{"WHERE m.state = 'SCHEDULED' AND m.due_at <= $1", "list what is due", false},
	{"UPDATE messages m SET state = 'QUEUED', queued_at", "note that it is queued", true},
	{"AS location_phone", "read the draft", false},
	{"JOIN opt_outs o", "look who wants no more", false},
	{"UPDATE messages m SET state = 'SENDING', claims", "claim the message", true},
	{"ORDER BY m.organization_id, m.id FOR SHARE OF m", "take leave", true},
	{"bool_or(o.state = 'UNKNOWN')", "look how else it is told", false},
	{"ORDER BY m.claimed_until LIMIT", "look for what was lost", false},
	{"WHEN w.fate = 'ARRIVED'", "store what the vendor says", true},
	{"INSERT INTO dead_letters (organization_id, message_id, generation, channel, kind, died_at, cause, code, tries, trace)\n    SELECT organization_id, id, generation, channel, kind, at", "store what came of it", true},
	{"UPDATE messages m SET claims = m.claims + 1, claimed_until", "take what was lost", true},
	{"UPDATE messages m SET generation = m.generation + 1, queued_at", "renew the task", true},
	{"SELECT d.organization_id, d.id, d.message_id", "list the letters", false},
	{"SELECT d.id FROM dead_letters d WHERE d.organization_id", "lock the letters", true},
	{"SELECT FROM appointments a WHERE a.organization_id = $1 AND a.id IN", "lock their visits", true},
	{"SELECT FROM messages m WHERE m.organization_id = $1 AND m.id IN", "lock their messages", true},
	{"WITH seen_each AS", "make them due again", true},
}

// others are in statements that say who asks, and in those of a worker's other work: the audit record, and what is swept.
var others = []string{"select set_config", "audit", "with page as", "set transaction", "from tenant_keys", "idempotency", "message_replans", "a.patient_id = p.id"}

// nameOf names a statement, and says whether it changes anything. What only says who asks has no name.
func nameOf(text string) (name string, effect bool) {
	for _, s := range statementNames {
		if strings.Contains(text, s.part) {
			return s.name, s.effect
		}
	}
	flat := strings.Join(strings.Fields(text), " ")
	lower := strings.ToLower(flat)
	for _, part := range others {
		if strings.Contains(lower, part) {
			return "", false
		}
	}
	switch {
	case strings.HasPrefix(lower, "begin"):
		return "begin", false
	case lower == "commit" || lower == "rollback":
		return lower, false
	}
	writes := strings.Contains(lower, "insert into") || strings.Contains(lower, "update ") || strings.Contains(lower, "delete from")
	return flat[:min(len(flat), 60)], writes && !strings.HasPrefix(lower, "select")
}

// taskName names what asynq asks of Redis with a task, by the keys of its scripts (asynq v0.26.0, internal/rdb/rdb.go). Others have no name.
func taskName(words []string) (name string, effect bool) {
	if command := strings.ToUpper(words[0]); command != "EVALSHA" && command != "EVAL" || len(words) < 3 {
		return "", false
	}
	n, err := number([]byte(words[2]))
	if err != nil || len(words) < 3+n || n < 2 {
		return "", false
	}
	keys := words[3 : 3+n]
	of := func(i int, what string) bool { return i < n && strings.Contains(keys[i], what) }
	switch {
	case of(0, "}:t:") && of(1, "}:pending"):
		return "enqueue the task", true
	case of(0, "}:t:") && of(1, "}:scheduled"):
		return "enqueue the task for later", true
	case of(0, "}:pending") && of(2, "}:active"):
		return "dequeue the task", true
	case of(0, "}:active") && of(3, "}:processed"):
		return "tell the queue that it is done", true
	case of(0, "}:t:") && of(3, "}:retry"):
		return "tell the queue to try again", true
	case of(0, "}:t:") && of(3, "}:archived"):
		return "tell the queue to archive it", true
	case of(0, "}:active") && of(2, "}:pending"):
		return "put the task back", true
	}
	return "", false
}
