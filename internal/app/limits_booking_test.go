package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const limitParts = `errors { __typename ... on UserError { code path retryable message } ... on LimitReachedError { reached limit inUse retryAt } }`

// wantLimit is what a client is told of a limit.
func wantLimit(t *testing.T, answer gqltest.Answer, mutation, reached, path string, limit, inUse int, retry time.Time) {
	t.Helper()
	answer.OK(t)
	told := fmt.Sprintln(answer.Data(mutation, "errors", 0, "reached"), answer.Data(mutation, "errors", 0, "path"), answer.Data(mutation, "errors", 0, "limit"),
		answer.Data(mutation, "errors", 0, "inUse"), answer.Data(mutation, "errors", 0, "retryable"), answer.Text(mutation, "errors", 0, "retryAt"))
	want := fmt.Sprintln(reached, "["+path+"]", float64(limit), float64(inUse), false, retry.UTC().Format(time.RFC3339))
	if told != want || answer.Text(mutation, "errors", 0, "__typename") != "LimitReachedError" || answer.Text(mutation, "errors", 0, "code") != "LIMIT_REACHED" {
		t.Errorf("%s is told %s, want %s: %s", mutation, told, want, answer.Raw)
	}
}

func TestAPatientIsToldHowManyTimesMayBeKept(t *testing.T) {
	a := newAPI(t)
	of, ada := a.clinic.Provider(1), a.clinic.Patient()
	patient, desk := a.by(ada), a.by(a.clinic.FrontDesk())
	slot := func(i int) string { return globalid.OfSlot(a.clinic.Slot(of, 9+i/2, 30*(i%2))) }
	hold := func(i int) gqltest.Answer {
		return patient.Post(t, document("holdSlot", limitParts), vars{"input": vars{"slotId": slot(i), "idempotencyKey": sample.NewID().String()}})
	}
	book := func(i int) gqltest.Answer {
		return patient.Post(t, document("bookAppointment", limitParts), vars{"input": vars{"target": vars{"slotId": slot(i)}, "idempotencyKey": sample.NewID().String()}})
	}
	for i := range 3 {
		if answer := hold(i); strings.Contains(string(answer.Raw), "code") {
			t.Fatalf("%s", answer.Raw)
		}
	}
	wantLimit(t, hold(3), "holdSlot", "PATIENT_HOLDS", "input patientId", 3, 3, a.clock.Now().Add(5*time.Minute))
	for i := range 10 {
		if answer := book(i); strings.Contains(string(answer.Raw), "code") {
			t.Fatalf("%s", answer.Raw)
		}
	}
	wantLimit(t, book(10), "bookAppointment", "FUTURE_APPOINTMENTS", "input patientId", 10, 10, a.clinic.Slot(of, 9, 0).Start)
	answer := desk.Post(t, document("bookAppointment", limitParts), vars{"input": vars{
		"target": vars{"slotId": slot(10)}, "patientId": a.patientID(ada), "idempotencyKey": sample.NewID().String(),
	}}).OK(t)
	if strings.Contains(string(answer.Raw), "code") {
		t.Errorf("the front desk is told %s", answer.Raw)
	}
}
