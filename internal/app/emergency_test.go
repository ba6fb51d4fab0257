package app

import (
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	breakIt  = `mutation($input: BreakGlassInput!) { breakGlass(input: $input) { replayed grant { id version patient { givenName } startedAt expiresAt } errors { ... on UserError { code message path } } query { viewer { kind } } } }`
	endIt    = `mutation($input: EndBreakGlassInput!) { endBreakGlass(input: $input) { grant { version endedAt } errors { ... on UserError { code path } } } }`
	reviewIt = `mutation($input: ReviewBreakGlassInput!) { reviewBreakGlass(input: $input) { grant { version finding note reviewedAt reason patientId patient { givenName } }
		errors { __typename ... on UserError { code path } ... on StaleGrantError { current { version } } } } }`
	why = "Unconscious on arrival, allergies needed"
)

// doctor is a provider of the clinic other than the world's.
func (f family) doctor() access.Actor {
	return access.Actor{
		Kind: access.Staff, ID: sample.NewID(), Client: "test", Organization: f.clinic.Organization, Role: access.Provider,
		Scopes: access.ScopesOf(access.Provider), ProviderID: f.clinic.Provider(1).ID,
	}
}

func (f family) staff(role access.Role) access.Actor {
	who := f.clinic.FrontDesk()
	who.Role, who.Scopes = role, access.ScopesOf(role)
	return who
}

func (f family) breaks(by gqltest.Client, more vars) gqltest.Answer {
	f.t.Helper()
	input := vars{"reason": why, "idempotencyKey": sample.NewID().String()}
	for k, v := range more {
		input[k] = v
	}
	return by.Post(f.t, breakIt, vars{"input": input}).OK(f.t)
}

const whole = `{ node { id status start provider { name } location { name } visitKind { name } patient { givenName } reason identifiers { value } cancellation { reason note } actions { action allowed reason } } }`

func TestAProviderSeesTheirOwnPatientsAndOfOthersWhatACalendarNeeds(t *testing.T) {
	f := newFamily(t)
	own, other := f.child("Ada"), f.child("Ben")
	doctor := f.doctor()
	doc := f.by(doctor)
	mine := globalid.OfSlot(f.clinic.Slot(clinic.Ref{Organization: f.clinic.Organization, ID: doctor.ProviderID}, 9, 0))
	named := vars{"identifiers": []vars{{"system": "https://example.org/visits", "value": "V-1"}}}
	visit := f.book(f.desk, 9, vars{"patientId": own, "target": vars{"slotId": mine},
		"identifiers": []vars{{"system": "https://example.org/visits", "value": "V-0"}}}).Text("bookAppointment", "appointment", "id")
	f.book(f.desk, 10, vars{"patientId": own})
	theirs := f.book(f.desk, 11, vars{"patientId": other, "identifiers": named["identifiers"]}).Text("bookAppointment", "appointment", "id")
	off := f.book(f.desk, 12, vars{"patientId": other}).Text("bookAppointment", "appointment", "id")
	f.desk.Post(t, cancelIt, vars{"input": vars{"appointmentId": off, "reason": "FEELING_BETTER", "note": "Better now"}}).OK(t)

	shown := func(list any, n int) {
		t.Helper()
		edges, _ := list.([]any)
		if len(edges) != n {
			t.Fatalf("%d appointments, want %d: %v", len(edges), n, list)
		}
		for _, edge := range edges {
			node := gqltest.At(edge, "node").(vars)
			if node["provider"] == nil || node["start"] == nil || node["status"] == nil || node["location"] == nil || node["visitKind"] == nil {
				t.Errorf("a calendar lacks something: %v", node)
			}
			switch gqltest.At(node, "patient", "givenName") {
			case "Ada":
				if node["reason"] != "A cough" || node["identifiers"] == nil {
					t.Errorf("an own patient's: %v", node)
				}
			case nil:
				if node["reason"] != nil || gqltest.At(node, "identifiers", 0) != nil || gqltest.At(node, "cancellation", "note") != nil || gqltest.At(node, "actions", 0, "allowed") != false {
					t.Errorf("a colleague's patient's: %v", node)
				}
			default:
				t.Errorf("a colleague's patient is named: %v", node)
			}
		}
	}
	shown(doc.Post(t, `{ appointments { edges `+whole+` } }`, nil).OK(t).Data("appointments", "edges"), 4)
	shown(doc.Post(t, `query($p: ID!) { node(id: $p) { ... on Provider { appointments { edges `+whole+` } } } }`, vars{"p": f.ids["provider"]}).OK(t).Data("node", "appointments", "edges"), 3)
	brief := doc.Post(t, `query($p: ID!) { node(id: $p) { ... on Provider { appointments { edges { node { start patient { givenName } } } } } } }`, vars{"p": f.ids["provider"]}).OK(t)
	if text := string(brief.Raw); strings.Count(text, `"Ada"`) != 1 || strings.Contains(text, "Ben") {
		t.Errorf("%s", text)
	}
	for id, want := range map[string]bool{visit: true, theirs: false} {
		answer := doc.Post(t, `query($id: ID!) { node(id: $id) { ... on Appointment { id patient { id } reason identifiers { value } } } }`, vars{"id": id}).OK(t)
		if answer.Text("node", "id") != id || (answer.Data("node", "reason") != nil) != want || (answer.Data("node", "patient") != nil) != want || (answer.Data("node", "identifiers", 0) != nil) != want {
			t.Errorf("%s", answer.Raw)
		}
	}
	if got := failure(doc.Post(t, mutation("cancelAppointment"), vars{"input": vars{"appointmentId": theirs, "reason": "OTHER"}}).OK(t), "cancelAppointment"); got != "NOT_FOUND input appointmentId" {
		t.Errorf("a colleague's appointment: %s", got)
	}
	if got := failure(f.book(doc, 14, vars{"patientId": other}), "bookAppointment"); got != "NOT_FOUND input patientId" {
		t.Errorf("a booking for a colleague's patient: %s", got)
	}
	if done := doc.Post(t, mutation("transitionAppointment"), vars{"input": vars{"appointmentId": visit, "action": "CONFIRM"}}).OK(t); failure(done, "transitionAppointment") != " " {
		t.Errorf("%s", done.Raw)
	}
	f.unfound(doc, own, other)
	found := doc.Post(t, `{ appointments(where: {identifier: {system: "https://example.org/visits", value: "V-1"}}) { totalCount edges { cursor } } }`, nil).OK(t)
	if found.Data("appointments", "totalCount") != 0.0 {
		t.Errorf("found by what a colleague's patient's visit is called: %s", found.Raw)
	}
	f.clinic.Set(`UPDATE appointments SET status = 'ENTERED_IN_ERROR' WHERE organization_id = $1 AND provider_id = $2`, doctor.ProviderID)
	if answer := doc.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": own}).OK(t); answer.Data("node") != nil {
		t.Errorf("treated by mistake: %s", answer.Raw)
	}
}

