package app

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// judging has an API's bookings judged in a mode, whatever flags say.
func (a *api) judging(mode conflict.Mode) *api {
	d := a.app
	a.shadowed = mode == conflict.Shadow
	d.appointments.Detecting(conflict.NewDetection(postgres.NewConflictStore(d.db), conflict.Fixed{Mode: mode, Overrule: true},
		conflict.DefaultBudget(), d.harmless.guard, d.harmless.beside, a.clock, clock.Uptime))
	return a
}

// planted is a booking of a kind of its own, or of two alike but for one thing: the rule that the full detection finds broken with the second.
type planted struct {
	rule  availability.Rule // empty: none
	basic bool              // the basic detection keeps it out, too
	by    access.Actor
	slot  availability.SlotID
}

// plantedBookings are both sides of each rule, in the order in which they are to be made.
func plantedBookings(c *sample.Clinic) (list []planted) {
	c.Set(`UPDATE locations SET latitude = 40.8, longitude = -73.95 WHERE organization_id = $1`)
	harbor := c.Place(40.7, -73.95)
	there := func(s availability.SlotID) availability.SlotID { s.Location = harbor; return s }
	of := func(kind uuid.UUID, s availability.SlotID) availability.SlotID { s.VisitKind = kind; return s }
	add := func(rule availability.Rule, by access.Actor, slot availability.SlotID) {
		list = append(list, planted{rule: rule, by: by, slot: slot})
	}

	ann, uptown, downtown := c.Patient(), c.Provider(1), c.Provider(1)
	c.At(harbor, downtown)
	add("", ann, c.Slot(uptown, 10, 0))
	add(availability.PatientTravelTime, ann, there(c.Slot(downtown, 10, 30)))
	add("", c.Patient(), there(c.Slot(downtown, 13, 0)))

	both := c.Provider(1)
	c.At(harbor, both)
	add("", c.Patient(), c.Slot(both, 10, 0))
	add(availability.ProviderTravelTime, c.Patient(), there(c.Slot(both, 10, 30)))
	add("", c.Patient(), there(c.Slot(both, 12, 0)))

	doctor, ben := c.Provider(1), c.Patient()
	yearly := c.Kind(doctor)
	c.RequiringOf(yearly, `repeat_after = 86400`)
	add("", ben, of(yearly, c.Slot(doctor, 9, 0)))
	add(availability.DuplicateVisit, ben, of(yearly, c.Slot(doctor, 10, 0)))
	add("", c.Patient(), of(yearly, c.Slot(doctor, 11, 0)))

	lab, after := c.Kind(doctor), c.Kind(doctor)
	c.RequiringOf(after, `prerequisites = jsonb_build_array(jsonb_build_object('visitKind', $3::uuid, 'within', 14400))`, lab)
	cleo := c.Patient()
	add(availability.PrerequisiteMissing, c.Patient(), of(after, c.Slot(doctor, 12, 0)))
	add("", cleo, of(lab, c.Slot(doctor, 13, 0)))
	add("", cleo, of(after, c.Slot(doctor, 14, 0)))

	first, second := c.Provider(1), c.Provider(1)
	mother, dan, eve := sample.NewID(), c.Patient(), c.Patient()
	c.Linked(mother, dan.PatientID, "CAREGIVER")
	c.Linked(mother, eve.PatientID, "CAREGIVER")
	add("", dan, c.Slot(first, 10, 0))
	add(availability.CaregiverBusy, eve, c.Slot(second, 10, 0))
	add("", c.Patient(), c.Slot(second, 11, 0))

	newcomers, regulars := c.Kind(doctor), c.Kind(doctor)
	c.RequiringOf(newcomers, `patients = 'NEW'`)
	c.RequiringOf(regulars, `patients = 'ESTABLISHED'`)
	add(availability.NewPatientsOnly, cleo, of(newcomers, c.Slot(doctor, 15, 0)))
	add("", cleo, of(regulars, c.Slot(doctor, 15, 30)))
	add("", c.Patient(), of(newcomers, c.Slot(doctor, 16, 0)))
	add(availability.EstablishedPatientsOnly, c.Patient(), of(regulars, c.Slot(doctor, 16, 30)))

	third := c.Provider(1)
	adults := c.Kind(third)
	c.RequiringOf(adults, `minimum_age = 18`)
	child, grown := c.Patient(), c.Patient()
	c.Born(child.PatientID, civil.Date{Year: 2020, Month: 1, Day: 1})
	c.Born(grown.PatientID, civil.Date{Year: 1990, Month: 1, Day: 1})
	add(availability.NotEligible, child, of(adults, c.Slot(third, 9, 0)))
	add("", grown, of(adults, c.Slot(third, 10, 0)))

	fourth := c.Provider(2)
	roomy := c.Kind(fourth)
	c.RequiringOf(roomy, `needs = '{exam}'`)
	c.Room("exam")
	add("", c.Patient(), of(roomy, c.Slot(fourth, 9, 0)))
	add(availability.ResourceBusy, c.Patient(), of(roomy, c.Slot(fourth, 9, 0)))
	list[len(list)-1].basic = true
	return list
}

