package intake_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// staffOpen opens the only provider at the only location on Tuesdays, as the staff do.
func (w *world) staffOpen(t *testing.T) {
	t.Helper()
	by, there := w.ids(t, "SELECT id FROM providers")[0], w.ids(t, "SELECT id FROM locations")[0]
	_, err := w.SetSchedule(t.Context(), w.admin, provider.SetSchedule{
		Provider: clinic.Ref{Organization: w.organization, ID: by}, Location: clinic.Ref{Organization: w.organization, ID: there},
		EffectiveFrom: civil.Date{Year: 2026, Month: 3, Day: 5}, Hours: []provider.WeeklyOpening{
			{Weekday: 2, Opening: provider.Opening{From: provider.At(8, 0), To: provider.At(10, 0), Capacity: 1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHoursThatNobodySaysStayAsTheyAre(t *testing.T) {
	silent := []string{clinicLine, personLine, role("r", "")}
	for name, c := range map[string]struct {
		before, then []string
		want         string
	}{
		"the staff's":            {silent, silent, "2 08:00-10:00"},
		"beside one that ended":  {silent, append([]string{role("q", mondays+`,"active":false`)}, silent...), "2 08:00-10:00"},
		"an earlier import's":    {[]string{clinicLine, personLine, role("r", mondays)}, silent, "1 09:00-12:00"},
		"unless others say some": {silent, append([]string{role("q", mondays)}, silent...), "1 09:00-12:00"},
	} {
		w := newWorld(t)
		w.fhir(t, ndjson(c.before...), nil)
		if c.want != "1 09:00-12:00" || strings.HasPrefix(name, "unless") {
			w.staffOpen(t)
		}
		r := w.fhir(t, ndjson(c.then...), nil)
		if got := w.timetable(t); len(got) != 1 || !strings.HasSuffix(got[0], c.want) || r.Repaired(intake.HoursMissing) != 1 {
			t.Errorf("%s: %q\n%v", name, got, r)
		}
	}
}

func TestServicesAreOfferedAtTheirOwnLocations(t *testing.T) {
	annex := strings.NewReplacer(`"l"`, `"m"`, "Clinic", "Annex").Replace(clinicLine)
	offered := `,"healthcareService":[{"reference":"HealthcareService/flu"},{"reference":"HealthcareService/gp"}]`
	everywhere := strings.Replace(role("r", offered), `[{"reference":"Location/l"}]`, `[{"reference":"Location/l"},{"reference":"Location/m"}]`, 1)
	services := []string{serviceLine("flu", fridays+atClinic), serviceLine("gp", mondays+strings.Replace(atClinic, "/l", "/m", 1))}
	apart := []string{"Doe at Annex 2026-03-05/ 1 09:00-12:00 gp", "Doe at Clinic 2026-03-05/ 5 14:00-16:00 flu"}
	for name, c := range map[string]struct {
		role string
		want []string
	}{
		"of a role with locations":   {everywhere, apart},
		"of a role without":          {strings.Replace(everywhere, `"location"`, `"site"`, 1), apart},
		"but where the role says so": {role("r", strings.Replace(offered, `{"reference":"HealthcareService/flu"},`, "", 1)), []string{"Doe at Clinic 2026-03-05/ 1 09:00-12:00"}},
		"with hours that the role has": {strings.Replace(everywhere, `"id":"r"`, `"id":"r"`+fridays, 1),
			[]string{"Doe at Annex 2026-03-05/ 5 14:00-16:00 gp", "Doe at Clinic 2026-03-05/ 5 14:00-16:00 flu"}},
	} {
		w := newWorld(t)
		r := w.fhir(t, ndjson(append([]string{clinicLine, annex, personLine, c.role}, services...)...), nil)
		if got := w.timetable(t); !slices.Equal(got, c.want) || r.RefusedTotal > 0 {
			t.Errorf("%s: %q\n%v", name, got, r)
		}
	}
}

func TestOtherHoursThatEndLeaveNoneOfTheOldOnes(t *testing.T) {
	w := newWorld(t)
	w.fhir(t, ndjson(openClinic, personLine, role("r", mondays)), nil)
	then := ndjson(openClinic, personLine, role("r", fridays+`,"period":{"end":"2026-06-30"}`))
	w.fhir(t, then, nil)
	if !w.isOpen(t, "2026-06-30") || w.isOpen(t, "2026-07-01") {
		t.Errorf("%q", w.timetable(t))
	}
	before := w.digest(t)
	if r := w.fhir(t, then, nil); r.Changed() != 0 || w.digest(t) != before {
		t.Errorf("again: report\n%v", r)
	}
}

func TestALocationThatIsNotActiveClosesThere(t *testing.T) {
	const told = `Location "l": status: it is "suspended": hours there end`
	closed := saying(openClinic, `"status":"suspended"`)
	desk := strings.NewReplacer(`"s"`, `"d"`).Replace(schedule(aboutClinic, ""))
	for _, lines := range [][]string{{personLine, role("r", mondays)}, {desk}, {personLine, schedule(aboutPerson+","+aboutClinic, "")}} {
		w := newWorld(t)
		then := ndjson(append([]string{closed}, lines...)...)
		if r := w.fhir(t, then, nil); r.Changed() != 0 || r.RefusedTotal != 1 || w.count(t, "SELECT count(*) FROM locations") != 0 || r.Refused[0].Reason != told {
			t.Errorf("at first: report\n%v", r)
		}
		w.fhir(t, ndjson(append([]string{openClinic}, lines...)...), nil)
		if r := w.fhir(t, then, nil); w.isOpen(t, "2026-03-09") || r.Schedules.Changed != 1 || r.Changed() != 1 || r.RefusedTotal != 1 {
			t.Errorf("then: %q\n%v", w.timetable(t), r)
		}
		if r := w.fhir(t, then, nil); r.Changed() != 0 {
			t.Errorf("again: report\n%v", r)
		}
		w.fhir(t, ndjson(append([]string{openClinic}, lines...)...), nil)
		if hours := w.timetable(t); !strings.Contains(hours[len(hours)-1], ":") {
			t.Errorf("open again: %q", hours)
		}
	}
}

func TestWhoeverIsNotActiveAndHasNoRoleKeepsHours(t *testing.T) {
	w := newWorld(t)
	w.fhir(t, ndjson(openClinic, personLine, role("r", mondays)), nil)
	r := w.fhir(t, ndjson(openClinic, saying(personLine, `"active":false`)), nil)
	if want := `Practitioner "p": active: it is not active, but no role says where its hours end`; r.Refused[0].Reason != want || !w.isOpen(t, "2026-03-09") {
		t.Errorf("report\n%v", r)
	}
}

// stopping is a directory that fails after it has set one schedule.
type stopping struct {
	intake.Directory
	set int
}

func (s *stopping) SetSchedule(ctx context.Context, actor access.Actor, in provider.SetSchedule) (provider.Provider, error) {
	if s.set++; s.set > 1 {
		return provider.Provider{}, errors.New("the power is gone")
	}
	return s.Directory.SetSchedule(ctx, actor, in)
}

func TestAnImportThatStoppedEndsOldHoursWhenItIsBegunAgain(t *testing.T) {
	w := newWorld(t)
	w.fhir(t, ndjson(openClinic, personLine, role("r", mondays)), nil)
	then := ndjson(openClinic, personLine, role("r", fridays+`,"period":{"end":"2026-06-30"}`))
	zoneOf, err := intake.WorldZones()
	if err != nil {
		t.Fatal(err)
	}
	_, err = intake.ImportFHIR(t.Context(), &stopping{Directory: w}, w.admin, intake.FHIROrder{
		Resources: then, Organization: w.organization, Clock: clock.FrozenAt(now), ZoneOf: zoneOf,
	})
	if err == nil || !w.isOpen(t, "2026-06-29") {
		t.Errorf("stopped: %v, %q", err, w.timetable(t))
	}
	w.fhir(t, then, nil)
	if !w.isOpen(t, "2026-06-29") || w.isOpen(t, "2026-07-06") {
		t.Errorf("%q", w.timetable(t))
	}
}
