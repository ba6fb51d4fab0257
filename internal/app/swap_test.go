package app

import (
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func TestTheDeskSwapsTwoVisitsAndAPatientMayNot(t *testing.T) {
	a := newAPI(t)
	of, other := a.clinic.Provider(1), a.clinic.Provider(1)
	ann, bob := a.clinic.Patient(), a.clinic.Patient()
	first := a.booked(t, globalid.OfSlot(a.clinic.Slot(of, 9, 0)), ann)
	second := a.booked(t, globalid.OfSlot(a.clinic.Slot(other, 11, 30)), bob)
	ask := func(key string) vars {
		return vars{"input": vars{"firstAppointmentId": first, "secondAppointmentId": second, "firstExpectedVersion": 1, "idempotencyKey": key}}
	}
	if told := a.by(ann).Post(t, swapIt, ask("a")).OK(t); told.Text("swapAppointments", "errors", 0, "code") != "FORBIDDEN" || told.Text("swapAppointments", "errors", 0, "__typename") != "GenericError" {
		t.Errorf("a patient is told %s", told.Raw)
	}
	desk := a.by(a.clinic.FrontDesk())
	for _, again := range []bool{false, true} {
		done := desk.Post(t, swapIt, ask("b")).OK(t)
		if done.Text("swapAppointments", "firstAppointment", "start") != "2026-06-08T15:30:00Z" || done.Text("swapAppointments", "secondAppointment", "start") != "2026-06-08T13:00:00Z" ||
			done.Text("swapAppointments", "firstAppointment", "id") != first || done.Data("swapAppointments", "secondAppointment", "version") != 2.0 ||
			done.Data("swapAppointments", "replayed") != again {
			t.Errorf("%s", done.Raw)
		}
	}
	stale := desk.Post(t, swapIt, ask("c")).OK(t)
	if stale.Text("swapAppointments", "errors", 0, "code") != "STALE_VERSION" || stale.Text("swapAppointments", "errors", 0, "path", 1) != "firstAppointmentId" {
		t.Errorf("%s", stale.Raw)
	}
	a.booked(t, globalid.OfSlot(a.clinic.Slot(a.clinic.Provider(1), 11, 30)), bob)
	busy := desk.Post(t, swapIt, vars{"input": vars{"firstAppointmentId": first, "secondAppointmentId": second, "idempotencyKey": sample.NewID().String()}}).OK(t)
	if busy.Text("swapAppointments", "errors", 0, "__typename") != "PatientConflictError" || busy.Text("swapAppointments", "errors", 0, "path", 1) != "secondAppointmentId" {
		t.Errorf("%s", busy.Raw)
	}
	foreign := desk.Post(t, swapIt, vars{"input": vars{"firstAppointmentId": first, "secondAppointmentId": first, "idempotencyKey": sample.NewID().String()}}).OK(t)
	if foreign.Text("swapAppointments", "errors", 0, "code") != "INVALID_INPUT" {
		t.Errorf("%s", foreign.Raw)
	}
}
