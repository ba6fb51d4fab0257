package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// requesting is an API whose clinic approves every visit within an hour, and a visit that is asked for.
func requesting(t *testing.T) (a *api, visit string, patient gqltest.Client) {
	t.Helper()
	a = newAPI(t)
	a.clinic.Set(`UPDATE visit_kinds SET requires_approval = true, approval_within = 3600 WHERE organization_id = $1`)
	ada := a.clinic.Patient()
	return a, a.booked(t, globalid.OfSlot(a.clinic.Slot(a.clinic.Provider(1), 10, 0)), ada), a.by(ada)
}

const ended = `{ node(id: $id) { ... on Appointment { status approvalDueAt cancellation { reason note by fee { minorUnits } } actions { action allowed until } } } }`

func shownTo(t *testing.T, by gqltest.Client, visit string) vars {
	t.Helper()
	return by.Post(t, `query($id: ID!) `+ended, vars{"id": visit}).OK(t).Data("node").(vars)
}

func TestTheClinicSaysWhyItDeclines(t *testing.T) {
	a, visit, ada := requesting(t)
	desk := a.by(a.clinic.FrontDesk())
	decline := func(by gqltest.Client, action string, more vars) gqltest.Answer {
		input := vars{"appointmentId": visit, "action": action}
		for k, v := range more {
			input[k] = v
		}
		return by.Post(t, document("transitionAppointment", `appointment { id cancellation { reason note by } } errors { ... on UserError { code path } }`), vars{"input": input}).OK(t)
	}
	for path, c := range map[string]struct {
		action string
		more   vars
	}{
		"input reason":   {"APPROVE", vars{"reason": "OTHER"}},
		"input note":     {"APPROVE", vars{"note": "Welcome."}},
		"input reason ":  {"DECLINE", vars{"reason": "FEELING_BETTER"}},
		"input reason  ": {"DECLINE", vars{"reason": "NOT_APPROVED_IN_TIME"}},
		"input note ":    {"DECLINE", vars{"note": strings.Repeat("x", 1001)}},
	} {
		answer := decline(desk, c.action, c.more)
		got, _ := answer.Data("transitionAppointment", "errors", 0, "path").([]any)
		if answer.Text("transitionAppointment", "errors", 0, "code") != "INVALID_INPUT" || !samePath(got, path) {
			t.Errorf("%s: %s", path, answer.Raw)
		}
	}
	if got := shownTo(t, ada, visit); got["status"] != "PENDING" {
		t.Fatalf("after what was refused: %v", got)
	}
	answer := decline(desk, "DECLINE", vars{"reason": "PROVIDER_UNAVAILABLE", "note": "Dr Ada is away that week. Please take the week after."})
	if answer.Text("transitionAppointment", "appointment", "cancellation", "reason") != "PROVIDER_UNAVAILABLE" {
		t.Errorf("declined: %s", answer.Raw)
	}
	got, _ := shownTo(t, ada, visit)["cancellation"].(vars)
	if got["reason"] != "PROVIDER_UNAVAILABLE" || got["note"] != "Dr Ada is away that week. Please take the week after." || got["by"] != "CLINIC" || got["fee"] != nil {
		t.Errorf("the patient is shown %v", got)
	}
	var sealed []byte
	if err := a.pool.QueryRow(t.Context(), `SELECT cancel_note FROM appointments WHERE cancel_note IS NOT NULL`).Scan(&sealed); err != nil || strings.Contains(string(sealed), "away") {
		t.Errorf("the note is kept as %q: %v", sealed, err)
	}
	if again := decline(desk, "DECLINE", nil); again.Text("transitionAppointment", "appointment", "cancellation", "reason") != "PROVIDER_UNAVAILABLE" {
		t.Errorf("once more: %s", again.Raw)
	}
}

func TestADeclinedVisitIsDeclinedForTheClinicUnlessItSaysWhy(t *testing.T) {
	a, visit, ada := requesting(t)
	a.change(t, a.by(a.clinic.FrontDesk()), "transitionAppointment", state, vars{"appointmentId": visit, "action": "DECLINE"})
	if got, _ := shownTo(t, ada, visit)["cancellation"].(vars); got["reason"] != "CLINIC_REQUEST" || got["note"] != nil {
		t.Errorf("the patient is shown %v", got)
	}
}

