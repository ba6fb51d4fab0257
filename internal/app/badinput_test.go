package app

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// world is a clinic, another one that is none of the caller's business, and inputs that would do.
type world struct {
	*api
	desk, admin, platform gqltest.Client
	ids                   map[string]string
}

func newWorld(t *testing.T) *world {
	a := newAPI(t)
	w := &world{api: a, ids: map[string]string{}}
	w.desk = a.by(a.clinic.FrontDesk())
	admin := a.clinic.FrontDesk()
	admin.Role, admin.Scopes = access.Admin, access.ScopesOf(access.Admin)
	w.admin = a.by(admin)
	platform := access.Actor{ID: sample.NewID(), Role: access.PlatformAdmin, Scopes: access.ScopesOf(access.PlatformAdmin)}
	w.platform = a.by(platform)
	for prefix, c := range map[string]*sample.Clinic{"": a.clinic, "foreign ": sample.NewClinic(t, a.pool)} {
		of := c.Provider(1)
		w.ids[prefix+"organization"] = globalid.OfOrganization(c.Organization)
		w.ids[prefix+"provider"] = a.id(globalid.Provider, of)
		w.ids[prefix+"location"] = a.id(globalid.Location, clinic.Ref{Organization: c.Organization, ID: c.Location})
		w.ids[prefix+"kind"] = a.id(globalid.VisitKind, clinic.Ref{Organization: c.Organization, ID: c.VisitKind})
		w.ids[prefix+"patient"] = a.patientID(c.Patient())
		w.ids[prefix+"slot"] = globalid.OfSlot(c.Slot(of, 10, 0))
		odd := c.Slot(of, 10, 7)
		w.ids[prefix+"odd slot"] = globalid.OfSlot(odd)
		past := c.Slot(of, 9, 0)
		past.Start = past.Start.AddDate(0, 0, -7)
		w.ids[prefix+"past slot"] = globalid.OfSlot(past)
	}
	unknown := clinic.Ref{Organization: a.clinic.Organization, ID: sample.NewID()}
	w.ids["unknown provider"] = a.id(globalid.Provider, unknown)
	w.ids["unknown location"] = a.id(globalid.Location, unknown)
	w.ids["unknown kind"] = a.id(globalid.VisitKind, unknown)
	w.ids["unknown patient"] = a.id(globalid.Patient, unknown)
	w.ids["unknown hold"] = a.id(globalid.Hold, unknown)
	w.ids["unknown appointment"] = a.id(globalid.Appointment, unknown)
	w.ids["unknown exception"] = a.id(globalid.ScheduleException, unknown)
	nobody := a.clinic.Slot(unknown, 10, 0)
	w.ids["nobody's slot"] = globalid.OfSlot(nobody)
	return w
}

func (w *world) inputs() map[string]vars {
	named := vars{"system": "https://example.org/ids", "value": "1"}
	return map[string]vars{
		"holdSlot":               {"slotId": w.ids["slot"], "patientId": w.ids["patient"], "idempotencyKey": "k"},
		"extendHold":             {"holdId": w.ids["unknown hold"]},
		"releaseHold":            {"holdId": w.ids["unknown hold"]},
		"bookAppointment":        {"target": vars{"slotId": w.ids["slot"]}, "patientId": w.ids["patient"], "idempotencyKey": "k"},
		"rescheduleAppointment":  {"appointmentId": w.ids["unknown appointment"], "target": vars{"slotId": w.ids["slot"]}, "idempotencyKey": "k"},
		"swapAppointments":       {"firstAppointmentId": w.ids["unknown appointment"], "secondAppointmentId": w.ids["unknown appointment"], "idempotencyKey": "k"},
		"bookSeries":             {"firstSlotId": w.ids["slot"], "everyWeeks": 1, "count": 2, "patientId": w.ids["patient"], "idempotencyKey": "k"},
		"rescheduleSeries":       {"appointmentId": w.ids["unknown appointment"], "slotId": w.ids["slot"], "idempotencyKey": "k"},
		"cancelSeries":           {"appointmentId": w.ids["unknown appointment"], "reason": "OTHER"},
		"cancelAppointment":      {"appointmentId": w.ids["unknown appointment"], "reason": "OTHER"},
		"transitionAppointment":  {"appointmentId": w.ids["unknown appointment"], "action": "CONFIRM"},
		"rearmConflictDetection": {},
		"createOrganization":     {"name": "Riverside", "idempotencyKey": "k"},
		"putLocation":            {"identifier": named, "name": "Main Street", "timeZone": "America/New_York", "addressLines": []string{}},
		"putVisitKind":           {"key": "flu", "name": "Flu shot", "duration": "PT15M", "modalities": []string{"IN_PERSON"}},
		"putResource":            {"identifier": named, "locationId": w.ids["location"], "kind": "ROOM", "pool": "exam", "name": "Room 1"},
		"setTravelRules":         {},
		"putProvider":            {"identifier": named, "name": "Counter 1", "visitKindIds": []string{w.ids["kind"]}},
		"setProviderSchedule": {"providerId": w.ids["provider"], "locationId": w.ids["location"], "effectiveFrom": "2026-06-08",
			"hours": []vars{{"weekday": "MONDAY", "from": "09:00", "to": "17:00"}}},
		"addScheduleException":    {"providerId": w.ids["provider"], "from": "2026-06-08T09:00", "to": "2026-06-08T10:00", "effect": "OPEN", "idempotencyKey": "k"},
		"setDateHours":            {"providerId": w.ids["provider"], "locationId": w.ids["location"], "date": "2026-06-08"},
		"removeScheduleException": {"exceptionId": w.ids["unknown exception"]},
		"registerPatient":         {"identifier": named, "givenName": "Ada", "familyName": "Moreau"},
	}
}

