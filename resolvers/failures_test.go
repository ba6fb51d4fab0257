package resolvers_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

const failureParts = `errors { __typename ... on UserError { code message path retryable } }`

// Each mutation with the least input that it takes.
func (a *api) mutations() map[string]vars {
	key := "key"
	named := vars{"system": "https://example.org/ids", "value": "1"}
	return map[string]vars{
		"holdSlot":              {"slotId": a.slotID(), "idempotencyKey": key},
		"extendHold":            {"holdId": a.holdID()},
		"releaseHold":           {"holdId": a.holdID()},
		"bookAppointment":       {"target": vars{"slotId": a.slotID()}, "idempotencyKey": key},
		"rescheduleAppointment": {"appointmentId": a.appointmentID(), "target": vars{"slotId": a.slotID()}, "idempotencyKey": key},
		"swapAppointments":      {"firstAppointmentId": a.appointmentID(), "secondAppointmentId": a.appointmentID(), "idempotencyKey": key},
		"bookSeries":            {"firstSlotId": a.slotID(), "everyWeeks": 1, "count": 2, "idempotencyKey": key},
		"rescheduleSeries":      {"appointmentId": a.appointmentID(), "slotId": a.slotID(), "idempotencyKey": key},
		"cancelSeries":          {"appointmentId": a.appointmentID(), "reason": "OTHER"},
		"cancelAppointment":     {"appointmentId": a.appointmentID(), "reason": "OTHER"},
		"transitionAppointment": {"appointmentId": a.appointmentID(), "action": "CONFIRM"},
		"createOrganization":    {"name": "Riverside", "idempotencyKey": key},
		"putLocation":           {"identifier": named, "name": "Main Street", "timeZone": "America/New_York", "addressLines": []string{}},
		"putVisitKind":          {"key": "flu", "name": "Flu shot", "duration": "PT15M", "modalities": []string{"IN_PERSON"}},
		"putResource":           {"identifier": named, "locationId": a.locationID(), "kind": "ROOM", "pool": "exam", "name": "Room 1"},
		"setTravelRules":        {},
		"joinWaitlist":          {"wanted": vars{"visitKindId": a.kindID()}, "idempotencyKey": key},
		"leaveWaitlist":         {"entryId": a.entryID()},
		"answerWaitlistOffer":   {"offerId": a.offerID(), "accept": true, "idempotencyKey": key},
		"closePeriod": {"scope": vars{"providerId": a.providerID()}, "from": "2030-05-06T09:00", "to": "2030-05-06T10:00:00", "rebook": vars{"mode": "BOOK"},
			"idempotencyKey": key},
		"pauseClosure":            {"closureId": a.closureID()},
		"resumeClosure":           {"closureId": a.closureID()},
		"setWaitlistRules":        {"offersADay": 2},
		"putProvider":             {"identifier": named, "name": "Counter 1", "visitKindIds": []string{a.kindID()}},
		"setProviderSchedule":     {"providerId": a.providerID(), "locationId": a.locationID(), "effectiveFrom": "2030-05-06", "hours": []vars{}},
		"addScheduleException":    {"providerId": a.providerID(), "from": "2030-05-06T09:00", "to": "2030-05-06T10:00:00", "effect": "CLOSED", "idempotencyKey": key},
		"setDateHours":            {"providerId": a.providerID(), "locationId": a.locationID(), "date": "2030-05-06"},
		"removeScheduleException": {"exceptionId": a.exceptionID()},
		"registerPatient":         {"identifier": named, "givenName": "Ada", "familyName": "Moreau"},
		"invitePatientAccount":    {"patientId": a.patientID(), "relation": "CAREGIVER", "idempotencyKey": key},
		"signUp":                  {"organizationId": globalid.OfOrganization(a.rooms.organization.ID), "email": "ada@example.org"},
		"verifyEmail":             {"code": "mcv_x", "password": "secret", "client": "app"},
		"requestPasswordReset":    {"email": "ada@example.org"},
		"resetPassword":           {"code": "mcv_x", "newPassword": "secret"},
		"inviteAccount":           {"email": "ada@example.org", "role": "FRONT_DESK", "idempotencyKey": key},
		"acceptAccountInvitation": {"code": "mcv_x", "password": "secret", "client": "app"},
		"acceptPatientInvitation": {"code": "ABCDE12345", "birthDate": "2001-02-03"},
		"unlinkPatient":           {"patientId": a.patientID()},
		"breakGlass":              {"target": vars{"patientId": a.patientID()}, "reason": "Unconscious on arrival", "idempotencyKey": key},
		"endBreakGlass":           {"grantId": a.grantID()},
		"issueStreamTicket":       {},
		"erasePatient":            {"patientId": a.patientID(), "reason": "REQUESTED"},
		"placeLegalHold":          {"patientId": a.patientID(), "reason": "A lawsuit is under way", "idempotencyKey": key},
		"releaseLegalHold":        {"legalHoldId": a.legalHoldID()},
		"suspendAccount":          {"accountId": a.accountID()},
		"reinstateAccount":        {"accountId": a.accountID()},
		"changeAccountRole":       {"accountId": a.accountID(), "role": "AUDITOR"},
		"resetSecondFactor":       {"accountId": a.accountID()},
		"reviewBreakGlass":        {"grantId": a.grantID(), "finding": "JUSTIFIED"},
		"createApiClient":         {"name": "Portal", "scopes": []string{"appointments:read"}, "idempotencyKey": key},
		"rotateApiClientSecret":   {"apiClientId": a.clientID()},
		"replaceApiClientKeys":    {"apiClientId": a.clientID(), "jwks": "{}"},
		"revokeApiClient":         {"apiClientId": a.clientID()},
		"createApiKey":            {"name": "Kiosk", "scopes": []string{"appointments:read"}, "expiresAt": "2030-05-06T09:00:00Z", "idempotencyKey": key},
		"rearmConflictDetection":  {},
		"replayDeadLetters":       {"filter": vars{}, "idempotencyKey": key},
		"revokeApiKey":            {"apiKeyId": a.apiKeyID()},

		"changeContactPreferences": {"patientId": a.patientID(), "reminders": false},
		"setReminderRules":         {"rules": []vars{}},
	}
}

