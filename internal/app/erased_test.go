package app

import (
	"testing"

	"github.com/mediconnect/mediconnect/internal/seal"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
)

func TestAnErasedPatientHasAnIDAndNothingElse(t *testing.T) {
	a := newAPI(t)
	who := a.clinic.Patient()
	desk := a.by(a.clinic.FrontDesk())
	show := `query($id: ID!) { node(id: $id) { id ... on Patient { name givenName familyName birthDate phone email language identifiers { value } } } }`
	fields := []string{"name", "givenName", "familyName", "birthDate", "phone", "email", "language", "identifiers"}
	before := desk.Post(t, show, vars{"id": a.patientID(who)}).OK(t)
	if before.Text("node", "name") != "A B" {
		t.Errorf("before, the patient reads as %s", before.Raw)
	}
	if err := keytest.Of(t, a.pool).Destroy(t.Context(), seal.Subject{Organization: who.Organization, ID: who.PatientID}); err != nil {
		t.Fatal(err)
	}
	after := desk.Post(t, show, vars{"id": a.patientID(who)}).OK(t)
	for _, field := range fields {
		if value := after.Data("node", field); value != nil {
			t.Errorf("%s is %v", field, value)
		}
	}
	if after.Text("node", "id") != a.patientID(who) {
		t.Errorf("after, the patient reads as %s", after.Raw)
	}
}
