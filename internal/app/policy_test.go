package app

import (
	"fmt"
	"maps"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	state      = `appointment { id version status confirmedAt cancellation { reason by fee { minorUnits currency } } }`
	refused    = `errors { __typename ... on UserError { code message path } }`
	refusals   = `errors { __typename ... on UserError { code message path } ... on PolicyError { fee { minorUnits currency } policy { freeCancellationBefore } } }`
	itsActions = `query($id: ID!) { node(id: $id) { ... on Appointment { actions { action allowed reason until fee { minorUnits currency } } } } }`
)

// feeful makes cancellations within a day of the start cost 25 dollars.
func (a *api) feeful() {
	a.clinic.Set(`UPDATE visit_kinds SET free_cancellation_before = 86400, late_fee_minor_units = 2500, late_fee_currency = 'USD' WHERE organization_id = $1`)
}

func (a *api) change(t *testing.T, by gqltest.Client, mutation, parts string, input vars) gqltest.Answer {
	t.Helper()
	return by.Post(t, document(mutation, parts), vars{"input": input}).OK(t)
}

func TestAFeeIsShownAskedForAndAccepted(t *testing.T) {
	a := newAPI(t)
	a.feeful()
	ada := a.clinic.Patient()
	me := a.by(ada)
	visit := a.booked(t, globalid.OfSlot(a.clinic.Slot(a.clinic.Provider(1), 10, 0)), ada)
	const parts = state + ` fee { minorUnits currency } ` + refusals
	cancel := func(more vars) gqltest.Answer {
		in := vars{"appointmentId": visit, "reason": "OTHER"}
		maps.Copy(in, more)
		return a.change(t, me, "cancelAppointment", parts, in)
	}
	fee := func(answer gqltest.Answer, path ...any) string {
		found := answer.Data(append([]any{"cancelAppointment"}, path...)...)
		return fmt.Sprint(gqltest.At(found, "minorUnits"), " ", gqltest.At(found, "currency"))
	}

	preview := cancel(vars{"preview": true})
	if fee(preview, "fee") != "2500 USD" || preview.Text("cancelAppointment", "appointment", "status") != "BOOKED" || preview.Data("cancelAppointment", "appointment", "version") != 1.0 {
		t.Errorf("a preview: %s", preview.Raw)
	}
	for name, consent := range map[string]any{"without consent": nil, "a cent short": 2499} {
		answer := cancel(vars{"acceptFeeMinorUnits": consent})
		if answer.Text("cancelAppointment", "errors", 0, "__typename") != "PolicyError" || answer.Text("cancelAppointment", "errors", 0, "code") != "CANCELLATION_WINDOW_PASSED" ||
			fee(answer, "errors", 0, "fee") != "2500 USD" || answer.Text("cancelAppointment", "errors", 0, "policy", "freeCancellationBefore") != "P1D" ||
			words(answer.Data("cancelAppointment", "errors", 0, "path")) != "input appointmentId" || answer.Data("cancelAppointment", "appointment") != nil {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
	done := cancel(vars{"acceptFeeMinorUnits": 2500})
	if done.Text("cancelAppointment", "appointment", "status") != "CANCELLED" || fee(done, "fee") != "2500 USD" || fee(done, "appointment", "cancellation", "fee") != "2500 USD" {
		t.Errorf("with consent: %s", done.Raw)
	}
}

func TestTheClinicsReasonsAreTheClinicsAndFree(t *testing.T) {
	a := newAPI(t)
	a.feeful()
	ada := a.clinic.Patient()
	visit := a.booked(t, globalid.OfSlot(a.clinic.Slot(a.clinic.Provider(1), 10, 0)), ada)
	const parts = state + ` fee { minorUnits } ` + refusals
	for _, reason := range []string{"CLINIC_REQUEST", "PROVIDER_UNAVAILABLE"} {
		in := vars{"appointmentId": visit, "reason": reason}
		answer := a.change(t, a.by(ada), "cancelAppointment", parts, in)
		if answer.Text("cancelAppointment", "errors", 0, "code") != "FORBIDDEN" || words(answer.Data("cancelAppointment", "errors", 0, "path")) != "input reason" {
			t.Errorf("%s by the patient: %s", reason, answer.Raw)
		}
	}
	answer := a.change(t, a.by(a.clinic.FrontDesk()), "cancelAppointment", parts, vars{"appointmentId": visit, "reason": "PROVIDER_UNAVAILABLE"})
	if answer.Text("cancelAppointment", "appointment", "cancellation", "by") != "CLINIC" || answer.Data("cancelAppointment", "fee") != nil {
		t.Errorf("%s", answer.Raw)
	}
}

func TestALateMoveIsRefusedWithoutAFee(t *testing.T) {
	a := newAPI(t)
	a.feeful()
	of, ada := a.clinic.Provider(1), a.clinic.Patient()
	visit := a.booked(t, globalid.OfSlot(a.clinic.Slot(of, 10, 0)), ada)
	move := func() vars {
		return vars{"appointmentId": visit, "target": vars{"slotId": globalid.OfSlot(a.clinic.Slot(of, 11, 0))}, "idempotencyKey": sample.NewID().String()}
	}
	late := a.change(t, a.by(ada), "rescheduleAppointment", state+refusals, move())
	if late.Text("rescheduleAppointment", "errors", 0, "code") != "CANCELLATION_WINDOW_PASSED" || late.Data("rescheduleAppointment", "errors", 0, "fee") != nil ||
		late.Text("rescheduleAppointment", "errors", 0, "message") != "It is too late to move this appointment. Cancel it and book another." {
		t.Errorf("%s", late.Raw)
	}
	if moved := a.change(t, a.by(a.clinic.FrontDesk()), "rescheduleAppointment", state+refusals, move()); moved.Text("rescheduleAppointment", "appointment", "id") != visit {
		t.Errorf("by the front desk: %s", moved.Raw)
	}
}

func TestActionsTellReasonEndAndFee(t *testing.T) {
	a := newAPI(t)
	a.feeful()
	of, ada := a.clinic.Provider(1), a.clinic.Patient()
	soon, later := a.clinic.Slot(of, 10, 0), a.clinic.Slot(of, 10, 0)
	later.Start = later.Start.AddDate(0, 0, 4)
	today, friday := a.booked(t, globalid.OfSlot(soon), ada), a.booked(t, globalid.OfSlot(later), ada)
	const start, fridays, thursdays = "2026-06-08T14:00:00Z", "2026-06-12T14:00:00Z", "2026-06-11T14:00:00Z"
	desk, me := a.by(a.clinic.FrontDesk()), a.by(ada)
	for _, c := range []struct {
		name          string
		by            gqltest.Client
		visit, action string
		allowed       bool
		reason, until any
		fee           any
	}{
		{"today, patient", me, today, "CANCEL", true, nil, start, 2500.0},
		{"today, patient", me, today, "RESCHEDULE", false, "CANCELLATION_WINDOW_PASSED", nil, nil},
		{"today, patient", me, today, "CONFIRM", true, nil, nil, nil},
		{"today, patient", me, today, "CHECK_IN", false, "FORBIDDEN", nil, nil},
		{"today, patient", me, today, "UNDO", false, "FORBIDDEN", nil, nil},
		{"friday, patient", me, friday, "CANCEL", true, nil, fridays, nil},
		{"friday, patient", me, friday, "RESCHEDULE", true, nil, thursdays, nil},
		{"today, front desk", desk, today, "RESCHEDULE", true, nil, nil, nil},
		{"today, front desk", desk, today, "CHECK_IN", true, nil, nil, nil},
		{"today, front desk", desk, today, "COMPLETE", false, "INVALID_TRANSITION", nil, nil},
		{"friday, front desk", desk, friday, "ARRIVE", false, "INVALID_TRANSITION", nil, nil},
	} {
		answer := c.by.Post(t, itsActions, vars{"id": c.visit}).OK(t)
		got := action(answer, c.action)
		if got["allowed"] != c.allowed || got["reason"] != c.reason || got["until"] != c.until || gqltest.At(got["fee"], "minorUnits") != c.fee {
			t.Errorf("%s, %s: %v", c.name, c.action, got)
		}
	}
}

func action(answer gqltest.Answer, name string) vars {
	list, _ := answer.Data("node", "actions").([]any)
	for _, item := range list {
		if got := item.(vars); got["action"] == name {
			return got
		}
	}
	return nil
}

func TestApprovalDeclineAndUndo(t *testing.T) {
	a := newAPI(t)
	a.clinic.Set(`UPDATE visit_kinds SET requires_approval = true WHERE organization_id = $1`)
	of, ada := a.clinic.Provider(1), a.clinic.Patient()
	first, second := globalid.OfSlot(a.clinic.Slot(of, 10, 0)), globalid.OfSlot(a.clinic.Slot(of, 11, 0))
	approved, declined := a.booked(t, first, ada), a.booked(t, second, ada)
	desk, me := a.by(a.clinic.FrontDesk()), a.by(ada)
	for _, c := range []struct {
		name          string
		by            gqltest.Client
		visit, action string
		code, path    string // of a refusal
		status        string
		version       float64
		confirmed     bool
	}{
		{"the patient can't approve", me, approved, "APPROVE", "FORBIDDEN", "input action", "", 0, false},
		{"nothing to confirm yet", me, approved, "CONFIRM", "INVALID_TRANSITION", "input appointmentId", "", 0, false},
		{"approved", desk, approved, "APPROVE", "", "", "BOOKED", 2, false},
		{"approved again", desk, approved, "APPROVE", "", "", "BOOKED", 2, false},
		{"too late to decline", desk, approved, "DECLINE", "INVALID_TRANSITION", "input appointmentId", "", 0, false},
		{"confirmed", me, approved, "CONFIRM", "", "", "BOOKED", 3, true},
		{"taken back", me, approved, "UNDO", "", "", "BOOKED", 4, false},
		{"declined", desk, declined, "DECLINE", "", "", "CANCELLED", 2, false},
		{"a declined visit isn't brought back", desk, declined, "UNDO", "INVALID_TRANSITION", "input appointmentId", "", 0, false},
	} {
		answer := a.change(t, c.by, "transitionAppointment", state+refused, vars{"appointmentId": c.visit, "action": c.action})
		got, _ := answer.Data("transitionAppointment").(vars)
		if c.code != "" {
			if gqltest.At(got, "errors", 0, "code") != c.code || words(gqltest.At(got, "errors", 0, "path")) != c.path {
				t.Errorf("%s: %s", c.name, answer.Raw)
			}
			continue
		}
		if gqltest.At(got, "appointment", "status") != c.status || gqltest.At(got, "appointment", "version") != c.version ||
			(gqltest.At(got, "appointment", "confirmedAt") != nil) != c.confirmed {
			t.Errorf("%s: %s", c.name, answer.Raw)
		}
	}
	a.declinedIsFree(t, desk, second, declined)
}

func (a *api) declinedIsFree(t *testing.T, desk gqltest.Client, slot, visit string) {
	t.Helper()
	answer := desk.Post(t, `query($slot: ID!, $visit: ID!) { slot: node(id: $slot) { ... on Slot { status } } visit: node(id: $visit) { ... on Appointment { cancellation { reason by fee { minorUnits } } } } }`,
		vars{"slot": slot, "visit": visit}).OK(t)
	want := vars{"reason": "CLINIC_REQUEST", "by": "CLINIC", "fee": nil}
	if got, _ := answer.Data("visit", "cancellation").(vars); answer.Text("slot", "status") != "FREE" || !maps.Equal(got, want) {
		t.Errorf("%s", answer.Raw)
	}
	if answer := a.change(t, a.by(a.clinic.Patient()), "bookAppointment", state+` replayed`, vars{"target": vars{"slotId": slot}, "idempotencyKey": "next"}); answer.Text("bookAppointment", "appointment", "status") != "PENDING" {
		t.Errorf("%s", answer.Raw)
	}
}
