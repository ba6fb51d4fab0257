package privacy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

const (
	faults  = ` errors { __typename ... on UserError { code message path retryable } } `
	told    = faults + `} `
	visit   = `{ id version status icsUrl reason cancellation { note } identifiers { value } patient { name phone } }`
	person  = `{ id name givenName familyName birthDate phone email language identifiers { value } linkedAccounts { accountId } }`
	reading = `(where: $w, first: 5) { totalCount pageInfo { endCursor } edges { cursor node ` + person + ` } }`
)

// story is what a clinic does in a day with patients. wanted says whether it must succeed.
type story struct {
	*world
	wanted   bool
	turn     int
	provider string
	slots    []string
	series   string
	entry    string // of the waitlist
	closure  string
	patient  string
	visits   []string
}

func (s *story) text(what string) string {
	return fmt.Sprintf("%s %s %s %d", word, accent, what, s.turn)
}

func (s *story) key() string { return fmt.Sprintf("%s-%d-%s", word, s.turn, uuid.NewString()) }

// does sends a request, which must succeed if the story is to.
func (s *story) does(who, document string, variables map[string]any) map[string]any {
	s.t.Helper()
	done, ok := s.ask(who, document, variables)
	if s.wanted && !ok {
		s.t.Errorf("%s was refused: %.150s: %v", who, document, done)
	}
	return done
}

func change(name, answer string) string {
	return named("mutation", "($in: "+strings.ToUpper(name[:1])+name[1:]+"Input!)", name+"(input: $in) { "+answer+told)
}

// tell goes through all of it once.
func (s *story) tell() {
	s.turn++
	s.register()
	s.search()
	s.book()
	s.wait()
	s.decline()
	s.recur()
	s.act()
	s.accounts()
	s.emergency()
	s.keep()
	s.schedule()
	s.watch()
}

func (s *story) identifier() object {
	return object{"system": "https://clinic.example/mrn", "value": fmt.Sprintf("%s-%d", word, s.turn)}
}

func (s *story) register() {
	in := object{
		"organizationId": s.clinic.Organization, "identifier": s.identifier(), "givenName": word + " " + accent, "familyName": s.text("von"),
		"birthDate": born, "phone": phone, "email": word + "@example.org", "language": "en-x-" + word, "timeZone": zone,
	}
	done := s.does("FRONT_DESK", change("registerPatient", "patient "+person), in2(in))
	if found := id(done, "patient"); found != "" {
		s.patient = found
	}
	in["familyName"] = s.text("van")
	s.does("INTEGRATOR", change("registerPatient", "patient "+person), in2(in))
	s.does("PLATFORM_ADMIN", change("createOrganization", "organization { id }"), in2(object{"name": "Another clinic", "idempotencyKey": s.key()}))
	s.does("ADMIN", change("createApiClient", "apiClient { id }"), in2(object{"name": "Portal", "scopes": []string{access.AppointmentsRead}, "idempotencyKey": s.key()}))
	s.does("ADMIN", change("createApiKey", "apiKey { id }"), in2(object{
		"name": "Kiosk", "scopes": []string{access.AppointmentsRead}, "expiresAt": time.Now().UTC().Add(time.Hour).Format(time.RFC3339), "idempotencyKey": s.key(),
	}))
	s.does("ADMIN", change("replayDeadLetters", "outcomes { count }"), in2(object{"filter": object{}, "idempotencyKey": s.key()}))
	ref, err := s.clinic.Ref(s.patient)
	if err != nil {
		return
	}
	s.token("patient", access.Actor{
		Kind: access.Patient, ID: uuid.New(), Client: "bench", Organization: ref.Organization, Role: access.PatientRole,
		Scopes: access.ScopesOf(access.PatientRole), PatientID: ref.ID,
	})
}

func in2(in map[string]any) map[string]any { return map[string]any{"in": in} }

