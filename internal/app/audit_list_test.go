package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

const listEvents = `query($where: AuditFilterInput, $first: Int, $after: String, $last: Int, $before: String) {
	auditEvents(where: $where, first: $first, after: $after, last: $last, before: $before) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
	edges { node { id at actor action effect outcome purpose fields times requestId entityId patientId entity { __typename id } patient { name } } } } }`

func nodes(answer gqltest.Answer, list string) (found []vars) {
	edges, _ := answer.Data(list, "edges").([]any)
	for i := range edges {
		found = append(found, answer.Data(list, "edges", i, "node").(vars))
	}
	return found
}

func TestAnAuditorSeesWhoDidWhatAndNobodysData(t *testing.T) {
	f := newFile(t)
	f.desk.Post(t, `query($id: ID!) { node(id: $id) { ... on Appointment { reason } } }`, vars{"id": f.visit}).OK(t)
	auditor := f.by(f.auditor)
	answer := auditor.Post(t, listEvents, vars{"where": vars{"patientId": f.patientID(f.ann)}}).OK(t)
	list := nodes(answer, "auditEvents")
	var actions []string
	for _, e := range list {
		actions = append(actions, fmt.Sprint(e["action"]))
		if e["patient"] != nil || e["entity"] != nil || e["patientId"] != f.patientID(f.ann) {
			t.Errorf("an auditor is shown %v", e)
		}
	}
	if !slices.Equal(actions, []string{"appointment.read", "hold.place", "appointment.book"}) {
		t.Errorf("recorded %v, the newest first", actions)
	}
	if e := list[0]; e["effect"] != "READ" || e["outcome"] != "DONE" || e["purpose"] != "TREAT" || fmt.Sprint(e["fields"]) != "[reason]" || e["times"] != 1.0 ||
		e["entityId"] != f.visit || !strings.HasPrefix(fmt.Sprint(e["actor"]), "STAFF/") || e["at"] != "2026-06-08T10:00:00Z" {
		t.Errorf("%v", e)
	}
	if e := list[2]; e["actor"] != "PATIENT/"+f.ann.ID.String() {
		t.Errorf("the booking was %v's", e["actor"])
	}
	one := auditor.Post(t, `query($id: ID!) { node(id: $id) { ... on AuditEvent { action } } }`, vars{"id": list[0]["id"]}).OK(t)
	if one.Text("node", "action") != "appointment.read" {
		t.Errorf("%s", one.Raw)
	}
	if hidden := f.desk.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": list[0]["id"]}).OK(t); hidden.Data("node") != nil {
		t.Errorf("the front desk finds an event: %s", hidden.Raw)
	}
	admin := nodes(f.admin.Post(t, listEvents, vars{"where": vars{"entityId": f.visit}}).OK(t), "auditEvents")
	if gqltest.At(admin[0], "entity", "__typename") != "Appointment" || gqltest.At(admin[0], "patient", "name") == nil {
		t.Errorf("an administrator, who reads patients, is shown %v", admin[0])
	}
}

