package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

func (d *desk) hold(a access.Actor, slot availability.SlotID) (appointment.Hold, error) {
	return d.Hold(context.Background(), a, appointment.PlaceHold{Slot: slot, Key: key()})
}

func (d *desk) mustHold(a access.Actor, slot availability.SlotID) appointment.Hold {
	d.t.Helper()
	h, err := d.hold(a, slot)
	if err != nil {
		d.t.Fatal(err)
	}
	return h
}

func (d *desk) bookHold(a access.Actor, h appointment.Hold) (appointment.Booking, error) {
	ref := holdRef(h)
	return d.Book(context.Background(), a, appointment.BookVisit{Target: appointment.Target{Hold: &ref}, Key: key()})
}

func holdRef(h appointment.Hold) clinic.Ref {
	return clinic.Ref{Organization: h.OrganizationID, ID: h.ID}
}

func TestAHoldKeepsTheSlotForItsHolderAlone(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	slot := d.Slot(provider, 10, 0)
	h := d.mustHold(ann, slot)
	if want := d.clock.Now().Add(5 * time.Minute); !h.ExpiresAt.Equal(want) {
		t.Errorf("the hold ends at %v, want %v", h.ExpiresAt, want)
	}
	if d.free(provider, bob)[slot.Start] != 0 || d.free(provider, ann)[slot.Start] != 1 {
		t.Error("the held slot shows to another patient, or not to its holder")
	}
	if _, err := d.book(bob, slot); !errors.As(err, new(appointment.SlotTaken)) {
		t.Errorf("another patient's booking of a held slot got %v", err)
	}
	if _, err := d.book(ann, slot); err != nil {
		t.Errorf("the holder can't book the slot that she holds: %v", err)
	}
	if _, err := d.bookHold(ann, h); err != nil {
		t.Errorf("booking by the hold, too, must answer the appointment: %v", err)
	}
}

func TestAHoldEndsExactlyWhenItSays(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	slot := d.Slot(provider, 10, 0)
	h := d.mustHold(ann, slot)
	d.clock.Set(h.ExpiresAt.Add(-time.Microsecond))
	if _, err := d.book(bob, slot); !errors.As(err, new(appointment.SlotTaken)) {
		t.Fatalf("a moment before its end the hold let another in: %v", err)
	}
	d.clock.Set(h.ExpiresAt)
	if d.free(provider, bob)[slot.Start] != 1 {
		t.Error("a hold that ends exactly now still hides the slot")
	}
	var ended appointment.HoldExpired
	if _, err := d.bookHold(ann, h); !errors.As(err, &ended) || !ended.At.Equal(h.ExpiresAt) {
		t.Errorf("booking a hold that ended got %v", err)
	}
	if _, err := d.book(bob, slot); err != nil {
		t.Errorf("the slot of an ended hold can't be booked: %v", err)
	}
}

func TestTheSweeperLapsesHoldsByAnUpdate(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	h := d.mustHold(ann, d.Slot(provider, 10, 0))
	d.clock.Set(h.ExpiresAt.Add(-time.Microsecond))
	if n, err := d.Sweep(context.Background(), 10); n != 0 || err != nil {
		t.Fatalf("swept %d before the end: %v", n, err)
	}
	d.clock.Set(h.ExpiresAt)
	if n, err := d.Sweep(context.Background(), 10); n != 1 || err != nil {
		t.Fatalf("swept %d at the end: %v", n, err)
	}
	holds, err := d.Holds(context.Background(), ann, []clinic.Ref{holdRef(h)})
	if err != nil || holds[holdRef(h)].State != appointment.HoldLapsed {
		t.Fatalf("after the sweep the hold is %v: %v", holds[holdRef(h)].State, err)
	}
	if got := d.count(`SELECT sum(booked) FROM party_days`); got != 0 {
		t.Errorf("the lapsed hold is still counted: %d", got)
	}
}

func TestAHoldIsExtendedOnceAndReleased(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	slot := d.Slot(provider, 10, 0)
	h := d.mustHold(ann, slot)
	longer, err := d.Extend(context.Background(), ann, holdRef(h))
	if err != nil || !longer.ExpiresAt.Equal(h.ExpiresAt.Add(5*time.Minute)) {
		t.Fatalf("extended to %v: %v", longer.ExpiresAt, err)
	}
	again, err := d.Extend(context.Background(), ann, holdRef(h))
	if err != nil || !again.ExpiresAt.Equal(longer.ExpiresAt) {
		t.Fatalf("a repeated extension gave %v: %v", again.ExpiresAt, err)
	}
	if _, err := d.Release(context.Background(), bob, holdRef(h)); err == nil {
		t.Error("somebody else released the hold")
	}
	for range 2 {
		if released, err := d.Release(context.Background(), ann, holdRef(h)); err != nil || released != slot {
			t.Fatalf("released %v: %v", released, err)
		}
	}
	if _, err := d.book(bob, slot); err != nil {
		t.Errorf("the released slot can't be booked: %v", err)
	}
}

func TestAnotherHoldOfTheSameHolderTakesThePlaceOfTheFirst(t *testing.T) {
	d := newDesk(t)
	d.Set(`UPDATE visit_kinds SET slot_step = 900 WHERE organization_id = $1`)
	provider, ann := d.Provider(1), d.Patient()
	first := d.mustHold(ann, d.Slot(provider, 10, 0))
	second := d.mustHold(ann, d.Slot(provider, 10, 15))
	holds, err := d.Holds(context.Background(), ann, []clinic.Ref{holdRef(first), holdRef(second)})
	if err != nil || holds[holdRef(first)].State != appointment.HoldReleased || holds[holdRef(second)].State != appointment.HoldActive {
		t.Fatalf("holds stand as %v: %v", holds, err)
	}
}