// search looks for the patient in every way: with variables, in the address, and with literals.
func (s *story) search() {
	document := named("query", "($w: PatientFilterInput!)", "patients"+reading)
	for _, where := range []object{
		{"name": word}, {"name": accent}, {"birthDate": born, "name": word}, {"phone": phone}, {"email": word + "@example.org"}, {"identifier": s.identifier()},
		{"birthDate": born},
	} {
		s.does("FRONT_DESK", document, map[string]any{"w": where})
		text, err := json.Marshal(object{"w": where})
		s.must(err)
		address := url.Values{"query": {document}, "variables": {string(text)}, "operationName": {word}}
		s.do(http.MethodGet, "/graphql?"+address.Encode(), "FRONT_DESK", nil, nil)
	}
	s.does("FRONT_DESK", named("query", "", fmt.Sprintf("patients(where: {name: %q, birthDate: %q}) { edges { node %s } }", word, born, person)), nil)
	s.does("FRONT_DESK", named("query", "", fmt.Sprintf("patients(where: {phone: %q, identifier: {system: \"https://clinic.example/mrn\", value: %q}}) { totalCount }", phone, word)), nil)
	s.ask("AUDITOR", document, map[string]any{"w": object{"name": word}})
	s.ask("nobody", document, map[string]any{"w": object{"name": word}})
}

func (s *story) slot() string {
	if len(s.slots) == 0 {
		openings, err := s.clinic.Openings(s.t.Context(), s.provider, 14)
		s.must(err)
		for _, o := range openings {
			s.slots = append(s.slots, o.ID)
		}
	}
	next := s.slots[0]
	s.slots = s.slots[1:]
	return next
}

// book books visits, moves, cancels and closes them.
func (s *story) book() {
	key := s.key()
	in := object{
		"target": object{"slotId": s.slot()}, "patientId": s.patient, "reason": s.text("reason"), "idempotencyKey": key,
		"identifiers": []any{object{"system": "https://other.example/visits", "value": fmt.Sprintf("%s-V%d", word, s.turn)}},
		"override":    object{"rules": []string{"DUPLICATE_VISIT"}, "reason": s.text("why over a rule")},
	}
	document := change("bookAppointment", "appointment "+visit)
	done := s.does("FRONT_DESK", document, in2(in))
	if found := id(done, "appointment"); found != "" {
		s.visits = append(s.visits, found)
	}
	s.does("FRONT_DESK", document, in2(in)) // once more
	in["reason"] = s.text("another reason")
	s.ask("FRONT_DESK", document, in2(in)) // the key is another input's
	delete(in, "idempotencyKey")
	s.askWith("FRONT_DESK", document, in2(in), map[string]string{"Idempotency-Key": word + "-header-" + strconv.Itoa(s.turn)})
	if len(s.visits) == 0 {
		return
	}
	mine := s.visits[len(s.visits)-1]
	s.does("FRONT_DESK", change("holdSlot", "hold { id }"), in2(object{"slotId": s.slot(), "patientId": s.patient, "idempotencyKey": s.key()}))
	s.does("FRONT_DESK", change("rescheduleAppointment", "appointment "+visit), in2(object{
		"appointmentId": mine, "target": object{"slotId": s.slot()}, "idempotencyKey": s.key(),
	}))
	s.does("FRONT_DESK", named("query", "($w: AppointmentFilterInput!)", "appointments(where: $w) { edges { node "+visit+" } }"), map[string]any{
		"w": object{"identifier": object{"system": "https://other.example/visits", "value": fmt.Sprintf("%s-V%d", word, s.turn)}},
	})
	s.does("FRONT_DESK", change("transitionAppointment", "appointment "+visit), in2(object{"appointmentId": mine, "action": "CONFIRM", "idempotencyKey": s.key()}))
	cancelled := s.does("FRONT_DESK", change("cancelAppointment", "appointment "+visit), in2(object{
		"appointmentId": mine, "reason": "OTHER", "note": s.text("note"), "idempotencyKey": s.key(),
	}))
	made, _ := cancelled["appointment"].(map[string]any)
	if link, _ := made["icsUrl"].(string); link != "" {
		at, err := url.Parse(link)
		s.must(err)
		s.do(http.MethodGet, at.Path, "nobody", nil, nil)
	}
}

