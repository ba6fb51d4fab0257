package intake

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

const (
	testManifest = `{"request":"https://clinic.example/api/$bulk-publish","output":[
		{"type":"Slot","url":"slots.ndjson"},{"type":"Schedule","url":"schedules.ndjson"},
		{"type":"Location","url":"locations.ndjson"},{"type":"Other","url":"missing.ndjson"}]}`
	testSite = `{"resourceType":"Location","id":"1","identifier":[{"system":"https://ids.example","value":"A1"}],` +
		`"name":"Corner Pharmacy","telecom":[{"system":"phone","value":"(856) 825-7742"}],` +
		`"address":{"line":["907 North High Street"],"city":"Millville","state":"NJ","postalCode":"08332"},` +
		`"position":{"latitude":39.4056,"longitude":-75.0392}}`
	testDesk = `{"resourceType":"Schedule","id":"7","actor":[{"reference":"Location/1"}]}`
)

func testSlot(id, start, end string, capacity int) string {
	line := slotLine("free", start+":00-04:00", end+":00-04:00", fmt.Sprint(capacity))
	return strings.Replace(line, `"id":"1"`, fmt.Sprintf(`"id":%q`, id), 1)
}

// readTest reads a publication of three files.
func readTest(t *testing.T, locations, schedules, slots []string) *publication {
	t.Helper()
	zoneOf, err := WorldZones()
	if err != nil {
		t.Fatal(err)
	}
	p := newPublication(zoneOf, func(Progress) {})
	err = p.read(t.Context(), Folder(fstest.MapFS{
		"manifest.json":    {Data: []byte(testManifest)},
		"locations.ndjson": {Data: []byte(strings.Join(locations, "\n"))},
		"schedules.ndjson": {Data: []byte(strings.Join(schedules, "\n"))},
		"slots.ndjson":     {Data: []byte(strings.Join(slots, "\n"))},
	}))
	if err != nil {
		t.Fatal(err)
	}
	p.settle()
	return p
}

func TestABrokenLocationIsRefusedAndTheRestGoesOn(t *testing.T) {
	next := strings.NewReplacer(`"id":"1"`, `"id":"2"`, "A1", "A2").Replace(testSite)
	with := func(old, new string) string { return strings.Replace(testSite, old, new, 1) }
	for _, c := range []struct{ line, reason string }{
		{testSite, ""},
		{"{", "not JSON"},
		{"null", `resourceType is "", not Location`},
		{with(`"id":"1"`, `"id":""`), "no id"},
		{with(`"id":"1"`, `"id":"`+strings.Repeat("1", 64)+`"`), ""},
		{with(`"id":"1"`, `"id":"`+strings.Repeat("1", 65)+`"`), "an id of more than 64 characters"},
		{with("Corner Pharmacy", " \\u0000 "), "no name"},
		{with(`,"position":{"latitude":39.4056,"longitude":-75.0392}`, ""), "no coordinates, so its time zone is unknown"},
		{with(`"latitude":39.4056,`, ""), "no coordinates"},
		{with("39.4056", "null"), "no coordinates"},
		{with("39.4056", `"39.4056"`), "position.latitude can't be a JSON string"},
		{with("39.4056", "90.1"), "there is no latitude 90.1"},
		{with("-75.0392", "-180.1"), "there is no latitude 39.4056, longitude -180.1"},
		{strings.Replace(with("39.4056", "0"), "-75.0392", "0", 1), "no country's time zone at latitude 0, longitude 0"},
		{strings.Replace(testSite, `"id":"1"`, `"id":"3"`, 1) + " x", "not JSON: invalid character"},
	} {
		p := readTest(t, []string{c.line, next}, []string{testDesk}, nil)
		if c.reason == "" && len(p.sites) == 2 {
			continue
		}
		if len(p.sites) != 1 || p.report.Refused[0].Line != 1 || p.report.Refused[0].File != "locations.ndjson" ||
			!strings.Contains(p.report.Refused[0].Reason, c.reason) || c.reason == "" {
			t.Errorf("%.150s\n  %d sites, %v, want %q", c.line, len(p.sites), p.report.Refused, c.reason)
		}
	}
}

