package appointment

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

var (
	start = time.Date(2026, 6, 8, 14, 0, 0, 0, time.UTC) // 10:00 in New York
	desk  = access.Actor{Kind: access.Staff, Role: access.FrontDesk, Scopes: access.ScopesOf(access.FrontDesk)}
	ann   = access.Actor{Kind: access.Patient, Role: access.PatientRole, Scopes: access.ScopesOf(access.PatientRole), PatientID: uuid.New()}
)

func visit(status Status) Appointment {
	return Appointment{
		Version: 1, Status: status, Start: start, End: start.Add(30 * time.Minute), TimeZone: "America/New_York",
		LocalStart: civil.DateTime{Date: civil.Date{Year: 2026, Month: 6, Day: 8}, Time: civil.Time{Hour: 10}}, PatientID: ann.PatientID,
	}
}

func TestTheActionsOpenInEachState(t *testing.T) {
	before, after := start.Add(-48*time.Hour), start.Add(time.Minute)
	for _, c := range []struct {
		name   string
		ap     Appointment
		who    access.Actor
		now    time.Time
		expect []Action
	}{
		{"a booked visit days ahead, front desk", visit(Booked), desk, before, []Action{Cancel, Confirm, Reschedule}},
		{"a booked visit days ahead, patient", visit(Booked), ann, before, []Action{Cancel, Confirm, Reschedule}},
		{"a booked visit under way, front desk", visit(Booked), desk, after,
			[]Action{Arrive, Cancel, CheckIn, Complete, Confirm, MarkNoShow, Reschedule}},
		{"a booked visit under way, patient", visit(Booked), ann, after, []Action{Confirm}},
		{"a pending visit, front desk", visit(Pending), desk, before, []Action{Approve, Cancel, Decline, Reschedule}},
		{"a pending visit, patient", visit(Pending), ann, before, []Action{Cancel, Reschedule}},
		{"an arrived patient, front desk", visit(Arrived), desk, after, []Action{Cancel, CheckIn, Complete}},
		{"a checked-in patient, front desk", visit(CheckedIn), desk, after, []Action{Complete}},
		{"a cancelled visit", visit(Cancelled), desk, before, []Action{}},
		{"a fulfilled visit", visit(Fulfilled), desk, after, []Action{}},
	} {
		if got := open(c.ap, c.who, clinic.Policy{}, c.now); !slices.Equal(got, c.expect) {
			t.Errorf("%s: %v, want %v", c.name, got, c.expect)
		}
	}
}

func TestArrivalOpensAtLocalMidnightAndNoShowAtTheStart(t *testing.T) {
	midnight := time.Date(2026, 6, 8, 4, 0, 0, 0, time.UTC)
	if legal(visit(Booked), Arrive, midnight.Add(-time.Second)) || !legal(visit(Booked), Arrive, midnight) {
		t.Error("arrival opens at another time than the local midnight of the visit's day")
	}
	if legal(visit(Booked), MarkNoShow, start.Add(-time.Second)) || !legal(visit(Booked), MarkNoShow, start) {
		t.Error("a visit can be missed before it starts, or not from then on")
	}
}

func TestUndoTakesTheLastStepBackOnce(t *testing.T) {
	confirmed := After(visit(Booked), Confirm, start.Add(-time.Hour))
	arrived := After(confirmed, Arrive, start)
	if !legal(arrived, Undo, start) || !entitled(arrived, desk, Undo) || entitled(arrived, ann, Undo) {
		t.Fatal("the front desk can't take an arrival back, or the patient can")
	}
	back := After(arrived, Undo, start)
	if back.Status != Booked || back.ConfirmedAt == nil || back.Version != 4 {
		t.Fatalf("back to %s, confirmed %v, version %d", back.Status, back.ConfirmedAt, back.Version)
	}
	if legal(back, Undo, start) || !reached(back, Undo) {
		t.Error("a second undo takes another step back, or is refused rather than answered as the first")
	}
}

func TestALateCancellationCostsThePatientAndNeverTheClinic(t *testing.T) {
	fee := &clinic.Money{MinorUnits: 2500, Currency: "USD"}
	p := clinic.Policy{FreeCancellationBefore: 24 * time.Hour, LateCancellationFee: fee}
	ap, deadline := visit(Booked), start.Add(-24*time.Hour)
	if feeOf(ap, ByPatient, p, deadline) != nil || feeOf(ap, ByPatient, p, deadline.Add(time.Microsecond)) != fee {
		t.Error("the fee begins at another time than just after the free period")
	}
	if feeOf(ap, ByClinic, p, start) != nil || feeOf(visit(Pending), ByPatient, p, start) != nil {
		t.Error("the clinic's cancellation, or one it hasn't approved, costs a fee")
	}
	if mayMove(ap, ann, p, deadline) != nil || mayMove(ap, ann, p, deadline.Add(time.Microsecond)) == nil {
		t.Error("a patient may move around the fee, or not before it")
	}
	late, ok := errors.AsType[PolicyBroken](mayMove(ap, ann, p, deadline.Add(time.Microsecond)))
	if !ok || late.Fee != nil || !strings.Contains(late.Error(), "book another") {
		t.Errorf("a late move asks for a fee that it can't accept: %+v, %s", late, late)
	}
	if mayMove(ap, desk, p, start.Add(-time.Minute)) != nil {
		t.Error("the clinic can't move a visit late")
	}
}

func TestAPatientMovesAsOftenAsThePolicySays(t *testing.T) {
	most := 2
	p := clinic.Policy{MaxReschedules: &most}
	ap := visit(Booked)
	ap.Reschedules = 1
	if mayMove(ap, ann, p, start.Add(-time.Hour)) != nil {
		t.Error("the second of two moves is refused")
	}
	ap.Reschedules = 2
	if mayMove(ap, ann, p, start.Add(-time.Hour)) == nil || mayMove(ap, desk, p, start.Add(-time.Hour)) != nil {
		t.Error("a third of two moves is allowed, or the clinic's is refused")
	}
}
