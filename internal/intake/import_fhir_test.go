package intake_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake"
)

// fhir imports resources into the organisation.
func (w *world) fhir(t *testing.T, from intake.Resources, change func(*intake.FHIROrder)) intake.RosterReport {
	t.Helper()
	order := intake.FHIROrder{Resources: from, Organization: w.organization, Clock: clock.FrozenAt(now)}
	var err error
	if order.ZoneOf, err = intake.WorldZones(); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&order)
	}
	r, err := intake.ImportFHIR(t.Context(), w, w.admin, order)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// riverside is the invented directory, one of two times the same.
func riverside(t *testing.T, where string) intake.Resources {
	t.Helper()
	resources, closed, err := intake.LocateResources("testdata/fhir/" + where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed() })
	return resources
}

// timetable writes the hours of everybody, with kinds of visit by their keys.
func (w *world) timetable(t *testing.T) (lines []string) {
	t.Helper()
	rows, err := w.pool.Query(t.Context(), `SELECT p.name || ' at ' || l.name, s.effective_from::text, coalesce(s.effective_until::text, ''), s.weekly,
		(SELECT json_object_agg(id, key) FROM visit_kinds) FROM schedules s JOIN providers p ON p.id = s.provider_id JOIN locations l ON l.id = s.location_id
		ORDER BY 1, s.id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var who, from, until string
		var weekly, kinds []byte
		if err := rows.Scan(&who, &from, &until, &weekly, &kinds); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.TrimSpace(who+" "+from+"/"+until+" "+hoursIn(t, weekly, kinds)))
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return lines
}

func hoursIn(t *testing.T, weekly, kinds []byte) string {
	t.Helper()
	var hours []struct {
		Weekday, From, To int
		VisitKinds        []string
	}
	keys := map[string]string{}
	if err := json.Unmarshal(weekly, &hours); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(kinds, &keys); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, h := range hours {
		text := fmt.Sprintf("%d %02d:%02d-%02d:%02d", h.Weekday, h.From/60, h.From%60, h.To/60, h.To%60)
		for _, id := range h.VisitKinds {
			text += " " + keys[id]
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

var riversideHours = []string{
	"Cedar House at Cedar House 2026-03-05/ 6 10:00-16:00, 7 10:00-16:00",
	"Dr. Ana Maria Rivera at Riverside Annex 2026-03-05/ 5 10:00-14:00",
	"Dr. Ana Maria Rivera at Riverside Clinic 2026-03-05/ 1 09:00-12:00, 1 13:00-17:00, 2 09:00-12:00, 2 13:00-17:00, " +
		"3 09:00-12:00, 3 13:00-17:00, 4 09:00-12:00, 4 13:00-17:00",
	"Dr. Lena Novak at Riverside Clinic 2026-03-05/2026-06-30 1 09:00-12:00 gp, 1 10:00-14:00 flu-shot",
	"Dr. Lena Novak at Riverside Clinic 2026-07-01/ 1 10:00-14:00 flu-shot",
	"Tom Begay, RN at Riverside Clinic 2026-03-05/2026-08-31 1 08:00-17:00, 2 08:00-17:00, 3 08:00-17:00, 4 08:00-17:00, 5 08:00-17:00",
}

func TestADirectoryIsTheSameAsABundleAndAsLines(t *testing.T) {
	for _, order := range [][]string{{"bundle.json", "ndjson"}, {"ndjson", "bundle.json"}} {
		w := newWorld(t)
		r := w.fhir(t, riverside(t, order[0]), nil)
		if got := w.timetable(t); !slices.Equal(got, riversideHours) {
			t.Errorf("%s: hours are\n%s\nwant\n%s", order[0], strings.Join(got, "\n"), strings.Join(riversideHours, "\n"))
		}
		if r.Locations.Changed != 3 || r.Providers.Changed != 4 || r.VisitKinds.Changed != 3 || r.Schedules.Changed != 6 || r.Closures.Changed != 1 ||
			r.RefusedTotal != 0 || !slices.Equal(r.Ignored, []intake.Ignored{{What: `resources of the type "Organization"`, Count: 1}}) {
			t.Errorf("%s: report\n%v", order[0], r)
		}
		for query, want := range map[string]int{
			`SELECT count(*) FROM locations WHERE identifier_system = 'https://riverside.example/sites' AND identifier_value = '1' AND time_zone = 'America/Phoenix' AND phone = '+15205550142'`: 1,
			`SELECT count(*) FROM locations WHERE name = 'Riverside Annex' AND time_zone = 'America/Denver'`:                                                                                     1,
			`SELECT count(*) FROM locations WHERE name = 'Cedar House' AND time_zone = 'America/New_York' AND latitude IS NULL`:                                                                  1,
			`SELECT count(*) FROM providers WHERE identifier_system = 'http://hl7.org/fhir/sid/us-npi' AND identifier_value = '1234567893' AND languages = '{en,es}'`:                            1,
			`SELECT count(*) FROM provider_specialties`:                                     2,
			`SELECT count(*) FROM visit_kinds WHERE duration = 1800`:                        3,
			`SELECT count(*) FROM visit_kinds WHERE key = 'flu-shot' AND name = 'Flu shot'`: 1,
			`SELECT count(*) FROM schedule_exceptions WHERE effect = 'CLOSED' AND local_from = '2026-04-01' AND local_to = '2026-04-04' AND reason IS NOT NULL`: 1,
		} {
			if n := w.count(t, query); n != want {
				t.Errorf("%s: %d, want %d: %s", order[0], n, want, query)
			}
		}
		before := w.digest(t)
		for _, again := range []string{order[0], order[1]} {
			later := func(o *intake.FHIROrder) { o.Clock = clock.FrozenAt(now.AddDate(0, 0, 2)) }
			if r := w.fhir(t, riverside(t, again), later); r.Changed() != 0 || r.Schedules.All != 6 || w.digest(t) != before {
				t.Errorf("%s after %s: report\n%v", again, order[0], r)
			}
		}
	}
}

// ndjson is a folder of one file.
func ndjson(lines ...string) intake.Resources {
	return intake.ResourcesIn(fstest.MapFS{"all.ndjson": {Data: []byte(strings.Join(lines, "\n"))}})
}

const (
	clinicLine = `{"resourceType":"Location","id":"l","name":"Clinic","position":{"latitude":40.7,"longitude":-74.0}}`
	personLine = `{"resourceType":"Practitioner","id":"p","name":[{"family":"Doe"}]}`
	roleLine   = `{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/p"},"location":[{"reference":"Location/l"}],` +
		`"availableTime":[{"daysOfWeek":["mon"],"availableStartTime":"09:00:00","availableEndTime":"12:00:00"}]}`
)

func TestBrokenResourcesAreRefusedAndTheRestGoesOn(t *testing.T) {
	with := func(line, old, new string) string {
		t.Helper()
		if !strings.Contains(line, old) {
			t.Fatalf("%s has no %s", line, old)
		}
		return strings.Replace(line, old, new, 1)
	}
	w := newWorld(t)
	for _, c := range []struct{ name, line, reason string }{
		{"no JSON", roleLine[:80], "not JSON: unexpected end of JSON input"},
		{"no type", `{"id":"x"}`, "no resourceType"},
		{"another shape", with(roleLine, `[{"reference":"Location/l"}]`, `"here"`), `PractitionerRole "r": location can't be a JSON string`},
		{"a position in words", with(clinicLine, `40.7`, `"40.7"`), `Location "l": position.latitude can't be a JSON string`},
		{"no practitioner", with(roleLine, `"practitioner"`, `"person"`), `PractitionerRole "r": no practitioner`},
		{"an unknown practitioner", with(roleLine, `Practitioner/p`, `Practitioner/q`), `PractitionerRole "r": practitioner: "Practitioner/q" is not among what was read`},
		{"a location as practitioner", with(roleLine, `Practitioner/p`, `Location/l`), `PractitionerRole "r": practitioner: "Location/l" is a Location`},
		{"a contained one", with(roleLine, `Practitioner/p`, `#p`), `PractitionerRole "r": practitioner: "#p" is contained, and such resources are not taken`},
		{"no address", with(roleLine, `"reference":"Practitioner/p"`, `"display":"Doe"`), `PractitionerRole "r": practitioner: a reference without an address`},
		{"an unknown location", with(roleLine, `Location/l`, `Location/m`), `PractitionerRole "r": location: "Location/m" is not among what was read`},
		{"not active", with(roleLine, `"id":"r"`, `"id":"r","active":false`), `PractitionerRole "r": active: it is not active: its hours end`},
		{"over", with(roleLine, `"id":"r"`, `"id":"r","period":{"end":"2026-03-04"}`), `PractitionerRole "r": period: it ended on 2026-03-04`},
		{"backwards", with(roleLine, `"id":"r"`, `"id":"r","period":{"start":"2027","end":"2026-03"}`), `PractitionerRole "r": period: it ends on 2026-03-31, before it begins`},
		{"no date", with(roleLine, `"id":"r"`, `"id":"r","period":{"start":"soon"}`), `PractitionerRole "r": period: "soon" is no date`},
		{"no time of day", with(roleLine, `"12:00:00"`, `"noon"`), `PractitionerRole "r": availableTime: "noon" is no time of day`},
		{"no times", with(roleLine, `"availableStartTime":"09:00:00",`, ""), `PractitionerRole "r": availableTime: neither all day nor from one time of day to another`},
		{"no day", with(roleLine, `["mon"]`, `["moon"]`), `PractitionerRole "r": availableTime: "moon" is no day of the week`},
		{"half a period", with(roleLine, `"id":"r"`, `"id":"r","notAvailable":[{"during":{"start":"2026-05-01"}}]`), `PractitionerRole "r": notAvailable: a period without both its ends`},
		{"a location without a zone", `{"resourceType":"Location","id":"m","name":"X"}`, `Location "m": neither a time zone nor coordinates`},
		{"a suspended location", `{"resourceType":"Location","id":"m","name":"X","status":"suspended"}`, `Location "m": neither a time zone nor coordinates`},
		{"a location without a name", with(with(clinicLine, `"Clinic"`, `""`), `"id":"l"`, `"id":"m"`), `Location "m": no name`},
		{"the same again", with(clinicLine, "Clinic", "Hospital"), `Location "l": the same is in all.ndjson line 1, and this isn't newer`},
		{"somebody without a name", `{"resourceType":"Practitioner","id":"q"}`, `Practitioner "q": no name`},
		{"somebody without a role", with(personLine, `"id":"p"`, `"id":"q"`), `Practitioner "q": no role or schedule that was taken says where`},
		{"a schedule of nobody", `{"resourceType":"Schedule","id":"s"}`, `Schedule "s": no actor`},
		{"a schedule of a device", `{"resourceType":"Schedule","id":"s","actor":[{"reference":"Device/1"}]}`, `Schedule "s": actor: "Device/1" is not among what was read`},
		{"a schedule of someone without a place", `{"resourceType":"Schedule","id":"s","actor":[{"reference":"Practitioner/z"}]}`, `Schedule "s": actor: "Practitioner/z" is not among what was read`},
		{"a service that ended", `{"resourceType":"HealthcareService","id":"h","active":false}`, `HealthcareService "h": it is not active`},
		{"a message", `{"resourceType":"Bundle","type":"message"}`, `a Bundle of the type "message"`},
		{"a change that asks to delete", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Location/l"}}]}`,
			`entry 1: it asks for "DELETE", not for POST or PUT`},
		{"too long", strings.Repeat("x", 1<<20+1), "longer than 1048576 bytes"},
	} {
		r := w.fhir(t, ndjson(clinicLine, personLine, with(roleLine, `"id":"r"`, `"id":"first"`), c.line), nil)
		if len(r.Refused) == 0 || r.Refused[0] != (intake.Refusal{File: "all.ndjson", Line: 4, Reason: c.reason}) {
			t.Errorf("%s: refused %v, want %s", c.name, r.Refused, c.reason)
		}
		if c.name != "another shape" && r.Locations.All != 1 {
			t.Errorf("%s: report\n%v", c.name, r)
		}
	}
}
