package app

import (
	"slices"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// lacking is a caller without some of the scopes.
func lacking(who access.Actor, scopes ...string) access.Actor {
	who.Scopes = slices.DeleteFunc(slices.Clone(who.Scopes), func(s string) bool { return slices.Contains(scopes, s) })
	return who
}

func (w *world) booked(t *testing.T, by gqltest.Client, more vars) gqltest.Answer {
	t.Helper()
	input := w.inputs()["bookAppointment"]
	for field, value := range more {
		input[field] = value
	}
	return by.Post(t, bookIt, vars{"input": input}).OK(t)
}

func TestVisitsOutsideTheHoursAreForWhoeverReadsAppointments(t *testing.T) {
	w := newWorld(t)
	w.booked(t, w.desk, nil)
	desk := w.clinic.FrontDesk()
	input := vars{"providerId": w.ids["provider"], "locationId": w.ids["location"], "date": "2026-06-08", "hours": []vars{}}
	const change = `mutation($input: SetDateHoursInput!) { setDateHours(input: $input) { provider { id } errors { __typename }
		appointmentsOutsideHours { edges { node { reason patient { name } identifiers { value } cancellation { note } } } } } }`
	for name, c := range map[string]struct {
		who    access.Actor
		code   string
		visits int
	}{
		"everything":                {desk, "", 1},
		"without appointments:read": {lacking(desk, access.AppointmentsRead), "FORBIDDEN", 0},
		"without schedules:read":    {lacking(desk, access.SchedulesRead), "FORBIDDEN", 0},
		"without patients:read":     {lacking(desk, access.PatientsRead), "", 0},
	} {
		answer := w.by(c.who).Post(t, change, vars{"input": input})
		edges, _ := answer.Data("setDateHours", "appointmentsOutsideHours", "edges").([]any)
		if answer.Code() != c.code || len(edges) != c.visits || answer.Text("setDateHours", "provider", "id") != w.ids["provider"] {
			t.Errorf("%s: %s", name, answer.Raw)
		}
		if path := words(gqltest.At(answer.Body, "errors", 0, "path")); c.code != "" && path != "setDateHours appointmentsOutsideHours" {
			t.Errorf("%s: refused at %q", name, path)
		}
	}
}

func TestAPatientsRecordTakesARightToReadIt(t *testing.T) {
	a := newAPI(t)
	me := a.clinic.Patient()
	const mine = `query($id: ID!) { viewer { asPatient { name birthDate phone identifiers { value } } } node(id: $id) { ... on Patient { name } } }`
	as := func(role access.Role, scopes ...string) access.Actor {
		who := me
		who.Role, who.Scopes = role, scopes
		if role == access.PlatformAdmin {
			who.Organization = [16]byte{}
		}
		return who
	}
	everything := slices.Concat(access.ScopesOf(access.Admin), access.ScopesOf(access.PlatformAdmin), access.ScopesOf(access.Provider))
	for name, c := range map[string]struct {
		who  access.Actor
		sees bool
	}{
		"a patient":                 {me, true},
		"a patient who reads":       {as(access.PatientRole, access.AppointmentsRead), true},
		"a patient who only writes": {as(access.PatientRole, access.AppointmentsWrite), false},
		"a patient without scopes":  {as(access.PatientRole), false},
		"an auditor":                {as(access.Auditor, everything...), false},
		"a platform administrator":  {as(access.PlatformAdmin, everything...), false},
		"a caregiver":               {as(access.Caregiver, everything...), true},
		"a provider of others":      {as(access.Provider, everything...), false},
		"the front desk":            {as(access.FrontDesk, access.PatientsRead), true},
		"a powerless front desk":    {as(access.FrontDesk), false},
	} {
		answer := a.by(c.who).Post(t, mine, vars{"id": a.patientID(me)}).OK(t)
		if (answer.Data("viewer", "asPatient") != nil) != (c.sees && c.who.ActsForOthers()) || (answer.Data("node") != nil) != c.sees {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
}

func TestAnAppointmentTakesARightToReadIt(t *testing.T) {
	b := newBusy(t, 1, 1)
	desk, admin := b.clinic.FrontDesk(), b.clinic.FrontDesk()
	admin.Role, admin.Scopes = access.Admin, access.ScopesOf(access.Admin)
	answer := b.by(desk).Post(t, `{ appointments { edges { node { id } } } }`, nil).OK(t)
	visit := answer.Text("appointments", "edges", 0, "node", "id")
	for name, c := range map[string]struct {
		who  access.Actor
		sees bool
	}{
		"the front desk":                {desk, true},
		"one who reads patients only":   {lacking(desk, access.AppointmentsRead), false},
		"the patient":                   {b.me, true},
		"a patient who only writes":     {lacking(b.me, access.AppointmentsRead), false},
		"an administrator who can't":    {lacking(admin, access.AppointmentsRead), false},
		"an administrator who can read": {admin, true},
	} {
		answer := b.by(c.who).Post(t, `query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }`, vars{"id": visit})
		if (answer.Data("node") != nil) != c.sees || (answer.Data("nodes", 0) != nil) != c.sees {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
}

func TestTakenTimesAreForWhoeverReadsAppointments(t *testing.T) {
	w := newWorld(t)
	visit := w.booked(t, w.desk, nil)
	if visit.Text("bookAppointment", "appointment", "id") == "" {
		t.Fatalf("%s", visit.Raw)
	}
	desk := w.clinic.FrontDesk()
	ask := `{ node(id: "` + w.ids["provider"] + `") { ... on Provider { slots(visitKindId: "` + w.ids["kind"] + `",
			from: "2026-06-08T00:00:00Z", to: "2026-06-09T00:00:00Z", status: [BOOKED, HELD, BLOCKED]) { totalCount edges { node { status } } } } }
		taken: node(id: "` + w.ids["slot"] + `") { ... on Slot { status } }
		explainSlot(where: {providerId: "` + w.ids["provider"] + `", locationId: "` + w.ids["location"] + `", visitKindId: "` + w.ids["kind"] + `", start: "2026-06-08T14:00:00Z"}) { blockedBy } }`
	auditor := desk
	auditor.Role = access.Auditor
	for name, c := range map[string]struct {
		who             access.Actor
		listed          float64
		status, blocked string
	}{
		"the front desk":            {desk, 1, "BOOKED", "PROVIDER_BUSY"},
		"one without reading":       {lacking(desk, access.AppointmentsRead, access.AppointmentsWrite), 0, "", "NOT_AVAILABLE"},
		"one who only writes":       {lacking(desk, access.AppointmentsRead), 0, "BOOKED", "PROVIDER_BUSY"},
		"one without any scope":     {lacking(desk, desk.Scopes...), 0, "", "NOT_AVAILABLE"},
		"a patient":                 {w.clinic.Patient(), 0, "BOOKED", "PROVIDER_BUSY"},
		"a patient without a scope": {lacking(w.clinic.Patient(), access.AppointmentsRead, access.AppointmentsWrite), 0, "", "NOT_AVAILABLE"},
		"an auditor":                {auditor, 0, "", "NOT_AVAILABLE"},
		"nobody":                    {access.Nobody(""), 0, "", "NOT_AVAILABLE"},
	} {
		by := w.Client
		if c.who.Kind != access.Anonymous {
			by = w.by(c.who)
		}
		answer := by.Post(t, ask, nil).OK(t)
		if answer.Data("node", "slots", "totalCount") != c.listed || answer.Text("taken", "status") != c.status ||
			words(answer.Data("explainSlot", "blockedBy")) != c.blocked {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
}

func TestIdentifiersOfVisitsAreTheClinicsToGive(t *testing.T) {
	w := newWorld(t)
	me := w.clinic.Patient()
	integrator := w.clinic.FrontDesk()
	integrator.Role = access.Integrator
	named := vars{"identifiers": []vars{{"system": "https://example.org/visits", "value": "1"}}}
	own := vars{"patientId": w.patientID(me)}
	refused := w.booked(t, w.by(me), vars{"patientId": w.patientID(me), "identifiers": named["identifiers"]})
	if refused.Text("bookAppointment", "errors", 0, "code") != "FORBIDDEN" || words(refused.Data("bookAppointment", "errors", 0, "path")) != "input identifiers" {
		t.Errorf("a patient: %s", refused.Raw)
	}
	if booked := w.booked(t, w.by(integrator), named); booked.Text("bookAppointment", "appointment", "id") == "" {
		t.Errorf("an integrator: %s", booked.Raw)
	}
	own["identifiers"], own["target"] = []vars{}, vars{"slotId": globalid.OfSlot(w.clinic.Slot(w.providerRef(t), 11, 0))}
	if booked := w.booked(t, w.by(me), own); booked.Text("bookAppointment", "appointment", "id") == "" {
		t.Errorf("a patient who gives none: %s", booked.Raw)
	}
}

func (w *world) providerRef(t *testing.T) clinic.Ref {
	t.Helper()
	id, err := globalid.ParseAs(globalid.Provider, w.ids["provider"])
	if err != nil {
		t.Fatal(err)
	}
	return id.Ref
}

func TestTheClinicsReasonsAreForItsStaff(t *testing.T) {
	w := newWorld(t)
	visit := w.booked(t, w.desk, nil).Text("bookAppointment", "appointment", "id")
	for role, code := range map[access.Role]string{
		access.Integrator: "FORBIDDEN", access.FrontDesk: "", access.Provider: "", access.Admin: "", access.PlatformAdmin: "FORBIDDEN",
	} {
		who := w.clinic.FrontDesk()
		who.ProviderID = w.providerRef(t).ID
		who.Role, who.Scopes = role, access.ScopesOf(role)
		if role == access.PlatformAdmin {
			who.Organization = [16]byte{}
		}
		for _, reason := range []string{"CLINIC_REQUEST", "PROVIDER_UNAVAILABLE"} {
			answer := w.by(who).Post(t, `mutation($input: CancelAppointmentInput!) { cancelAppointment(input: $input) { errors { ... on UserError { code path } } } }`,
				vars{"input": vars{"appointmentId": visit, "reason": reason, "preview": true}}).OK(t)
			got, path := answer.Text("cancelAppointment", "errors", 0, "code"), words(answer.Data("cancelAppointment", "errors", 0, "path"))
			if at := map[access.Role]string{access.Integrator: "input reason", access.PlatformAdmin: "input"}[role]; got != code || code != "" && path != at {
				t.Errorf("%s, %s: %s", role, reason, answer.Raw)
			}
		}
	}
}
