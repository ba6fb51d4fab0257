package intake_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/intake/demo"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// copied is the real publication, each file as its lines.
func copied(t *testing.T) (files map[string][]string, source func() intake.Source) {
	t.Helper()
	files = map[string][]string{}
	for _, name := range []string{"manifest.json", "locations.ndjson", "schedules.ndjson", "slots.ndjson"} {
		file, err := demo.Publication().Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = strings.Split(string(bytes.TrimSpace(text)), "\n")
	}
	return files, func() intake.Source {
		all := fstest.MapFS{}
		for name, lines := range files {
			all[name] = &fstest.MapFile{Data: []byte(strings.Join(lines, "\n"))}
		}
		return intake.Folder(all)
	}
}

func TestADirtiedCopyIsImportedButForItsBrokenLines(t *testing.T) {
	files, source := copied(t)
	locations, schedules, slots := files["locations.ndjson"], files["schedules.ndjson"], files["slots.ndjson"]
	swap := func(lines []string, number int, old, new string) {
		t.Helper()
		if !strings.Contains(lines[number-1], old) {
			t.Fatalf("line %d has no %s", number, old)
		}
		lines[number-1] = strings.Replace(lines[number-1], old, new, 1)
	}
	swap(locations, 1, `"position"`, `"place"`)
	swap(locations, 2, `"name":"Rite Aid"`, `"name":"`+strings.Repeat("Rite Aid ", 30)+`"`)
	schedules[2] = schedules[2][:50]
	// Lines 43 to 56 are the fourth site's; its first one is busy.
	slots[43] = slots[43][:100]
	swap(slots, 45, `"valueInteger":`, `"valueInteger":-`)
	swap(slots, 46, `"status":"free"`, `"status":"perhaps"`)
	swap(slots, 47, `"end":"2023`, `"end":"2022`)
	swap(slots, 48, `"Schedule/`, `"Schedule/0`)
	slots[48] = strings.Repeat("x", 1<<20+1)
	w := newWorld(t)
	r, err := w.run(t, intake.Order{From: source()})
	if err != nil {
		t.Fatal(err)
	}
	// The first three sites lose everything: one line for the location, where it is what is broken, one for the schedule
	// and one for each slot.
	const first, second, third = 1 + 1 + 14, 1 + 1 + 14, 1 + 14
	if r.RefusedTotal != first+second+third+6 || r.Locations != 110 || r.Providers != 109 || r.Windows != 1430-3*13-6 {
		t.Errorf("report\n%v", r)
	}
	if n := w.count(t, "SELECT count(*) FROM schedule_exceptions"); n != r.Windows {
		t.Errorf("%d windows are stored", n)
	}
	for _, want := range []string{
		"locations.ndjson line 1: no coordinates, so its time zone is unknown",
		"locations.ndjson line 2: name: At most 200 characters",
		`schedules.ndjson line 1: no such location: "116"`,
		"schedules.ndjson line 3: not JSON: unexpected end of JSON input",
		"slots.ndjson line 44: not JSON: unexpected end of JSON input",
		"slots.ndjson line 45: a capacity of -3",
		`slots.ndjson line 46: an unknown status, "perhaps"`,
		"slots.ndjson line 47: its end is before its start",
		"slots.ndjson line 48: no such schedule:",
		"slots.ndjson line 49: longer than 1048576 bytes",
	} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("the report doesn't say %q:\n%v", want, r)
		}
	}
}

func TestAReportListsABoundedNumberOfRefusals(t *testing.T) {
	files, source := copied(t)
	for i := range files["slots.ndjson"] {
		files["slots.ndjson"][i] = "broken"
	}
	r, err := newWorld(t).run(t, intake.Order{From: source()})
	if err != nil || r.RefusedTotal != 1542 || len(r.Refused) != 100 || !strings.Contains(r.String(), "\n  and 1,442 more\n") {
		t.Errorf("%v, %d refused, %d listed", err, r.RefusedTotal, len(r.Refused))
	}
}