// rows counts everything that a change could have left behind.
// rows counts all rows of the database, but for the record of what was looked at and refused.
func (w *world) rows() (total int64) {
	tables, err := w.pool.Query(w.t.Context(), `SELECT format('SELECT count(*) FROM %I', relname) ||
		CASE relname WHEN 'audit_events' THEN $$ WHERE effect = 'WRITE' AND outcome = 'DONE'$$ ELSE '' END FROM pg_class
		WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND NOT relispartition`)
	if err != nil {
		w.t.Fatal(err)
	}
	var queries []string
	for tables.Next() {
		var q string
		if err := tables.Scan(&q); err != nil {
			w.t.Fatal(err)
		}
		queries = append(queries, q)
	}
	for _, q := range queries {
		var n int64
		if err := w.pool.QueryRow(w.t.Context(), q).Scan(&n); err != nil {
			w.t.Fatal(err)
		}
		total += n
	}
	return total
}

func TestBadInputIsATypedErrorAtItsPathAndWritesNothing(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x", 10_000)
	hours := func(fields ...vars) []vars { return fields }
	for _, c := range []struct {
		mutation, field string
		value           any
		code, path      string
	}{
		{"holdSlot", "slotId", "nonsense", "INVALID_INPUT", "input slotId"},
		{"holdSlot", "slotId", w.ids["provider"], "INVALID_INPUT", "input slotId"},
		{"holdSlot", "slotId", w.ids["foreign slot"], "NOT_FOUND", "input slotId"},
		{"holdSlot", "slotId", w.ids["nobody's slot"], "NOT_FOUND", "input slotId"},
		{"holdSlot", "slotId", w.ids["odd slot"], "SLOT_UNAVAILABLE", "input slotId"},
		{"holdSlot", "slotId", w.ids["past slot"], "SLOT_UNAVAILABLE", "input slotId"},
		{"holdSlot", "patientId", w.ids["foreign patient"], "NOT_FOUND", "input patientId"},
		{"holdSlot", "reschedulingAppointmentId", w.ids["unknown appointment"], "NOT_FOUND", "input reschedulingAppointmentId"},
		{"holdSlot", "idempotencyKey", "", "INVALID_INPUT", "input idempotencyKey"},
		{"holdSlot", "idempotencyKey", long, "INVALID_INPUT", "input idempotencyKey"},
		{"extendHold", "holdId", w.ids["unknown hold"], "NOT_FOUND", "input holdId"},
		{"releaseHold", "holdId", "", "INVALID_INPUT", "input holdId"},
		{"bookAppointment", "target", vars{"holdId": w.ids["unknown hold"]}, "NOT_FOUND", "input target holdId"},
		{"bookAppointment", "target", vars{"slotId": w.ids["foreign slot"]}, "NOT_FOUND", "input target slotId"},
		{"bookAppointment", "target", vars{"slotId": w.ids["past slot"]}, "SLOT_UNAVAILABLE", "input target slotId"},
		{"bookAppointment", "target", vars{}, "INVALID_INPUT", "input target"},
		{"bookAppointment", "patientId", nil, "INVALID_INPUT", "input patientId"},
		{"bookAppointment", "patientId", w.ids["unknown patient"], "NOT_FOUND", "input patientId"},
		{"bookAppointment", "patientId", w.ids["foreign patient"], "NOT_FOUND", "input patientId"},
		{"bookAppointment", "reason", long, "INVALID_INPUT", "input reason"},
		{"bookAppointment", "reason", "a\x00b", "INVALID_INPUT", "input reason"},
		{"bookAppointment", "identifiers", []vars{{"system": "nowhere", "value": "1"}}, "INVALID_INPUT", "input identifiers 0 system"},
		{"bookAppointment", "identifiers", make11(vars{"system": "https://a.example", "value": "1"}), "INVALID_INPUT", "input identifiers"},
		{"rescheduleAppointment", "appointmentId", w.ids["unknown appointment"], "NOT_FOUND", "input appointmentId"},
		{"cancelAppointment", "note", long, "INVALID_INPUT", "input note"},
		{"cancelAppointment", "appointmentId", w.ids["unknown appointment"], "NOT_FOUND", "input appointmentId"},
		{"cancelAppointment", "acceptFeeMinorUnits", -1, "INVALID_INPUT", "input acceptFeeMinorUnits"},
		{"transitionAppointment", "appointmentId", "x", "INVALID_INPUT", "input appointmentId"},
		{"createOrganization", "name", " ", "INVALID_INPUT", "input name"},
		{"createOrganization", "name", long, "INVALID_INPUT", "input name"},
		{"createOrganization", "idempotencyKey", "a\x00", "INVALID_INPUT", "input idempotencyKey"},
		{"putLocation", "organizationId", w.ids["foreign organization"], "NOT_FOUND", "input organizationId"},
		{"putLocation", "timeZone", "Mars/Olympus", "INVALID_INPUT", "input timeZone"},
		{"putLocation", "timeZone", "EST", "INVALID_INPUT", "input timeZone"},
		{"putLocation", "timeZone", "+02:00", "INVALID_INPUT", "input timeZone"},
		{"putLocation", "name", "a\x00b", "INVALID_INPUT", "input name"},
		{"putLocation", "country", "USA", "INVALID_INPUT", "input country"},
		{"putLocation", "phone", "555-1234", "INVALID_INPUT", "input phone"},
		{"putLocation", "identifier", vars{"system": "x", "value": "1"}, "INVALID_INPUT", "input identifier system"},
		{"putLocation", "name", "\u202e", "INVALID_INPUT", "input name"},
		{"putVisitKind", "name", "\u200b\u2060", "INVALID_INPUT", "input name"},
		{"putVisitKind", "duration", "-PT15M", "INVALID_INPUT", "input duration"},
		{"putVisitKind", "duration", "PT0S", "INVALID_INPUT", "input duration"},
		{"putVisitKind", "slotStep", "PT0S", "INVALID_INPUT", "input slotStep"},
		{"putVisitKind", "bufferBefore", "-PT1M", "INVALID_INPUT", "input bufferBefore"},
		{"putVisitKind", "holdDuration", "P1Y", "INVALID_INPUT", "input holdDuration"},
		{"putVisitKind", "modalities", []string{}, "INVALID_INPUT", "input modalities"},
		{"putVisitKind", "modalities", []string{"VIDEO", "VIDEO"}, "INVALID_INPUT", "input modalities 1"},
		{"putVisitKind", "maxReschedules", -1, "INVALID_INPUT", "input maxReschedules"},
		{"putVisitKind", "needs", []string{"exam", "exam"}, "INVALID_INPUT", "input needs 1"},
		{"putVisitKind", "needs", []string{"exam", " "}, "INVALID_INPUT", "input needs 1"},
		{"putVisitKind", "needs", []string{"1", "2", "3", "4", "5", "6"}, "INVALID_INPUT", "input needs"},
		{"putVisitKind", "repeatAfter", "PT0S", "INVALID_INPUT", "input repeatAfter"},
		{"putVisitKind", "repeatAfter", "P1831D", "INVALID_INPUT", "input repeatAfter"},
		{"putVisitKind", "prerequisites", []vars{before(w.ids["foreign kind"])}, "NOT_FOUND", "input prerequisites 0 visitKindId"},
		{"putVisitKind", "prerequisites", []vars{before(w.ids["kind"]), before(w.ids["unknown kind"])}, "NOT_FOUND", "input prerequisites 1 visitKindId"},
		{"putVisitKind", "prerequisites", []vars{before(w.ids["kind"]), before(w.ids["kind"])}, "INVALID_INPUT", "input prerequisites 1 visitKindId"},
		{"putVisitKind", "prerequisites", []vars{before(w.ids["location"])}, "INVALID_INPUT", "input prerequisites 0 visitKindId"},
		{"putVisitKind", "prerequisites", []vars{{"visitKindId": w.ids["kind"], "within": "PT59S"}}, "INVALID_INPUT", "input prerequisites 0 within"},
		{"putVisitKind", "minimumAge", -1, "INVALID_INPUT", "input minimumAge"},
		{"putVisitKind", "maximumAge", 151, "INVALID_INPUT", "input maximumAge"},
		{"putResource", "locationId", w.ids["foreign location"], "NOT_FOUND", "input locationId"},
		{"putResource", "locationId", w.ids["kind"], "INVALID_INPUT", "input locationId"},
		{"putResource", "pool", "", "INVALID_INPUT", "input pool"},
		{"putResource", "pool", long, "INVALID_INPUT", "input pool"},
		{"putResource", "name", "\u200b", "INVALID_INPUT", "input name"},
		{"putResource", "identifier", vars{"system": "x", "value": "1"}, "INVALID_INPUT", "input identifier system"},
		{"setTravelRules", "organizationId", w.ids["foreign organization"], "NOT_FOUND", "input organizationId"},
		{"setTravelRules", "speedKilometresPerHour", 0, "INVALID_INPUT", "input speedKilometresPerHour"},
		{"setTravelRules", "speedKilometresPerHour", 301, "INVALID_INPUT", "input speedKilometresPerHour"},
		{"setTravelRules", "margin", "PT30S", "INVALID_INPUT", "input margin"},
		{"setTravelRules", "margin", "PT4H1M", "INVALID_INPUT", "input margin"},
		{"setTravelRules", "routes", []vars{{"fromLocationId": w.ids["location"], "toLocationId": w.ids["location"], "takes": "PT5M"}}, "INVALID_INPUT", "input routes 0 toLocationId"},
		{"setTravelRules", "routes", []vars{{"fromLocationId": w.ids["location"], "toLocationId": w.ids["foreign location"], "takes": "PT5M"}}, "NOT_FOUND", "input routes 0 toLocationId"},
		{"setTravelRules", "routes", []vars{{"fromLocationId": w.ids["foreign location"], "toLocationId": w.ids["location"], "takes": "PT8H1M"}}, "INVALID_INPUT", "input routes 0 takes"},
		{"putProvider", "visitKindIds", []string{w.ids["foreign kind"]}, "NOT_FOUND", "input visitKindIds 0"},
		{"putProvider", "visitKindIds", []string{w.ids["kind"], w.ids["unknown kind"]}, "NOT_FOUND", "input visitKindIds 1"},
		{"putProvider", "maxDailyAppointments", 0, "INVALID_INPUT", "input maxDailyAppointments"},
		{"putProvider", "languages", []string{"not a tag"}, "INVALID_INPUT", "input languages 0"},
		{"putProvider", "acceptedPlans", []vars{{"carrier": "Horizon", "name": "Gold"}, {"carrier": " ", "name": "Gold"}}, "INVALID_INPUT", "input acceptedPlans 1 carrier"},
		{"putProvider", "acceptedPlans", []vars{{"carrier": "Horizon", "name": long}}, "INVALID_INPUT", "input acceptedPlans 0 name"},
		{"putProvider", "acceptedPlans", []vars{{"carrier": "Horizon", "name": "Gold"}, {"carrier": "Horizon", "name": "Gold "}}, "INVALID_INPUT", "input acceptedPlans 1"},
		{"setProviderSchedule", "providerId", w.ids["unknown provider"], "NOT_FOUND", "input providerId"},
		{"setProviderSchedule", "locationId", w.ids["foreign location"], "NOT_FOUND", "input locationId"},
		{"setProviderSchedule", "effectiveUntil", "2026-06-07", "INVALID_INPUT", "input effectiveUntil"},
		{"setProviderSchedule", "hours", hours(vars{"weekday": "MONDAY", "from": "09:00", "to": "17:00", "capacity": 0}), "INVALID_INPUT", "input hours 0 capacity"},
		{"setProviderSchedule", "hours", hours(vars{"weekday": "MONDAY", "from": "24:00", "to": "17:00"}), "INVALID_INPUT", "input hours 0 from"},
		{"setProviderSchedule", "hours", hours(vars{"weekday": "MONDAY", "from": "09:00:30", "to": "17:00"}), "INVALID_INPUT", "input hours 0 from"},
		{"setProviderSchedule", "hours", hours(vars{"weekday": "MONDAY", "from": "09:00", "to": "12:00"}, vars{"weekday": "MONDAY", "from": "11:59", "to": "13:00"}), "INVALID_INPUT", "input hours 1"},
		{"setProviderSchedule", "hours", hours(vars{"weekday": "MONDAY", "from": "09:00", "to": "17:00", "visitKindIds": []string{w.ids["unknown kind"]}}), "NOT_FOUND", "input hours 0 visitKindIds 0"},
		{"addScheduleException", "to", "2026-06-08T09:00", "INVALID_INPUT", "input to"},
		{"addScheduleException", "to", "2046-06-08T09:00", "INVALID_INPUT", "input to"},
		{"addScheduleException", "from", "2026-06-08T09:00:30", "INVALID_INPUT", "input from"},
		{"addScheduleException", "to", "2026-06-08T17:00:00.5", "INVALID_INPUT", "input to"},
		{"addScheduleException", "capacity", 0, "INVALID_INPUT", "input capacity"},
		{"addScheduleException", "providerId", nil, "INVALID_INPUT", "input providerId"},
		{"addScheduleException", "reason", long, "INVALID_INPUT", "input reason"},
		{"addScheduleException", "repeat", vars{"everyWeeks": 53, "until": "2027-06-01"}, "INVALID_INPUT", "input repeat everyWeeks"},
		{"addScheduleException", "repeat", vars{"everyWeeks": 1, "until": "2026-06-14"}, "INVALID_INPUT", "input repeat until"},
		{"addScheduleException", "repeat", vars{"everyWeeks": 1, "until": "2026-07-01", "except": []string{"2026-06-15", "2026-06-16"}}, "INVALID_INPUT", "input repeat except 1"},
		{"setDateHours", "date", "1026-06-08", "INVALID_INPUT", "input date"},
		{"setDateHours", "hours", hours(vars{"from": "09:00", "to": "10:00"}, vars{"from": "09:30", "to": "11:00"}), "INVALID_INPUT", "input hours 1"},
		{"removeScheduleException", "exceptionId", w.ids["unknown exception"], "NOT_FOUND", "input exceptionId"},
		{"registerPatient", "email", "nobody", "INVALID_INPUT", "input email"},
		{"registerPatient", "birthDate", "2999-01-01", "INVALID_INPUT", "input birthDate"},
		{"registerPatient", "timeZone", "nowhere", "INVALID_INPUT", "input timeZone"},
		{"registerPatient", "familyName", "", "INVALID_INPUT", "input familyName"},
	} {
		input := maps.Clone(w.inputs()[c.mutation])
		input[c.field] = c.value
		by := w.admin
		if c.mutation == "createOrganization" {
			by = w.platform
		}
		before := w.rows()
		answer := by.Post(t, mutation(c.mutation), vars{"input": input})
		code, path := answer.Text(c.mutation, "errors", 0, "code"), answer.Data(c.mutation, "errors", 0, "path")
		if code == "" {
			code, path = answer.Code(), gqltest.At(answer.Body, "errors", 0, "extensions", "path")
		}
		if code != c.code || words(path) != c.path {
			t.Errorf("%s %s %.60v: %s at %q in %.300s", c.mutation, c.field, c.value, code, words(path), answer.Raw)
		}
		if after := w.rows(); after != before {
			t.Errorf("%s %s %.60v wrote %d rows", c.mutation, c.field, c.value, after-before)
		}
	}
}

