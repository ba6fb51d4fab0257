package intake_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mediconnect/mediconnect/internal/intake"
)

// saying adds what a resource says.
func saying(line, more string) string { return strings.Replace(line, `"id"`, more+`,"id"`, 1) }

func TestPersonalNumbersIdentifyNobody(t *testing.T) {
	for name, c := range map[string]struct{ identifiers, want string }{
		"of social security":         {`{"system":"http://hl7.org/fhir/sid/us-ssn","value":"123-45-6789"}`, "p"},
		"of social security, by OID": {`{"system":"urn:oid:2.16.840.1.113883.4.1","value":"123-45-6789"}`, "p"},
		"by its type":                {`{"type":{"coding":[{"code":"TAX"}]},"system":"urn:example:tax","value":"123"}`, "p"},
		"beside one that is none":    {`{"type":{"coding":[{"code":"DL"}]},"system":"urn:example:dl","value":"123"},{"type":{"coding":[{"code":"MD"}]},"system":"urn:example:license","value":"7"}`, "7"},
	} {
		w := newWorld(t)
		r := w.fhir(t, ndjson(openClinic, saying(personLine, `"identifier":[`+c.identifiers+`]`), role("r", mondays)), nil)
		if n := w.count(t, "SELECT count(*) FROM providers WHERE identifier_value = '"+c.want+"'"); n != 1 || strings.Contains(r.String(), "123") {
			t.Errorf("%s: report\n%v", name, r)
		}
	}
}

func TestPractitionersOfOneIdentifierAreOneProvider(t *testing.T) {
	npi := func(line string) string {
		return saying(line, `"identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"1234567893"}]`)
	}
	second := strings.NewReplacer(`"p"`, `"q"`, `"family"`, `"given":["Ann"],"family"`, "Doe", "DOE").Replace(personLine)
	elsewhere := strings.Replace(role("q", fridays), "Practitioner/p", "Practitioner/q", 1)
	w := newWorld(t)
	for _, lines := range [][]string{{npi(saying(personLine, `"active":false`)), npi(second)}, {npi(personLine), npi(saying(second, `"active":true`))}} {
		r := w.fhir(t, ndjson(append(lines, openClinic, role("r", mondays), elsewhere)...), nil)
		if got := w.timetable(t); !slices.Equal(got, []string{"Doe at Clinic 2026-03-05/ 1 09:00-12:00, 5 14:00-16:00"}) || r.Repaired(intake.PersonJoined) != 1 {
			t.Errorf("%q\n%v", got, r)
		}
	}
	other := strings.Replace(second, "DOE", "Roe", 1)
	r := w.fhir(t, ndjson(npi(personLine), npi(other), openClinic, role("r", mondays), elsewhere), nil)
	if want := `Practitioner "q": the identifier "1234567893" is that of line 1 of all.ndjson, who is called otherwise`; r.Refused[0].Reason != want {
		t.Errorf("want %s, report\n%v", want, r)
	}
}

func TestSpecialtiesAreThoseOfRolesThatGoOn(t *testing.T) {
	coded := func(code string) string {
		return `,"specialty":[{"coding":[{"system":"urn:example:s","code":"` + code + `"}]}]`
	}
	w := newWorld(t)
	w.fhir(t, ndjson(openClinic, personLine, role("r", mondays+coded("now")), role("q", `,"active":false`+coded("left")),
		role("o", `,"period":{"end":"2020"}`+coded("over")), role("b", `,"period":{"end":"soon"}`+coded("broken"))), nil)
	if n := w.count(t, "SELECT count(*) FROM provider_specialties"); n != 1 || w.count(t, "SELECT count(*) FROM provider_specialties WHERE code = 'now'") != 1 {
		t.Errorf("%d specialties", n)
	}
}

func TestASchedulesActorsAreOneOfEachType(t *testing.T) {
	second := strings.NewReplacer(`"p"`, `"q"`, "Doe", "Roe").Replace(personLine)
	w := newWorld(t)
	r := w.fhir(t, ndjson(openClinic, personLine, second, schedule(aboutPerson+`,{"reference":"Practitioner/q"},`+aboutClinic, "")), nil)
	if want := `Schedule "s": actor: several of the type Practitioner`; r.Refused[0].Reason != want || w.count(t, "SELECT count(*) FROM providers") != 0 {
		t.Errorf("want %s, report\n%v", want, r)
	}
	several := `,"serviceType":[{"coding":[{"code":"flu"}]},{"text":"of no code"},{"coding":[{"code":"gp"}]}]`
	r = w.fhir(t, ndjson(openClinic, personLine, role("r", mondays), role("q", fridays), schedule(aboutRole, several)), nil)
	if got := w.timetable(t); !slices.Equal(got, []string{"Doe at Clinic 2026-03-05/ 1 09:00-12:00 flu gp, 5 14:00-16:00 visit"}) {
		t.Errorf("%q\n%v", got, r)
	}
}

