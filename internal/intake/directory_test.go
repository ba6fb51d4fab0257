package intake_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// role is one of practitioner p at location l, with whatever else is said of it.
func role(id, more string) string {
	return `{"resourceType":"PractitionerRole","id":"` + id + `","practitioner":{"reference":"Practitioner/p"},"location":[{"reference":"Location/l"}]` + more + `}`
}

const mondays = `,"availableTime":[{"daysOfWeek":["mon"],"availableStartTime":"09:00:00","availableEndTime":"12:00:00"}]`

// service has a code and a name of its own, and is at location l where more doesn't say otherwise.
func serviceLine(code, more string) string {
	return `{"resourceType":"HealthcareService","id":"` + code + `","type":[{"coding":[{"system":"urn:example:s","code":"` + code + `"}]}]` + more + `}`
}

func schedule(actors, more string) string {
	return `{"resourceType":"Schedule","id":"s","actor":[` + actors + `]` + more + `}`
}

const (
	aboutRole, aboutPerson = `{"reference":"PractitionerRole/r"}`, `{"reference":"Practitioner/p"}`
	aboutClinic, aboutFlu  = `{"reference":"Location/l"}`, `{"reference":"HealthcareService/flu"}`
	openClinic             = `{"resourceType":"Location","id":"l","name":"Clinic","position":{"latitude":40.7,"longitude":-74.0},` +
		`"hoursOfOperation":[{"daysOfWeek":["sat"],"openingTime":"10:00:00","closingTime":"12:00:00"}]}`
	atClinic = `,"location":[{"reference":"Location/l"}]`
	offering = `,"healthcareService":[{"reference":"HealthcareService/flu"}]`
	fridays  = `,"availableTime":[{"daysOfWeek":["fri"],"availableStartTime":"14:00:00","availableEndTime":"16:00:00"}]`
)

