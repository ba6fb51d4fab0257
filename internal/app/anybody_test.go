package app

import (
	"slices"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func TestWhoeverIsFreeIsBooked(t *testing.T) {
	a := newAPI(t)
	c := a.clinic
	first, second := c.Provider(1), c.Provider(1)
	a.booked(t, globalid.OfSlot(c.Slot(first, 9, 0)), c.Patient())
	start := c.Slot(first, 10, 0).Start
	target := func(more vars) vars {
		of := vars{
			"visitKindId": globalid.Of(globalid.VisitKind, clinic.Ref{Organization: c.Organization, ID: c.VisitKind}),
			"locationId":  globalid.Of(globalid.Location, clinic.Ref{Organization: c.Organization, ID: c.Location}), "start": start.Format(time.RFC3339),
		}
		for k, v := range more {
			of[k] = v
		}
		return vars{"anyProvider": of}
	}
	const parts = `replayed appointment { id status provider { id } } errors { ... on UserError { code path message }
		... on SlotTakenError { slot { id } alternatives { id } } ... on PatientConflictError { conflictingAppointment { id } } }`
	book := func(input vars) (vars, string) {
		if input["idempotencyKey"] == nil {
			input["idempotencyKey"] = sample.NewID().String()
		}
		input["patientId"] = nil
		answer := a.by(c.Patient()).Post(t, document("bookAppointment", parts), vars{"input": input}).OK(t)
		return answer.Data("bookAppointment").(vars), string(answer.Raw)
	}
	provider := func(ref clinic.Ref) string { return globalid.Of(globalid.Provider, ref) }

	ada := a.by(c.Patient())
	input := vars{"target": target(nil), "idempotencyKey": "once"}
	answer := ada.Post(t, document("bookAppointment", parts), vars{"input": input}).OK(t)
	if got := answer.Text("bookAppointment", "appointment", "provider", "id"); got != provider(second) {
		t.Errorf("who has fewer visits isn't the one: %s", answer.Raw)
	}
	again := ada.Post(t, document("bookAppointment", parts), vars{"input": input}).OK(t)
	if again.Text("bookAppointment", "appointment", "id") != answer.Text("bookAppointment", "appointment", "id") || again.Data("bookAppointment", "replayed") != true {
		t.Errorf("once more: %s", again.Raw)
	}

	if got, raw := book(vars{"target": target(vars{"providerIds": []string{provider(second)}})}); got["appointment"] != nil || !slices.Equal(codesIn(got), []string{"SLOT_TAKEN"}) {
		t.Errorf("of one who is taken: %s", raw)
	}
	if got, raw := book(vars{"target": target(vars{"language": "en-GB", "modality": "IN_PERSON"})}); got["appointment"] == nil || got["appointment"].(vars)["provider"].(vars)["id"] != provider(first) {
		t.Errorf("the one who is left: %s", raw)
	}
	taken, raw := book(vars{"target": target(nil)})
	failure := taken["errors"].([]any)[0].(vars)
	if failure["code"] != "SLOT_TAKEN" || !slices.Equal(failure["path"].([]any), []any{"input", "target", "anyProvider"}) || len(failure["alternatives"].([]any)) != 5 {
		t.Errorf("nobody is left: %s", raw)
	}
	none, raw := book(vars{"target": target(vars{"language": "tlh"})})
	if failure := none["errors"].([]any)[0].(vars); failure["code"] != "NOT_FOUND" || !slices.Equal(failure["path"].([]any), []any{"input", "target", "anyProvider"}) {
		t.Errorf("nobody fits: %s", raw)
	}

	moved := ada.Post(t, document("rescheduleAppointment", `errors { ... on UserError { code path } }`), vars{"input": vars{
		"appointmentId": answer.Text("bookAppointment", "appointment", "id"), "target": target(nil), "idempotencyKey": "m",
	}}).OK(t)
	if moved.Text("rescheduleAppointment", "errors", 0, "code") != "INVALID_INPUT" {
		t.Errorf("a move: %s", moved.Raw)
	}
}

// codesIn are those of a payload's errors.
func codesIn(payload vars) (codes []string) {
	for _, e := range payload["errors"].([]any) {
		codes = append(codes, e.(vars)["code"].(string))
	}
	return codes
}