// wait has the patient wait for a visit weeks ahead, leave, wait again, and decline what is offered soon.
func (s *story) wait() {
	from := s.clinic.Day.AddDate(0, 0, 30)
	wanted := object{
		"visitKindId": s.clinic.VisitKind, "providerIds": []string{s.provider}, "from": from.Format(time.RFC3339), "to": from.AddDate(0, 0, 5).Format(time.RFC3339),
		"timeZone": zone, "timesOfDay": []any{object{"from": "00:00", "to": "23:59"}},
	}
	join := func() {
		done := s.does("FRONT_DESK", change("joinWaitlist", "entry { id wanted { timeZone } patient { name } }"), in2(object{
			"patientId": s.patient, "wanted": wanted, "idempotencyKey": s.key(),
		}))
		if found := id(done, "entry"); found != "" {
			s.entry = found
		}
	}
	join()
	leave := in2(object{"entryId": s.entry})
	s.does("FRONT_DESK", change("leaveWaitlist", "entry { id status }"), leave)
	join()
	offer := s.entry // none
	if s.wanted {
		s.until(func() bool {
			open, err := s.clinic.OpenOffers(s.t.Context())
			s.must(err)
			for _, o := range open {
				if o.Patient == s.patient {
					offer = o.ID
				}
			}
			return offer != s.entry
		})
	}
	s.does("FRONT_DESK", change("answerWaitlistOffer", "offer { id status }"), in2(object{"offerId": offer, "accept": false, "idempotencyKey": s.key()}))
	s.does("FRONT_DESK", change("leaveWaitlist", "entry { id status }"), in2(object{"entryId": s.entry}))
}

// decline has the clinic decline a visit that was asked for.
func (s *story) decline() {
	approval := func(wanted bool) {
		s.does("ADMIN", change("putVisitKind", "visitKind { id }"), in2(object{
			"organizationId": s.clinic.Organization, "key": "check-up", "name": "Check-up", "duration": "PT30M", "modalities": []string{"IN_PERSON"}, "requiresApproval": wanted,
		}))
	}
	approval(true)
	asked := s.does("FRONT_DESK", change("bookAppointment", "appointment "+visit), in2(object{
		"target": object{"slotId": s.slot()}, "patientId": s.patient, "idempotencyKey": s.key(),
	}))
	if found := id(asked, "appointment"); found != "" {
		s.does("FRONT_DESK", change("transitionAppointment", "appointment "+visit), in2(object{
			"appointmentId": found, "action": "DECLINE", "reason": "OTHER", "note": s.text("why not"), "idempotencyKey": s.key(),
		}))
	}
	approval(false)
}

// recur books visits as a series, moves them, swaps two and cancels them.
func (s *story) recur() {
	done := s.does("FRONT_DESK", change("bookSeries", "series { id appointments { edges { node "+visit+" } } }"), in2(object{
		"firstSlotId": s.slot(), "everyWeeks": 9, "count": 2, "patientId": s.patient, "reason": s.text("reason of many"), "idempotencyKey": s.key(),
	}))
	series, _ := done["series"].(map[string]any)
	if found := id(done, "series"); found != "" {
		s.series = found
	}
	page, _ := series["appointments"].(map[string]any)
	edges, _ := page["edges"].([]any)
	if len(edges) < 2 {
		return
	}
	node := func(i int) string {
		edge, _ := edges[i].(map[string]any)
		return id(edge, "node")
	}
	s.does("FRONT_DESK", change("rescheduleSeries", "appointments "+visit), in2(object{"appointmentId": node(0), "slotId": s.slot(), "idempotencyKey": s.key()}))
	s.does("FRONT_DESK", change("swapAppointments", "firstAppointment "+visit), in2(object{
		"firstAppointmentId": node(0), "secondAppointmentId": node(1), "idempotencyKey": s.key(),
	}))
	s.does("FRONT_DESK", change("cancelSeries", "appointments "+visit), in2(object{
		"appointmentId": node(0), "reason": "OTHER", "note": s.text("note on many"), "idempotencyKey": s.key(),
	}))
}