func document(mutation, parts string) string {
	return fmt.Sprintf("mutation($input: %sInput!) { %s(input: $input) { %s } }", strings.ToUpper(mutation[:1])+mutation[1:], mutation, parts)
}

// may is the client of somebody who may make a change.
func (a *api) may(t *testing.T, mutation string) gqltest.Client {
	role, special := map[string]access.Role{
		"createOrganization": access.PlatformAdmin, "rearmConflictDetection": access.PlatformAdmin, "breakGlass": access.Provider, "endBreakGlass": access.Provider,
		"acceptPatientInvitation": access.Caregiver, "unlinkPatient": access.Caregiver,
	}[mutation]
	if !special {
		role = access.Admin
	}
	return a.as(t, role)
}

func (a *api) change(t *testing.T, c gqltest.Client, mutation, parts string) gqltest.Answer {
	t.Helper()
	return c.Post(t, document(mutation, parts), input(a.mutations()[mutation]))
}

func TestEveryMutationAnswersWithoutFailures(t *testing.T) {
	a := serve(t, open())
	for mutation := range a.mutations() {
		answer := a.change(t, a.may(t, mutation), mutation, failureParts+` query { service { build } }`).OK(t)
		if failed, ok := answer.Data(mutation, "errors").([]any); !ok || len(failed) > 0 {
			t.Errorf("%s: %s", mutation, answer.Raw)
		}
		if answer.Text(mutation, "query", "service", "build") != "test" {
			t.Errorf("%s can't be refetched from: %s", mutation, answer.Raw)
		}
	}
}

