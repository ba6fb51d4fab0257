package resolvers_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

func TestNodesComeInTheOrderAsked(t *testing.T) {
	a := serve(t, open())
	desk := a.as(t, access.FrontDesk)
	wanted := []string{
		a.slotID(), a.patientID(), globalid.OfOrganization(a.rooms.organization.ID), a.locationID(), a.kindID(), a.providerID(), a.appointmentID(),
		a.holdID(), a.exceptionID(), globalid.OfSpecialty(a.rooms.organization.ID, a.rooms.provider.Specialties[0]), a.patientID(),
		globalid.Of(globalid.InsurancePlan, a.rooms.plan.Ref()),
	}
	ids := append(slices.Clone(wanted), a.globalID(globalid.Location, id(77)), globalid.Of(globalid.Patient, clinic.Ref{Organization: id(88), ID: a.rooms.patient.ID}))
	answer := desk.Post(t, `query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`, vars{"ids": ids}).OK(t)
	nodes, _ := answer.Data("nodes").([]any)
	if len(nodes) != len(ids) {
		t.Fatalf("%s", answer.Raw)
	}
	for i, id := range ids {
		if i < len(wanted) && answer.Text("nodes", i, "id") != id {
			t.Errorf("node %d: %v", i, nodes[i])
		}
		if i >= len(wanted) && nodes[i] != nil {
			t.Errorf("node %d doesn't exist for the caller: %v", i, nodes[i])
		}
	}
	if n := calls(a.rooms.asked, "Patients"); n != 1 {
		t.Errorf("patients were fetched %d times", n)
	}
}

func calls(asked []string, method string) int {
	n := 0
	for _, m := range asked {
		if m == method {
			n++
		}
	}
	return n
}

