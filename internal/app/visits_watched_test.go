package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	followVisits = `subscription($after: String, $provider: ID) { appointmentChanged(after: $after, providerId: $provider) { __typename ... on StreamEvent { cursor }
		... on StreamReset { reason } ... on AppointmentChanged { appointment { id version status start reason patient { givenName } provider { id } } } } }`
	confirmIt = `mutation($input: TransitionAppointmentInput!) { transitionAppointment(input: $input) { appointment { version status } errors { ... on UserError { code message } } } }`
)

// told is an event in short: the visit's version and status, and whether the patient shows.
func told(answer gqltest.Answer) string {
	at := func(path ...any) any { return answer.Data(append([]any{"appointmentChanged"}, path...)...) }
	if at("__typename") != "AppointmentChanged" {
		return fmt.Sprint(at("__typename"), " ", at("reason"))
	}
	text := fmt.Sprint(at("appointment", "version"), " ", at("appointment", "status"))
	if at("appointment", "patient") == nil && at("appointment", "reason") == nil {
		text += " veiled"
	}
	return text
}

func (f *file) doctor(provider string) access.Actor {
	a := staffOf(f.clinic.Organization, access.Provider)
	a.Kind, a.ProviderID = access.Staff, mustRef(f.t, provider).ID
	return a
}

func (f *file) change(by gqltest.Client, mutation string, input vars) {
	f.t.Helper()
	answer := by.Post(f.t, mutation, vars{"input": input}).OK(f.t)
	for _, payload := range answer.Body["data"].(vars) {
		if errors, _ := gqltest.At(payload, "errors").([]any); len(errors) > 0 {
			f.t.Fatalf("%s", answer.Raw)
		}
	}
}

func (f *file) confirm(visit string) {
	f.t.Helper()
	f.change(f.desk, confirmIt, vars{"appointmentId": visit, "action": "CONFIRM"})
}

func (f *file) cursor(by gqltest.Client) string {
	f.t.Helper()
	return by.Post(f.t, `{ appointments(first: 1) { streamCursor } }`, nil).OK(f.t).Text("appointments", "streamCursor")
}

// another provider of the clinic's.
func (f *file) colleague() clinic.Ref { return f.clinic.Provider(1) }