func TestAHoldForAMoveMayMeetTheVisitThatMoves(t *testing.T) {
	d := newDesk(t)
	d.Set(`UPDATE visit_kinds SET slot_step = 900 WHERE organization_id = $1`)
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	visit, err := d.book(ann, d.Slot(provider, 10, 0))
	if err != nil {
		t.Fatal(err)
	}
	ref := visit.Appointment.Ref()
	h, err := d.Hold(context.Background(), ann, appointment.PlaceHold{Slot: d.Slot(provider, 10, 15), Moving: &ref, Key: key()})
	if err != nil {
		t.Fatalf("a hold that meets the visit being moved: %v", err)
	}
	if _, err := d.book(bob, d.Slot(provider, 10, 30)); !errors.As(err, new(appointment.SlotTaken)) {
		t.Fatalf("the part that only the hold keeps was given away: %v", err)
	}
	target := holdRef(h)
	moved, err := d.Move(context.Background(), ann, appointment.MoveVisit{
		Appointment: ref, Target: appointment.Target{Hold: &target}, Key: key(),
	})
	if err != nil || moved.Appointment.Version != 2 || !moved.Appointment.Start.Equal(d.Slot(provider, 10, 15).Start) {
		t.Fatalf("moved to %v: %v", moved.Appointment.Start, err)
	}
	if _, err := d.book(bob, d.Slot(provider, 10, 45)); err != nil {
		t.Fatalf("what follows the moved visit can't be booked: %v", err)
	}
	if got := d.count(`SELECT sum(booked) FROM party_days`); got != 2 {
		t.Errorf("2 visits are counted as %d", got)
	}
}

func (d *desk) count(sql string, args ...any) int {
	d.t.Helper()
	var n *int
	if err := d.pool.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	if n == nil {
		return 0
	}
	return *n
}

func TestTheFrontDeskHoldsManyTimesForNobodyInParticular(t *testing.T) {
	d := newDesk(t)
	provider, desk, ann := d.Provider(1), d.FrontDesk(), d.Patient()
	d.capDay(provider, 3)
	nine, eleven := d.mustHold(desk, d.Slot(provider, 9, 0)), d.mustHold(desk, d.Slot(provider, 11, 0))
	if _, err := d.hold(desk, d.Slot(provider, 9, 0)); !errors.As(err, new(appointment.SlotTaken)) {
		t.Fatalf("a second hold of the same time for nobody got %v", err)
	}
	holds, err := d.Holds(context.Background(), desk, []clinic.Ref{holdRef(nine), holdRef(eleven)})
	if err != nil || holds[holdRef(nine)].State != appointment.HoldActive || holds[holdRef(eleven)].State != appointment.HoldActive {
		t.Fatalf("holds stand as %v: %v", holds, err)
	}
	slot, patient := d.Slot(provider, 9, 0), clinic.Ref{Organization: d.Organization, ID: ann.PatientID}
	if _, err := d.Book(context.Background(), desk, appointment.BookVisit{
		Target: appointment.Target{Slot: &slot}, Patient: &patient, Key: key(),
	}); err != nil {
		t.Fatalf("the front desk can't book the time that it holds: %v", err)
	}
	holds, _ = d.Holds(context.Background(), desk, []clinic.Ref{holdRef(nine), holdRef(eleven)})
	if holds[holdRef(nine)].State != appointment.HoldBooked || holds[holdRef(eleven)].State != appointment.HoldActive {
		t.Fatalf("after the booking holds stand as %v", holds)
	}
}

func TestAHoldForAnUnknownPatientIsRefused(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(1)
	nobody := clinic.Ref{Organization: d.Organization, ID: d.Location}
	_, err := d.Hold(context.Background(), d.FrontDesk(), appointment.PlaceHold{Slot: d.Slot(provider, 9, 0), Patient: &nobody, Key: key()})
	if errs.Of(err) != errs.NotFound {
		t.Fatalf("got %v", err)
	}
}

func TestAHoldForOnePatientIsNotBookedForAnother(t *testing.T) {
	d := newDesk(t)
	provider, desk, ann, bob := d.Provider(1), d.FrontDesk(), d.Patient(), d.Patient()
	forAnn, forBob := clinic.Ref{Organization: d.Organization, ID: ann.PatientID}, clinic.Ref{Organization: d.Organization, ID: bob.PatientID}
	h, err := d.Hold(context.Background(), desk, appointment.PlaceHold{Slot: d.Slot(provider, 9, 0), Patient: &forAnn, Key: key()})
	if err != nil {
		t.Fatal(err)
	}
	ref := holdRef(h)
	in := appointment.BookVisit{Target: appointment.Target{Hold: &ref}, Patient: &forBob, Key: key()}
	if _, err := d.Book(context.Background(), desk, in); errs.Of(err) != errs.InvalidInput {
		t.Fatalf("booking Ann's hold for Bob got %v", err)
	}
	in.Patient = &forAnn
	if _, err := d.Book(context.Background(), desk, in); err != nil {
		t.Fatal(err)
	}
}