func TestHoursComeFromTheRoleItsServicesOrItsLocation(t *testing.T) {
	const who = "Doe at Clinic 2026-03-05/"
	for name, c := range map[string]struct {
		lines, want []string
	}{
		"the role's own":          {[]string{openClinic, role("r", mondays+offering), serviceLine("flu", fridays)}, []string{who + " 1 09:00-12:00"}},
		"its service's":           {[]string{openClinic, role("r", offering), serviceLine("flu", fridays)}, []string{who + " 5 14:00-16:00"}},
		"a service's of the site": {[]string{openClinic, role("r", ""), serviceLine("flu", fridays+atClinic)}, []string{who + " 5 14:00-16:00"}},
		"the location's":          {[]string{openClinic, role("r", offering), serviceLine("flu", "")}, []string{who + " 6 10:00-12:00"}},
		"nobody's":                {[]string{clinicLine, role("r", "")}, nil},
		"each service's": {[]string{openClinic, role("r", ""), serviceLine("flu", fridays+atClinic), serviceLine("gp", atClinic)},
			[]string{who + " 5 14:00-16:00 flu, 6 10:00-12:00 gp"}},
		"two roles'": {[]string{openClinic, role("r", mondays), role("q", strings.Replace(mondays, "12:00", "13:00", 1))},
			[]string{who + " 1 09:00-13:00"}},
		"of a period": {[]string{openClinic, role("r", mondays+`,"period":{"start":"2026-04-01","end":"2026-05"}`)},
			[]string{"Doe at Clinic 2026-04-01/2026-05-31 1 09:00-12:00"}},
		"in a gap nothing": {[]string{openClinic, role("r", mondays+`,"period":{"end":"2026-03-31"}`), role("q", mondays+`,"period":{"start":"2026-05-01"}`)},
			[]string{"Doe at Clinic 2026-03-05/2026-03-31 1 09:00-12:00", "Doe at Clinic 2026-05-01/ 1 09:00-12:00"}},
		"within a horizon": {[]string{openClinic, role("r", mondays), schedule(aboutRole, `,"planningHorizon":{"end":"2026-06-30"}`)},
			[]string{"Doe at Clinic 2026-03-05/2026-06-30 1 09:00-12:00"}},
		"of a schedule's service": {[]string{openClinic, role("r", mondays), role("q", ""), serviceLine("flu", atClinic),
			schedule(aboutRole, `,"serviceType":[{"coding":[{"code":"travel"}]}]`)}, []string{who + " 1 09:00-12:00 travel, 6 10:00-12:00 flu"}},
		"under a schedule of the person there": {[]string{openClinic, role("r", mondays), schedule(aboutPerson+","+aboutClinic, `,"planningHorizon":{"end":"2026-06-30"}`)},
			[]string{"Doe at Clinic 2026-03-05/2026-06-30 1 09:00-12:00"}},
		"under a schedule of the service": {[]string{openClinic, role("r", mondays+offering), serviceLine("flu", ""), schedule(aboutFlu, `,"planningHorizon":{"end":"2026-06-30"}`)},
			[]string{"Doe at Clinic 2026-03-05/2026-06-30 1 09:00-12:00"}},
		"by a schedule without a role": {[]string{openClinic, schedule(aboutPerson+","+aboutClinic, "")}, []string{who + " 6 10:00-12:00"}},
		"under a horizon that is over": {[]string{openClinic, role("r", mondays), schedule(aboutRole, `,"planningHorizon":{"end":"2026-03-04"}`)}, nil},
	} {
		w := newWorld(t)
		r := w.fhir(t, ndjson(append([]string{personLine}, c.lines...)...), nil)
		if got := w.timetable(t); !slices.Equal(got, c.want) || r.RefusedTotal > 0 || r.Providers.All != 1 {
			t.Errorf("%s: hours\n%s\nwant\n%s\n%v", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"), r)
		}
		if (name == "nobody's") != (r.Repaired(intake.HoursMissing) == 1) {
			t.Errorf("%s: report\n%v", name, r)
		}
		before := w.digest(t)
		if r := w.fhir(t, ndjson(append([]string{personLine}, c.lines...)...), nil); r.Changed() != 0 || w.digest(t) != before {
			t.Errorf("%s, again: report\n%v", name, r)
		}
	}
}

func TestWhatIsOverEnds(t *testing.T) {
	open := []string{openClinic, personLine, role("r", mondays)}
	for name, then := range map[string][]string{
		"the role is not active":    {openClinic, personLine, role("r", mondays+`,"active":false`)},
		"the role's period is over": {openClinic, personLine, role("r", mondays+`,"period":{"end":"2026-03-01"}`)},
		"the person is not active":  {openClinic, strings.Replace(personLine, `"id"`, `"active":false,"id"`, 1), role("r", mondays)},
		"the horizon is over":       {openClinic, personLine, role("r", mondays), schedule(aboutRole, `,"planningHorizon":{"end":"2026-03-04"}`)},
	} {
		w := newWorld(t)
		w.fhir(t, ndjson(then...), nil)
		created := 1
		if strings.Contains(name, "active") || strings.Contains(name, "period") {
			created = 0 // nobody new is made for what is over
		}
		if n := w.count(t, "SELECT count(*) FROM providers"); n != created || w.count(t, "SELECT count(*) FROM schedules") != 0 {
			t.Errorf("%s: %d providers at first, %q", name, n, w.timetable(t))
		}
		w.fhir(t, ndjson(open...), nil)
		w.fhir(t, ndjson(then...), nil)
		if got := w.edges(t, "America/New_York", 1); len(got) != 0 || len(w.timetable(t)) != 1 || strings.Contains(w.timetable(t)[0], ":") {
			t.Errorf("%s: %v", name, w.timetable(t))
		}
	}
}

func TestAnEndThatMovesIsFollowed(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ until, last, closed string }{ // Mondays
		{"", "2027-01-04", ""}, {"2026-06-30", "2026-06-29", "2026-07-06"}, {"2026-12-31", "2026-12-28", "2027-01-04"}, {"2026-04-30", "2026-04-27", "2026-05-04"},
	} {
		period := ""
		if c.until != "" {
			period = `,"period":{"end":"` + c.until + `"}`
		}
		w.fhir(t, ndjson(openClinic, personLine, role("r", mondays+period)), nil)
		if !w.isOpen(t, c.last) || c.closed != "" && w.isOpen(t, c.closed) {
			t.Errorf("until %q: %q", c.until, w.timetable(t))
		}
	}
}