func TestWhatIsGivenTwiceIsRefusedOnce(t *testing.T) {
	other := strings.Replace(testSite, `"id":"1"`, `"id":"2"`, 1)
	slot := testSlot("s", "2023-03-25T09:00", "2023-03-25T10:00", 3)
	p := readTest(t, []string{testSite, testSite, other}, []string{testDesk, testDesk}, []string{slot, slot})
	want := []Refusal{
		{"locations.ndjson", 2, `the id "1" is that of line 1`},
		{"locations.ndjson", 3, `the identifier "A1" is that of line 1`},
		{"schedules.ndjson", 2, `the id "7" is that of line 1`},
		{"slots.ndjson", 2, "the same slot is given twice"},
	}
	if !slices.Equal(p.report.Refused, want) || p.report.RefusedTotal != 4 {
		t.Errorf("%d refused: %v", p.report.RefusedTotal, p.report.Refused)
	}
	if windows := p.desks["7"].windows; len(windows) != 1 || windows[0].capacity != 3 {
		t.Errorf("windows %v", windows)
	}
}

func TestReferencesToNothingAreRefused(t *testing.T) {
	p := readTest(t, []string{testSite},
		[]string{
			testDesk, strings.NewReplacer(`"id":"7"`, `"id":"8"`, "Location/1", "Location/2").Replace(testDesk),
			`{"resourceType":"Schedule","id":"9","actor":[]}`, `{"resourceType":"Schedule","id":"9","actor":[{"reference":"Practitioner/1"}]}`,
		},
		[]string{strings.Replace(testSlot("s", "2023-03-25T09:00", "2023-03-25T10:00", 3), "Schedule/7", "Schedule/8", 1)})
	want := []Refusal{
		{"schedules.ndjson", 2, `no such location: "2"`},
		{"schedules.ndjson", 3, "0 actors, not one location"},
		{"schedules.ndjson", 4, `its actor is "Practitioner/1", not a Location/id`},
		{"slots.ndjson", 1, `no such schedule: "8"`},
	}
	if !slices.Equal(p.report.Refused, want) {
		t.Errorf("%v", p.report.Refused)
	}
}

func TestSlotsOfOnePeriodAreJoinedAndOverlapsRefused(t *testing.T) {
	const nine, ten, half, eleven = "2023-03-25T09:00", "2023-03-25T10:00", "2023-03-25T10:30", "2023-03-25T11:00"
	for _, c := range []struct {
		name    string
		slots   []string
		windows string
		refused int // its line, 0 for none
		joined  int
	}{
		{"two of one period", []string{testSlot("a", nine, ten, 1), testSlot("b", nine, ten, 2)}, "09:00-10:00 3", 0, 1},
		{"touching", []string{testSlot("a", ten, half, 1), testSlot("b", nine, ten, 2)}, "09:00-10:00 2, 10:00-10:30 1", 0, 0},
		{"overlapping", []string{testSlot("a", ten, eleven, 1), testSlot("b", nine, half, 2)}, "09:00-10:30 2", 1, 0},
		{"one within another", []string{testSlot("a", nine, eleven, 5), testSlot("b", ten, half, 2)}, "09:00-11:00 5", 2, 0},
		{"busy ones don't count", []string{testSlot("a", nine, eleven, 0), testSlot("b", ten, half, 2)}, "10:00-10:30 2", 0, 0},
		{"busy and free of one period", []string{testSlot("a", nine, ten, 0), testSlot("b", nine, ten, 2)}, "09:00-10:00 2", 0, 0},
		{"as many as can be", []string{testSlot("a", nine, ten, 99_999), testSlot("b", nine, ten, 1)}, "09:00-10:00 100000", 0, 1},
		{"one more", []string{testSlot("a", nine, ten, 99_999), testSlot("b", nine, ten, 2)}, "09:00-10:00 99999", 2, 0},
	} {
		p := readTest(t, []string{testSite}, []string{testDesk}, c.slots)
		var got []string
		for _, w := range p.desks["7"].windows {
			at := w.span(0)
			got = append(got, fmt.Sprintf("%.5s-%.5s %d", at.from.Time, at.to.Time, w.capacity))
		}
		refused := 0
		if len(p.report.Refused) > 0 {
			refused = p.report.Refused[0].Line
		}
		if strings.Join(got, ", ") != c.windows || refused != c.refused || p.report.Repaired(SlotsJoined) != c.joined {
			t.Errorf("%s: %v, refused %v, joined %d", c.name, got, p.report.Refused, p.report.Repaired(SlotsJoined))
		}
	}
}