// little is a publication of one site with windows on 25 March 2023, written like "09:00-17:00 33 free".
func little(windows ...string) intake.Source { return corner(slots(windows...)...) }

func slots(windows ...string) (lines []string) {
	for _, w := range windows {
		var span, status string
		var capacity int
		if _, err := fmt.Sscanf(w, "%s %d %s", &span, &capacity, &status); err != nil {
			panic(err)
		}
		lines = append(lines, slot(status, "2023-03-25T"+span[:5]+":00-04:00", "2023-03-25T"+span[6:]+":00-04:00", capacity))
	}
	return lines
}

func slot(status, start, end string, capacity int) string {
	return fmt.Sprintf(`{"resourceType":"Slot","id":"1","schedule":{"reference":"Schedule/7"},"status":%q,"start":%q,"end":%q,`+
		`"extension":[{"url":"http://fhir-registry.smarthealthit.org/StructureDefinition/slot-capacity","valueInteger":%d}]}`,
		status, start, end, capacity)
}

// corner is a publication of one site, in New York's zone, with these lines of slots.
func corner(slots ...string) intake.Source {
	return intake.Folder(fstest.MapFS{
		"manifest.json": {Data: []byte(`{"request":"https://clinic.example/$bulk-publish","output":[{"type":"Location","url":"l"},` +
			`{"type":"Schedule","url":"s"},{"type":"Slot","url":"o"}]}`)},
		"l": {Data: []byte(`{"resourceType":"Location","id":"1","name":"Corner","address":{"state":"NJ"},"position":{"latitude":40,"longitude":-75}}`)},
		"s": {Data: []byte(`{"resourceType":"Schedule","id":"7","actor":[{"reference":"Location/1"}],"serviceType":[{"coding":[{"code":"flu"}]}]}`)},
		"o": {Data: []byte(strings.Join(slots, "\n"))},
	})
}