func make11(v vars) []vars {
	list := make([]vars, 11)
	for i := range list {
		list[i] = v
	}
	return list
}

func mutation(name string) string {
	return document(name, "errors { ... on UserError { code message path } }")
}

// document asks a mutation for parts of its payload.
func document(mutation, parts string) string {
	return fmt.Sprintf("mutation($input: %sInput!) { %s(input: $input) { %s } }", strings.ToUpper(mutation[:1])+mutation[1:], mutation, parts)
}

func words(path any) string {
	var list []string
	steps, _ := path.([]any)
	for _, step := range steps {
		list = append(list, fmt.Sprint(step))
	}
	return strings.Join(list, " ")
}

func TestBadQuestionsAreToldTheirPath(t *testing.T) {
	w := newWorld(t)
	slots := func(args string) string {
		return `{ node(id: "` + w.ids["provider"] + `") { ... on Provider { slots(` + args + `) { edges { cursor } } } } }`
	}
	kind := `visitKindId: "` + w.ids["kind"] + `", `
	explain := func(provider, location, kind, more string) string {
		return fmt.Sprintf(`{ explainSlot(where: {providerId: %q, locationId: %q, visitKindId: %q, start: "2026-06-08T14:00:00Z"%s}) { bookable } }`, w.ids[provider], w.ids[location], w.ids[kind], more)
	}
	exceptions := func(args string) string {
		return `{ node(id: "` + w.ids["provider"] + `") { ... on Provider { scheduleExceptions(from: "2026-06-08T00:00:00Z", to: "2026-06-09T00:00:00Z", ` + args + `) { edges { cursor } } } } }`
	}
	plans := func(args string) string {
		return `{ node(id: "` + w.ids["provider"] + `") { ... on Provider { acceptedPlans(` + args + `) { edges { cursor } } } } }`
	}
	a, nobodys := w.clinic, clinic.Coding{System: "http://snomed.info/sct", Code: "1"}
	for _, c := range []struct{ query, code, path string }{
		{slots(kind + `from: "2026-06-09T00:00:00Z", to: "2026-06-08T00:00:00Z"`), "INVALID_INPUT", "to"},
		{slots(kind + `from: "2026-06-08T00:00:00Z", to: "2026-07-10T00:00:00Z"`), "INVALID_INPUT", "to"},
		{slots(kind + `from: "2026-06-08T00:00:00Z", to: "2026-06-09T00:00:00Z", first: 101`), "INVALID_INPUT", "first"},
		{slots(kind + `from: "2026-06-08T00:00:00Z", to: "2026-06-09T00:00:00Z", after: "WyJ4IiwieSIsInoiXQ"`), "INVALID_INPUT", "after"},
		{slots(`visitKindId: "` + w.ids["foreign kind"] + `", from: "2026-06-08T00:00:00Z", to: "2026-06-09T00:00:00Z"`), "NOT_FOUND", "visitKindId"},
		{`{ node(id: "` + w.ids["provider"] + `") { ... on Provider { nextAvailable(visitKindId: "` + w.ids["foreign kind"] + `") { id } } } }`, "NOT_FOUND", "visitKindId"},
		{`{ node(id: "` + w.ids["provider"] + `") { ... on Provider { weeklyHours(locationId: "` + w.ids["foreign location"] + `") { to } } } }`, "NOT_FOUND", "locationId"},
		{slots(`visitKindId: "` + w.ids["unknown kind"] + `", from: "2026-06-08T00:00:00Z", to: "2026-06-09T00:00:00Z"`), "NOT_FOUND", "visitKindId"},
		{`{ node(id: "` + w.ids["provider"] + `") { ... on Provider { nextAvailable(visitKindId: "` + w.ids["unknown kind"] + `") { id } } } }`, "NOT_FOUND", "visitKindId"},
		{`{ node(id: "` + w.ids["provider"] + `") { ... on Provider { weeklyHours(locationId: "` + w.ids["unknown location"] + `") { to } } } }`, "NOT_FOUND", "locationId"},
		{exceptions(`after: "` + paging.Cursor("0000-01-01T00:00:00", sample.NewID().String()) + `"`), "INVALID_INPUT", "after"},
		{exceptions(`before: "` + paging.Cursor("2026-06-08T00:00:00", "x") + `"`), "INVALID_INPUT", "before"},
		{exceptions(`after: "WyJ4IiwiMDE5MDJkNWMtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxIl0"`), "INVALID_INPUT", "after"},
		{explain("foreign provider", "location", "kind", ""), "NOT_FOUND", "where locationId"},
		{explain("unknown provider", "location", "kind", ""), "NOT_FOUND", "where providerId"},
		{explain("provider", "foreign location", "kind", ""), "NOT_FOUND", "where locationId"},
		{explain("provider", "location", "foreign kind", ""), "NOT_FOUND", "where visitKindId"},
		{explain("provider", "unknown location", "kind", ""), "NOT_FOUND", "where locationId"},
		{explain("provider", "location", "unknown kind", ""), "NOT_FOUND", "where visitKindId"},
		{explain("provider", "location", "kind", `, patientId: "`+w.ids["unknown patient"]+`"`), "NOT_FOUND", "where patientId"},
		{explain("provider", "location", "kind", `, patientId: "`+w.ids["foreign patient"]+`"`), "NOT_FOUND", "where patientId"},
		{`{ appointments(where: {from: "2026-06-09T00:00:00Z", to: "2026-06-08T00:00:00Z"}) { edges { cursor } } }`, "INVALID_INPUT", "where to"},
		{`{ appointments(where: {patientId: "x"}) { edges { cursor } } }`, "INVALID_INPUT", "where patientId"},
		{`{ appointments(where: {patientId: "` + w.ids["foreign patient"] + `"}) { edges { cursor } } }`, "NOT_FOUND", "where patientId"},
		{`{ appointments(where: {providerId: "` + w.ids["foreign provider"] + `"}) { edges { cursor } } }`, "NOT_FOUND", "where providerId"},
		{`{ appointments(where: {locationId: "` + w.ids["foreign location"] + `"}) { edges { cursor } } }`, "NOT_FOUND", "where locationId"},
		{`{ appointments(where: {patientId: "` + w.ids["patient"] + `", locationId: "` + w.ids["foreign location"] + `"}) { edges { cursor } } }`, "NOT_FOUND", "where locationId"},
		{`{ appointments(where: {patientId: "` + w.ids["unknown patient"] + `"}) { edges { cursor } } }`, "NOT_FOUND", "where patientId"},
		{`{ appointments(where: {providerId: "` + w.ids["unknown provider"] + `"}) { edges { cursor } } }`, "NOT_FOUND", "where providerId"},
		{`{ appointments(where: {locationId: "` + w.ids["unknown location"] + `"}) { edges { cursor } } }`, "NOT_FOUND", "where locationId"},
		{`{ appointments(where: {patientId: "` + w.ids["patient"] + `", locationId: "` + w.ids["unknown location"] + `"}) { totalCount } }`, "NOT_FOUND", "where locationId"},
		{`{ appointments(where: {identifier: {system: "nowhere", value: "1"}}) { edges { cursor } } }`, "INVALID_INPUT", "where identifier system"},
		{`{ appointments(where: {identifier: {system: "https://example.org/ids", value: ""}}) { edges { cursor } } }`, "INVALID_INPUT", "where identifier value"},
		{`{ appointments(where: {identifier: {system: "https://example.org/ids", value: "` + strings.Repeat("x", 201) + `"}}) { edges { cursor } } }`, "INVALID_INPUT", "where identifier value"},
		{agendas(1, `from: "2026-06-09T00:00:00Z", to: "2026-06-08T00:00:00Z"`, ""), "INVALID_INPUT", "to"},
		{agendas(1, `from: "2026-06-09T00:00:00Z", to: "2026-06-09T00:00:00Z"`, "totalCount"), "INVALID_INPUT", "to"},
		{agendas(1, `first: 101`, ""), "INVALID_INPUT", "first"},
		{agendas(1, `after: "WyJ4IiwieSJd"`, ""), "INVALID_INPUT", "after"},
		{plans(`first: 0`), "INVALID_INPUT", "first"},
		{plans(`after: "` + paging.Cursor("A", "1", "x") + `"`), "INVALID_INPUT", "after"},
		{`{ appointments(after: "WyJ4IiwieSJd") { edges { cursor } } }`, "INVALID_INPUT", "after"},
		{`{ appointments(before: "` + paging.Cursor("-1152921504606846976", sample.NewID().String()) + `") { edges { cursor } } }`, "INVALID_INPUT", "before"},
		{`{ patients(where: {}) { edges { cursor } } }`, "INVALID_INPUT", "where"},
		{`{ patients(where: {name: "M"}) { edges { cursor } } }`, "INVALID_INPUT", "where name"},
		{`{ patients(where: {email: "nobody"}) { edges { cursor } } }`, "INVALID_INPUT", "where email"},
		{`{ patients(where: {name: "Mo", organizationId: "` + w.ids["foreign organization"] + `"}) { edges { cursor } } }`, "NOT_FOUND", "where organizationId"},
		{`{ patients(where: {name: "Mo"}, after: "WyJ4Il0") { edges { cursor } } }`, "INVALID_INPUT", "after"},
		{`{ locations(where: {organizationId: "` + globalid.OfOrganization(sample.NewID()) + `"}) { edges { cursor } } }`, "NOT_FOUND", "where organizationId"},
		{`{ visitKinds(organizationId: "` + globalid.OfOrganization(sample.NewID()) + `") { edges { cursor } } }`, "NOT_FOUND", "organizationId"},
		{`{ locations(after: "WyJ4IiwieSJd") { edges { cursor } } }`, "INVALID_INPUT", "after"},
		{`{ providers(where: {specialtyId: "x"}) { edges { cursor } } }`, "INVALID_INPUT", "where specialtyId"},
		{`{ providers(where: {specialtyId: "` + globalid.OfSpecialty(a.Organization, nobodys) + `"}) { edges { cursor } } }`, "NOT_FOUND", "where specialtyId"},
		{`{ providers(where: {specialtyId: "` + globalid.OfSpecialty(sample.NewID(), nobodys) + `"}) { totalCount } }`, "NOT_FOUND", "where specialtyId"},
	} {
		answer := w.desk.Post(t, c.query, nil)
		if path := words(gqltest.At(answer.Body, "errors", 0, "extensions", "path")); answer.Code() != c.code || path != c.path {
			t.Errorf("%s: %s at %q in %.400s", c.query, answer.Code(), path, answer.Raw)
		}
	}
}