// isOpen says whether the only provider has hours in force on a day at the only location.
func (w *world) isOpen(t *testing.T, day string) bool {
	t.Helper()
	on := at(day + "T00:00:00").Date
	by, there := w.ids(t, "SELECT id FROM providers")[0], w.ids(t, "SELECT id FROM locations")[0]
	hours, err := w.WeeklyHours(t.Context(), w.admin, clinic.Ref{Organization: w.organization, ID: by}, clinic.Ref{Organization: w.organization, ID: there}, &on)
	if err != nil {
		t.Fatal(err)
	}
	return len(hours) > 0
}

// hesitant is a directory whose database is busy at first.
type hesitant struct {
	intake.Directory
	locations, providers, schedules, lists atomic.Int32
}

func busyAtFirst(calls *atomic.Int32) error {
	if calls.Add(1) == 1 {
		return errs.TryAgain(nil)
	}
	return nil
}

func (h *hesitant) ListProviders(ctx context.Context, actor access.Actor, f provider.Filter, w paging.Window) (paging.Page[provider.Provider], error) {
	if err := busyAtFirst(&h.lists); err != nil {
		return paging.Page[provider.Provider]{}, err
	}
	return h.Directory.ListProviders(ctx, actor, f, w)
}

func (h *hesitant) PutLocation(ctx context.Context, actor access.Actor, in clinic.PutLocation) (clinic.Location, error) {
	if err := busyAtFirst(&h.locations); err != nil {
		return clinic.Location{}, err
	}
	return h.Directory.PutLocation(ctx, actor, in)
}

func (h *hesitant) PutProvider(ctx context.Context, actor access.Actor, in provider.PutProvider) (provider.Provider, error) {
	if err := busyAtFirst(&h.providers); err != nil {
		return provider.Provider{}, err
	}
	return h.Directory.PutProvider(ctx, actor, in)
}

func (h *hesitant) SetSchedule(ctx context.Context, actor access.Actor, in provider.SetSchedule) (provider.Provider, error) {
	if err := busyAtFirst(&h.schedules); err != nil {
		return provider.Provider{}, err
	}
	return h.Directory.SetSchedule(ctx, actor, in)
}

func TestABusyDatabaseIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	zoneOf, err := intake.WorldZones()
	if err != nil {
		t.Fatal(err)
	}
	h := &hesitant{Directory: w}
	r, err := intake.ImportFHIR(t.Context(), h, w.admin, intake.FHIROrder{
		Resources: riverside(t, "ndjson"), Organization: w.organization, Clock: clock.FrozenAt(now), ZoneOf: zoneOf,
	})
	if err != nil || r.Locations.All != 3 || !slices.Equal(w.timetable(t), riversideHours) {
		t.Errorf("%v\n%v", err, r)
	}
	if h.locations.Load() != 4 || h.providers.Load() != 5 || h.schedules.Load() != 7 {
		t.Errorf("%d, %d, %d calls", h.locations.Load(), h.providers.Load(), h.schedules.Load())
	}
}

func TestDesksAreOfTheirLocation(t *testing.T) {
	second := strings.Replace(schedule(aboutClinic, `,"serviceType":[{"coding":[{"code":"x","display":"X-ray"}]}]`), `"s"`, `"x"`, 1)
	for _, c := range []struct{ lines, want []string }{
		{[]string{openClinic, schedule(aboutClinic, "")}, []string{"Clinic at Clinic 2026-03-05/ 6 10:00-12:00"}},
		{[]string{openClinic, schedule(aboutClinic, `,"planningHorizon":{"end":"2026-06-30"}`), second},
			[]string{"Clinic, Visit, s at Clinic 2026-03-05/2026-06-30 6 10:00-12:00", "Clinic, X-ray, x at Clinic 2026-03-05/ 6 10:00-12:00"}},
		{[]string{openClinic, serviceLine("flu", fridays+atClinic), schedule(aboutClinic, "")}, []string{"Clinic at Clinic 2026-03-05/ 5 14:00-16:00"}},
	} {
		w := newWorld(t)
		if r := w.fhir(t, ndjson(c.lines...), nil); !slices.Equal(w.timetable(t), c.want) || r.RefusedTotal > 0 {
			t.Errorf("%q\n%v", w.timetable(t), r)
		}
	}
}