func TestExpectedFailuresAreDataOfTheMutation(t *testing.T) {
	slot := open().slot.SlotID
	fee := &clinic.Money{MinorUnits: 2500, Currency: "USD"}
	for _, c := range []struct {
		failure   error
		mutation  string
		kind      string
		code      string
		path      string
		retryable bool
	}{
		{appointment.SlotTaken{Slot: slot}, "holdSlot", "SlotTakenError", "SLOT_TAKEN", "input slotId", false},
		{appointment.SlotTaken{Slot: slot}, "bookAppointment", "SlotTakenError", "SLOT_TAKEN", "input target slotId", false},
		{appointment.SlotUnavailable{Slot: slot}, "holdSlot", "SlotUnavailableError", "SLOT_UNAVAILABLE", "input slotId", false},
		{appointment.HoldExpired{Slot: slot, At: start}, "extendHold", "HoldExpiredError", "HOLD_EXPIRED", "input holdId", false},
		{appointment.HoldExpired{Slot: slot, At: start}, "rescheduleAppointment", "HoldExpiredError", "HOLD_EXPIRED", "input target slotId", false},
		{appointment.PatientConflict{}, "bookAppointment", "PatientConflictError", "PATIENT_CONFLICT", "input patientId", false},
		{appointment.PatientConflict{For: availability.For{Moving: id(7)}}, "rescheduleAppointment", "PatientConflictError", "PATIENT_CONFLICT", "input target slotId", false},
		{appointment.SeriesUnavailable{}, "bookSeries", "SeriesUnavailableError", "SLOT_UNAVAILABLE", "input firstSlotId", false},
		{appointment.SeriesUnavailable{}, "rescheduleSeries", "SeriesUnavailableError", "SLOT_UNAVAILABLE", "input slotId", false},
		{appointment.OfPart{Part: 1, Err: appointment.SlotTaken{Slot: slot}}, "swapAppointments", "SlotTakenError", "SLOT_TAKEN", "input secondAppointmentId", false},
		{appointment.OfPart{Err: appointment.SlotUnavailable{Slot: slot}}, "swapAppointments", "SlotUnavailableError", "SLOT_UNAVAILABLE", "input firstAppointmentId", false},
		{appointment.OfPart{Part: 1, Err: appointment.PatientConflict{}}, "swapAppointments", "PatientConflictError", "PATIENT_CONFLICT", "input secondAppointmentId", false},
		{appointment.OfPart{Part: 1, Err: appointment.StaleVersion{}}, "swapAppointments", "StaleVersionError", "STALE_VERSION", "input secondAppointmentId", false},
		{appointment.OfPart{Err: appointment.InvalidTransition{From: appointment.Booked}}, "swapAppointments", "InvalidTransitionError", "INVALID_TRANSITION", "input firstAppointmentId", false},
		{errs.KeyInUse{}, "bookAppointment", "IdempotencyError", "IDEMPOTENCY_KEY_IN_USE", "input idempotencyKey", true},
		{errs.KeyReused{}, "createOrganization", "IdempotencyError", "IDEMPOTENCY_KEY_REUSED", "input idempotencyKey", false},
		{appointment.OfferExpired{At: start}, "answerWaitlistOffer", "OfferExpiredError", "OFFER_EXPIRED", "input offerId", false},
		{appointment.SlotUnavailable{Slot: slot}, "answerWaitlistOffer", "SlotUnavailableError", "SLOT_UNAVAILABLE", "input offerId", false},
		{errs.FeatureOff{Feature: "waitlist.auto-offer"}, "joinWaitlist", "FeatureDisabledError", "FEATURE_DISABLED", "input", false},
		{errs.LimitReached{Limit: errs.WaitlistEntries, RetryAt: start}, "joinWaitlist", "LimitReachedError", "LIMIT_REACHED", "input patientId", false},
		{errs.LimitReached{Limit: errs.PatientHolds, RetryAt: start}, "holdSlot", "LimitReachedError", "LIMIT_REACHED", "input patientId", false},
		{errs.LimitReached{Limit: errs.AccountHolds, RetryAt: start}, "holdSlot", "LimitReachedError", "LIMIT_REACHED", "input", false},
		{errs.LimitReached{Limit: errs.FutureAppointments, RetryAt: start}, "bookAppointment", "LimitReachedError", "LIMIT_REACHED", "input patientId", false},
		{errs.LimitReached{Limit: errs.IdempotencyKeys, RetryAt: start}, "putLocation", "LimitReachedError", "LIMIT_REACHED", "input idempotencyKey", false},
		{errs.LimitReached{Limit: errs.IdempotencyKeys, RetryAt: start}, "releaseHold", "GenericError", "LIMIT_REACHED", "input idempotencyKey", false},
		{errs.FeatureOff{Feature: "booking.staff-overrides"}, "holdSlot", "FeatureDisabledError", "FEATURE_DISABLED", "input", false},
		{errs.FeatureOff{Feature: "booking.staff-overrides"}, "bookAppointment", "FeatureDisabledError", "FEATURE_DISABLED", "input", false},
		{errs.FeatureOff{Feature: "booking.staff-overrides"}, "rescheduleAppointment", "FeatureDisabledError", "FEATURE_DISABLED", "input", false},
		{errs.FeatureOff{Feature: "booking.staff-overrides"}, "releaseHold", "GenericError", "FEATURE_DISABLED", "input", false},
		{appointment.StaleVersion{}, "cancelAppointment", "StaleVersionError", "STALE_VERSION", "input expectedVersion", false},
		{appointment.InvalidTransition{From: appointment.Booked}, "transitionAppointment", "InvalidTransitionError", "INVALID_TRANSITION", "input appointmentId", false},
		{appointment.PolicyBroken{Fee: fee}, "cancelAppointment", "PolicyError", "CANCELLATION_WINDOW_PASSED", "input appointmentId", false},
		{errs.Invalid("Too long.", "reason"), "bookAppointment", "GenericError", "INVALID_INPUT", "input reason", false},
		{errs.Invalid("Too long.", "name"), "putLocation", "InvalidInputError", "INVALID_INPUT", "input name", false},
		{errs.Missing("patient", "patientId"), "bookAppointment", "GenericError", "NOT_FOUND", "input patientId", false},
		{errs.Missing("organisation", "organizationId"), "putLocation", "GenericError", "NOT_FOUND", "input organizationId", false},
		{errs.Denied("Not yours."), "transitionAppointment", "GenericError", "FORBIDDEN", "input", false},
		{identity.StaleVersion{}, "suspendAccount", "StaleAccountError", "STALE_VERSION", "input expectedVersion", false},
		{patient.LockedOut{Until: start}, "acceptPatientInvitation", "TooManyTriesError", "TOO_MANY_TRIES", "input code", true},
		{breakglass.StaleVersion{}, "reviewBreakGlass", "StaleGrantError", "STALE_VERSION", "input expectedVersion", false},
		{partner.StaleClient{}, "rotateApiClientSecret", "StaleApiClientError", "STALE_VERSION", "input expectedVersion", false},
		{partner.StaleKey{}, "revokeApiKey", "StaleApiKeyError", "STALE_VERSION", "input expectedVersion", false},
		{reminder.StaleVersion{}, "changeContactPreferences", "StaleContactPreferencesError", "STALE_VERSION", "input expectedVersion", false},
		{errs.Invalid("Whole minutes only.", "quietHours", "from"), "changeContactPreferences", "InvalidInputError", "INVALID_INPUT", "input quietHours from", false},
		{errs.Missing("visit kind", "visitKindId"), "setReminderRules", "GenericError", "NOT_FOUND", "input visitKindId", false},
		{retention.Kept{HeldUntil: &start}, "erasePatient", "PatientKeptError", "PATIENT_KEPT", "input patientId", false},
		{errs.TryAgain(nil), "bookAppointment", "GenericError", "SERVICE_BUSY", "input", true},
		{fmt.Errorf("book: %w", context.DeadlineExceeded), "bookAppointment", "GenericError", "SERVICE_BUSY", "input", true},
		{fmt.Errorf("deep: %w", appointment.SlotTaken{Slot: slot}), "holdSlot", "SlotTakenError", "SLOT_TAKEN", "input slotId", false},
	} {
		a := serve(t, open())
		a.rooms.fail = c.failure
		answer := a.change(t, a.may(t, c.mutation), c.mutation, failureParts).OK(t)
		got, _ := answer.Data(c.mutation, "errors", 0).(vars)
		want := vars{"__typename": c.kind, "code": c.code, "message": got["message"], "path": steps(c.path), "retryable": c.retryable}
		if !reflect.DeepEqual(got, want) || got["message"] == "" {
			t.Errorf("%s, %v: got %v, want %v", c.mutation, c.failure, got, want)
		}
	}
}