func TestTooManyNodesAreRefused(t *testing.T) {
	a := serve(t, open())
	ids := slices.Repeat([]string{a.locationID()}, 101)
	if answer := a.Post(t, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": ids}); answer.Code() != "INVALID_INPUT" {
		t.Errorf("%s", answer.Raw)
	}
	a.Post(t, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": ids[:100]}).OK(t)
}

func TestAPageIsFetchedInAConstantNumberOfBatches(t *testing.T) {
	const everything = `{ appointments(first: 100) { edges { node { id patient { name } provider { name visitKinds { id } acceptedPlans(first: 1) { edges { node { id } } } } location { name } visitKind { name } actions { action } identifiers { value } } } } }`
	var asked [2]map[string]int
	for i, size := range []int{1, 100} {
		a := serve(t, open())
		a.rooms.visits = size
		answer := a.as(t, access.FrontDesk).Post(t, everything, nil).OK(t)
		if edges, _ := answer.Data("appointments", "edges").([]any); len(edges) != size {
			t.Fatalf("%d edges", len(edges))
		}
		asked[i] = map[string]int{}
		for _, method := range a.rooms.asked {
			asked[i][method]++
		}
	}
	if !reflect.DeepEqual(asked[0], asked[1]) {
		t.Errorf("one appointment asks %v, a hundred ask %v", asked[0], asked[1])
	}
}

func TestThePlaceInTheLogIsReadOnlyWhenAskedFor(t *testing.T) {
	a := serve(t, open())
	for document, want := range map[string]bool{
		`{ providers { edges { node { appointments { edges { cursor } } } } } }`:                                                                                       false,
		`{ providers { edges { node { appointments { streamCursor } } } } }`:                                                                                           true,
		`{ providers { edges { node { appointments { ...Place } } } } } fragment Place on AppointmentConnection { ... on AppointmentConnection { at: streamCursor } }`: true,
		`{ providers { edges { node { appointments { streamCursor @skip(if: true) pageInfo { hasNextPage } } } } } }`:                                                  false,
	} {
		a.as(t, access.FrontDesk).Post(t, document, nil).OK(t)
		if got := a.rooms.heard.(appointment.Agenda).Continued; got != want {
			t.Errorf("%s: %v", document, got)
		}
	}
}

func TestAChangeIsAnsweredAsItIsAfterIt(t *testing.T) {
	a := serve(t, open())
	query := `mutation($a: CancelAppointmentInput!, $b: CancelAppointmentInput!, $id: ID!) {
		first: cancelAppointment(input: $a) { query { node(id: $id) { ... on Appointment { version } } } }
		second: cancelAppointment(input: $b) { query { node(id: $id) { ... on Appointment { version } } } } }`
	cancel := a.mutations()["cancelAppointment"]
	a.as(t, access.PatientRole).Post(t, query, vars{"a": cancel, "b": cancel, "id": a.appointmentID()}).OK(t)
	if n := calls(a.rooms.asked, "Appointments"); n != 2 {
		t.Errorf("the appointment was read %d times for two changes", n)
	}
}

func TestVisitsOutsideNewHoursAreListed(t *testing.T) {
	a := serve(t, open())
	for _, mutation := range []string{"setProviderSchedule", "setDateHours", "addScheduleException"} {
		answer := a.change(t, a.as(t, access.Admin), mutation, `appointmentsOutsideHours(first: 5) { edges { node { id } } totalCount streamCursor }`).OK(t)
		if answer.Text(mutation, "appointmentsOutsideHours", "edges", 0, "node", "id") != a.appointmentID() {
			t.Errorf("%s: %s", mutation, answer.Raw)
		}
		c := a.rooms.heard.(appointment.Clash)
		if c.Provider != a.rooms.provider.ID || c.Organization != a.rooms.organization.ID || !c.From.Before(start) || !c.To.After(start) {
			t.Errorf("%s asked about %+v", mutation, c)
		}
	}
}

func TestARefusedChangeOfHoursLeavesNoVisitsOutside(t *testing.T) {
	a := serve(t, open())
	a.rooms.fail = errs.Invalid("This is not after the beginning.", "to")
	for _, mutation := range []string{"setProviderSchedule", "setDateHours", "addScheduleException"} {
		answer := a.change(t, a.as(t, access.Admin), mutation, `appointmentsOutsideHours(first: 5) { edges { node { id } } } `+failureParts).OK(t)
		if answer.Text(mutation, "errors", 0, "code") != "INVALID_INPUT" || answer.Data(mutation, "appointmentsOutsideHours") != nil {
			t.Errorf("%s: %s", mutation, answer.Raw)
		}
	}
}

func TestTheCalendarLinkNeedsNoToken(t *testing.T) {
	a := serve(t, open())
	answer := a.as(t, access.PatientRole).Post(t, `query($id: ID!) { node(id: $id) { ... on Appointment { icsUrl } } }`, vars{"id": a.appointmentID()}).OK(t)
	link := answer.Text("node", "icsUrl")
	path, ok := strings.CutPrefix(link, "https://api.example.org")
	if !ok || strings.Contains(link, a.appointmentID()) {
		t.Fatalf("icsUrl %q", link)
	}
	file := a.Send(t, httptest.NewRequest(http.MethodGet, path, nil))
	if file.Status != 200 || file.Header.Get("Content-Type") != "text/calendar; charset=utf-8" || !strings.HasPrefix(string(file.Raw), "BEGIN:VCALENDAR") {
		t.Errorf("status %d: %s", file.Status, file.Raw)
	}
	if a.rooms.heard != a.rooms.visit.Ref() {
		t.Errorf("asked for %v", a.rooms.heard)
	}
	if strings.Contains(a.log.String(), strings.TrimSuffix(path[len(path)-40:], ".ics")) {
		t.Error("the link is in the log")
	}
	for name, wrong := range map[string]string{
		"changed": path[:30] + "x" + path[31:], "cut": path[:len(path)-6] + ".ics", "no suffix": strings.TrimSuffix(path, ".ics"), "nothing": "/calendar/appointments/.ics",
	} {
		if got := a.Send(t, httptest.NewRequest(http.MethodGet, wrong, nil)); got.Status != 404 {
			t.Errorf("%s: status %d", name, got.Status)
		}
	}
	a.rooms.fail = errs.Missing("appointment")
	if got := a.Send(t, httptest.NewRequest(http.MethodGet, path, nil)); got.Status != 404 {
		t.Errorf("of an appointment that is gone: status %d", got.Status)
	}
}