func TestASiteShowsWhatPatientsNeed(t *testing.T) {
	second := strings.NewReplacer(`"id":"1"`, `"id":"2"`, "A1", "A2", "907 North", "12 South").Replace(testSite)
	alone := strings.NewReplacer(`"id":"1"`, `"id":"3"`, "Corner", "Harbour",
		`{"system":"https://ids.example","value":"A1"}`, `{"system":"vtrcks","value":"A1"}`).Replace(testSite)
	p := readTest(t, []string{testSite, second, alone}, []string{testDesk}, nil)
	var names []string
	for _, s := range p.sites {
		names = append(names, s.put.Name)
	}
	want := []string{
		"Corner Pharmacy, 907 North High Street, Millville", "Corner Pharmacy, 12 South High Street, Millville", "Harbour Pharmacy",
	}
	if !slices.Equal(names, want) {
		t.Errorf("names %q", names)
	}
	first := p.sites[0].put
	if first.Identifier != (clinic.Identifier{System: "https://ids.example", Value: "A1"}) || first.TimeZone != "America/New_York" ||
		*first.Country != "US" || *first.PostalCode != "08332" || *first.Phone != "+18568257742" ||
		!slices.Equal(first.AddressLines, []string{"907 North High Street", "Millville, NJ"}) {
		t.Errorf("first site %+v", first)
	}
	// "vtrcks" is no system that the directory would take.
	if got := p.sites[2].put.Identifier; got != (clinic.Identifier{System: "https://clinic.example/api/Location", Value: "3"}) {
		t.Errorf("identifier of a site without a proper one: %v", got)
	}
}

func TestTheZoneComesFromTheCoordinates(t *testing.T) {
	for want, position := range map[string]string{
		"America/Phoenix":     `"latitude":33.4484,"longitude":-112.074`,
		"Pacific/Honolulu":    `"latitude":21.3069,"longitude":-157.8583`,
		"America/Anchorage":   `"latitude":61.2181,"longitude":-149.9003`,
		"Australia/Lord_Howe": `"latitude":-31.5553,"longitude":159.0821`,
	} {
		line := strings.Replace(testSite, `"latitude":39.4056,"longitude":-75.0392`, position, 1)
		p := readTest(t, []string{line}, []string{testDesk}, nil)
		if len(p.sites) != 1 || p.sites[0].put.TimeZone != want {
			t.Errorf("%s: %v, want %s", position, p.report.Refused, want)
		}
	}
}

func TestAScheduleNamesItsKindOfVisit(t *testing.T) {
	const general = `{"system":"http://terminology.hl7.org/CodeSystem/service-type","code":"57","display":"Immunization"}`
	const special = `{"system":"http://fhir-registry.smarthealthit.org/CodeSystem/service-type","code":"covid19-immunization","display":"COVID-19 Immunization Appointment"}`
	for _, c := range []struct {
		codings string
		want    service
	}{
		{general + "," + special, service{"covid19-immunization", "COVID-19 Immunization Appointment"}},
		{special + "," + general, service{"covid19-immunization", "COVID-19 Immunization Appointment"}},
		{general, service{"57", "Immunization"}},
		{`{"code":"x"}`, service{"x", "x"}},
		{`{"display":"no code"}`, anyService},
		{"", anyService},
	} {
		line := strings.Replace(testDesk, `}]}`, `}],"serviceType":[{"coding":[`+c.codings+`]}]}`, 1)
		d, _, err := readDesk([]byte(line))
		if err != nil || d.service != c.want {
			t.Errorf("%s: %v, %v", c.codings, d, err)
		}
	}
}

func TestAPublicationWithoutItsPartsIsAnError(t *testing.T) {
	files := func(manifest string) fstest.MapFS {
		return fstest.MapFS{"$bulk-publish": {Data: []byte(manifest)}, "slots.ndjson": {}, "schedules.ndjson": {}, "locations.ndjson": {}}
	}
	for _, c := range []struct {
		files  fstest.MapFS
		reason string
	}{
		{files(testManifest), ""},
		{fstest.MapFS{}, "there is no manifest here: manifest.json or $bulk-publish"},
		{files("{"), "the manifest is broken: not JSON"},
		{files(strings.Repeat(" ", maxManifest-2) + "{}"), `"request" must be`},
		{files(strings.Repeat(" ", maxManifest-1) + "{}"), "the manifest is larger than"},
		{files(strings.Replace(testManifest, "https://clinic.example/api/", "file:///", 1)), `"request" must be`},
		{files(strings.Replace(testManifest, "Location", "location", 1)), "the manifest names no Location file"},
		{files(strings.Replace(testManifest, "slots.ndjson", "gone.ndjson", 1)), `"gone.ndjson": open gone.ndjson: file does not exist`},
		{files(strings.Replace(testManifest, "slots.ndjson", "../slots.ndjson", 1)), "a file outside its folder"},
		{files(strings.Replace(testManifest, "slots.ndjson", "https://clinic.example/data/slots.ndjson?v=1", 1)), ""},
	} {
		p := newPublication(func(clinic.GeoPoint) string { return "UTC" }, func(Progress) {})
		err := p.read(t.Context(), Folder(c.files))
		if c.reason == "" && err != nil || c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason)) {
			t.Errorf("%v, want %q", err, c.reason)
		}
	}
}
