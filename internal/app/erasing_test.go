package app

import (
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	eraseIt = `mutation($input: ErasePatientInput!) { erasePatient(input: $input) { patient { id name givenName identifiers { value } erasedAt legalHolds { reason releasedAt } }
		errors { __typename ... on UserError { code path retryable } ... on PatientKeptError { keptBy heldUntil legalHold { id reason } appointment { id } } } } }`
	keepIt = `mutation($input: PlaceLegalHoldInput!) { placeLegalHold(input: $input) { replayed legalHold { id reason placedAt placedBy releasedAt patient { givenName } }
		errors { __typename ... on UserError { code path } } } }`
	letGo = `mutation($input: ReleaseLegalHoldInput!) { releaseLegalHold(input: $input) { legalHold { id releasedAt } errors { ... on UserError { code path } } } }`
)

func (f family) erases(by gqltest.Client, patient string) gqltest.Answer {
	f.t.Helper()
	return by.Post(f.t, eraseIt, vars{"input": vars{"patientId": patient, "reason": "REQUESTED"}}).OK(f.t)
}

func (f family) holds(by gqltest.Client, patient string) gqltest.Answer {
	f.t.Helper()
	return by.Post(f.t, keepIt, vars{"input": vars{"patientId": patient, "reason": "A lawsuit is under way", "idempotencyKey": "hold"}}).OK(f.t)
}

func TestAnAdministratorErasesAndWhatKeepsThePatientIsNamed(t *testing.T) {
	f := newFamily(t)
	ada := f.child("Ada")
	visit := f.book(f.desk, 10, vars{"patientId": ada}).Text("bookAppointment", "appointment", "id")
	placed := f.holds(f.admin, ada)
	hold := placed.Text("placeLegalHold", "legalHold", "id")
	if placed.Text("placeLegalHold", "legalHold", "reason") != "A lawsuit is under way" || placed.Text("placeLegalHold", "legalHold", "patient", "givenName") != "Ada" ||
		placed.Text("placeLegalHold", "legalHold", "placedBy") == "" || placed.Data("placeLegalHold", "legalHold", "releasedAt") != nil {
		t.Fatalf("%s", placed.Raw)
	}
	if again := f.holds(f.admin, ada); again.Data("placeLegalHold", "replayed") != true || again.Text("placeLegalHold", "legalHold", "id") != hold {
		t.Errorf("%s", again.Raw)
	}
	kept := f.erases(f.admin, ada)
	failure := kept.Data("erasePatient", "errors", 0)
	if gqltest.At(failure, "code") != "PATIENT_KEPT" || words(gqltest.At(failure, "keptBy")) != "LEGAL_HOLD UPCOMING_APPOINTMENT" || words(gqltest.At(failure, "path")) != "input patientId" ||
		gqltest.At(failure, "legalHold", "id") != hold || gqltest.At(failure, "appointment", "id") != visit || kept.Data("erasePatient", "patient") != nil {
		t.Errorf("%s", kept.Raw)
	}
	node := f.admin.Post(t, `query($id: ID!) { node(id: $id) { ... on LegalHold { reason } } }`, vars{"id": hold}).OK(t)
	if node.Text("node", "reason") != "A lawsuit is under way" {
		t.Errorf("%s", node.Raw)
	}
	released := f.admin.Post(t, letGo, vars{"input": vars{"legalHoldId": hold}}).OK(t)
	if released.Text("releaseLegalHold", "legalHold", "releasedAt") == "" {
		t.Errorf("%s", released.Raw)
	}
	f.desk.Post(t, cancelIt, vars{"input": vars{"appointmentId": visit, "reason": "OTHER", "note": "She moved away"}}).OK(t)

	first := f.erases(f.admin, ada)
	left := first.Data("erasePatient", "patient")
	if gqltest.At(left, "id") != ada || gqltest.At(left, "erasedAt") != "2026-06-08T10:00:00Z" || gqltest.At(left, "name") != nil || gqltest.At(left, "givenName") != nil ||
		gqltest.At(left, "identifiers") != nil || gqltest.At(left, "legalHolds", 0, "reason") != "A lawsuit is under way" {
		t.Errorf("%s", first.Raw)
	}
	if again := f.erases(f.admin, ada); string(again.Raw) != string(first.Raw) {
		t.Errorf("again: %s", again.Raw)
	}
	if found := f.desk.Post(t, `{ patients(where: {name: "Ada"}) { edges { node { id } } } }`, nil).OK(t); found.Data("patients", "edges", 0) != nil {
		t.Errorf("%s", found.Raw)
	}
	seen := f.desk.Post(t, `query($id: ID!) { node(id: $id) { ... on Appointment { status start reason cancellation { note } identifiers { value } patient { name erasedAt } } } }`, vars{"id": visit}).OK(t)
	if seen.Text("node", "status") != "CANCELLED" || seen.Data("node", "reason") != nil || seen.Data("node", "cancellation", "note") != nil || seen.Text("node", "patient", "erasedAt") == "" {
		t.Errorf("%s", seen.Raw)
	}
	if got := f.book(f.desk, 11, vars{"patientId": ada}).Text("bookAppointment", "errors", 0, "code"); got != "NOT_FOUND" {
		t.Errorf("a booking for an erased patient: %s", got)
	}
}

func TestOnlyAdministratorsEraseAndHold(t *testing.T) {
	f := newFamily(t)
	ada := f.child("Ada")
	hold := f.holds(f.admin, ada).Text("placeLegalHold", "legalHold", "id")
	elsewhere := f.staff(access.Admin)
	elsewhere.Organization = sample.NewID()
	for name, c := range map[string]struct {
		by   gqltest.Client
		code string
	}{
		"the desk":               {f.desk, "FORBIDDEN"},
		"a provider":             {f.by(f.doctor()), "FORBIDDEN"},
		"an auditor":             {f.by(f.staff(access.Auditor)), "FORBIDDEN"},
		"an integrator":          {f.by(f.staff(access.Integrator)), "FORBIDDEN"},
		"a platform's":           {f.platform, "FORBIDDEN"},
		"a caregiver":            {f.by(f.account(access.Caregiver)), "FORBIDDEN"},
		"another clinic's admin": {f.by(elsewhere), "NOT_FOUND"},
	} {
		answers := map[string]gqltest.Answer{
			"erasePatient": f.erases(c.by, ada), "placeLegalHold": f.holds(c.by, ada),
			"releaseLegalHold": c.by.Post(t, letGo, vars{"input": vars{"legalHoldId": hold}}).OK(t),
		}
		for mutation, answer := range answers {
			if got := answer.Text(mutation, "errors", 0, "code"); got != c.code {
				t.Errorf("%s, %s: %s", name, mutation, answer.Raw)
			}
		}
		node := c.by.Post(t, `query($p: ID!, $h: ID!) { patient: node(id: $p) { ... on Patient { legalHolds { reason } } } hold: node(id: $h) { id } }`, vars{"p": ada, "h": hold}).OK(t)
		if node.Data("patient", "legalHolds") != nil || node.Data("hold") != nil {
			t.Errorf("%s sees %s", name, node.Raw)
		}
	}
	if answer := f.admin.Post(t, `query($p: ID!) { node(id: $p) { ... on Patient { givenName erasedAt legalHolds { reason } } } }`, vars{"p": ada}).OK(t); answer.Text("node", "givenName") != "Ada" ||
		answer.Data("node", "erasedAt") != nil || answer.Data("node", "legalHolds", 0, "reason") == nil {
		t.Errorf("%s", answer.Raw)
	}
}