func steps(path string) any {
	if path == "" {
		return nil
	}
	var list []any
	for _, step := range strings.Fields(path) {
		list = append(list, step)
	}
	return list
}

func TestAFailureCarriesTheWayOut(t *testing.T) {
	a := serve(t, open())
	a.rooms.fail = appointment.SlotUnavailable{Slot: a.rooms.slot.SlotID, BlockedBy: []availability.Rule{availability.InThePast}}
	patient := a.as(t, access.PatientRole)
	answer := a.change(t, patient, "holdSlot", `errors { ... on SlotUnavailableError { blockedBy alternatives(limit: 3) { id provider { name } } } }`).OK(t)
	if answer.Text("holdSlot", "errors", 0, "blockedBy", 0) != "IN_THE_PAST" || answer.Text("holdSlot", "errors", 0, "alternatives", 0, "id") != a.slotID() {
		t.Errorf("%s", answer.Raw)
	}
	a.rooms.fail = errs.FeatureOff{Feature: "booking.staff-overrides"}
	answer = a.change(t, patient, "bookAppointment", `errors { ... on FeatureDisabledError { feature } }`).OK(t)
	if answer.Text("bookAppointment", "errors", 0, "feature") != "booking.staff-overrides" {
		t.Errorf("%s", answer.Raw)
	}
	a.rooms.fail = appointment.StaleVersion{Current: a.rooms.visit}
	answer = a.change(t, patient, "cancelAppointment", `errors { ... on StaleVersionError { current { id version } } }`).OK(t)
	if answer.Text("cancelAppointment", "errors", 0, "current", "id") != a.appointmentID() {
		t.Errorf("%s", answer.Raw)
	}
	a.rooms.fail = appointment.PatientConflict{With: clinic.Ref{Organization: a.rooms.organization.ID, ID: id(99)}}
	answer = a.change(t, patient, "bookAppointment", `errors { ... on PatientConflictError { code conflictingAppointment { id } } }`).OK(t)
	if answer.Data("bookAppointment", "errors", 0, "conflictingAppointment") != nil {
		t.Errorf("an appointment that the caller may not see: %s", answer.Raw)
	}
}