func TestEveryChangeOfAVisitReachesWhoeverMaySeeIt(t *testing.T) {
	f := newFile(t)
	colleague := f.colleague()
	integrator := staffOf(f.clinic.Organization, access.Integrator)
	admin := staffOf(f.clinic.Organization, access.Admin)
	foreign := sample.NewClinic(t, f.pool)
	elsewhere, elsewheres := foreign.FrontDesk(), f.watch(t, foreign.FrontDesk(), followVisits, nil).ready()
	watchers := map[string]*watching{}
	for name, who := range map[string]access.Actor{
		"the patient": f.ann, "the front desk": f.clinic.FrontDesk(), "the provider": f.doctor(f.ids["provider"]), "an integrator": integrator,
		"an administrator": admin, "a colleague": f.doctor(globalid.Of(globalid.Provider, colleague)), "somebody else": f.bob,
	} {
		watchers[name] = f.watch(t, who, followVisits, nil).ready()
	}
	visit := f.book(f.ann, 11)
	f.change(f.by(f.ann), confirmIt, vars{"appointmentId": visit, "action": "CONFIRM"})
	f.change(f.desk, moveIt, vars{"appointmentId": visit, "target": vars{"slotId": f.slotAt(12)}, "idempotencyKey": "move"})
	f.change(f.by(f.ann), cancelIt, vars{"appointmentId": visit, "reason": "OTHER"})
	bobs := f.book(f.bob, 15)
	second := f.book(f.ann, 16)
	f.change(f.desk, cancelIt, vars{"appointmentId": second, "reason": "CLINIC_REQUEST"})
	for name, w := range watchers {
		got := map[string]string{}
		for done := false; !done; {
			e := w.event()
			id := e.Text("appointmentChanged", "appointment", "id")
			if e.Text("appointmentChanged", "appointment", "reason") != "" && name == "a colleague" {
				t.Errorf("%s is told %s", name, e.Raw)
			}
			got[id] = told(e)
			last := map[bool]string{true: "1 BOOKED", false: "2 CANCELLED"}[name == "somebody else"]
			done = (id == second || id == bobs && name == "somebody else") && strings.HasPrefix(got[id], last)
		}
		delete(got, f.visit) // "now" may be a little ago
		want := map[string]string{visit: "4 CANCELLED", bobs: "1 BOOKED", second: "2 CANCELLED"}
		switch name {
		case "the patient":
			delete(want, bobs)
		case "somebody else":
			want = map[string]string{bobs: "1 BOOKED"}
		case "a colleague":
			for id := range want {
				want[id] += " veiled"
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is told %v, not %v", name, got, want)
		}
	}
	own := foreign.Patient()
	theirs := globalid.OfSlot(foreign.Slot(foreign.Provider(1), 10, 0))
	f.change(f.by(own), bookIt, vars{"target": vars{"slotId": theirs}, "idempotencyKey": "theirs"})
	if e := elsewheres.event(); mustRef(t, e.Text("appointmentChanged", "appointment", "id")).Organization != elsewhere.Organization {
		t.Errorf("another organisation is told %s", e.Raw)
	}
}

func TestEachStepOfAVisitIsToldInOrder(t *testing.T) {
	f := newFile(t)
	w := f.watch(t, f.ann, followVisits, nil).ready()
	var visit string
	step := func(want string, change func()) {
		t.Helper()
		change()
		if e := w.event(); told(e) != want || e.Text("appointmentChanged", "appointment", "id") != visit {
			t.Errorf("told %s, not %q of %s", e.Raw, want, visit)
		}
	}
	step("1 BOOKED", func() { visit = f.book(f.ann, 11) })
	step("2 BOOKED", func() { f.confirm(visit) })
	step("3 BOOKED", func() {
		f.change(f.by(f.ann), moveIt, vars{"appointmentId": visit, "target": vars{"slotId": f.slotAt(12)}, "idempotencyKey": "move"})
	})
	step("4 ARRIVED", func() { f.change(f.desk, confirmIt, vars{"appointmentId": visit, "action": "ARRIVE"}) })
	step("5 CHECKED_IN", func() { f.change(f.desk, confirmIt, vars{"appointmentId": visit, "action": "CHECK_IN"}) })
	f.clock.Set(sample.Monday.Add(20 * time.Hour))
	step("6 FULFILLED", func() { f.change(f.desk, confirmIt, vars{"appointmentId": visit, "action": "COMPLETE"}) })
	visit = f.visit
	step("2 CANCELLED", func() { f.change(f.desk, cancelIt, vars{"appointmentId": visit, "reason": "CLINIC_REQUEST"}) })
}

func TestAMoveBetweenProvidersReachesThoseWhoWatchEither(t *testing.T) {
	f := newFile(t)
	other, third := f.colleague(), f.colleague()
	desk := f.clinic.FrontDesk()
	of := func(ref clinic.Ref) *watching {
		return f.watch(t, desk, followVisits, vars{"provider": globalid.Of(globalid.Provider, ref)}).ready()
	}
	from, to, neither := of(mustRef(t, f.ids["provider"])), of(other), of(third)
	f.change(f.desk, moveIt, vars{"appointmentId": f.visit, "target": vars{"slotId": globalid.OfSlot(f.clinic.Slot(other, 12, 0))}, "idempotencyKey": "move"})
	for name, w := range map[string]*watching{"from": from, "to": to} {
		e := w.event()
		if e.Text("appointmentChanged", "appointment", "id") != f.visit || e.Text("appointmentChanged", "appointment", "provider", "id") != globalid.Of(globalid.Provider, other) {
			t.Errorf("who watches the provider whom it is moved %s is told %s", name, e.Raw)
		}
	}
	f.change(f.by(f.bob), bookIt, vars{"target": vars{"slotId": globalid.OfSlot(f.clinic.Slot(third, 12, 0))}, "idempotencyKey": "third"})
	if e := neither.event(); e.Text("appointmentChanged", "appointment", "id") == f.visit {
		t.Errorf("who watches a third provider is told %s", e.Raw)
	}
	f.confirm(f.visit) // by now it is with the other one
	if got := told(to.event()); got != "3 BOOKED" {
		t.Errorf("the new provider's watcher is told %q", got)
	}
}

func TestFollowingVisitsIsRefusedAsAListOfThemIs(t *testing.T) {
	f := newFile(t)
	f.mark()
	narrow := f.clinic.FrontDesk()
	narrow.Scopes = []string{access.AppointmentsRead}
	platform := access.Actor{Kind: access.Staff, ID: sample.NewID(), Role: access.PlatformAdmin, Scopes: access.ScopesOf(access.PlatformAdmin)}
	for name, c := range map[string]struct {
		who      access.Actor
		provider any
		want     string
	}{
		"nobody":                         {access.Nobody(""), nil, "UNAUTHENTICATED"},
		"an auditor":                     {f.auditor, nil, "FORBIDDEN"},
		"a platform administrator":       {platform, nil, "FORBIDDEN"},
		"staff without patients:read":    {narrow, nil, "FORBIDDEN"},
		"a desk of an unknown provider":  {f.clinic.FrontDesk(), f.ids["unknown provider"], "NOT_FOUND providerId"},
		"a desk of a foreign provider":   {f.clinic.FrontDesk(), f.ids["foreign provider"], "NOT_FOUND providerId"},
		"a patient of a foreign one":     {f.ann, f.ids["foreign provider"], "NOT_FOUND providerId"},
		"somebody who names a location":  {f.ann, f.ids["location"], "INVALID_INPUT providerId"},
		"somebody who names nothing":     {f.ann, "x", "INVALID_INPUT providerId"},
		"a provider of another provider": {f.doctor(f.ids["provider"]), f.ids["unknown provider"], "NOT_FOUND providerId"},
	} {
		w := f.watch(t, c.who, followVisits, vars{"provider": c.provider})
		answer := w.next()
		got := strings.TrimSpace(answer.Code() + " " + words(gqltest.At(answer.Body, "errors", 0, "extensions", "path")))
		if got != c.want || words(gqltest.At(answer.Body, "errors", 0, "path")) != "appointmentChanged" {
			t.Errorf("%s: %q by %s", name, got, answer.Raw)
		}
		if more := w.next(); more.Body != nil {
			t.Errorf("%s: then %s", name, more.Raw)
		}
	}
	const denied = "Subscription.appointmentChanged READ DENIED %s - of -:"
	f.wants(t, fmt.Sprintf(denied, "HOPERAT"), fmt.Sprintf(denied, "HSYSADMIN"), fmt.Sprintf(denied, "TREAT"))
}

func TestRightsAreThoseOfTheMomentOfEachEvent(t *testing.T) {
	f := newFile(t)
	some := family{f.world, t}
	ada, ben := some.child("Ada"), some.child("Ben")
	mother := some.account(access.Caregiver)
	some.link(mother, ben, "CAREGIVER")
	w := f.watch(t, mother, followVisits, nil).ready()
	book := func(patient string, hour int) string {
		return some.book(f.desk, hour, vars{"patientId": patient}).Text("bookAppointment", "appointment", "id")
	}
	next := func(when, want string) {
		t.Helper()
		if e := w.event(); e.Text("appointmentChanged", "appointment", "id") != want {
			t.Errorf("%s: told %s, not of %s", when, e.Raw, want)
		}
	}
	book(ada, 9)
	next("while only one child is linked", book(ben, 11))
	some.link(mother, ada, "CAREGIVER")
	adas := book(ada, 12)
	next("once the other is", adas)
	f.change(f.by(mother), unlinkIt, vars{"patientId": ada})
	f.confirm(adas)
	next("after the link has ended", book(ben, 15))
}

func TestAVisitShowsToItsProviderAndUnderAnOpenEmergencyOnly(t *testing.T) {
	f := newFile(t)
	stranger := f.doctor(globalid.Of(globalid.Provider, f.colleague()))
	w := f.watch(t, stranger, followVisits, nil).ready()
	f.confirm(f.visit)
	if got := told(w.event()); got != "2 BOOKED veiled" {
		t.Errorf("a colleague is told %q", got)
	}
	grant := f.by(stranger).Post(t, `mutation($input: BreakGlassInput!) { breakGlass(input: $input) { grant { id } } }`, vars{"input": vars{
		"target": vars{"patientId": f.patientID(f.ann)}, "reason": "Unconscious in the waiting room", "idempotencyKey": "g",
	}}).OK(t).Text("breakGlass", "grant", "id")
	f.mark()
	f.change(f.desk, moveIt, vars{"appointmentId": f.visit, "target": vars{"slotId": f.slotAt(12)}, "idempotencyKey": "move"})
	if got := told(w.event()); got != "3 BOOKED" {
		t.Errorf("in an emergency a colleague is told %q", got)
	}
	if lines := f.recorded(); !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "appointment.read READ DONE BTG visit of ann") }) {
		t.Errorf("recorded %q", lines)
	}
	f.change(f.by(stranger), `mutation($input: EndBreakGlassInput!) { endBreakGlass(input: $input) { grant { id } } }`, vars{"grantId": grant})
	f.change(f.desk, cancelIt, vars{"appointmentId": f.visit, "reason": "CLINIC_REQUEST"})
	if got := told(w.event()); got != "4 CANCELLED veiled" {
		t.Errorf("afterwards a colleague is told %q", got)
	}
}

