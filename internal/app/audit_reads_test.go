package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
	"github.com/mediconnect/mediconnect/resolvers"
)

// file is a clinic with two patients, a visit and a hold, and what has been recorded since a moment.
type file struct {
	*world
	t           *testing.T
	ann, bob    access.Actor
	auditor     access.Actor
	visit, hold string // ids of the contract
	names       map[string]string
	since       int64
}

func newFile(t *testing.T) *file {
	f := &file{world: newWorld(t), t: t, names: map[string]string{uuid.Nil.String(): "-"}}
	f.ann, f.bob = f.clinic.Patient(), f.clinic.Patient()
	f.auditor = f.clinic.FrontDesk()
	f.auditor.Role, f.auditor.Scopes = access.Auditor, access.ScopesOf(access.Auditor)
	f.names[f.ann.PatientID.String()], f.names[f.bob.PatientID.String()] = "ann", "bob"
	f.names[f.clinic.Organization.String()] = "clinic"
	f.visit = f.book(f.ann, 10)
	f.name(f.visit, "visit")
	hold := f.by(f.ann).Post(t, holdIt, vars{"input": vars{"slotId": f.slotAt(14), "idempotencyKey": "hold"}}).OK(t)
	f.hold = hold.Text("holdSlot", "hold", "id")
	f.name(f.hold, "hold")
	f.mark()
	return f
}

func (f *file) slotAt(hour int) string {
	return globalid.OfSlot(f.clinic.Slot(mustRef(f.t, f.ids["provider"]), hour, 0))
}

func (f *file) book(who access.Actor, hour int) string {
	f.t.Helper()
	answer := f.by(who).Post(f.t, bookIt, vars{"input": vars{"target": vars{"slotId": f.slotAt(hour)}, "idempotencyKey": sample.NewID().String()}}).OK(f.t)
	id := answer.Text("bookAppointment", "appointment", "id")
	if id == "" {
		f.t.Fatalf("%s", answer.Raw)
	}
	return id
}

// name gives what an id names a name of its own in what is recorded.
func (f *file) name(id, name string) { f.names[mustRef(f.t, id).ID.String()] = name }

func (f *file) mark() {
	f.t.Helper()
	if err := f.pool.QueryRow(f.t.Context(), `SELECT coalesce(max(position), 0) FROM audit_events`).Scan(&f.since); err != nil {
		f.t.Fatal(err)
	}
}