func TestATakenSlotIsToldThoughItsAlternativesCanNotBeRead(t *testing.T) {
	for name, cause := range map[string]error{"busy": errs.TryAgain(nil), "broken": errors.New("disk full"), "gone": errs.Missing("provider")} {
		a := serve(t, open())
		a.rooms.fail, a.rooms.unread = appointment.SlotTaken{Slot: a.rooms.slot.SlotID}, cause
		answer := a.change(t, a.as(t, access.PatientRole), "bookAppointment", `errors { ... on SlotTakenError { code alternatives { id } } }`).OK(t)
		list, told := answer.Data("bookAppointment", "errors", 0, "alternatives").([]any)
		if answer.Text("bookAppointment", "errors", 0, "code") != "SLOT_TAKEN" || !told || len(list) > 0 {
			t.Errorf("%s: %s", name, answer.Raw)
		}
		if !strings.Contains(a.log.String(), cause.Error()) {
			t.Errorf("%s: the cause isn't logged", name)
		}
	}
}

func TestAlternativesAreForWhomTheSlotWasWanted(t *testing.T) {
	whom := availability.For{Patient: id(50), Moving: id(51)}
	slot := open().slot.SlotID
	for kind, failure := range map[string]error{
		"SlotTakenError":       appointment.SlotTaken{Slot: slot, For: whom},
		"SlotUnavailableError": appointment.SlotUnavailable{Slot: slot, For: whom},
		"HoldExpiredError":     appointment.HoldExpired{Slot: slot, For: whom, At: start},
	} {
		a := serve(t, open())
		a.rooms.fail = failure
		a.change(t, a.as(t, access.FrontDesk), "bookAppointment", `errors { ... on `+kind+` { alternatives { id } } }`).OK(t)
		if a.rooms.whom != whom {
			t.Errorf("%s: alternatives for %+v", kind, a.rooms.whom)
		}
	}
}

