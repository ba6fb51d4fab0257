package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

func TestWhatACallerIsRefusedIsRecorded(t *testing.T) {
	f := newFile(t)
	f.name(f.ids["unknown patient"], "nothing") // all unknown ids are the same
	weak := lacking(f.clinic.FrontDesk(), access.AppointmentsWrite)
	const cancelBlind = `mutation($input: CancelAppointmentInput!) { cancelAppointment(input: $input) { fee { minorUnits } } }`
	for name, c := range map[string]struct {
		by        gqltest.Client
		document  string
		variables vars
		want      []string
	}{
		"a list without its scope":    {f.by(f.ann), `{ patients(where: {name: "Ann"}) { edges { node { id } } } }`, nil, []string{"Query.patients READ DENIED PATRQT - of -:"}},
		"under another name, nested":  {f.by(f.ann), `{ viewer { id } mine: patients(where: {name: "Ann"}) { edges { node { id } } } }`, nil, []string{"Query.patients READ DENIED PATRQT - of -:"}},
		"an id that names nothing":    {f.desk, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.ids["unknown patient"]}, []string{"Query.node READ NOT_FOUND TREAT nothing of nothing:"}},
		"another's id":                {f.by(f.bob), `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.patientID(f.ann)}, []string{"Query.node READ NOT_FOUND PATRQT ann of ann:"}},
		"ids, one of them twice":      {f.by(f.bob), `query($a: ID!, $v: ID!, $p: ID!) { nodes(ids: [$a, $v, $p, $a]) { id } }`, vars{"a": f.patientID(f.ann), "v": f.visit, "p": f.ids["unknown provider"]}, []string{"Query.nodes READ NOT_FOUND PATRQT ann of ann: x2", "Query.nodes READ NOT_FOUND PATRQT visit of -:"}},
		"a list of another's":         {f.by(f.bob), `query($a: ID!) { appointments(where: {patientId: $a}) { edges { node { id } } } }`, vars{"a": f.patientID(f.ann)}, []string{"Query.appointments READ NOT_FOUND PATRQT ann of ann:"}},
		"a list of each of many":      {f.by(f.bob), `query($a: ID!, $n: ID!) { a: appointments(where: {patientId: $a}) { edges { node { id } } } n: appointments(where: {patientId: $n}) { edges { node { id } } } }`, vars{"a": f.patientID(f.ann), "n": f.ids["unknown patient"]}, []string{"Query.appointments READ NOT_FOUND PATRQT ann of ann:", "Query.appointments READ NOT_FOUND PATRQT nothing of nothing:"}},
		"a change that is told":       {f.by(f.bob), cancelIt, vars{"input": vars{"appointmentId": f.visit, "reason": "OTHER"}}, []string{"Mutation.cancelAppointment WRITE NOT_FOUND PATRQT visit of -:"}},
		"a change that nobody reads":  {f.by(f.bob), cancelBlind, vars{"input": vars{"appointmentId": f.ids["unknown appointment"], "reason": "OTHER"}}, []string{"Mutation.cancelAppointment WRITE NOT_FOUND PATRQT nothing of -:"}},
		"a change without its scope":  {f.by(weak), cancelBlind, vars{"input": vars{"appointmentId": f.visit, "reason": "OTHER"}}, []string{"Mutation.cancelAppointment WRITE DENIED TREAT visit of -:"}},
		"a hold that there isn't":     {f.by(f.ann), `mutation($input: ReleaseHoldInput!) { releaseHold(input: $input) { query { viewer { id } } } }`, vars{"input": vars{"holdId": f.ids["unknown hold"]}}, []string{"Mutation.releaseHold WRITE NOT_FOUND PATRQT nothing of -:"}},
		"another clinic's patient":    {f.desk, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.ids["foreign patient"]}, []string{"Query.node READ NOT_FOUND TREAT ? of -:"}},
		"the record itself":           {f.desk, `{ auditEvents { edges { node { id } } } }`, nil, []string{"Query.auditEvents READ DENIED TREAT - of -:"}},
		"a provider that there isn't": {f.desk, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.ids["unknown provider"]}, nil},
		"input that is wrong":         {f.desk, `{ patients(where: {}) { edges { node { id } } } }`, nil, nil},
	} {
		c.by.Post(t, c.document, c.variables)
		t.Run(name, func(t *testing.T) { f.wants(t, c.want...) })
	}
}

// Whom nobody knows leaves a count for each minute, not a row for each request.
func TestRefusalsOfCallersWhomNobodyKnowsAreCounted(t *testing.T) {
	f := newFile(t)
	app := f.app
	for range 3 {
		f.Post(t, `{ patients(where: {name: "Ann"}) { edges { node { id } } } }`, nil)
		f.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.visit})
	}
	f.Post(t, bookIt, vars{"input": vars{"target": vars{"slotId": f.ids["slot"]}, "idempotencyKey": "k"}})
	f.wants(t)
	app.flushCounts()
	f.wants(t, "Query.patients READ DENIED HOPERAT - of -: x3", "Query.node READ NOT_FOUND HOPERAT - of -: x3", "Mutation.bookAppointment WRITE DENIED HOPERAT - of -:")
	app.flushCounts()
	f.wants(t)
}

func TestWhoeverOpensACalendarLinkIsRecorded(t *testing.T) {
	f := newFile(t)
	link := f.by(f.ann).Post(t, `query($id: ID!) { node(id: $id) { ... on Appointment { icsUrl } } }`, vars{"id": f.visit}).OK(t).Text("node", "icsUrl")
	f.mark()
	open := func() gqltest.Answer {
		return f.Send(t, httptest.NewRequest(http.MethodGet, strings.TrimPrefix(link, "https://api.example.org"), nil))
	}
	if file := open(); file.Status != http.StatusOK {
		t.Fatalf("status %d", file.Status)
	}
	f.wants(t, "appointment.read READ DONE PATRQT visit of ann: end id location start status version")
	f.forbidReads()
	if file := open(); file.Status != http.StatusServiceUnavailable || strings.Contains(string(file.Raw), "DTSTART") {
		t.Errorf("status %d: %s", file.Status, file.Raw)
	}
}

// forbidReads has the database refuse to record what was looked at, and nothing else.
func (f *file) forbidReads() {
	f.t.Helper()
	if _, err := f.pool.Exec(f.t.Context(), `ALTER TABLE audit_events ADD CONSTRAINT no_reads CHECK (effect <> 'READ') NOT VALID`); err != nil {
		f.t.Fatal(err)
	}
}

func (f *file) allowReads() {
	f.t.Helper()
	if _, err := f.pool.Exec(f.t.Context(), `ALTER TABLE audit_events DROP CONSTRAINT no_reads`); err != nil {
		f.t.Fatal(err)
	}
}

func TestNothingIsAnsweredThatCanNotBeRecorded(t *testing.T) {
	f := newFile(t)
	held := func(answer gqltest.Answer) {
		t.Helper()
		if answer.Code() != "SERVICE_BUSY" || answer.Body["data"] != nil || gqltest.At(answer.Body, "errors", 0, "extensions", "retryable") != true {
			t.Errorf("answered %s", answer.Raw)
		}
	}
	f.forbidReads()
	held(f.desk.Post(t, `{ appointments { edges { node { id patient { name } } } } }`, nil))
	held(f.by(f.bob).Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.visit})) // a refusal, too
	if free := f.desk.Post(t, `{ locations { edges { node { name } } } }`, nil); free.Code() != "" {
		t.Errorf("what is nobody's is held back: %s", free.Raw)
	}
	book := vars{"input": vars{"target": vars{"slotId": f.slotAt(11)}, "idempotencyKey": "once"}}
	const withPatient = `mutation($input: BookAppointmentInput!) { bookAppointment(input: $input) { replayed appointment { status patient { name } } } }`
	held(f.by(f.bob).Post(t, withPatient, book))
	f.wants(t, "appointment.book WRITE DONE PATRQT ? of bob: status patient start end localStart timeZone modality provider location visitKind")
	f.allowReads()
	again := f.by(f.bob).Post(t, withPatient, book).OK(t)
	if again.Data("bookAppointment", "replayed") != true || again.Text("bookAppointment", "appointment", "status") != "BOOKED" {
		t.Errorf("%s", again.Raw)
	}
	f.wants(t, "appointment.read READ DONE PATRQT ? of bob: patient status", "patient.read READ DONE PATRQT bob of bob: name")
}

func TestABookingIsRecordedInItsOwnTransaction(t *testing.T) {
	f := newFile(t)
	book := func(hour int) int64 {
		_, n := f.counted(t, f.by(f.bob), `mutation($input: BookAppointmentInput!) { bookAppointment(input: $input) { appointment { id status start } } }`,
			vars{"input": vars{"target": vars{"slotId": f.slotAt(hour)}, "idempotencyKey": fmt.Sprint(hour)}})
		return n
	}
	book(11)
	if n := book(12); n != 1 {
		t.Errorf("a booking costs %d statements", n)
	}
}

func TestAThousandOperationsLeaveAThousandRows(t *testing.T) {
	f := newFile(t)
	const each = 200
	operations := []func(i int) gqltest.Answer{
		func(int) gqltest.Answer {
			return f.desk.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.visit})
		},
		func(int) gqltest.Answer {
			return f.desk.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": f.ids["unknown patient"]})
		},
		func(int) gqltest.Answer {
			return f.by(f.ann).Post(t, `{ patients(where: {name: "Ann"}) { edges { cursor } } }`, nil)
		},
		func(int) gqltest.Answer { return f.by(f.bob).Post(t, `{ viewer { asPatient { name } } }`, nil) },
		func(i int) gqltest.Answer {
			return f.desk.Post(t, `mutation($input: RegisterPatientInput!) { registerPatient(input: $input) { patient { id } } }`, vars{"input": vars{
				"identifier": vars{"system": "https://example.org/mrn", "value": fmt.Sprint(i)}, "givenName": "Pat", "familyName": "Ient"}})
		},
	}
	var all sync.WaitGroup
	for _, operation := range operations {
		all.Go(func() {
			for i := range each {
				if answer := operation(i); answer.Body == nil || answer.Code() == "SERVICE_BUSY" {
					t.Errorf("%s", answer.Raw)
				}
			}
		})
	}
	all.Wait()
	counts := map[string]int{}
	for _, line := range f.recorded() {
		counts[line]++
	}
	if len(counts) != len(operations) || len(f.recorded()) != each*len(operations) {
		t.Errorf("%d rows: %v", len(f.recorded()), counts)
	}
}