// unfound checks that searches and counts show a provider their own patient and nothing of the other.
func (f family) unfound(doc gqltest.Client, own, other string) {
	f.t.Helper()
	for query, want := range map[string]float64{`{name: "Moreau"}`: 1, `{name: "Ada"}`: 1, `{name: "Ben"}`: 0, `{birthDate: "2019-02-03"}`: 1, `{identifier: {system: "https://clinic.example/mrn", value: "Ben"}}`: 0} {
		answer := doc.Post(f.t, `{ patients(where: `+query+`) { totalCount edges { node { id } } } }`, nil).OK(f.t)
		if edges, _ := answer.Data("patients", "edges").([]any); answer.Data("patients", "totalCount") != want || float64(len(edges)) != want {
			f.t.Errorf("%s: %s", query, answer.Raw)
		}
	}
	for id, want := range map[string]bool{own: true, other: false} {
		answer := doc.Post(f.t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": id}).OK(f.t)
		visits := doc.Post(f.t, `query($id: ID!) { appointments(where: {patientId: $id}) { totalCount } }`, vars{"id": id})
		if (answer.Data("node") != nil) != want || (visits.Code() == "") != want || !want && visits.Code() != "NOT_FOUND" {
			f.t.Errorf("%s, %s", answer.Raw, visits.Raw)
		}
	}
}

func TestABrokenGlassShowsAPatientUntilItIsOverAndIsReviewedByAnother(t *testing.T) {
	f := newFamily(t)
	ben := f.child("Ben")
	f.book(f.desk, 11, vars{"patientId": ben})
	doctor := f.doctor()
	doc := f.by(doctor)
	sees := func() bool {
		t.Helper()
		answer := doc.Post(t, `query($id: ID!) { node(id: $id) { ... on Patient { givenName appointments { edges { node { reason } } } } } appointments { edges { node { reason } } } }`, vars{"id": ben}).OK(t)
		whole := answer.Text("appointments", "edges", 0, "node", "reason") == "A cough"
		if patient := answer.Text("node", "givenName") == "Ben" && answer.Text("node", "appointments", "edges", 0, "node", "reason") == "A cough"; patient != whole {
			t.Errorf("%s", answer.Raw)
		}
		return whole
	}
	if sees() {
		t.Fatal("seen without a reason")
	}
	target := vars{"target": vars{"patientId": ben}, "minutes": 60, "idempotencyKey": "btg"}
	broken := f.breaks(doc, target)
	grant := broken.Text("breakGlass", "grant", "id")
	if broken.Text("breakGlass", "grant", "patient", "givenName") != "Ben" || broken.Text("breakGlass", "grant", "expiresAt") != "2026-06-08T11:00:00Z" {
		t.Fatalf("%s", broken.Raw)
	}
	if again := f.breaks(doc, target); again.Data("breakGlass", "replayed") != true || again.Text("breakGlass", "grant", "id") != grant {
		t.Errorf("%s", again.Raw)
	}
	review := func(by access.Actor, more vars) gqltest.Answer {
		input := vars{"grantId": grant, "finding": "JUSTIFIED"}
		for k, v := range more {
			input[k] = v
		}
		return f.by(by).Post(t, reviewIt, vars{"input": input}).OK(t)
	}
	admin, auditor := f.staff(access.Admin), f.staff(access.Auditor)
	f.clock.Advance(time.Hour - time.Microsecond)
	if !sees() {
		t.Error("over too soon")
	}
	if got := failure(review(admin, nil), "reviewBreakGlass"); got != "INVALID_INPUT input grantId" {
		t.Errorf("reviewed while it is open: %s", got)
	}
	f.clock.Advance(time.Microsecond)
	if sees() {
		t.Error("seen at the instant it expires")
	}
	self := admin
	self.ID = doctor.ID
	for name, c := range map[string]struct {
		by   access.Actor
		more vars
		want string
	}{
		"themself":                   {self, nil, "FORBIDDEN input grantId"},
		"a provider":                 {doctor, nil, "FORBIDDEN input"},
		"with an old version":        {admin, vars{"expectedVersion": 7}, "STALE_VERSION input expectedVersion"},
		"somebody of another clinic": {access.Actor{ID: sample.NewID(), Organization: f.elsewhere().Organization, Role: access.Admin, Scopes: access.ScopesOf(access.Admin)}, nil, "NOT_FOUND input grantId"},
	} {
		if got := failure(review(c.by, c.more), "reviewBreakGlass"); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	open := f.by(auditor).Post(t, `{ breakGlassGrants(where: {reviewed: false}) { totalCount edges { node { id reason patient { id } patientId brokenBy { name } finding } } } }`, nil).OK(t)
	if open.Data("breakGlassGrants", "totalCount") != 1.0 || open.Text("breakGlassGrants", "edges", 0, "node", "reason") != why || open.Data("breakGlassGrants", "edges", 0, "node", "patient") != nil {
		t.Errorf("%s", open.Raw)
	}
	done := review(auditor, vars{"note": "Called the ward", "expectedVersion": 1})
	if done.Text("reviewBreakGlass", "grant", "finding") != "JUSTIFIED" || done.Data("reviewBreakGlass", "grant", "version") != 2.0 {
		t.Errorf("%s", done.Raw)
	}
	reviewed := f.by(admin).Post(t, `{ breakGlassGrants(where: {reviewed: true}, first: 1) { edges { cursor node { note patient { givenName } } } } }`, nil).OK(t)
	if reviewed.Text("breakGlassGrants", "edges", 0, "node", "note") != "Called the ward" || reviewed.Text("breakGlassGrants", "edges", 0, "node", "patient", "givenName") != "Ben" {
		t.Errorf("%s", reviewed.Raw)
	}
	if _, err := f.pool.Exec(t.Context(), `UPDATE break_glass_grants SET reviewed_by = actor_id`); err == nil {
		t.Error("the table takes a review by oneself")
	}
}

func TestABrokenGlassIsEndedEarly(t *testing.T) {
	f := newFamily(t)
	ben := f.child("Ben")
	doc := f.by(f.doctor())
	named := vars{"target": vars{"identifier": vars{"system": "https://clinic.example/mrn", "value": "Ben"}}, "minutes": 1}
	grant := f.breaks(doc, named).Text("breakGlass", "grant", "id")
	ask := vars{"id": ben}
	const see = `query($id: ID!) { node(id: $id) { id } }`
	if doc.Post(t, see, ask).OK(t).Data("node") == nil {
		t.Fatal("not seen")
	}
	for range 2 {
		if ended := doc.Post(t, endIt, vars{"input": vars{"grantId": grant}}).OK(t); ended.Text("endBreakGlass", "grant", "endedAt") != "2026-06-08T10:00:00Z" {
			t.Errorf("%s", ended.Raw)
		}
	}
	if doc.Post(t, see, ask).OK(t).Data("node") != nil {
		t.Error("seen once it is ended")
	}
	if other := f.by(f.doctor()).Post(t, endIt, vars{"input": vars{"grantId": grant}}).OK(t); failure(other, "endBreakGlass") != "NOT_FOUND input grantId" {
		t.Errorf("%s", other.Raw)
	}
}

func TestBadReasonsToBreakTheGlassAreRefused(t *testing.T) {
	f := newFamily(t)
	ben := f.child("Ben")
	target := vars{"patientId": ben}
	doc := f.by(f.doctor())
	for name, c := range map[string]struct {
		by   gqltest.Client
		in   vars
		want string
	}{
		"no time":           {doc, vars{"target": target, "minutes": 0}, "INVALID_INPUT input minutes"},
		"61 minutes":        {doc, vars{"target": target, "minutes": 61}, "INVALID_INPUT input minutes"},
		"9 characters":      {doc, vars{"target": target, "reason": "emergency"}, "INVALID_INPUT input reason"},
		"501 characters":    {doc, vars{"target": target, "reason": strings.Repeat("x", 501)}, "INVALID_INPUT input reason"},
		"an unknown":        {doc, vars{"target": vars{"patientId": f.ids["unknown patient"]}}, "NOT_FOUND input target patientId"},
		"a foreign patient": {doc, vars{"target": vars{"patientId": f.ids["foreign patient"]}}, "NOT_FOUND input target patientId"},
		"an unknown number": {doc, vars{"target": vars{"identifier": vars{"system": "https://clinic.example/mrn", "value": "X"}}}, "NOT_FOUND input target identifier"},
		"the front desk":    {f.desk, vars{"target": target}, "FORBIDDEN input"},
		"an administrator":  {f.admin, vars{"target": target}, "FORBIDDEN input"},
		"a patient":         {f.by(f.clinic.Patient()), vars{"target": target}, "FORBIDDEN input"},
	} {
		if got := failure(f.breaks(c.by, c.in), "breakGlass"); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	for minutes := range 60 {
		if minutes == 0 || minutes == 58 || minutes == 59 {
			if answer := f.breaks(doc, vars{"target": target, "minutes": minutes + 1, "reason": strings.Repeat("x", 10)}); answer.Text("breakGlass", "grant", "id") == "" {
				t.Errorf("%d minutes: %s", minutes+1, answer.Raw)
			}
		}
	}
}

func TestNobodyHasMoreThanAHundredEmergenciesAtATime(t *testing.T) {
	f := newFamily(t)
	target := vars{"target": vars{"patientId": f.child("Ben")}, "minutes": 30}
	doctor := f.doctor()
	doc := f.by(doctor)
	again := vars{"target": target["target"], "minutes": 30, "idempotencyKey": "first"}
	grant := f.breaks(doc, again).Text("breakGlass", "grant", "id")
	if _, err := f.pool.Exec(t.Context(), `INSERT INTO break_glass_grants SELECT g.organization_id, gen_random_uuid(), 1, g.actor_id, g.provider_id,
		g.patient_id, g.reason, g.started_at, g.expires_at FROM break_glass_grants g, generate_series(1, 98)`); err != nil {
		t.Fatal(err)
	}
	if hundredth := f.breaks(doc, target); hundredth.Text("breakGlass", "grant", "id") == "" {
		t.Fatalf("%s", hundredth.Raw)
	}
	if got := failure(f.breaks(doc, target), "breakGlass"); got != "FORBIDDEN input" {
		t.Errorf("the 101st: %s", got)
	}
	if same := f.breaks(doc, again); same.Text("breakGlass", "grant", "id") != grant {
		t.Errorf("the first once more: %s", same.Raw)
	}
	if other := f.breaks(f.by(f.doctor()), target); other.Text("breakGlass", "grant", "id") == "" {
		t.Errorf("somebody else's first: %s", other.Raw)
	}
	doc.Post(t, endIt, vars{"input": vars{"grantId": grant}}).OK(t)
	if next := f.breaks(doc, target); next.Text("breakGlass", "grant", "id") == "" {
		t.Errorf("once one is ended: %s", next.Raw)
	}
	f.clock.Advance(30 * time.Minute)
	if next := f.breaks(doc, target); next.Text("breakGlass", "grant", "id") == "" {
		t.Errorf("once all are over: %s", next.Raw)
	}
}