func TestAHoldOutlivesTheHoursThatItsSlotWasIn(t *testing.T) {
	a := serve(t, open())
	a.rooms.closed = true
	for _, mutation := range []string{"holdSlot", "extendHold"} {
		answer := a.change(t, a.as(t, access.PatientRole), mutation, `hold { id slot { id status end timeZone provider { name } } } `+failureParts).OK(t)
		if answer.Text(mutation, "hold", "slot", "id") != a.slotID() || answer.Text(mutation, "hold", "slot", "status") != "BLOCKED" {
			t.Errorf("%s: %s", mutation, answer.Raw)
		}
	}
}

func TestUnexpectedFailuresTellNothing(t *testing.T) {
	a := serve(t, open())
	a.rooms.fail = errors.New(`ERROR: duplicate key value violates "patients_pkey" (SQLSTATE 23505) at /srv/store.go:12`)
	for mutation := range a.mutations() {
		answer := a.change(t, a.may(t, mutation), mutation, failureParts)
		text := string(answer.Raw)
		if answer.Code() != "INTERNAL_SERVER_ERROR" || strings.Contains(text, "SQLSTATE") || strings.Contains(text, ".go") || !strings.Contains(text, `"requestId"`) {
			t.Errorf("%s: %s", mutation, text)
		}
		if answer.Data(mutation) != nil {
			t.Errorf("%s has a payload: %s", mutation, text)
		}
	}
	if !strings.Contains(a.log.String(), "SQLSTATE 23505") {
		t.Error("the cause isn't logged")
	}
}

func TestKindsOfFailureHaveTheirCodes(t *testing.T) {
	for code, failure := range map[string]error{
		"INVALID_INPUT":         errs.Invalid("The period ends before it starts.", "where", "to"),
		"NOT_FOUND":             errs.Missing("patient", "where", "patientId"),
		"UNAUTHENTICATED":       errs.SignIn("Sign in to do this."),
		"FORBIDDEN":             errs.Denied("Not yours."),
		"SERVICE_BUSY":          errs.TryAgain(errors.New("lock timeout")),
		"INTERNAL_SERVER_ERROR": errors.New("disk full"),
	} {
		a := serve(t, open())
		a.rooms.fail = failure
		answer := a.Post(t, `{ list: appointments { edges { cursor } } }`, nil)
		extensions, _ := gqltest.At(answer.Body, "errors", 0, "extensions").(vars)
		if answer.Code() != code || extensions["requestId"] == "" || !reflect.DeepEqual(gqltest.At(answer.Body, "errors", 0, "path"), []any{"list"}) {
			t.Errorf("%s: %s", code, answer.Raw)
		}
		if busy := extensions["retryable"] == true; busy != (code == "SERVICE_BUSY") {
			t.Errorf("%s: retryable %v", code, busy)
		}
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	a := serve(t, open())
	a.rooms.panics = true
	for name, query := range map[string]string{
		"of a field":       `{ locations { edges { cursor } } }`,
		"of a batch":       `{ node(id: "` + a.locationID() + `") { id } }`,
		"of several nodes": `{ nodes(ids: ["` + a.slotID() + `"]) { id } }`,
	} {
		answer := a.Post(t, query, nil)
		if answer.Code() != "INTERNAL_SERVER_ERROR" || strings.Contains(string(answer.Raw), "broken") {
			t.Errorf("%s: status %d, %s", name, answer.Status, answer.Raw)
		}
		if said := a.log.String(); !strings.Contains(said, "panic") || !strings.Contains(said, ".go:") || strings.Contains(said, "broken") {
			t.Errorf("%s: the log must tell where it was, and not what it held: %s", name, said)
		}
		a.log.Reset()
	}
}
