package app

import (
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// A clinic's kind of visit comes to need a room, which visits then get, or are listed without; and staff alone sees all that.
func TestAClinicSaysWhatVisitsAskForAndSeesWhatTheyLack(t *testing.T) {
	a := newAPI(t, appointment.Limits{})
	admin, desk := a.by(staffOf(a.clinic.Organization, access.Admin)), a.by(a.clinic.FrontDesk())
	location := a.id(globalid.Location, clinic.Ref{Organization: a.clinic.Organization, ID: a.clinic.Location})
	var visits []string
	for range 2 {
		slot := globalid.OfSlot(a.clinic.Slot(a.clinic.Provider(1), 10, 0))
		booked := a.by(a.clinic.Patient()).Post(t, bookIt, vars{"input": vars{"target": vars{"slotId": slot}, "idempotencyKey": "book"}}).OK(t)
		visits = append(visits, booked.Text("bookAppointment", "appointment", "id"))
	}
	put := func(mutation, parts string, input vars) gqltest.Answer {
		t.Helper()
		return admin.Post(t, document(mutation, parts+` errors { ... on UserError { code message path } }`), vars{"input": input}).OK(t)
	}
	kind := func(more vars) vars {
		input := vars{"key": a.clinic.VisitKind.String(), "name": "Check-up", "duration": "PT30M", "modalities": []string{"IN_PERSON"}}
		for field, value := range more {
			input[field] = value
		}
		return input
	}
	asks := `visitKind { id needs repeatAfter patients minimumAge maximumAge prerequisites { within visitKind { name } } }`
	lab := put("putVisitKind", asks, vars{"key": "lab", "name": "Lab", "duration": "PT10M", "modalities": []string{"IN_PERSON"}}).Text("putVisitKind", "visitKind", "id")
	full := put("putVisitKind", asks, kind(vars{"needs": []string{"exam"}, "repeatAfter": "P30D", "patients": "NEW", "minimumAge": 1, "maximumAge": 99,
		"prerequisites": []vars{{"visitKindId": lab, "within": "P14D"}}}))
	for _, want := range []string{`"needs":["exam"]`, `"repeatAfter":"P30D"`, `"patients":"NEW"`, `"minimumAge":1`, `"maximumAge":99`, `[{"within":"P14D","visitKind":{"name":"Lab"}}]`} {
		if !strings.Contains(string(full.Raw), want) {
			t.Errorf("no %s in %s", want, full.Raw)
		}
	}
	circle := put("putVisitKind", asks, vars{"key": "lab", "name": "Lab", "duration": "PT10M", "modalities": []string{"IN_PERSON"},
		"prerequisites": []vars{{"visitKindId": full.Text("putVisitKind", "visitKind", "id"), "within": "P1D"}}})
	if circle.Text("putVisitKind", "errors", 0, "code") != "INVALID_INPUT" || words(circle.Data("putVisitKind", "errors", 0, "path")) != "input prerequisites 0 visitKindId" {
		t.Errorf("a circle: %s", circle.Raw)
	}

	room := vars{"identifier": vars{"system": "https://clinic.example/rooms", "value": "1"}, "locationId": location, "kind": "ROOM", "pool": "exam", "name": "Room 1"}
	first := put("putResource", `resource { id name }`, room)
	if err := a.app.Tidy(t.Context()); err != nil { // what the worker does
		t.Fatal(err)
	}
	lists := `{ appointmentsWithoutResources { totalCount edges { node { id patient { id } } } } resources(pool: "exam") { totalCount edges { node { id location { id } } } } }`
	seen := desk.Post(t, lists, nil).OK(t)
	lacks := seen.Text("appointmentsWithoutResources", "edges", 0, "node", "id")
	if seen.Data("appointmentsWithoutResources", "totalCount") != 1.0 || lacks != visits[0] && lacks != visits[1] ||
		seen.Text("appointmentsWithoutResources", "edges", 0, "node", "patient", "id") == "" ||
		seen.Text("resources", "edges", 0, "node", "location", "id") != location || seen.Data("resources", "totalCount") != 1.0 {
		t.Errorf("%s", seen.Raw)
	}
	has := visits[0]
	if lacks == has {
		has = visits[1]
	}
	const its = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Appointment { resources { name location { id } } } } }`
	answer := string(desk.Post(t, its, vars{"ids": []string{has, lacks}}).OK(t).Raw)
	if !strings.Contains(answer, `{"nodes":[{"resources":[{"name":"Room 1","location":{"id":"`+location+`"}}]},{"resources":[]}]}`) {
		t.Errorf("rooms of visits: %s", answer)
	}
	doctor := staffOf(a.clinic.Organization, access.Provider)
	veiled := a.by(doctor).Post(t, lists, nil).OK(t)
	if veiled.Text("appointmentsWithoutResources", "edges", 0, "node", "id") != lacks || veiled.Data("appointmentsWithoutResources", "edges", 0, "node", "patient") != nil {
		t.Errorf("a colleague: %s", veiled.Raw)
	}

	room["pool"] = "ultrasound"
	kept := put("putResource", `resource { id }`, room)
	if kept.Text("putResource", "errors", 0, "code") != "INVALID_INPUT" || words(kept.Data("putResource", "errors", 0, "path")) != "input pool" {
		t.Errorf("a room that a visit has is put into another pool: %s", kept.Raw)
	}
	room["pool"], room["name"] = "exam", "Old room"
	if renamed := put("putResource", `resource { id name }`, room); renamed.Text("putResource", "resource", "id") != first.Text("putResource", "resource", "id") ||
		renamed.Text("putResource", "resource", "name") != "Old room" {
		t.Errorf("a name: %s", renamed.Raw)
	}
	put("putVisitKind", asks, kind(nil))
	if err := a.app.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	room["pool"] = "ultrasound"
	if freed := put("putResource", `resource { pool }`, room); freed.Text("putResource", "resource", "pool") != "ultrasound" {
		t.Errorf("a room that no visit needs any more: %s", freed.Raw)
	}
	if seen := desk.Post(t, lists, nil).OK(t); seen.Data("appointmentsWithoutResources", "totalCount") != 0.0 {
		t.Errorf("%s", seen.Raw)
	}
}

func TestAClinicSaysHowLongPeopleTravel(t *testing.T) {
	a := newAPI(t, appointment.Limits{})
	admin := a.by(staffOf(a.clinic.Organization, access.Admin))
	const rules = `{ patients providers speedKilometresPerHour margin routes { takes from { name } to { name } } }`
	organization := globalid.OfOrganization(a.clinic.Organization)
	read := func(by gqltest.Client) string {
		t.Helper()
		return string(by.Post(t, `query($id: ID!) { node(id: $id) { ... on Organization { travelRules `+rules+` } } }`, vars{"id": organization}).OK(t).Raw)
	}
	if got := read(admin); !strings.Contains(got, `{"patients":true,"providers":true,"speedKilometresPerHour":40,"margin":"PT10M","routes":[]}`) {
		t.Errorf("who has set nothing: %s", got)
	}
	annex := admin.Post(t, document("putLocation", `location { id }`), vars{"input": vars{"identifier": vars{"system": "https://clinic.example/sites", "value": "2"},
		"name": "Annex", "timeZone": "America/New_York", "addressLines": []string{}}}).OK(t).Text("putLocation", "location", "id")
	set := admin.Post(t, document("setTravelRules", `travelRules `+rules+` errors { ... on UserError { code path } }`), vars{"input": vars{
		"patients": false, "speedKilometresPerHour": 25, "margin": "PT0S", "routes": []vars{{"fromLocationId": annex,
			"toLocationId": a.id(globalid.Location, clinic.Ref{Organization: a.clinic.Organization, ID: a.clinic.Location}), "takes": "PT20M"}}}}).OK(t)
	want := `{"patients":false,"providers":true,"speedKilometresPerHour":25,"margin":"PT0S","routes":[{"takes":"PT20M","from":{"name":"Annex"},"to":{"name":"Main Street"}}]}`
	if got := read(a.by(a.clinic.FrontDesk())); !strings.Contains(string(set.Raw), want) || !strings.Contains(got, want) {
		t.Errorf("set %s, read %s", set.Raw, got)
	}
	for _, by := range []gqltest.Client{a.Client, a.by(a.clinic.Patient())} {
		if got := read(by); !strings.Contains(got, `"travelRules":null`) {
			t.Errorf("somebody else: %s", got)
		}
	}
}