func TestWhatIsThereButHasNothingIsAnEmptyAnswer(t *testing.T) {
	w := newWorld(t)
	for range 4 {
		w.clinic.Provider(1)
	}
	put := w.admin.Post(t, `mutation($input: PutVisitKindInput!) { putVisitKind(input: $input) { visitKind { id } } }`, vars{"input": w.inputs()["putVisitKind"]}).OK(t)
	unoffered := put.Text("putVisitKind", "visitKind", "id")
	ask := func(query string) (gqltest.Answer, int64) {
		before := w.statements.Load()
		answer := w.desk.Post(t, query, nil).OK(t)
		return answer, w.statements.Load() - before
	}
	next := func(kind string) string {
		return `{ providers(first: 5) { edges { node { nextAvailable(visitKindId: "` + kind + `") { version }
			slots(visitKindId: "` + kind + `", from: "2026-06-08T00:00:00Z", to: "2026-06-09T00:00:00Z", first: 5) { edges { node { version } } } } } } }`
	}
	_, offered := ask(next(w.ids["kind"]))
	if answer, n := ask(next(unoffered)); n > offered+1 || answer.Data("providers", "edges", 4, "node", "nextAvailable") != nil ||
		len(answer.Data("providers", "edges", 4, "node", "slots", "edges").([]any)) != 0 {
		t.Errorf("%d statements where slots cost %d: %s", n, offered, answer.Raw)
	}
	explain := `{ explainSlot(where: {providerId: "` + w.ids["provider"] + `", locationId: "` + w.ids["location"] + `", visitKindId: "` + unoffered + `", start: "2026-06-08T14:00:00Z"}) { blockedBy } }`
	if answer, _ := ask(explain); words(answer.Data("explainSlot", "blockedBy")) != "VISIT_KIND_NOT_OFFERED" {
		t.Errorf("%s", answer.Raw)
	}
	_, all := ask(`{ appointments { edges { cursor } } }`)
	where := `patientId: "` + w.ids["patient"] + `", providerId: "` + w.ids["provider"] + `", locationId: "` + w.ids["location"] + `"`
	if answer, n := ask(`{ appointments(where: {` + where + `}) { edges { cursor } } }`); n != all+2 { // one looks whether they exist, one records that the patient has none
		t.Errorf("%d statements where a list costs %d: %s", n, all, answer.Raw)
	}
}

func before(kind string) vars { return vars{"visitKindId": kind, "within": "P30D"} }