func TestEventsAreFoundByWhatTheyTell(t *testing.T) {
	f := newFile(t)
	f.by(f.bob).Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.visit})
	f.desk.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.visit})
	auditor := f.by(f.auditor)
	for name, c := range map[string]struct {
		where vars
		want  []string
	}{
		"by object":                {vars{"entityId": f.visit}, []string{"appointment.read", "Query.node", "appointment.book"}},
		"by action":                {vars{"action": "appointment.book"}, []string{"appointment.book"}},
		"by outcome":               {vars{"outcome": "NOT_FOUND"}, []string{"Query.node"}},
		"by patient and action":    {vars{"patientId": f.patientID(f.ann), "action": "hold.place"}, []string{"hold.place"}},
		"before anything":          {vars{"entityId": f.visit, "to": "2026-06-08T10:00:00Z"}, nil},
		"from then on":             {vars{"entityId": f.visit, "from": "2026-06-08T10:00:00Z", "to": "2026-06-08T10:00:01Z", "action": "appointment.book"}, []string{"appointment.book"}},
		"of something unknown":     {vars{"entityId": f.ids["location"]}, nil},
		"what the platform counts": {vars{"action": "others"}, nil},
	} {
		var got []string
		for _, e := range nodes(auditor.Post(t, listEvents, vars{"where": c.where}).OK(t), "auditEvents") {
			got = append(got, fmt.Sprint(e["action"]))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for name, c := range map[string]struct {
		where vars
		code  string
		path  string
	}{
		"another clinic's":     {vars{"patientId": f.ids["foreign patient"]}, "NOT_FOUND", "where"},
		"two clinics at once":  {vars{"patientId": f.ids["foreign patient"], "entityId": f.visit}, "NOT_FOUND", "where patientId"},
		"no patient":           {vars{"patientId": f.visit}, "INVALID_INPUT", "where patientId"},
		"no id":                {vars{"entityId": "x"}, "INVALID_INPUT", "where entityId"},
		"a period from behind": {vars{"from": "2026-06-09T00:00:00Z", "to": "2026-06-08T00:00:00Z"}, "INVALID_INPUT", "where to"},
		"an endless action":    {vars{"action": strings.Repeat("x", 500)}, "INVALID_INPUT", "where action"},
	} {
		answer := auditor.Post(t, listEvents, vars{"where": c.where})
		if path := words(gqltest.At(answer.Body, "errors", 0, "extensions", "path")); answer.Code() != c.code || path != c.path {
			t.Errorf("%s: %s at %q: %s", name, answer.Code(), path, answer.Raw)
		}
	}
}

func TestPagesOfEventsFitTogether(t *testing.T) {
	f := newFile(t)
	for range 6 {
		f.desk.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.visit}).OK(t)
	}
	auditor, where := f.by(f.auditor), vars{"entityId": f.visit}
	whole := nodes(auditor.Post(t, listEvents, vars{"where": where}).OK(t), "auditEvents")
	if len(whole) != 7 {
		t.Fatalf("%d events", len(whole))
	}
	var forward, backward []vars
	page := vars{"where": where, "first": 3}
	for {
		answer := auditor.Post(t, listEvents, page).OK(t)
		forward = append(forward, nodes(answer, "auditEvents")...)
		if answer.Data("auditEvents", "totalCount") != 7.0 {
			t.Errorf("%v in total", answer.Data("auditEvents", "totalCount"))
		}
		if answer.Data("auditEvents", "pageInfo", "hasNextPage") != true {
			break
		}
		page["after"] = answer.Text("auditEvents", "pageInfo", "endCursor")
	}
	page = vars{"where": where, "last": 3}
	for {
		answer := auditor.Post(t, listEvents, page).OK(t)
		backward = append(nodes(answer, "auditEvents"), backward...)
		if answer.Data("auditEvents", "pageInfo", "hasPreviousPage") != true {
			break
		}
		page["before"] = answer.Text("auditEvents", "pageInfo", "startCursor")
	}
	if fmt.Sprint(forward) != fmt.Sprint(whole) || fmt.Sprint(backward) != fmt.Sprint(whole) {
		t.Errorf("forward %v\nbackward %v\nwhole %v", forward, backward, whole)
	}
}

func TestTheHistoryOfAVisitIsItsChangesForWhoeverSeesIt(t *testing.T) {
	f := newFile(t)
	f.desk.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.visit}).OK(t)
	f.by(f.bob).Post(t, cancelIt, vars{"input": vars{"appointmentId": f.visit, "reason": "OTHER"}}).OK(t)
	f.by(f.ann).Post(t, cancelIt, vars{"input": vars{"appointmentId": f.visit, "reason": "OTHER"}}).OK(t)
	const history = `query($id: ID!) { node(id: $id) { ... on Appointment { history { totalCount edges { node { action actor entity { id } } } } } } }`
	for name, c := range map[string]struct {
		by   gqltest.Client
		want string
	}{
		"the patient":      {f.by(f.ann), "appointment.cancel appointment.book"},
		"the front desk":   {f.desk, "appointment.cancel appointment.book"},
		"an administrator": {f.admin, "appointment.cancel Mutation.cancelAppointment appointment.read appointment.book"},
	} {
		f.mark()
		answer := c.by.Post(t, history, vars{"id": f.visit}).OK(t)
		edges, _ := answer.Data("node", "history", "edges").([]any)
		var got []string
		for i := range edges {
			action := answer.Text("node", "history", "edges", i, "node", "action")
			if action != "appointment.read" || !slices.Contains(got, action) { // those of the callers before
				got = append(got, action)
			}
			if answer.Text("node", "history", "edges", i, "node", "entity", "id") != f.visit {
				t.Errorf("%s: %s", name, answer.Raw)
			}
		}
		if name == "an administrator" {
			got = slices.DeleteFunc(got, func(a string) bool { return a == "appointment.read" })
			c.want = strings.Replace(c.want, "appointment.read ", "", 1)
			if !slices.ContainsFunc(f.recorded(), func(line string) bool { return strings.HasPrefix(line, "audit.read") }) {
				t.Errorf("that the record was read isn't recorded: %v", f.recorded())
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
	if other := f.by(f.bob).Post(t, history, vars{"id": f.visit}).OK(t); other.Data("node") != nil {
		t.Errorf("another patient: %s", other.Raw)
	}
}

// Ids of events are names like any other.
func TestAnEventThatThereIsntIsNone(t *testing.T) {
	f := newFile(t)
	unknown := globalid.Of(globalid.AuditEvent, clinic.Ref{Organization: f.clinic.Organization, ID: f.clinic.Location})
	if answer := f.by(f.auditor).Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": unknown}).OK(t); answer.Data("node") != nil {
		t.Errorf("%s", answer.Raw)
	}
}