// noticed is told of what is logged.
type noticed struct {
	slog.Handler
	said chan string
}

func (n noticed) Enabled(context.Context, slog.Level) bool { return true }

func (n noticed) Handle(_ context.Context, r slog.Record) error {
	select {
	case n.said <- r.Message:
	default:
	}
	return nil
}

func TestAnEventIsSentOnceItIsRecordedAndNoneIsPassedOver(t *testing.T) {
	f := newFile(t)
	second := f.book(f.ann, 11)
	log := noticed{slog.DiscardHandler, make(chan string, 1)}
	f.app.frame.Log = slog.New(log)
	w := f.watch(t, f.ann, followVisits, vars{"after": f.cursor(f.by(f.ann))}).ready()
	f.mark()
	f.forbidReads()
	f.confirm(f.visit)
	answered := make(chan gqltest.Answer, 1)
	go func() { answered <- w.next() }()
	f.watch(t, f.clinic.FrontDesk(), followVisits, nil).ready() // what shows nothing of a patient's is not held up
	f.confirm(second)
	for said := ""; said != "an answer was held back, as nobody could record it"; {
		said = <-log.said
	}
	select {
	case a := <-answered:
		t.Fatalf("told %s, which nobody could record", a.Raw)
	default:
	}
	f.allowReads()
	for _, visit := range []string{f.visit, second} {
		e := gqltest.Answer{}
		if visit == f.visit {
			e = <-answered
		} else {
			e = w.event()
		}
		if e.Text("appointmentChanged", "appointment", "id") != visit || told(e) != "2 BOOKED" {
			t.Fatalf("told %s, not of %s", e.Raw, visit)
		}
	}
	lines := slices.DeleteFunc(f.recorded(), func(l string) bool { return !strings.HasPrefix(l, "appointment.read") })
	if len(lines) != 2 || lines[1] != "appointment.read READ DONE PATRQT visit of ann: id patient provider reason start status version" {
		t.Errorf("recorded %q", lines)
	}
}