// pages are files of one bundle each.
func pages(kind string, entries ...[]string) intake.Resources {
	files := fstest.MapFS{}
	for i, of := range entries {
		files[string(rune('a'+i))+".json"] = &fstest.MapFile{Data: []byte(`{"resourceType":"Bundle","type":"` + kind + `","entry":[` + strings.Join(of, ",") + `]}`)}
	}
	return intake.ResourcesIn(files)
}

func TestCopiesOnPagesAreNoRefusals(t *testing.T) {
	post := func(url, line string) string {
		return `{"fullUrl":"` + url + `","request":{"method":"PUT"},"resource":` + line + `}`
	}
	local := strings.NewReplacer("Practitioner/p", "urn:x:p", "Location/l", "urn:x:l")
	updated := func(line, at string) string { return saying(line, `"meta":{"lastUpdated":"`+at+`"}`) }
	const older, newer = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
	for name, c := range map[string]struct {
		first, second   string
		refused, copies int
	}{
		"the same":     {openClinic, openClinic, 0, 2},
		"a later one":  {updated(openClinic, older), updated(openClinic, newer), 0, 1},
		"an older one": {updated(openClinic, newer), updated(strings.Replace(openClinic, "Clinic", "Old", 1), older), 1, 1},
	} {
		w := newWorld(t)
		r := w.fhir(t, pages("transaction", []string{post("urn:x:l", c.first), post("urn:x:p", personLine), post("urn:x:r", local.Replace(role("r", mondays)))},
			[]string{post("urn:x:l", c.second), post("urn:x:p", personLine), post("urn:x:q", local.Replace(role("q", fridays)))}), nil)
		if got := w.timetable(t); !slices.Equal(got, []string{"Doe at Clinic 2026-03-05/ 1 09:00-12:00, 5 14:00-16:00"}) || r.RefusedTotal != c.refused ||
			!slices.Equal(r.Ignored, []intake.Ignored{{What: "copies of what was read before", Count: c.copies}}) {
			t.Errorf("%s: %q\n%v", name, got, r)
		}
	}
}

func TestLongListsAreRefusedAsTheyTakeMemory(t *testing.T) {
	w := newWorld(t)
	times := strings.Repeat(`{},`, 999)
	for more, want := range map[string]string{
		"": "", `,"specialty":[{}]`: `PractitionerRole "r": more than 1000 items in its lists`,
	} {
		r := w.fhir(t, ndjson(clinicLine, personLine, strings.Replace(role("r", `,"notAvailable":[`+times+`{}]`+more), `"location":[{"reference":"Location/l"}],`, "", 1)), nil)
		if found := r.Refused[0].Reason == want; found != (want != "") {
			t.Errorf("%q: %v", more, r.Refused[0])
		}
	}
}

func TestFilesThatAreNotReadAreTold(t *testing.T) {
	w := newWorld(t)
	r := w.fhir(t, intake.ResourcesIn(fstest.MapFS{
		"Location.ndjson": {Data: []byte(clinicLine)}, "Practitioner.ndjson.gz": {}, "more/Practitioner.ndjson": {},
	}), nil)
	if want := []intake.Ignored{{What: `files and folders that are not .json or .ndjson files, such as "Practitioner.ndjson.gz"`, Count: 2}}; !slices.Equal(r.Ignored, want) {
		t.Errorf("report\n%v", r)
	}
}

func TestWhatTheRoomsRefuseIsToldInTheOrderOfTheFiles(t *testing.T) {
	lines := []string{clinicLine}
	for _, id := range strings.Split("abcdefghijkl", "") {
		lines = append(lines, strings.Replace(personLine, `"p"`, `"`+id+`"`, 1),
			strings.Replace(role(id, mondays+`,"notAvailable":[{"during":{"start":"2027","end":"2077"}}]`), "Practitioner/p", "Practitioner/"+id, 1))
	}
	r := newWorld(t).fhir(t, ndjson(lines...), nil)
	sorted := slices.IsSortedFunc(r.Refused, func(a, b intake.Refusal) int { return a.Line - b.Line })
	if want := "not available: to: At most 10 years"; len(r.Refused) != 12 || !sorted || r.Refused[0].Reason != want {
		t.Errorf("report\n%v", r)
	}
}