func TestAbsencesCloseHoursOnceAndStay(t *testing.T) {
	w := newWorld(t)
	away := `,"notAvailable":[{"during":{"start":"2026-04-01T12:30:00-04:00","end":"2026-04-01T14:00:00-04:00"}},{"during":{"start":"2026-12-24","end":"2026-12-26"}},` +
		`{"during":{"start":"2026-02","end":"2026-02"}}]`
	for i, changed := range []int{2, 0} {
		r := w.fhir(t, ndjson(openClinic, personLine, role("r", mondays+away), role("q", away)), nil)
		if r.Closures != (intake.Tally{All: 2, Changed: changed}) {
			t.Errorf("import %d: report\n%v", i, r)
		}
	}
	for _, query := range []string{
		"SELECT count(*) FROM schedule_exceptions WHERE local_from = '2026-04-01 12:30' AND local_to = '2026-04-01 14:00' AND effect = 'CLOSED'",
		"SELECT count(*) FROM schedule_exceptions WHERE local_from = '2026-12-24' AND local_to = '2026-12-27' AND effect = 'CLOSED'",
	} {
		if n := w.count(t, query); n != 1 {
			t.Errorf("%d: %s", n, query)
		}
	}
	w.fhir(t, ndjson(openClinic, personLine, role("r", mondays)), nil)
	if n := w.count(t, "SELECT count(*) FROM schedule_exceptions"); n != 2 {
		t.Errorf("%d are left", n)
	}
}

// A clinic that says when a service is away isn't open then, unless the same people have other work.
func TestServicesThatAreAwayCloseWhoeverHasNoOther(t *testing.T) {
	holidays := func(days ...string) string {
		var list []string
		for _, d := range days {
			list = append(list, `{"during":{"start":"`+d+`","end":"`+d+`"}}`)
		}
		return `,"notAvailable":[` + strings.Join(list, ",") + `]`
	}
	both := `,"healthcareService":[{"reference":"HealthcareService/flu"},{"reference":"HealthcareService/x"}]`
	one := `,"healthcareService":[{"reference":"HealthcareService/flu"}]`
	flu := serviceLine("flu", holidays("2026-12-25", "2026-12-26"))
	for name, c := range map[string]struct {
		lines   []string
		closed  int
		refused int
	}{
		"one service":    {[]string{openClinic, personLine, flu, role("r", mondays+one)}, 2, 0},
		"two, one day":   {[]string{openClinic, personLine, flu, serviceLine("x", holidays("2026-12-25")), role("r", mondays+both)}, 1, 1},
		"no end":         {[]string{openClinic, personLine, serviceLine("flu", `,"notAvailable":[{"during":{"start":"2026-12-25"}}]`), role("r", mondays+one)}, 0, 1},
		"a desk of it":   {[]string{openClinic, serviceLine("flu", holidays("2026-12-25")+fridays+atClinic), schedule(aboutClinic, "")}, 1, 0},
		"and the person": {[]string{openClinic, personLine, flu, role("r", mondays+one+holidays("2026-12-25"))}, 2, 0},
	} {
		w := newWorld(t)
		for range 2 {
			if r := w.fhir(t, ndjson(c.lines...), nil); r.RefusedTotal != c.refused {
				t.Errorf("%s: report\n%v", name, r)
			}
		}
		if n := w.count(t, "SELECT count(*) FROM schedule_exceptions WHERE effect = 'CLOSED'"); n != c.closed {
			t.Errorf("%s: %d closed periods, want %d", name, n, c.closed)
		}
	}
}

