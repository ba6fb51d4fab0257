package postgres_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// unreachable limits are locked and counted for, and refuse nothing.
var unreachable = appointment.Limits{PatientHolds: 1000, AccountHolds: 1000, HoldsAnHour: 1000, Ahead: 1000}

// reached is the limit that an error tells.
func (d *desk) reached(err error) appointment.LimitReached {
	d.t.Helper()
	var e appointment.LimitReached
	if !errors.As(err, &e) {
		d.t.Fatalf("there is no limit: %v", err)
	}
	return e
}

func (d *desk) wantReached(err error, limit errs.Limit, most, inUse int, retry time.Time) {
	d.t.Helper()
	e, want := d.reached(err), appointment.LimitReached{Limit: limit, Most: most, InUse: inUse, RetryAt: retry.UTC()}
	if e != want {
		d.t.Fatalf("the limit is told as %+v, want %+v", e, want)
	}
}

func TestOnlySoManyTimesAreHeldForAPatientByTheirSide(t *testing.T) {
	d := limitedDesk(t, appointment.Limits{PatientHolds: 3})
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	first := d.mustHold(ann, d.Slot(provider, 9, 0))
	d.clock.Advance(time.Minute)
	second := d.mustHold(ann, d.Slot(provider, 10, 0))
	d.mustHold(ann, d.Slot(provider, 11, 0))
	_, err := d.hold(ann, d.Slot(provider, 12, 0))
	d.wantReached(err, errs.PatientHolds, 3, 3, first.ExpiresAt)

	d.mustHold(bob, d.Slot(provider, 12, 0))
	d.mustHold(ann, d.Slot(provider, 11, 0)) // takes the place of the third
	if _, err := d.bookHold(ann, second); err != nil {
		t.Fatal(err)
	}
	d.mustHold(ann, d.Slot(provider, 13, 0))
	if _, err := d.hold(ann, d.Slot(provider, 14, 0)); d.reached(err).Limit != errs.PatientHolds {
		t.Fatal(err)
	}
	d.clock.Set(first.ExpiresAt.Add(-time.Microsecond))
	if _, err := d.hold(ann, d.Slot(provider, 14, 0)); d.reached(err).Limit != errs.PatientHolds {
		t.Fatal(err)
	}
	d.clock.Set(first.ExpiresAt)
	d.mustHold(ann, d.Slot(provider, 14, 0))
}

func TestHoldsForAPatientCountWhoeverOfTheirSidePlacesThem(t *testing.T) {
	d := limitedDesk(t, appointment.Limits{PatientHolds: 2})
	provider, ann := d.Provider(1), d.Patient()
	mother := ann
	mother.ID, mother.Role = uuid.New(), access.Caregiver
	d.mustHold(ann, d.Slot(provider, 9, 0))
	d.mustHold(mother, d.Slot(provider, 10, 0))
	for _, a := range []access.Actor{ann, mother} {
		if _, err := d.hold(a, d.Slot(provider, 11, 0)); d.reached(err).Limit != errs.PatientHolds {
			t.Fatal(err)
		}
	}
	patient := clinic.Ref{Organization: d.Organization, ID: ann.PatientID}
	if _, err := d.Hold(t.Context(), d.FrontDesk(), appointment.PlaceHold{Slot: d.Slot(provider, 11, 0), Patient: &patient, Key: key()}); err != nil {
		t.Fatalf("the clinic isn't held to what the patient's side is: %v", err)
	}
}

func TestAnAccountHoldsOnlySoManyTimesWhoeverItActsFor(t *testing.T) {
	d := limitedDesk(t, appointment.Limits{AccountHolds: 2})
	provider, desk := d.Provider(1), d.FrontDesk()
	first := d.mustHold(desk, d.Slot(provider, 9, 0))
	ann := clinic.Ref{Organization: d.Organization, ID: d.Patient().PatientID}
	if _, err := d.Hold(t.Context(), desk, appointment.PlaceHold{Slot: d.Slot(provider, 10, 0), Patient: &ann, Key: key()}); err != nil {
		t.Fatal(err)
	}
	_, err := d.hold(desk, d.Slot(provider, 11, 0))
	d.wantReached(err, errs.AccountHolds, 2, 2, first.ExpiresAt)
	d.mustHold(d.FrontDesk(), d.Slot(provider, 11, 0))
	if _, err := d.Release(t.Context(), desk, holdRef(first)); err != nil {
		t.Fatal(err)
	}
	d.mustHold(desk, d.Slot(provider, 9, 0))
}