// windows lists what is stored, in order.
func (w *world) windows(t *testing.T) (list []string) {
	t.Helper()
	const query = `SELECT array_agg(concat_ws(' ', to_char(local_from, 'DD HH24:MI'), to_char(local_to, 'HH24:MI'), max_appointments,
		'in', capacity) ORDER BY local_from) FROM schedule_exceptions`
	if err := w.pool.QueryRow(t.Context(), query).Scan(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

func (w *world) imported(t *testing.T, order intake.Order, want ...string) intake.Report {
	t.Helper()
	r, err := w.run(t, order)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.windows(t); !slices.Equal(got, want) {
		t.Errorf("windows %q, want %q; report\n%v", got, want, r)
	}
	return r
}

func TestALaterPublicationReplacesTheEarlier(t *testing.T) {
	w := newWorld(t)
	w.imported(t, intake.Order{From: little("09:00-12:00 12 free", "13:00-15:00 9 free", "15:00-16:00 1 free")},
		"25 09:00 12:00 12 in 1", "25 13:00 15:00 9 in 2", "25 15:00 16:00 1 in 1")
	r := w.imported(t, intake.Order{From: little("09:00-12:00 7 free", "13:00-15:00 0 busy", "15:00-17:00 1 free")},
		"25 09:00 12:00 7 in 1", "25 15:00 17:00 1 in 1")
	if r.Windows != 2 || r.Changed != 2 || r.Withdrawn != 1 || r.Busy != 1 {
		t.Errorf("report\n%v", r)
	}
}

func TestAWindowIsClosedOnlyWhenNoRefusedLineCanHaveIt(t *testing.T) {
	const nine, noon, three = "25 09:00 12:00 12 in 1", "25 12:00 15:00 9 in 1", "25 15:00 16:00 1 in 1"
	first := []string{"09:00-12:00 12 free", "12:00-15:00 9 free", "15:00-16:00 1 free"}
	morning, afternoon := first[0], first[2]
	line := func(w string) string { return slots(w)[0] }
	broken := line(first[1])[:200]
	other := strings.Replace(line(first[1]), "Schedule/7", "Schedule/8", 1)
	for _, c := range []struct {
		name   string
		second []string
		want   []string
		kept   int
		closed int
	}{
		{"complete", slots(morning, afternoon), []string{nine, three}, 0, 1},
		{"an unreadable line", append(slots(morning, afternoon), broken), []string{nine, noon, three}, 1, 0},
		{"a line too long", append(slots(morning, afternoon), strings.Repeat("x", 1<<20+1)), []string{nine, noon, three}, 1, 0},
		{"a line of nobody's", append(slots(morning, afternoon), other), []string{nine, noon, three}, 1, 0},
		{"a broken line of the desk", append(slots(morning, afternoon), strings.Replace(line(first[1]), "free", "perhaps", 1)), []string{nine, noon, three}, 1, 0},
		{"a fraction of a visit", append(slots(morning, afternoon), strings.Replace(line(first[1]), `:9}`, `:9.5}`, 1)), []string{nine, noon, three}, 1, 0},
		{"a window of the desk that no visit fits into", slots(morning, afternoon, "17:00-17:10 1 free"), []string{nine, noon, three}, 1, 0},
		{"busy now", append(slots(morning, afternoon, "12:00-15:00 0 busy"), broken), []string{nine, three}, 0, 1},
		{"in another window's time", append(slots(morning, "14:00-15:30 1 free"), broken), []string{nine, "25 14:00 15:30 1 in 1"}, 0, 2},
		{"beside another window's time", append(slots(morning, "16:00-16:15 1 free"), broken), []string{nine, noon, three, "25 16:00 16:15 1 in 1"}, 2, 0},
	} {
		w := newWorld(t)
		w.imported(t, intake.Order{From: little(first...)}, nine, noon, three)
		if r := w.imported(t, intake.Order{From: corner(c.second...)}, c.want...); r.Kept != c.kept || r.Withdrawn != c.closed {
			t.Errorf("%s: report\n%v", c.name, r)
		}
	}
}

func TestARefusedScheduleKeepsNoOtherFromClosing(t *testing.T) {
	files, source := copied(t)
	w := newWorld(t)
	if _, err := w.run(t, intake.Order{From: source()}); err != nil {
		t.Fatal(err)
	}
	files["schedules.ndjson"][0] = strings.Replace(files["schedules.ndjson"][0], `"Location/`, `"Place/`, 1)
	files["slots.ndjson"] = slices.Delete(files["slots.ndjson"], 43, 44)
	r, err := w.run(t, intake.Order{From: source()})
	if n := w.count(t, "SELECT count(*) FROM schedule_exceptions"); err != nil || n != 1429 || r.Withdrawn != 1 || r.RefusedTotal != 15 {
		t.Errorf("%v, %d stored, report\n%v", err, n, r)
	}
}

func TestATruncatedLineClosesNothing(t *testing.T) {
	files, source := copied(t)
	w := newWorld(t)
	if _, err := w.run(t, intake.Order{From: source()}); err != nil {
		t.Fatal(err)
	}
	files["slots.ndjson"][43] = files["slots.ndjson"][43][:100]
	r, err := w.run(t, intake.Order{From: source()})
	if n := w.count(t, "SELECT count(*) FROM schedule_exceptions"); err != nil || n != 1430 || r.Windows != 1429 || r.Kept != 1 || r.Withdrawn != 0 {
		t.Errorf("%v, %d stored, report\n%v", err, n, r)
	}
}

func TestAStrayDateSteersNothing(t *testing.T) {
	files, source := copied(t)
	files["slots.ndjson"][1] = strings.ReplaceAll(files["slots.ndjson"][1], "2023-", "2003-")
	want := intake.Refusal{
		File: "slots.ndjson", Line: 2, Reason: "it begins on 2003-03-25, far from the others, which are from 2023-03-24 to 2023-04-06",
	}
	w := newWorld(t)
	for range 2 {
		r, err := w.run(t, intake.Order{From: source(), ShiftTo: begin, WeeklyHours: true})
		if err != nil {
			t.Fatal(err)
		}
		last := w.count(t, "SELECT count(*) FROM schedule_exceptions WHERE local_from >= '2026-03-19' AND local_from < '2026-03-20'")
		after := w.count(t, "SELECT count(*) FROM schedules WHERE effective_from = '2026-03-20'")
		if r.Windows != 1429 || r.Busy != 112 || r.RefusedTotal != 1 || r.Refused[0] != want || last != 112 || after != 112 || r.Withdrawn != 0 {
			t.Errorf("%d on the last day, %d with weekly hours after it, report\n%v", last, after, r)
		}
	}
}

func TestWhatTheStaffAddedStays(t *testing.T) {
	w := newWorld(t)
	w.imported(t, intake.Order{From: little("09:00-12:00 12 free")}, "25 09:00 12:00 12 in 1")
	locations, err := w.ListLocations(t.Context(), w.admin, clinic.LocationFilter{Organization: w.organization}, firstPage)
	if err != nil {
		t.Fatal(err)
	}
	providers, err := w.ListProviders(t.Context(), w.admin, provider.Filter{}, firstPage)
	if err != nil {
		t.Fatal(err)
	}
	l, p := locations.Items[0], providers.Items[0]
	yes, phone, most := true, "+18568257742", 5
	_, err = w.PutLocation(t.Context(), w.admin, clinic.PutLocation{
		Organization: w.organization, Identifier: l.Identifier, Name: l.Name, TimeZone: l.TimeZone, AddressLines: l.AddressLines,
		Country: l.Country, Latitude: &l.Position.Latitude, Longitude: &l.Position.Longitude, StepFreeAccess: &yes, Phone: &phone,
	})
	if err != nil {
		t.Fatal(err)
	}
	kind, err := w.PutVisitKind(t.Context(), w.admin, clinic.PutVisitKind{
		Organization: w.organization, Key: "other", Name: "Other", Duration: time.Hour, Modalities: []clinic.Modality{clinic.Video},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.PutProvider(t.Context(), w.admin, provider.PutProvider{
		Organization: w.organization, Identifier: p.Identifier, Name: p.Name, Languages: []string{"es"}, MaxDailyAppointments: &most,
		VisitKinds: []clinic.Ref{{Organization: w.organization, ID: p.VisitKindIDs[0]}, {Organization: w.organization, ID: kind.ID}},
	})
	if err != nil {
		t.Fatal(err)
	}
	theirs, location := clinic.Ref{Organization: w.organization, ID: p.ID}, clinic.Ref{Organization: w.organization, ID: l.ID}
	_, err = w.AddException(t.Context(), w.admin, provider.AddException{
		Provider: &theirs, Location: &location, From: at("2023-03-25T18:00:00"), To: at("2023-03-25T19:00:00"), Effect: provider.Open, Key: "k",
	})
	if err != nil {
		t.Fatal(err)
	}
	before := w.digest(t)
	w.imported(t, intake.Order{From: little("09:00-12:00 12 free")}, "25 09:00 12:00 12 in 1", "25 18:00 19:00 in 1")
	if after := w.digest(t); after != before {
		t.Errorf("tables changed:\n%s\n%s", before, after)
	}
}

func TestAKindOfVisitKeepsItsRules(t *testing.T) {
	w := newWorld(t)
	buffer := 5 * time.Minute
	_, err := w.PutVisitKind(t.Context(), w.admin, clinic.PutVisitKind{
		Organization: w.organization, Key: "flu", Name: "Flu jab", Duration: 10 * time.Minute, BufferAfter: &buffer,
		Modalities: []clinic.Modality{clinic.InPerson},
	})
	if err != nil {
		t.Fatal(err)
	}
	// At 10 minutes and 5 to tidy up, only every second start of the 10-minute grid can follow another.
	w.imported(t, intake.Order{From: little("09:00-10:00 4 free")}, "25 09:00 10:00 4 in 2")
	if n := w.count(t, "SELECT count(*) FROM visit_kinds WHERE name = 'Flu jab' AND duration = 600"); n != 1 {
		t.Error("the kind was changed")
	}
	r, err := w.run(t, intake.Order{From: little("09:00-10:00 4 free"), Visit: 15 * time.Minute})
	if err == nil || r.Locations != 0 || !strings.Contains(err.Error(), `visits of the kind "flu" last 10 minutes, not 15 minutes`) {
		t.Errorf("%v", err)
	}
}

func TestTheLengthOfVisitsCanBeChosen(t *testing.T) {
	for _, c := range []struct {
		visit time.Duration
		want  string
	}{{0, "25 09:00 10:00 4 in 1"}, {15 * time.Minute, "25 09:00 10:00 4 in 1"}, {16 * time.Minute, "25 09:00 10:00 4 in 2"}} {
		newWorld(t).imported(t, intake.Order{From: little("09:00-10:00 4 free"), Visit: c.visit}, c.want)
	}
	w := newWorld(t)
	for _, visit := range []time.Duration{-time.Minute, 90 * time.Second, 24*time.Hour + time.Minute} {
		if _, err := w.run(t, intake.Order{From: little(), Visit: visit}); errs.Of(err) != errs.InvalidInput {
			t.Errorf("%v: %v", visit, err)
		}
	}
}

func TestAWindowThatNoVisitFitsIntoIsRefused(t *testing.T) {
	w := newWorld(t)
	r := w.imported(t, intake.Order{From: little("09:00-09:14 1 free", "10:00-10:15 1000 free", "11:00-11:15 1001 free")},
		"25 10:00 10:15 1000 in 1000")
	want := []intake.Refusal{
		{File: "o", Line: 1, Reason: "no visit of 15 minutes fits into it"},
		{File: "o", Line: 3, Reason: "its visits would have to run more than 1,000 at a time"},
	}
	if !slices.Equal(r.Refused, want) {
		t.Errorf("refused %v", r.Refused)
	}
}

func TestAnUnknownOrganizationIsToldAndNothingWritten(t *testing.T) {
	w := newWorld(t)
	w.organization[0]++
	if _, err := w.run(t, intake.Order{From: little("09:00-10:00 4 free")}); errs.Of(err) != errs.NotFound {
		t.Errorf("%v", err)
	}
	if n := w.count(t, "SELECT count(*) FROM locations"); n != 0 {
		t.Errorf("%d locations", n)
	}
}

func TestTheOwnerIsAskedForOnceThePublicationIsRead(t *testing.T) {
	w := newWorld(t)
	own := w.organization
	w.organization = uuid.Nil
	var asked []string
	owner := func(_ context.Context, publisher string) (uuid.UUID, error) {
		asked = append(asked, publisher)
		return own, nil
	}
	if _, err := w.run(t, intake.Order{From: intake.Folder(fstest.MapFS{}), Owner: owner}); err == nil || len(asked) > 0 {
		t.Errorf("%v, asked for %v", err, asked)
	}
	r := w.imported(t, intake.Order{From: little("09:00-10:00 4 free"), Owner: owner}, "25 09:00 10:00 4 in 1")
	if !slices.Equal(asked, []string{"clinic.example"}) || r.Locations != 1 {
		t.Errorf("asked for %v", asked)
	}
	if _, err := w.run(t, intake.Order{From: little()}); errs.Of(err) != errs.InvalidInput {
		t.Errorf("without an owner: %v", err)
	}
}
