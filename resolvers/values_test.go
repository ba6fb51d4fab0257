package resolvers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

func TestExclusiveInputsTakeOnePartFromVariablesToo(t *testing.T) {
	a := serve(t, open())
	patient := a.as(t, access.PatientRole)
	for name, target := range map[string]vars{
		"both": {"slotId": a.slotID(), "holdId": a.holdID()}, "none": {}, "one and a null": {"slotId": a.slotID(), "holdId": nil}, "a null": {"slotId": nil},
	} {
		answer := patient.Post(t, document("bookAppointment", failureParts), input(vars{"target": target, "idempotencyKey": "k"}))
		if answer.Code() != "INVALID_INPUT" || !reflect.DeepEqual(gqltest.At(answer.Body, "errors", 0, "extensions", "path"), steps("input target")) {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
	literal := `mutation($slot: ID!, $hold: ID!) { bookAppointment(input: {target: {slotId: $slot, holdId: $hold}, idempotencyKey: "k"}) { replayed } }`
	if answer := patient.Post(t, literal, vars{"slot": a.slotID(), "hold": a.holdID()}); answer.Code() == "" {
		t.Errorf("two variables in a literal: %s", answer.Raw)
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
}

func TestValuesThatDoNotFitAreRefusedByPathAndNotRepeated(t *testing.T) {
	a := serve(t, open())
	admin := a.as(t, access.Admin)
	for _, c := range []struct {
		mutation, field string
		value           any
		path            string
	}{
		{"putVisitKind", "duration", "15 minutes secret", "input duration"},
		{"putVisitKind", "duration", "P1M", "input duration"},
		{"putVisitKind", "duration", 15, "input duration"},
		{"putVisitKind", "modalities", []string{"in_person"}, "input modalities 0"},
		{"putVisitKind", "modalities", "secret", "input modalities 0"},
		{"putVisitKind", "maxReschedules", 3_000_000_000, "input maxReschedules"},
		{"putVisitKind", "maxReschedules", "3", "input maxReschedules"},
		{"putVisitKind", "maxReschedules", 1.5, "input maxReschedules"},
		{"putVisitKind", "name", 5, "input name"},
		{"putLocation", "addressLines", strings.Split(strings.Repeat("secret,", 101), ","), "input addressLines"},
		{"putLocation", "latitude", "secret", "input latitude"},
		{"setDateHours", "date", "2030-02-30", "input date"},
		{"setDateHours", "hours", []vars{{"from": "09:00", "to": "24:01"}}, "input hours 0 to"},
		{"addScheduleException", "from", "2030-05-06T09:00Z", "input from"},
		{"addScheduleException", "effect", "secret", "input effect"},
	} {
		fields := a.mutations()[c.mutation]
		fields[c.field] = c.value
		answer := admin.Post(t, document(c.mutation, failureParts), input(fields))
		if answer.Code() != "INVALID_INPUT" || !reflect.DeepEqual(gqltest.At(answer.Body, "errors", 0, "extensions", "path"), steps(c.path)) {
			t.Errorf("%s %s %v: %s", c.mutation, c.field, c.value, answer.Raw)
		}
		if strings.Contains(string(answer.Raw), "secret") {
			t.Errorf("%s %s repeats the value: %s", c.mutation, c.field, answer.Raw)
		}
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
}

func TestLiteralsAreNotRepeatedEither(t *testing.T) {
	a := serve(t, open())
	for _, document := range []string{
		`{ providers(first: "secret") { edges { cursor } } }`,
		`{ explainSlot(where: {providerId: "x", locationId: "x", visitKindId: "x", start: "secret"}) { bookable } }`,
		`{ appointments(where: {status: [secret]}) { edges { cursor } } }`,
		`{ node(id: "secret" "secret") { id } }`,
		`{ node(id: "secret) { id } }`,
		`secret { node(id: "x") { id } }`,
		`{ node(id: "secret") { id } }`,
		`{ appointments(first: 99999999999999999999) { edges { cursor } } }`,
		`{ explainSlot(where: {providerId: "x", locationId: "x", visitKindId: "x", start: 99999999999999999999}) { bookable } }`,
		`{ node(id: "x", other: "secret") { id } }`,
		`{ node(id: "secret", id: "secret") { id } }`,
		`{ node(id: "secret") { other } }`,
		`{ node(id: "secret") }`,
		`{ node(id: "secret") { id } node(id: "x") { id } }`,
		`{ node(id: {secret: "secret"}) { id } }`,
		`{ node(id: $missing) { id name(of: "secret") } }`,
		`{ viewer @other(of: "secret") { id } }`,
		`{ viewer @skip(if: "secret") { id } }`,
		`{ viewer @skip(if: true, if: secret) { id } }`,
		`query($id: ID = {a: "secret"}) { node(id: $id) { id } }`,
		`query($first: Int = "secret") { providers(first: $first) { edges { cursor } } }`,
		`query($first: String = "secret") { providers(first: $first) { edges { cursor } } }`,
		`query($id: ID!, $other: ID = "secret") { node(id: $id) { id } }`,
		`query($where: ExplainSlotInput = {start: "secret"}) { explainSlot(where: $where) { bookable } }`,
		`{ explainSlot(where: {start: "secret", start: "secret"}) { bookable } }`,
		`{ explainSlot(where: "secret") { bookable } }`,
		`mutation { bookAppointment(input: {target: {holdId: "secret", slotId: "secret"}, idempotencyKey: "secret"}) { replayed } }`,
		`mutation { bookAppointment(input: {target: {}, idempotencyKey: "secret"}) { replayed } }`,
		`mutation { cancelAppointment(input: {appointmentId: "secret", reason: secret}) { fee { currency } } }`,
		`subscription { node(id: "secret") { id } }`,
	} {
		answer := a.Post(t, document, nil)
		if answer.Code() == "" || answer.Code() == "INTERNAL_SERVER_ERROR" || strings.Contains(string(answer.Raw)+a.log.String(), "secret") {
			t.Errorf("%s: %s", document, answer.Raw)
		}
	}
}

func TestFaultsOfVariablesNameTheArgument(t *testing.T) {
	a := serve(t, open())
	with := func(field string, value any) vars {
		in := a.mutations()["bookAppointment"]
		in[field] = value
		return in
	}
	const book = `mutation($i: BookAppointmentInput!) { bookAppointment(input: $i) { replayed } }`
	const parts = `mutation($t: BookingTargetInput!, $k: String!) { ...Booking } fragment Booking on Mutation { bookAppointment(input: {target: $t, idempotencyKey: $k}) { replayed } }`
	for name, c := range map[string]struct {
		document  string
		variables vars
		path      string
	}{
		"an unknown field":            {book, vars{"i": with("target", vars{"x": "secret"})}, "input target"},
		"a missing field":             {book, vars{"i": vars{"target": vars{"slotId": "x"}}}, "input idempotencyKey"},
		"a missing variable":          {book, nil, "input"},
		"a wrong type":                {book, vars{"i": with("reason", 5)}, "input reason"},
		"in a list":                   {book, vars{"i": with("identifiers", []vars{{"system": "secret"}})}, "input identifiers 0 value"},
		"a part of an input":          {parts, vars{"t": vars{"x": "secret"}, "k": "k"}, "input target"},
		"a leaf of an input":          {parts, vars{"t": vars{"slotId": "x"}, "k": nil}, "input idempotencyKey"},
		"in a literal list":           {`query($id: ID!) { nodes(ids: ["x", $id]) { id } }`, nil, "ids 1"},
		"of a directive":              {`query($no: Boolean!) { viewer @skip(if: $no) { id } }`, nil, "if"},
		"used twice":                  {`query($id: ID!) { a: node(id: $id) { id } b: node(id: $id) { id } }`, nil, "id"},
		"used twice, another name":    {`query($of: ID!) { a: node(id: $of) { id } b: node(id: $of) { id } }`, nil, "id"},
		"of another operation":        {`query Other($i: ID!) { node(id: $i) { id } } mutation Book($i: BookAppointmentInput!) { bookAppointment(input: $i) { replayed } }`, nil, "input"},
		"a field with no name at all": {book, vars{"i": with("Ada secret Moreau", 1)}, "input"},
		"a field with a long name":    {book, vars{"i": with(strings.Repeat("secret", 20), 1)}, "input"},
		"text that is no Unicode":     {book, vars{"i": with("reason", "\xff")}, "input reason"},
	} {
		body, _ := json.Marshal(vars{"query": c.document, "variables": c.variables, "operationName": operation(c.document)})
		body = bytes.ReplaceAll(body, []byte(`\ufffd`), []byte("\xff"))
		answer := a.as(t, access.PatientRole).Send(t, a.Request(body))
		if answer.Code() != "INVALID_INPUT" || !reflect.DeepEqual(gqltest.At(answer.Body, "errors", 0, "extensions", "path"), steps(c.path)) {
			t.Errorf("%s: %s, want %s", name, answer.Raw, c.path)
		}
		if strings.Contains(string(answer.Raw), "secret") {
			t.Errorf("%s repeats what was sent: %s", name, answer.Raw)
		}
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
}

func operation(document string) string {
	if strings.Contains(document, "mutation Book(") {
		return "Book"
	}
	return ""
}

func TestIdsThatAreNoneAreInvalidInput(t *testing.T) {
	a := serve(t, open())
	for name, id := range map[string]string{
		"text": "not-an-id", "empty": "", "padded": a.slotID() + "=", "of another type": a.patientID(), "cut": a.slotID()[:40], "long": strings.Repeat("A", 5000), "NUL": "\x00",
	} {
		answer := a.as(t, access.PatientRole).Post(t, document("holdSlot", failureParts), input(vars{"slotId": id, "idempotencyKey": "k"})).OK(t)
		if answer.Text("holdSlot", "errors", 0, "code") != "INVALID_INPUT" || !reflect.DeepEqual(answer.Data("holdSlot", "errors", 0, "path"), steps("input slotId")) {
			t.Errorf("%s: %s", name, answer.Raw)
		}
		if name == "of another type" {
			continue // node takes any
		}
		read := a.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": id})
		if read.Code() != "INVALID_INPUT" || !reflect.DeepEqual(gqltest.At(read.Body, "errors", 0, "extensions", "path"), steps("id")) {
			t.Errorf("node, %s: %s", name, read.Raw)
		}
	}
	answer := a.Post(t, `query($where: ExplainSlotInput!) { explainSlot(where: $where) { bookable } }`, vars{"where": vars{
		"providerId": a.providerID(), "locationId": "x", "visitKindId": a.kindID(), "start": "2030-05-06T13:00:00Z"}})
	if answer.Code() != "INVALID_INPUT" || !reflect.DeepEqual(gqltest.At(answer.Body, "errors", 0, "extensions", "path"), steps("where locationId")) {
		t.Errorf("%s", answer.Raw)
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
}

func TestASpecialtyOfAnotherOrganisationIsNone(t *testing.T) {
	a := serve(t, open())
	coding := a.rooms.provider.Specialties[0]
	list := func(by gqltest.Client, specialty string) gqltest.Answer {
		return by.Post(t, `query($id: ID!) { providers(where: {specialtyId: $id}) { edges { node { id } } } }`, vars{"id": specialty})
	}
	own, foreign := globalid.OfSpecialty(a.rooms.organization.ID, coding), globalid.OfSpecialty(id(88), coding)
	list(a.Client, own).OK(t)
	list(a.as(t, access.PatientRole), own).OK(t)
	answer := list(a.as(t, access.PatientRole), foreign)
	if answer.Code() != "NOT_FOUND" || !reflect.DeepEqual(gqltest.At(answer.Body, "errors", 0, "extensions", "path"), steps("where specialtyId")) {
		t.Errorf("%s", answer.Raw)
	}
}

func TestNULInWhatIsReadIsRefused(t *testing.T) {
	a := serve(t, open())
	answer := a.as(t, access.FrontDesk).Post(t, `query($where: PatientFilterInput!) { patients(where: $where) { edges { cursor } } }`, vars{"where": vars{"name": "A\x00da"}})
	if answer.Code() != "INVALID_INPUT" || !reflect.DeepEqual(gqltest.At(answer.Body, "errors", 0, "extensions", "path"), steps("where name")) {
		t.Errorf("%s", answer.Raw)
	}
}

func TestNULBelowAChangeIsRefusedBeforeTheChange(t *testing.T) {
	a := serve(t, open())
	below := []string{
		`query { patients(where: {name: $text}) { edges { cursor } } }`,
		`query { appointments(where: {identifier: {system: "https://example.org/ids", value: $text}}) { edges { cursor } } }`,
		`query { ...on Query { ...F } }`,
		`query { appointments(after: $text) { edges { cursor } } }`,
	}
	for _, part := range below {
		document := `mutation($text: String!, $input: CancelAppointmentInput!) { cancelAppointment(input: $input) { ` + part + ` } }`
		if strings.Contains(part, "F") {
			document += ` fragment F on Query { patients(where: {name: $text}) { edges { cursor } } }`
		}
		cancel := vars{"appointmentId": a.appointmentID(), "reason": "OTHER"}
		answer := a.as(t, access.FrontDesk).Post(t, document, vars{"text": "A\x00da", "input": cancel})
		if answer.Code() != "INVALID_INPUT" || answer.Data("cancelAppointment") != nil {
			t.Errorf("%s: %s", part, answer.Raw)
		}
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
}

func TestANullOrderIsTheDefault(t *testing.T) {
	a := serve(t, open())
	desk := a.as(t, access.FrontDesk)
	for document, variables := range map[string]vars{
		`{ appointments { edges { cursor } } }`:                                                       nil,
		`{ appointments(orderBy: null) { edges { cursor } } }`:                                        nil,
		`query($o: AppointmentOrder) { appointments(orderBy: $o) { edges { cursor } } }`:              {"o": nil},
		`query($o: AppointmentOrder = START_DESC) { appointments(orderBy: $o) { edges { cursor } } }`: {"o": nil},
	} {
		desk.Post(t, document, variables).OK(t)
		if a.rooms.ordered != appointment.StartAscending {
			t.Errorf("%s %v: ordered by %q", document, variables, a.rooms.ordered)
		}
	}
}

func TestPageSizesAreBounded(t *testing.T) {
	a := serve(t, open())
	desk := a.as(t, access.FrontDesk)
	for _, list := range []string{"locations", "visitKinds", "providers", "appointments", "patients(where: {name: \"Mo\"}, %s)", "node"} {
		for args, path := range map[string]string{
			"first: 0": "first", "first: -1": "first", "first: 101": "first", "last: 0": "last", "last: 101": "last", "first: 1, last: 1": "last", `after: "x"`: "after", `before: ""`: "before",
		} {
			field := list + "(" + args + ")"
			switch {
			case strings.Contains(list, "%s"):
				field = fmt.Sprintf(list, args)
			case list == "node":
				field = `node(id: "` + a.providerID() + `") { ... on Provider { slots(visitKindId: "` + a.kindID() + `", from: "2030-05-06T00:00:00Z", to: "2030-05-07T00:00:00Z", ` + args + `)`
			}
			document := "{ " + field + " { edges { cursor } } }"
			if list == "node" {
				document += " } }"
			}
			answer := desk.Post(t, document, nil)
			if answer.Code() != "INVALID_INPUT" || !reflect.DeepEqual(gqltest.At(answer.Body, "errors", 0, "extensions", "path"), steps(path)) {
				t.Errorf("%s: %s", document, answer.Raw)
			}
		}
		if list == "locations" {
			desk.Post(t, `{ locations(first: 100) { edges { cursor } } }`, nil).OK(t)
			desk.Post(t, `{ locations(last: 1) { edges { cursor } } }`, nil).OK(t)
		}
	}
}

func TestAChangeWhoseAnswerCanNotBeReadIsNotMade(t *testing.T) {
	a := serve(t, open())
	other, own := paging.Cursor("x"), paging.Cursor("x", "y")
	const alternatives = `errors { ... on SlotTakenError { %s } }`
	for _, c := range []struct{ mutation, parts, path string }{
		{"setDateHours", `appointmentsOutsideHours(first: 0) { edges { cursor } }`, "first"},
		{"setDateHours", `appointmentsOutsideHours(first: 101) { edges { cursor } }`, "first"},
		{"setDateHours", `appointmentsOutsideHours(first: 1, last: 1) { edges { cursor } }`, "last"},
		{"setDateHours", `appointmentsOutsideHours(after: "x") { edges { cursor } }`, "after"},
		{"setDateHours", `appointmentsOutsideHours(before: "` + other + `") { edges { cursor } }`, "before"},
		{"setProviderSchedule", `...Later } } fragment Later on SetProviderSchedulePayload { ... { appointmentsOutsideHours(last: 0) { edges { cursor } }`, "last"},
		{"bookAppointment", fmt.Sprintf(alternatives, `alternatives(limit: 0) { id }`), "limit"},
		{"bookAppointment", fmt.Sprintf(alternatives, `alternatives(limit: 11) { id }`), "limit"},
		{"cancelAppointment", `query { locations(first: 0) { edges { cursor } } }`, "first"},
	} {
		answer := a.change(t, a.may(t, c.mutation), c.mutation, c.parts)
		if answer.Code() != "INVALID_INPUT" || !reflect.DeepEqual(gqltest.At(answer.Body, "errors", 0, "extensions", "path"), steps(c.path)) || answer.Body["data"] != nil {
			t.Errorf("%s { %s }: %s", c.mutation, c.parts, answer.Raw)
		}
	}
	fields := a.mutations()["bookAppointment"]
	null := a.as(t, access.PatientRole).Post(t, `mutation($input: BookAppointmentInput!, $n: Int) { bookAppointment(input: $input) { `+fmt.Sprintf(alternatives, `alternatives(limit: $n) { id }`)+` } }`,
		vars{"input": fields, "n": nil})
	if null.Code() != "INVALID_INPUT" {
		t.Errorf("a limit that is null: %s", null.Raw)
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
	a.change(t, a.as(t, access.Admin), "setDateHours", `appointmentsOutsideHours(first: 1, after: "`+own+`") { edges { cursor } }`).OK(t)
}

func TestHoursReachTheRoomAsWritten(t *testing.T) {
	a := serve(t, open())
	fields := a.mutations()["setProviderSchedule"]
	fields["hours"] = []vars{{"weekday": "SUNDAY", "from": "22:00", "to": "24:00", "visitKindIds": []string{a.kindID()}}}
	a.as(t, access.Admin).Post(t, document("setProviderSchedule", failureParts), input(fields)).OK(t)
	got := a.rooms.heard.(provider.SetSchedule).Hours
	want := []provider.WeeklyOpening{{Weekday: 7, Opening: provider.Opening{
		From: provider.At(22, 0), To: provider.At(24, 0), Capacity: 1, VisitKinds: got[0].VisitKinds,
	}}}
	if !reflect.DeepEqual(got, want) || len(got[0].VisitKinds) != 1 || got[0].VisitKinds[0].ID != a.rooms.kind.ID {
		t.Errorf("got %+v", got)
	}
	a.as(t, access.Admin).Post(t, document("setDateHours", failureParts), input(a.mutations()["setDateHours"])).OK(t)
	if hours := a.rooms.heard.(provider.SetDateHours).Hours; hours != nil {
		t.Errorf("no hours became %#v", hours)
	}
	fields = a.mutations()["setDateHours"]
	fields["hours"] = []vars{}
	a.as(t, access.Admin).Post(t, document("setDateHours", failureParts), input(fields)).OK(t)
	if hours := a.rooms.heard.(provider.SetDateHours).Hours; hours == nil {
		t.Error("empty hours became none")
	}
	answer := a.as(t, access.Admin).Post(t, `query($p: ID!, $l: ID!) { node(id: $p) { ... on Provider { weeklyHours(locationId: $l) { weekday from to } } } }`, vars{"p": a.providerID(), "l": a.locationID()}).OK(t)
	if fmt.Sprint(answer.Data("node", "weeklyHours")) != "[map[from:22:00 to:02:00 weekday:MONDAY] map[from:00:00 to:24:00 weekday:SUNDAY]]" {
		t.Errorf("%s", answer.Raw)
	}
}