// act has the patient's daughter act for the patient.
func (s *story) act() {
	s.caregiver()
	done := s.does("FRONT_DESK", change("invitePatientAccount", "code expiresAt"), in2(object{"patientId": s.patient, "relation": "CAREGIVER", "idempotencyKey": s.key()}))
	document := change("acceptPatientInvitation", "patient "+person)
	s.ask("CAREGIVER", document, in2(object{"code": strings.ToUpper(word) + "22", "birthDate": born}))
	s.ask("CAREGIVER", document, in2(object{"code": word, "birthDate": born}))
	if code, _ := done["code"].(string); code != "" {
		s.secrets = append(s.secrets, code)
		s.ask("CAREGIVER", document, in2(object{"code": code, "birthDate": "1907-08-10"}))
		s.does("CAREGIVER", document, in2(object{"code": code, "birthDate": born}))
		s.does("CAREGIVER", change("unlinkPatient", "patientId"), in2(object{"patientId": s.patient}))
	}
}

// emergency is a provider who breaks the glass, and is reviewed.
func (s *story) emergency() {
	for _, target := range []object{{"patientId": s.patient}, {"identifier": s.identifier()}} {
		done := s.does("doctor", change("breakGlass", "grant { id reason patient "+person+" }"), in2(object{
			"target": target, "reason": s.text("emergency"), "idempotencyKey": s.key(),
		}))
		grant := id(done, "grant")
		if grant == "" {
			continue
		}
		s.does("doctor", change("endBreakGlass", "grant { id }"), in2(object{"grantId": grant}))
		s.does("AUDITOR", change("reviewBreakGlass", "grant { id note }"), in2(object{"grantId": grant, "finding": "UNJUSTIFIED", "note": s.text("review")}))
	}
}

// keep has a lawsuit keep the patient's data.
func (s *story) keep() {
	done := s.does("ADMIN", change("placeLegalHold", "legalHold { id reason patient "+person+" }"), in2(object{
		"patientId": s.patient, "reason": s.text("lawsuit"), "idempotencyKey": s.key(),
	}))
	s.ask("ADMIN", change("erasePatient", "patient "+person), in2(object{"patientId": s.patient, "reason": "REQUESTED"}))
	if hold := id(done, "legalHold"); hold != "" {
		s.does("ADMIN", change("releaseLegalHold", "legalHold { id reason }"), in2(object{"legalHoldId": hold}))
	}
}

func (s *story) schedule() {
	day := s.clinic.Day.AddDate(0, 0, 20+s.turn).Format(time.DateOnly)
	done := s.does("ADMIN", change("addScheduleException", "exception { id reason }"), in2(object{
		"providerId": s.provider, "locationId": s.clinic.Location, "from": day + "T09:00", "to": day + "T10:00", "effect": "CLOSED",
		"reason": s.text("absence"), "idempotencyKey": s.key(),
	}))
	closed := s.does("ADMIN", change("closePeriod", "closure { id reason }"), in2(object{
		"scope": object{"providerId": s.provider}, "from": "2031-01-07T09:00", "to": "2031-01-07T10:00", "rebook": object{"mode": "NONE"}, "reason": s.text("closed"), "idempotencyKey": s.key(),
	}))
	if found := id(closed, "closure"); found != "" {
		s.closure = found
	}
	if exception := id(done, "exception"); exception != "" {
		s.does("ADMIN", change("removeScheduleException", "removedExceptionId"), in2(object{"exceptionId": exception}))
	}
}

// watch reads the record of it all, as whoever may and whoever may not.
func (s *story) watch() {
	node := named("query", "($id: ID!)", "node(id: $id) { ... on Patient "+person+" ... on Appointment { history(first: 5) { edges { node { action requestId } } } } }")
	for _, who := range s.everyone() {
		s.ask(who, node, map[string]any{"id": s.patient})
		s.ask(who, named("query", "", "auditEvents(first: 20) { edges { node { at actor action requestId fields } } }"), nil)
		s.ask(who, named("query", "", "breakGlassGrants(first: 5) { edges { node { reason note patient "+person+" } } }"), nil)
		s.ask(who, named("query", "", "viewer { id locale timeZone patients "+person+" }"), nil)
	}
}