func TestBundlesAreReadAsTheirTypeSays(t *testing.T) {
	bundle := func(kind string, entries ...string) intake.Resources {
		return intake.ResourcesIn(fstest.MapFS{
			"b.json":    {Data: []byte(`{"entry":[` + "\n" + strings.Join(entries, ",\n") + "\n" + `],"type":"` + kind + `","resourceType":"Bundle"}`)},
			"notes.txt": {Data: []byte("not read")},
		})
	}
	at := func(url, line string) string { return `{"fullUrl":"` + url + `","resource":` + line + `}` }
	version := func(name, updated string) string {
		return strings.Replace(clinicLine, `"name":"Clinic"`, `"meta":{"lastUpdated":"`+updated+`"},"name":"`+name+`"`, 1)
	}
	absolute := strings.NewReplacer("Practitioner/p", "https://a.example/fhir/Practitioner/p", "Location/l", "https://a.example/fhir/Location/l/_history/2")
	const older, newer = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00+01:00"
	for name, c := range map[string]struct {
		from     intake.Resources
		location string
		refused  []string
	}{
		"a search": {bundle("searchset", at("https://a.example/fhir/Location/l", clinicLine), at("https://a.example/fhir/Practitioner/p", personLine),
			at("https://a.example/fhir/PractitionerRole/r", absolute.Replace(role("r", mondays)))), "Clinic", nil},
		"another server's": {bundle("searchset", at("https://b.example/fhir/Location/l", clinicLine), at("https://a.example/fhir/Practitioner/p", personLine),
			at("https://a.example/fhir/PractitionerRole/r", absolute.Replace(role("r", mondays)))), "Clinic", []string{
			`4 PractitionerRole "r": location: "https://a.example/fhir/Location/l" is not among what was read`,
			`4 PractitionerRole "r": no location`, `3 Practitioner "p": no role or schedule that was taken says where`,
		}},
		"a history": {bundle("history", at("urn:x:1", version("New", newer)), at("urn:x:1", version("Old", older)),
			`{"request":{"method":"DELETE","url":"Practitioner/p"}}`, at("urn:x:2", personLine)), "New", nil},
		"twice, the later newer":  {bundle("collection", at("urn:x:1", version("Old", older)), at("urn:x:2", version("New", newer))), "New", nil},
		"twice, the later as old": {bundle("collection", at("urn:x:1", version("Old", older)), at("urn:x:2", version("New", older))), "Old", []string{`3 entry 2: Location "l": the same is in b.json line 2, and this isn't newer`}},
		"a broken entry":          {bundle("collection", `7`, at("urn:x:1", clinicLine), `{}`), "Clinic", []string{"2 entry 1: a JSON number instead of an object", "4 entry 3: no resource, or a fullUrl that is too long"}},
		"one resource":            {intake.ResourcesIn(fstest.MapFS{"l.json": {Data: []byte("\ufeff" + clinicLine)}}), "Clinic", nil},
		"a truncated one": {intake.ResourcesIn(fstest.MapFS{"a.json": {Data: []byte("{\"resourceType\":\"Bundle\",\n\"entry\":[")}, "l.json": {Data: []byte(clinicLine)}}), "Clinic",
			[]string{"2 not JSON: unexpected end of JSON input, so nothing of the file is taken"}},
	} {
		w := newWorld(t)
		r := w.fhir(t, c.from, nil)
		var refused []string
		for _, f := range r.Refused {
			refused = append(refused, strings.TrimSpace(strings.Join([]string{string(rune('0' + f.Line)), f.Reason}, " ")))
		}
		if n := w.count(t, "SELECT count(*) FROM locations WHERE name = '"+c.location+"'"); n != 1 || !slices.Equal(refused, c.refused) || r.Locations.All != 1 {
			t.Errorf("%s: refused %q\n%v", name, refused, r)
		}
		if twice := r.Repaired(intake.VersionReplaced) == 1; twice != (name == "twice, the later newer") {
			t.Errorf("%s: report\n%v", name, r)
		}
	}
}

func TestAFolderWithoutResourcesIsNotImported(t *testing.T) {
	w := newWorld(t)
	zoneOf, err := intake.WorldZones()
	if err != nil {
		t.Fatal(err)
	}
	_, err = intake.ImportFHIR(t.Context(), w, w.admin, intake.FHIROrder{
		Resources: intake.ResourcesIn(fstest.MapFS{"notes.txt": {}}), Organization: w.organization, ZoneOf: zoneOf,
	})
	if err == nil || !strings.Contains(err.Error(), "there is no .json or .ndjson file here") {
		t.Errorf("%v", err)
	}
	if _, _, err := intake.LocateResources("testdata/nowhere"); err == nil || !strings.Contains(err.Error(), "no resources there") {
		t.Errorf("%v", err)
	}
}