// recorded are the rows since the mark, in order of their text.
func (f *file) recorded() []string {
	f.t.Helper()
	rows, err := f.pool.Query(f.t.Context(), `SELECT action, effect, outcome, purpose, entity_kind, entity_id, coalesce(patient_id, '00000000-0000-0000-0000-000000000000'),
		array_to_string(fields, ' '), times FROM audit_events WHERE position > $1`, f.since)
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	list := []string{}
	for rows.Next() {
		var action, effect, outcome, purpose, kind, fields string
		var entity, patient uuid.UUID
		var times int
		if err := rows.Scan(&action, &effect, &outcome, &purpose, &kind, &entity, &patient, &fields, &times); err != nil {
			f.t.Fatal(err)
		}
		line := strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s of %s: %s", action, effect, outcome, purpose, f.called(entity), f.called(patient), fields))
		if times > 1 {
			line += fmt.Sprintf(" x%d", times)
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}

func (f *file) called(id uuid.UUID) string {
	if name, ok := f.names[id.String()]; ok {
		return name
	}
	return "?"
}

// wants holds what was recorded since the mark against what should have been, and sets the mark anew.
func (f *file) wants(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := f.recorded(); !slices.Equal(got, want) {
		t.Errorf("recorded\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	f.mark()
}

const (
	annRead   = "patient.read READ DONE %s ann of ann: %s"
	visitRead = "appointment.read READ DONE %s visit of ann: %s"
)

func read(pattern, purpose, fields string) string { return fmt.Sprintf(pattern, purpose, fields) }

// swapped asks for the visit to take the place of one of Bob's.
func swapped(f *file) vars {
	other := f.book(f.bob, 11)
	f.mark()
	return vars{"firstAppointmentId": f.visit, "secondAppointmentId": other, "idempotencyKey": "s"}
}

const swapIt = `mutation($input: SwapAppointmentsInput!) { swapAppointments(input: $input) { replayed firstAppointment { id start version } secondAppointment { id start version }
	errors { __typename ... on UserError { code path } ... on SlotTakenError { alternatives(limit: 1) { id } } } } }`

var swaps = []string{
	"appointment.swap WRITE DONE TREAT visit of ann: start end localStart timeZone modality provider location visitKind",
	"appointment.swap WRITE DONE TREAT ? of bob: start end localStart timeZone modality provider location visitKind",
}

// recurring makes the visit the first of a series.
func recurring(f *file) vars {
	done := f.by(f.ann).Post(f.t, bookThem, vars{"input": vars{"firstSlotId": f.slotAt(12), "everyWeeks": 3, "count": 2, "idempotencyKey": "r"}}).OK(f.t)
	visit, series := done.Text("bookSeries", "series", "appointments", "edges", 0, "node", "id"), done.Text("bookSeries", "series", "id")
	delete(f.names, mustRef(f.t, f.visit).ID.String())
	f.name(visit, "visit")
	f.name(series, "series")
	f.mark()
	return vars{"visit": visit, "series": series}
}

func seriesRead(purpose, fields string) string {
	return fmt.Sprintf("series.read READ DONE %s series of ann: %s", purpose, fields)
}

// showing is how something of a patient's is shown at a place of the contract, and what that leaves.
type showing struct {
	by       func(*file) gqltest.Client
	document string
	input    func(*file) vars
	want     []string
}

func desk(f *file) gqltest.Client { return f.desk }
func ann(f *file) gqltest.Client  { return f.by(f.ann) }

func ids(f *file) vars {
	return vars{"ann": f.patientID(f.ann), "visit": f.visit, "hold": f.hold, "provider": f.ids["provider"]}
}

func input(of func(*file) vars) func(*file) vars {
	return func(f *file) vars { return vars{"input": of(f)} }
}

const outside = `{ errors { ... on UserError { message } } appointmentsOutsideHours { edges { node { id status } } } } }`

// chief is the clinic's administrator.
func chief(f *file) gqltest.Client { return f.admin }

var (
	showings = map[string]showing{
		"Query.node":         {desk, `query($visit: ID!) { node(id: $visit) { id ... on Appointment { status } } }`, ids, []string{read(visitRead, "TREAT", "id status")}},
		"Query.nodes":        {ann, `query($ann: ID!, $visit: ID!, $hold: ID!) { nodes(ids: [$ann, $visit, $hold, $visit]) { ... on Patient { name } ... on SlotHold { expiresAt } } }`, ids, []string{read(annRead, "PATRQT", "name"), strings.TrimSpace(read(visitRead, "PATRQT", "")), "hold.read READ DONE PATRQT hold of ann: expiresAt"}},
		"Query.patients":     {desk, `{ patients(where: {identifier: {system: "https://example.org/mrn", value: "77"}}) { edges { node { name phone } } } }`, ids, []string{"patient.read READ DONE TREAT registered of registered: name phone"}},
		"Query.appointments": {ann, `{ appointments { edges { node { start ... on Node { id } reason } } } }`, ids, []string{read(visitRead, "PATRQT", "id reason start")}},
		"Query.appointmentsWithoutResources": {desk, `{ appointmentsWithoutResources { edges { node { start } } } }`, func(f *file) vars {
			f.clinic.Set(`UPDATE visit_kinds SET needs = '{exam}' WHERE organization_id = $1`)
			return ids(f)
		}, []string{read(visitRead, "TREAT", "start")}},
		"WaitlistEntry.patient": {desk, `query($entry: ID!) { node(id: $entry) { ... on WaitlistEntry { status patient { name } } } }`, waiting,
			[]string{"waitlist.read READ DONE TREAT entry of ann: patient status", read(annRead, "TREAT", "name")}},
		"WaitlistEntry.currentAppointment": {ann, `query($entry: ID!) { node(id: $entry) { ... on WaitlistEntry { currentAppointment { start } } } }`, waiting,
			[]string{"waitlist.read READ DONE PATRQT entry of ann: currentAppointment", read(visitRead, "PATRQT", "start")}},
		"AnswerWaitlistOfferPayload.appointment": {ann, `mutation($input: AnswerWaitlistOfferInput!) { answerWaitlistOffer(input: $input) { appointment { start } } }`, input(accepted),
			[]string{"appointment.reschedule WRITE DONE PATRQT visit of ann: start end localStart timeZone modality provider location visitKind"}},
		"WaitlistOffer.appointment": {ann, `mutation($input: AnswerWaitlistOfferInput!) { answerWaitlistOffer(input: $input) { offer { status appointment { start } } } }`, input(accepted),
			[]string{"appointment.reschedule WRITE DONE PATRQT visit of ann: start end localStart timeZone modality provider location visitKind"}},
		"ClosurePreview.appointments": {chief, `query($provider: ID!) { closurePreview(scope: {providerId: $provider}, from: "2026-06-08T00:00", to: "2026-06-09T00:00") {
			appointments { edges { node { start } } } } }`, ids, []string{read(visitRead, "HOPERAT", "start")}},
		"ClosurePreview.arrived": {chief, `query($provider: ID!) { closurePreview(scope: {providerId: $provider}, from: "2026-06-08T00:00", to: "2026-06-09T00:00") {
			arrived { edges { node { start } } } } }`, func(f *file) vars {
			f.clinic.Set(`UPDATE appointments SET status = 'ARRIVED' WHERE organization_id = $1`)
			return ids(f)
		}, []string{read(visitRead, "HOPERAT", "start")}},
		"ClosureItem.appointment": {chief, `query($closure: ID!) { node(id: $closure) { ... on Closure { items { edges { node { appointment { version } } } } } } }`, displaced,
			[]string{read(visitRead, "HOPERAT", "version")}},
		"Appointment.patient": {desk, `query($visit: ID!) { node(id: $visit) { ... on Appointment { patient { birthDate name } } } }`, ids, []string{read(visitRead, "TREAT", "patient"), read(annRead, "TREAT", "birthDate name")}},
		"Reminder.appointment": {desk, `query($visit: ID!) { node(id: $visit) { ... on Appointment { reminders(first: 1) { edges { node { appointment { start } } } } } } }`, func(f *file) vars {
			must(f.app.reminder.Plan(f.t.Context(), 10))(f.t)
			f.mark()
			return ids(f)
		}, []string{read(visitRead, "TREAT", "reminders start"), "reminder.read READ DONE TREAT ? of ann: appointment"}},
		"Patient.appointments": {ann, `{ viewer { asPatient { appointments { edges { node { id } } } } } }`, ids, []string{read(annRead, "PATRQT", "appointments"), read(visitRead, "PATRQT", "id")}},
		"Viewer.asPatient":     {ann, `{ viewer { asPatient { email } timeZone } }`, ids, []string{read(annRead, "PATRQT", "email timeZone")}},
		"Viewer.patients":      {ann, `{ viewer { patients { email } } }`, ids, []string{read(annRead, "PATRQT", "email")}},
		"BreakGlassGrant.patient": {func(f *file) gqltest.Client { return f.by(family{f.world, f.t}.doctor()) }, breakIt, input(func(f *file) vars {
			return vars{"target": vars{"patientId": f.patientID(f.ann)}, "reason": why, "idempotencyKey": "g"}
		}), []string{"breakGlass WRITE DONE BTG ? of ann:", read(annRead, "BTG", "givenName")}},
		"LegalHold.patient": {chief, `mutation($input: PlaceLegalHoldInput!) { placeLegalHold(input: $input) { legalHold { reason patient { name } } } }`,
			input(func(f *file) vars { return vars{"patientId": f.patientID(f.ann), "reason": why, "idempotencyKey": "l"} }), []string{
				"legalHold.place WRITE DONE HOPERAT ? of ann:", "legalHold.read READ DONE HOPERAT ? of ann: patient reason", read(annRead, "HOPERAT", "name"),
			}},
		"ErasePatientPayload.patient": {chief, `mutation($input: ErasePatientInput!) { erasePatient(input: $input) { patient { erasedAt name } } }`,
			input(func(f *file) vars { return vars{"patientId": f.patientID(f.clinic.Patient()), "reason": "REQUESTED"} }), []string{
				"patient.erase.requested WRITE DONE HOPERAT ? of ?: identifiers givenName familyName birthDate phone email language timeZone",
			}},
		"PatientKeptError.appointment": {chief, `mutation($input: ErasePatientInput!) { erasePatient(input: $input) { errors { ... on PatientKeptError { keptBy appointment { start } } } } }`,
			input(func(f *file) vars { return vars{"patientId": f.patientID(f.ann), "reason": "REQUESTED"} }), []string{read(visitRead, "HOPERAT", "start")}},
		"AcceptPatientInvitationPayload.patient": {func(f *file) gqltest.Client { return f.by(family{f.world, f.t}.account(access.Caregiver)) }, acceptIt, input(func(f *file) vars {
			some := family{f.world, f.t}
			return vars{"code": some.code(some.child("Ada"), "CAREGIVER"), "birthDate": born}
		}), []string{"patient.link WRITE DONE FAMRQT ? of ?:", "patient.read READ DONE FAMRQT ? of ?: givenName id viewerRelation"}},
		"Provider.appointments": {desk, `query($provider: ID!) { node(id: $provider) { ... on Provider { appointments { edges { node { id version } } } } } }`, ids, []string{read(visitRead, "TREAT", "id version")}},
		"AuditEvent.entity":     {func(f *file) gqltest.Client { return f.admin }, `query($visit: ID!) { auditEvents(where: {entityId: $visit, action: "appointment.book"}) { edges { node { action entity { ... on Appointment { status } } } } } }`, ids, []string{read(visitRead, "HOPERAT", "status"), "audit.read READ DONE HOPERAT clinic of -: action entity"}},
		"AuditEvent.patient":    {func(f *file) gqltest.Client { return f.admin }, `query($ann: ID!) { auditEvents(where: {patientId: $ann, action: "appointment.book"}) { edges { node { patient { name } } } } }`, ids, []string{read(annRead, "HOPERAT", "name"), "audit.read READ DONE HOPERAT clinic of ann: patient"}},
		"AppointmentChanged.appointment": {desk, `subscription($after: String) { appointmentChanged(after: $after) { __typename ... on AppointmentChanged { appointment { id status patient { phone } } } } }`, func(f *file) vars {
			since := f.cursor(f.desk)
			f.confirm(f.visit)
			return vars{"after": since}
		}, []string{read(visitRead, "TREAT", "id patient status"), read(annRead, "TREAT", "phone")}},
		"Query.auditEvents":      {func(f *file) gqltest.Client { return f.by(f.auditor) }, `{ auditEvents(first: 1) { totalCount edges { node { at } } } }`, ids, []string{"audit.read READ DONE HOPERAT clinic of -: at"}},
		"Appointment.history":    {ann, `query($visit: ID!) { node(id: $visit) { ... on Appointment { history { edges { node { actor } } } } } }`, ids, []string{read(visitRead, "PATRQT", "history")}},
		"HoldSlotPayload.hold":   {ann, holdIt, input(func(f *file) vars { return vars{"slotId": f.slotAt(15), "idempotencyKey": "h2"} }), []string{"hold.place WRITE DONE PATRQT ? of ann: slot expiresAt"}},
		"ExtendHoldPayload.hold": {ann, `mutation($input: ExtendHoldInput!) { extendHold(input: $input) { hold { id } } }`, input(func(f *file) vars { return vars{"holdId": f.hold} }), []string{"hold.extend WRITE DONE PATRQT hold of ann: expiresAt"}},
		"BookAppointmentPayload.appointment": {ann, bookIt, input(func(f *file) vars {
			return vars{"target": vars{"holdId": f.hold}, "reason": "A cough", "idempotencyKey": "b"}
		}),
			[]string{"appointment.book WRITE DONE PATRQT ? of ann: status patient start end localStart timeZone modality provider location visitKind reason"}},
		"RescheduleAppointmentPayload.appointment": {desk, moveIt, input(func(f *file) vars {
			return vars{"appointmentId": f.visit, "target": vars{"slotId": f.slotAt(16)}, "idempotencyKey": "m"}
		}),
			[]string{"appointment.reschedule WRITE DONE TREAT visit of ann: start end localStart timeZone modality provider location visitKind"}},
		"SwapAppointmentsPayload.firstAppointment":  {desk, swapIt, input(swapped), swaps},
		"SwapAppointmentsPayload.secondAppointment": {desk, swapIt, input(swapped), swaps},
		"BookSeriesPayload.series": {ann, `mutation($input: BookSeriesInput!) { bookSeries(input: $input) { series { everyWeeks } } }`,
			input(func(f *file) vars {
				return vars{"firstSlotId": f.slotAt(16), "everyWeeks": 3, "count": 2, "idempotencyKey": "bs"}
			}), []string{
				"appointment.book WRITE DONE PATRQT ? of ann: status patient start end localStart timeZone modality provider location visitKind series",
				"appointment.book WRITE DONE PATRQT ? of ann: status patient start end localStart timeZone modality provider location visitKind series",
			}},
		"Appointment.series": {desk, `query($visit: ID!) { node(id: $visit) { ... on Appointment { series { everyWeeks } } } }`, recurring,
			[]string{read(visitRead, "TREAT", "series"), seriesRead("TREAT", "everyWeeks")}},
		"AppointmentSeries.appointments": {ann, `query($series: ID!) { node(id: $series) { ... on AppointmentSeries { appointments(first: 1) { edges { node { start } } } } } }`, recurring,
			[]string{read(visitRead, "PATRQT", "start"), seriesRead("PATRQT", "appointments")}},
		"RescheduleSeriesPayload.appointments": {desk, `mutation($input: RescheduleSeriesInput!) { rescheduleSeries(input: $input) { appointments { version } } }`, input(func(f *file) vars {
			return vars{"appointmentId": recurring(f)["visit"], "slotId": f.slotAt(13), "idempotencyKey": "ms"}
		}), []string{
			"appointment.reschedule WRITE DONE TREAT ? of ann: start end localStart timeZone modality provider location visitKind",
			"appointment.reschedule WRITE DONE TREAT visit of ann: start end localStart timeZone modality provider location visitKind",
		}},
		"CancelSeriesPayload.appointments": {ann, `mutation($input: CancelSeriesInput!) { cancelSeries(input: $input) { appointments { status } } }`, input(func(f *file) vars {
			return vars{"appointmentId": recurring(f)["visit"], "reason": "OTHER"}
		}), []string{"appointment.cancel WRITE DONE PATRQT ? of ann: status cancellation", "appointment.cancel WRITE DONE PATRQT visit of ann: status cancellation"}},
		"CancelAppointmentPayload.appointment": {ann, cancelIt, input(func(f *file) vars { return vars{"appointmentId": f.visit, "reason": "OTHER"} }),
			[]string{"appointment.cancel WRITE DONE PATRQT visit of ann: status cancellation"}},
		"TransitionAppointmentPayload.appointment": {ann, `mutation($input: TransitionAppointmentInput!) { transitionAppointment(input: $input) { appointment { status } } }`,
			input(func(f *file) vars { return vars{"appointmentId": f.visit, "action": "CONFIRM"} }), []string{"appointment.CONFIRM WRITE DONE PATRQT visit of ann: status confirmedAt"}},
		"StaleVersionError.current": {desk, `mutation($input: CancelAppointmentInput!) { cancelAppointment(input: $input) { errors { ... on StaleVersionError { current { version } } } } }`,
			input(func(f *file) vars { return vars{"appointmentId": f.visit, "reason": "OTHER", "expectedVersion": 7} }), []string{read(visitRead, "TREAT", "version")}},
		"PatientConflictError.conflictingAppointment": {ann, `mutation($input: BookAppointmentInput!) { bookAppointment(input: $input) { errors { ... on PatientConflictError { conflictingAppointment { start } } } } }`,
			input(func(f *file) vars {
				other := f.clinic.Provider(1)
				return vars{"target": vars{"slotId": globalid.OfSlot(f.clinic.Slot(other, 10, 0))}, "idempotencyKey": "c"}
			}), []string{read(visitRead, "PATRQT", "start")}},
		"RegisterPatientPayload.patient": {desk, `mutation($input: RegisterPatientInput!) { registerPatient(input: $input) { patient { id phone } } }`,
			input(func(*file) vars {
				return vars{"identifier": vars{"system": "https://example.org/mrn", "value": "78"}, "givenName": "Eve", "familyName": "Adams"}
			}), []string{"patient.register WRITE DONE TREAT ? of ?: identifiers givenName familyName birthDate phone email language timeZone"}},
		"SetDateHoursPayload.appointmentsOutsideHours": {desk, `mutation($input: SetDateHoursInput!) { setDateHours(input: $input) ` + outside,
			input(func(f *file) vars {
				return vars{"providerId": f.ids["provider"], "locationId": f.ids["location"], "date": "2026-06-08", "hours": []vars{}}
			}), []string{read(visitRead, "TREAT", "id status"), "schedule"}},
		"AddScheduleExceptionPayload.appointmentsOutsideHours": {desk, `mutation($input: AddScheduleExceptionInput!) { addScheduleException(input: $input) ` + outside,
			input(func(f *file) vars {
				return vars{"providerId": f.ids["provider"], "from": "2026-06-08T00:00", "to": "2026-06-09T00:00", "effect": "CLOSED", "idempotencyKey": "x"}
			}), []string{read(visitRead, "TREAT", "id status"), "schedule"}},
		"SetProviderSchedulePayload.appointmentsOutsideHours": {desk, `mutation($input: SetProviderScheduleInput!) { setProviderSchedule(input: $input) ` + outside,
			input(func(f *file) vars {
				return vars{"providerId": f.ids["provider"], "locationId": f.ids["location"], "effectiveFrom": "2026-01-01", "hours": []vars{}}
			}), []string{read(visitRead, "TREAT", "id status"), "schedule"}},
	}
)

// private are the contract's types that show something of a patient's; Node may be any of them.
var private = []string{"Patient", "PatientConnection", "Appointment", "AppointmentConnection", "AppointmentSeries", "SlotHold", "AuditEventConnection", "Node"}

// Every place of the contract that shows something of a patient's has its showing here, and none leaves more or less than it should.
func TestWhateverShowsAPatientsDataIsRecorded(t *testing.T) {
	schema := resolvers.Schema(&resolvers.Resolver{}).Schema()
	for _, def := range schema.Types {
		if def.Kind != ast.Object || strings.HasPrefix(def.Name, "__") || strings.HasSuffix(def.Name, "Connection") || strings.HasSuffix(def.Name, "Edge") {
			continue
		}
		for _, field := range def.Fields {
			at := def.Name + "." + field.Name
			if _, shown := showings[at]; !shown && slices.Contains(private, field.Type.Name()) {
				t.Errorf("no showing of %s", at)
			}
		}
	}
	for at, s := range showings {
		t.Run(at, func(t *testing.T) {
			f := newFile(t)
			registered := f.desk.Post(t, `mutation($input: RegisterPatientInput!) { registerPatient(input: $input) { patient { id } } }`,
				vars{"input": vars{"identifier": vars{"system": "https://example.org/mrn", "value": "77"}, "givenName": "Zoe", "familyName": "Young"}}).OK(t)
			f.name(registered.Text("registerPatient", "patient", "id"), "registered")
			variables := s.input(f)
			f.mark()
			var answer gqltest.Answer
			if strings.HasPrefix(s.document, "subscription") {
				answer = f.watch(t, f.clinic.FrontDesk(), s.document, variables).ready().event()
			} else {
				answer = s.by(f).Post(t, s.document, variables).OK(t)
			}
			want := slices.Clone(s.want)
			got := f.recorded()
			if i := slices.Index(want, "schedule"); i >= 0 { // a change that is nobody's: its row is not looked at here
				got = slices.DeleteFunc(got, func(line string) bool {
					return strings.Contains(line, "WRITE DONE TREAT ? of -") || strings.Contains(line, "WRITE DONE TREAT provider of -")
				})
				want = slices.Delete(want, i, i+1)
			}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s\nleft\n  %s\nwant\n  %s", answer.Raw, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

// That there are none, or how many, tells of patients as well.
func TestWhatIsCountedOfPatientsIsRecorded(t *testing.T) {
	f := newFile(t)
	for document, want := range map[string]string{
		`{ patients(where: {name: "Nobody"}) { edges { cursor } } }`:                                                      "patient.search READ DONE TREAT clinic of -: edges",
		`{ patients(where: {name: "Nobody"}, first: 1) { totalCount } }`:                                                  "patient.search READ DONE TREAT clinic of -: totalCount",
		`{ appointments(where: {patientId: "` + f.patientID(f.ann) + `", from: "2100-01-01T00:00:00Z"}) { totalCount } }`: read(annRead, "TREAT", ""),
		`{ appointments(where: {patientId: "` + f.patientID(f.bob) + `"}) { edges { cursor } } }`:                         "patient.read READ DONE TREAT bob of bob:",
	} {
		f.mark()
		answer := f.desk.Post(t, document, nil).OK(t)
		if got := f.recorded(); len(got) != 1 || strings.TrimSpace(got[0]) != strings.TrimSpace(want) {
			t.Errorf("%s: %s left %q, want %q", document, answer.Raw, got, want)
		}
	}
}