func TestAnAccountHoldsOnlySoOftenWithinAnHour(t *testing.T) {
	d := limitedDesk(t, appointment.Limits{HoldsAnHour: 3})
	provider, ann, start := d.Provider(1), d.Patient(), d.clock.Now()
	again := func() error {
		h, err := d.hold(ann, d.Slot(provider, 9, 0))
		if err == nil {
			_, err = d.Release(t.Context(), ann, holdRef(h))
		}
		return err
	}
	for range 3 {
		if err := again(); err != nil {
			t.Fatal(err)
		}
		d.clock.Advance(10 * time.Minute)
	}
	d.wantReached(again(), errs.HoldsAnHour, 3, 3, start.Add(time.Hour))
	d.clock.Set(start.Add(time.Hour - time.Microsecond))
	d.wantReached(again(), errs.HoldsAnHour, 3, 3, start.Add(time.Hour))
	d.clock.Set(start.Add(time.Hour))
	if err := again(); err != nil {
		t.Fatal(err)
	}
	d.wantReached(again(), errs.HoldsAnHour, 3, 3, start.Add(70*time.Minute))
	d.mustHold(d.Patient(), d.Slot(provider, 9, 0))
	desk := d.FrontDesk()
	for range 5 {
		if _, err := d.Release(t.Context(), desk, holdRef(d.mustHold(desk, d.Slot(provider, 10, 0)))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPatientHasOnlySoManyAppointmentsAhead(t *testing.T) {
	d := limitedDesk(t, appointment.Limits{Ahead: 2})
	provider, ann := d.Provider(1), d.Patient()
	at := func(hour int) availability.SlotID { return d.Slot(provider, hour, 0) }
	first, err := d.book(ann, at(9))
	if err != nil {
		t.Fatal(err)
	}
	ten, ref := at(10), clinic.Ref{Organization: d.Organization, ID: ann.PatientID}
	visit := appointment.BookVisit{Target: appointment.Target{Slot: &ten}, Key: key()}
	second, err := d.Book(t.Context(), ann, visit)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.book(ann, at(11))
	d.wantReached(err, errs.FutureAppointments, 2, 2, at(9).Start)
	for _, repeated := range []string{visit.Key, key()} {
		visit.Key = repeated
		if b, err := d.Book(t.Context(), ann, visit); err != nil || !b.Replayed {
			t.Fatalf("a booking that was made is answered with %+v: %v", b, err)
		}
	}

	twelve := at(12)
	if _, err := d.Move(t.Context(), ann, appointment.MoveVisit{Appointment: first.Appointment.Ref(), Target: appointment.Target{Slot: &twelve}, Key: key()}); err != nil {
		t.Fatalf("a visit that moves is none more: %v", err)
	}
	for _, hour := range []int{13, 14} {
		slot := at(hour)
		if _, err := d.Book(t.Context(), d.FrontDesk(), appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &ref, Key: key()}); err != nil {
			t.Fatalf("the clinic isn't held to it: %v", err)
		}
	}
	_, err = d.book(ann, at(15))
	d.wantReached(err, errs.FutureAppointments, 2, 4, at(13).Start)
	if _, err := d.Cancel(t.Context(), ann, appointment.CancelVisit{Appointment: second.Appointment.Ref(), Reason: appointment.Other}); err != nil {
		t.Fatal(err)
	}
	d.clock.Set(at(13).Start.Add(-time.Microsecond))
	if _, err := d.book(ann, at(15)); d.reached(err).InUse != 2 {
		t.Fatal(err)
	}
	d.clock.Set(at(13).Start)
	if _, err := d.book(ann, at(15)); err != nil {
		t.Fatalf("one has begun: %v", err)
	}
}

// Whatever comes at once, over however many providers and days, each sees those before it. Whoever is told to come again does.
func TestManyAtOnceDoNotExceedALimit(t *testing.T) {
	d := limitedDesk(t, appointment.Limits{PatientHolds: 3, AccountHolds: 20, HoldsAnHour: 30, Ahead: 10})
	slots := make([]availability.SlotID, 0, 200)
	for day := range 20 {
		provider := d.Provider(1)
		for hour := range 5 {
			for half := range 2 {
				slot := d.Slot(provider, 9+hour, 30*half)
				slot.Start = slot.Start.AddDate(0, 0, day) // a patient's visits of one day wait for each other anyway
				slots = append(slots, slot)
			}
		}
	}
	before := d.deadlocks()
	ann, bob, desk := d.Patient(), d.Patient(), d.FrontDesk()
	crowd := func(slots []availability.SlotID, ask func(availability.SlotID) error) {
		t.Helper()
		var all sync.WaitGroup
		for _, slot := range slots {
			all.Go(func() {
				err := ask(slot)
				for errs.Of(err) == errs.Busy {
					err = ask(slot)
				}
				if err != nil && !expected(err) && !errors.As(err, new(appointment.LimitReached)) {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	hold := func(a access.Actor) func(availability.SlotID) error {
		return func(slot availability.SlotID) error { _, err := d.hold(a, slot); return err }
	}
	crowd(slots, func(slot availability.SlotID) error { _, err := d.book(ann, slot); return err })
	if n := d.count(`SELECT count(*)::int FROM appointments WHERE patient_id = $1 AND status = 'BOOKED'`, ann.PatientID); n != 10 {
		t.Errorf("%d appointments are ahead", n)
	}
	crowd(slots, hold(bob))
	if n := d.count(`SELECT count(*)::int FROM holds WHERE patient_id = $1 AND state = 'ACTIVE'`, bob.PatientID); n != 3 {
		t.Errorf("%d times are held for a patient", n)
	}
	crowd(slots, hold(desk))
	if n := d.count(`SELECT count(*)::int FROM holds WHERE actor_id = $1 AND state = 'ACTIVE'`, desk.ID); n != 20 {
		t.Errorf("%d times are held by the front desk", n)
	}
	d.Set(`UPDATE holds SET state = 'RELEASED', ended_at = created_at WHERE organization_id = $1 AND patient_id = $2`, bob.PatientID)
	d.Set(`UPDATE claims SET state = 'FREED' WHERE organization_id = $1 AND hold_id IN (SELECT id FROM holds WHERE patient_id = $2)`, bob.PatientID)
	again := slices.Repeat([]availability.SlotID{d.Slot(d.Provider(1), 9, 0)}, 60) // each takes the place of the one before
	crowd(again, hold(bob))
	if n := d.count(`SELECT count(*)::int FROM holds WHERE actor_id = $1`, bob.ID); n != 30 {
		t.Errorf("%d holds were made within an hour", n)
	}
	if after := d.deadlocks(); after != before {
		t.Errorf("%d deadlocks", after-before)
	}
	d.noDoubleBooking()
}

// Who isn't limited asks for no lock, and waits for nobody who is.
func TestTheClinicBooksWhileAPatientsLimitIsLocked(t *testing.T) {
	d := limitedDesk(t, appointment.DefaultLimits())
	provider, ann := d.Provider(1), d.Patient()
	tx, err := d.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(limit_lock('patient', $1, $2))`, d.Organization, ann.PatientID); err != nil {
		t.Fatal(err)
	}
	slot, patient := d.Slot(provider, 9, 0), clinic.Ref{Organization: d.Organization, ID: ann.PatientID}
	if _, err := d.Book(t.Context(), d.FrontDesk(), appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &patient, Key: key()}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.book(ann, d.Slot(provider, 10, 0)); errs.Of(err) != errs.Busy {
		t.Fatalf("one more of the patient's has to wait, and is told so in time: %v", err)
	}
}