const bookPlanted = `mutation($input: BookAppointmentInput!) { bookAppointment(input: $input) { appointment { status start } replayed warnings { code }
	errors { __typename ... on UserError { code message path retryable } ... on SlotUnavailableError { blockedBy overridable } } } }`

// told makes the planted bookings and answers what callers were told.
func (a *api) told(list []planted) (answers []string) {
	a.t.Helper()
	for i, p := range list {
		a.judged(i) // the shadow looks at what is there when its turn comes
		answer := a.by(p.by).Post(a.t, bookPlanted, vars{"input": vars{"target": vars{"slotId": globalid.OfSlot(p.slot)}, "idempotencyKey": sample.NewID().String()}}).OK(a.t)
		answers = append(answers, fmt.Sprint(answer.Data("bookAppointment")))
	}
	return answers
}

func TestInTheShadowNobodyIsToldAndTheReportIsRight(t *testing.T) {
	off, shadow := newAPI(t).judging(conflict.Off), newAPI(t).judging(conflict.Shadow)
	list := plantedBookings(shadow.clinic)
	plain := off.told(plantedBookings(off.clinic))
	for i, told := range shadow.told(list) {
		if told != plain[i] {
			t.Errorf("booking %d: with the shadow %s, without %s", i, told, plain[i])
		}
	}
	got := shadow.report(len(list))
	var only, broken, allowed, refused int
	for _, p := range list {
		switch {
		case p.rule == "":
			allowed++
			continue
		case p.basic:
			refused++
		default:
			only++
		}
		broken++
		want := vars{"rule": string(p.rule), "full": 1.0, "onlyFull": 1.0, "basic": 0.0}
		if p.basic {
			want["onlyFull"], want["basic"] = 0.0, 1.0
		}
		if !slices.ContainsFunc(got["rules"].([]any), func(r any) bool { return fmt.Sprint(r) == fmt.Sprint(map[string]any(want)) }) {
			t.Errorf("no %v in %v", want, got["rules"])
		}
	}
	if len(got["rules"].([]any)) != broken || got["agreedAllowed"] != float64(allowed) || got["agreedRefused"] != float64(refused) || got["onlyFull"] != float64(only) ||
		got["onlyBasic"] != 0.0 || got["failed"] != 0.0 || got["skipped"] != 0.0 {
		t.Errorf("%d agreed to be let, %d to be refused, %d refused by the full one alone: %v", allowed, refused, only, got)
	}
}

// judged waits until so many cases are judged in the shadow, where there is one.
func (a *api) judged(cases int) {
	beside := a.app.harmless.beside
	for {
		seen := beside.State()
		var n int64
		for _, count := range seen.Seen {
			n += count
		}
		if n >= int64(cases) || !a.shadowed {
			return
		}
		if err := a.t.Context().Err(); err != nil {
			a.t.Fatalf("%d of %d cases are judged: %v", n, cases, err)
		}
		runtime.Gosched()
	}
}

// report reads the report's total once so many cases are judged and counted.
func (a *api) report(cases int) map[string]any {
	a.t.Helper()
	a.judged(cases)
	if err := a.app.harmless.beside.Flush(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	admin := a.clinic.FrontDesk()
	admin.Role, admin.Scopes = access.Admin, access.ScopesOf(access.Admin)
	now := a.clock.Now()
	answer := a.by(admin).Post(a.t, `query($from: DateTime!, $to: DateTime!) { conflictDetectionReport(from: $from, to: $to) {
		total { cases agreedAllowed agreedRefused onlyFull onlyBasic failed skipped rules { rule basic full onlyFull } } } }`,
		vars{"from": now.Add(-24 * time.Hour).Format(time.RFC3339), "to": now.Add(24 * time.Hour).Format(time.RFC3339)}).OK(a.t)
	return answer.Data("conflictDetectionReport", "total").(map[string]any)
}

func TestWhatIsEnforcedIsRefused(t *testing.T) {
	a := newAPI(t).judging(conflict.Enforce)
	list := plantedBookings(a.clinic)
	for i, p := range list {
		answer := a.by(p.by).Post(t, bookPlanted, vars{"input": vars{"target": vars{"slotId": globalid.OfSlot(p.slot)}, "idempotencyKey": sample.NewID().String()}}).OK(t)
		var want any
		if p.rule != "" {
			want = []any{string(p.rule)}
		}
		if got := answer.Data("bookAppointment", "errors", 0, "blockedBy"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("booking %d: %s", i, answer.Raw)
		}
	}
}
