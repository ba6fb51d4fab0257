package resolvers_test

import (
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/breakglass"
)

func TestABrokenGlassIsWarnedOfWithIdsOnly(t *testing.T) {
	a := serve(t, open())
	answer := a.change(t, a.as(t, access.Provider), "breakGlass", `grant { id version reason startedAt brokenBy { name } patient { name } patientId accountId }`).OK(t)
	if answer.Text("breakGlass", "grant", "id") != a.grantID() || answer.Text("breakGlass", "grant", "patientId") != a.patientID() ||
		answer.Text("breakGlass", "grant", "brokenBy", "name") == "" || answer.Text("breakGlass", "grant", "reason") == "" {
		t.Errorf("%s", answer.Raw)
	}
	line := a.log.String()
	for _, part := range []string{`"level":"WARN"`, `"glass broken"`, a.rooms.patient.ID.String(), id(9).String()} {
		if !strings.Contains(line, part) {
			t.Errorf("the log lacks %s: %s", part, line)
		}
	}
	if strings.Contains(line, "Unconscious") || strings.Contains(line, "Moreau") {
		t.Errorf("the log tells more than ids: %s", line)
	}
	if minutes := a.rooms.heard.(breakglass.Break).Minutes; minutes != 60 {
		t.Errorf("%d minutes where none are named", minutes)
	}
	a.log.Reset()
	if a.change(t, a.as(t, access.FrontDesk), "breakGlass", failureParts).OK(t); strings.Contains(a.log.String(), "glass broken") {
		t.Error("a refusal is warned of")
	}
}

func TestACodeIsShownOnceAndNotLogged(t *testing.T) {
	a := serve(t, open())
	answer := a.change(t, a.as(t, access.FrontDesk), "invitePatientAccount", `code expiresAt `+failureParts).OK(t)
	if answer.Text("invitePatientAccount", "code") != "ABCDE12345" || strings.Contains(a.log.String(), "ABCDE12345") {
		t.Errorf("%s, logged %s", answer.Raw, a.log)
	}
}

func TestLinkedAccountsAreForWhoeverWritesPatients(t *testing.T) {
	for role, shown := range map[access.Role]bool{access.FrontDesk: true, access.Admin: true, access.Provider: false, access.PatientRole: false} {
		a := serve(t, open())
		answer := a.as(t, role).Post(t, `query($id: ID!) { node(id: $id) { ... on Patient { linkedAccounts { accountId relation since } } } }`, vars{"id": a.patientID()}).OK(t)
		if (answer.Text("node", "linkedAccounts", 0, "relation") == "SELF") != shown || (answer.Data("node", "linkedAccounts") != nil) != shown {
			t.Errorf("%s: %s", role, answer.Raw)
		}
	}
}

func TestAVeiledAppointmentTellsNothingOfItsPatient(t *testing.T) {
	a := serve(t, open())
	a.rooms.visit.PatientID = [16]byte{}
	answer := a.as(t, access.Provider).Post(t, `query($id: ID!) { node(id: $id) { ... on Appointment { id start patient { id } reason identifiers { value } actions { action allowed reason } } } }`, vars{"id": a.appointmentID()}).OK(t)
	if answer.Text("node", "id") == "" || answer.Data("node", "patient") != nil || answer.Data("node", "identifiers", 0) != nil {
		t.Errorf("%s", answer.Raw)
	}
	if calls(a.rooms.asked, "Patients") > 0 {
		t.Error("patients were asked for")
	}
}