func TestAPatientSeesUntilWhenTheyWait(t *testing.T) {
	a, visit, ada := requesting(t)
	desk := a.by(a.clinic.FrontDesk())
	got := shownTo(t, ada, visit)
	due, err := time.Parse(time.RFC3339, got["approvalDueAt"].(string))
	if err != nil || got["status"] != "PENDING" || due.Sub(a.clock.Now()) != time.Hour {
		t.Errorf("they see %v, %v", got, err)
	}
	for _, item := range shownTo(t, desk, visit)["actions"].([]any) {
		if state := item.(vars); state["action"] == "APPROVE" && (state["allowed"] != true || state["until"] != got["approvalDueAt"]) {
			t.Errorf("the clinic sees %v", state)
		}
	}
	const list = `{ appointments(where: {status: [PENDING]}, orderBy: APPROVAL_DUE_ASC) { totalCount edges { node { id approvalDueAt } } } }`
	if listed := desk.Post(t, list, nil).OK(t); listed.Text("appointments", "edges", 0, "node", "id") != visit || listed.Data("appointments", "totalCount") != 1.0 {
		t.Errorf("listed: %s", listed.Raw)
	}
	if other := desk.Post(t, strings.Replace(list, "PENDING", "BOOKED", 1), nil); other.Code() != "INVALID_INPUT" {
		t.Errorf("what isn't pending by when it lapses: %s", other.Raw)
	}
	answer := ada.Post(t, document("cancelAppointment", `errors { ... on UserError { code path } }`), vars{"input": vars{"appointmentId": visit, "reason": "NOT_APPROVED_IN_TIME"}}).OK(t)
	if answer.Text("cancelAppointment", "errors", 0, "code") != "INVALID_INPUT" {
		t.Errorf("a reason that nobody gives: %s", answer.Raw)
	}
	a.clock.Advance(time.Hour)
	if err := a.app.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := shownTo(t, ada, visit)
	if c, _ := after["cancellation"].(vars); after["status"] != "CANCELLED" || after["approvalDueAt"] != nil || c["reason"] != "NOT_APPROVED_IN_TIME" || c["by"] != "CLINIC" {
		t.Errorf("then they see %v", after)
	}
}

func TestAKindSaysHowLongItsVisitsWait(t *testing.T) {
	a := newAPI(t)
	who := a.clinic.FrontDesk()
	who.Role, who.Scopes = access.Admin, access.ScopesOf(access.Admin)
	admin := a.by(who)
	put := func(more vars) gqltest.Answer {
		input := vars{"key": "consult", "name": "Consultation", "duration": "PT30M", "modalities": []string{"VIDEO"}, "requiresApproval": true}
		for k, v := range more {
			input[k] = v
		}
		return admin.Post(t, document("putVisitKind", `visitKind { requiresApproval approvalWithin } errors { ... on UserError { code path } }`), vars{"input": input}).OK(t)
	}
	for within, want := range map[any]string{nil: "P3D", "PT15M": "PT15M", "P60D": "P60D"} {
		if answer := put(vars{"approvalWithin": within}); answer.Text("putVisitKind", "visitKind", "approvalWithin") != want {
			t.Errorf("%v: %s", within, answer.Raw)
		}
	}
	for _, within := range []string{"PT14M59S", "P61D"} {
		answer := put(vars{"approvalWithin": within})
		if path, _ := answer.Data("putVisitKind", "errors", 0, "path").([]any); answer.Text("putVisitKind", "errors", 0, "code") != "INVALID_INPUT" || !samePath(path, "input approvalWithin") {
			t.Errorf("%s: %s", within, answer.Raw)
		}
	}
}

func samePath(got []any, want string) bool {
	var path []string
	for _, step := range got {
		path = append(path, step.(string))
	}
	return slices.Equal(path, strings.Fields(want))
}