func TestWhatFailsInAnEventIsAtItsPathAndTheRestGoesOn(t *testing.T) {
	f := newFile(t)
	w := f.watch(t, f.ann, `subscription($l: ID!) { visits: appointmentChanged { __typename ... on AppointmentChanged {
		appointment { version provider { name hours: weeklyHours(locationId: $l) { from } } } } } }`, vars{"l": f.ids["location"]}).ready()
	for _, want := range []float64{2, 3} {
		if want == 2 {
			f.confirm(f.visit)
		} else {
			f.change(f.desk, cancelIt, vars{"appointmentId": f.visit, "reason": "CLINIC_REQUEST"})
		}
		e := w.next()
		if e.Code() != "FORBIDDEN" || words(gqltest.At(e.Body, "errors", 0, "path")) != "visits appointment provider hours" || e.Data("visits", "appointment", "version") != want ||
			len(e.Errors()) != 1 || gqltest.At(e.Body, "errors", 0, "extensions", "requestId") != "watching" {
			t.Errorf("told %s", e.Raw)
		}
	}
}

func TestAVisitorWhoComesBackIsToldWhatChangedMeanwhile(t *testing.T) {
	f := newFile(t)
	cursor := f.cursor(f.by(f.ann))
	f.confirm(f.visit)
	// Far more has changed of others than is kept for a subscriber.
	if _, err := f.pool.Exec(t.Context(), `INSERT INTO event_log (organization_id, at, topic, appointment_id, payload)
		SELECT $1, now(), 'appointment.CONFIRM', gen_random_uuid(), '{}' FROM generate_series(1, 2500)`, f.clinic.Organization); err != nil {
		t.Fatal(err)
	}
	second := f.book(f.ann, 11)
	w := f.watch(t, f.ann, followVisits, vars{"after": cursor})
	if first := w.event(); told(first) != "StreamReady <nil>" {
		t.Fatalf("began with %s", first.Raw)
	}
	if e := w.event(); e.Text("appointmentChanged", "appointment", "id") != f.visit || told(e) != "2 BOOKED" {
		t.Errorf("told %s", e.Raw)
	}
	e := w.event()
	if e.Text("appointmentChanged", "appointment", "id") != second || told(e) != "1 BOOKED" {
		t.Errorf("told %s", e.Raw)
	}
	third := f.book(f.ann, 12)
	again := f.watch(t, f.ann, followVisits, vars{"after": e.Text("appointmentChanged", "cursor")}).ready()
	if e := again.event(); e.Text("appointmentChanged", "appointment", "id") != third {
		t.Errorf("from the last cursor on: %s", e.Raw)
	}
}

func TestACrowdOfPatientsCostsOneLookAChange(t *testing.T) {
	f := newFile(t)
	var crowd []*watching
	for range 60 {
		crowd = append(crowd, f.watch(t, f.clinic.Patient(), followVisits, nil).ready())
	}
	mine := f.watch(t, f.ann, followVisits, nil).ready()
	released := make(chan int, len(crowd))
	for i, w := range crowd {
		go func() {
			w.next()
			released <- i
		}()
	}
	f.mu.Lock()
	f.texts = []string{}
	f.mu.Unlock()
	visit := f.book(f.ann, 11)
	f.confirm(visit)
	for told(mine.event()) != "2 BOOKED" {
	}
	f.mu.Lock()
	texts := slices.Clone(f.texts)
	f.mu.Unlock()
	looks := 0
	for _, sql := range texts {
		if strings.Contains(sql, "ARRAY(SELECT l.account_id FROM account_links") {
			looks++
		}
	}
	if looks == 0 || looks > 4 {
		t.Errorf("%d looks for whom two changes concern, with %d who follow", looks, len(crowd)+1)
	}
	select {
	case i := <-released:
		t.Errorf("number %d of the crowd is told something", i)
	default:
	}
}
