package postgres_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
)

// detecting has the desk's bookings judged in a mode, whatever flags say.
func (d *desk) detecting(mode conflict.Mode) *desk {
	db := postgres.New(d.pool, keytest.Of(d.t, d.pool))
	d.Detecting(conflict.NewDetection(postgres.NewConflictStore(db), conflict.Fixed{Mode: mode, Overrule: true},
		conflict.DefaultBudget(), nil, nil, d.clock, clock.Uptime))
	return d
}

func elsewhere(slot availability.SlotID, location uuid.UUID) availability.SlotID {
	slot.Location = location
	return slot
}

func ofKind(slot availability.SlotID, kind uuid.UUID) availability.SlotID {
	slot.VisitKind = kind
	return slot
}

// brokenBy are the rules that a refusal names.
func brokenBy(err error) []availability.Rule {
	var e appointment.SlotUnavailable
	errors.As(err, &e)
	return e.BlockedBy
}

func (d *desk) refused(err error, want ...availability.Rule) {
	d.t.Helper()
	if got := brokenBy(err); !slices.Equal(got, want) || len(want) == 0 {
		d.t.Errorf("blocked by %v (%v), not %v", got, err, want)
	}
}

func (d *desk) books(a access.Actor, slot availability.SlotID) appointment.Appointment {
	d.t.Helper()
	b, err := d.book(a, slot)
	if err != nil {
		d.t.Fatalf("%v: %v", err, brokenBy(err))
	}
	return b.Appointment
}

// The harbour is 22 km from uptown: 43 min 22 s under the default rules, of which the margin alone is less than half an hour.
func TestAPatientNeedsTimeForTheWay(t *testing.T) {
	for _, mode := range []conflict.Mode{conflict.Off, conflict.Shadow, conflict.Enforce} {
		d := newDesk(t).detecting(mode)
		d.Set(`UPDATE locations SET latitude = 40.8, longitude = -73.95 WHERE organization_id = $1`)
		harbor := d.Place(40.6, -73.95)
		uptown, downtown := d.Provider(1), d.Provider(1)
		d.At(harbor, downtown)
		ann := d.Patient()
		d.books(ann, d.Slot(uptown, 10, 0))
		_, late := d.book(ann, elsewhere(d.Slot(downtown, 11, 0), harbor))
		if mode != conflict.Enforce {
			if late != nil {
				t.Errorf("%s: %v", mode, late)
			}
			continue
		}
		d.refused(late, availability.PatientTravelTime)
		_, early := d.book(ann, elsewhere(d.Slot(downtown, 9, 0), harbor))
		d.refused(early, availability.PatientTravelTime)
		d.books(ann, elsewhere(d.Slot(downtown, 11, 30), harbor))
		missed := d.Patient()
		d.books(missed, d.Slot(uptown, 12, 0))
		d.Set(`UPDATE appointments SET status = 'NO_SHOW' WHERE organization_id = $1 AND patient_id = $2`, missed.PatientID)
		d.books(missed, elsewhere(d.Slot(downtown, 12, 30), harbor))
		d.books(d.Patient(), elsewhere(d.Slot(downtown, 10, 30), harbor))
	}
}

func TestAProviderNeedsTimeForTheWay(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Set(`UPDATE locations SET latitude = 40.8, longitude = -73.95 WHERE organization_id = $1`)
	harbor, doctor := d.Place(40.6, -73.95), d.Provider(1)
	d.At(harbor, doctor)
	d.books(d.Patient(), d.Slot(doctor, 10, 0))
	_, err := d.book(d.Patient(), elsewhere(d.Slot(doctor, 11, 0), harbor))
	d.refused(err, availability.ProviderTravelTime)
	d.books(d.Patient(), d.Slot(doctor, 10, 30))
	d.books(d.Patient(), elsewhere(d.Slot(doctor, 12, 0), harbor))
	// A hold elsewhere counts like a visit, but for whoever has it.
	holder, slot := d.Patient(), elsewhere(d.Slot(doctor, 15, 0), harbor)
	if _, err := d.Hold(t.Context(), holder, appointment.PlaceHold{Slot: slot, Key: key()}); err != nil {
		t.Fatal(err)
	}
	_, err = d.book(d.Patient(), d.Slot(doctor, 14, 0))
	d.refused(err, availability.ProviderTravelTime)
	d.clock.Advance(5 * time.Minute) // it has run out
	d.books(d.Patient(), d.Slot(doctor, 14, 0))
}

func TestAVisitOfAKindIsNotRepeatedWithinItsInterval(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Requiring(`repeat_after = 86400`)
	doctor, ann := d.Provider(1), d.Patient()
	first := d.books(ann, d.Slot(doctor, 10, 0))
	nearly, tomorrow := d.Slot(doctor, 9, 30), d.Slot(doctor, 10, 0)
	nearly.Start, tomorrow.Start = nearly.Start.AddDate(0, 0, 1), tomorrow.Start.AddDate(0, 0, 1)
	_, err := d.book(ann, nearly)
	d.refused(err, availability.DuplicateVisit)
	if _, err := d.Move(t.Context(), ann, appointment.MoveVisit{Appointment: first.Ref(), Target: appointment.Target{Slot: &nearly}, Key: key()}); err != nil {
		t.Errorf("a visit stands in its own way: %v %v", err, brokenBy(err))
	}
	d.books(d.Patient(), tomorrow)
	cancelled := d.books(d.Patient(), d.Slot(doctor, 12, 0))
	bob := d.Patient()
	bob.PatientID = cancelled.PatientID
	if _, err := d.Cancel(t.Context(), bob, appointment.CancelVisit{Appointment: cancelled.Ref(), Reason: appointment.Other}); err != nil {
		t.Fatal(err)
	}
	d.books(bob, d.Slot(doctor, 12, 30))
}

func TestALabComesBeforeTheVisit(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	doctor, ann := d.Provider(1), d.Patient()
	lab := d.Kind(doctor)
	d.Requiring(`prerequisites = jsonb_build_array(jsonb_build_object('visitKind', $3::uuid, 'within', 7200))`, lab)
	_, err := d.book(ann, d.Slot(doctor, 12, 0))
	d.refused(err, availability.PrerequisiteMissing)
	sample := d.books(ann, ofKind(d.Slot(doctor, 9, 30), lab))
	_, err = d.book(ann, d.Slot(doctor, 12, 0)) // two and a half hours later
	d.refused(err, availability.PrerequisiteMissing)
	d.books(ann, d.Slot(doctor, 11, 30))
	for _, at := range [][2]int{{9, 0}, {12, 0}} {
		slot := ofKind(d.Slot(doctor, at[0], at[1]), lab)
		_, err = d.Move(t.Context(), ann, appointment.MoveVisit{Appointment: sample.Ref(), Target: appointment.Target{Slot: &slot}, Key: key()})
		d.refused(err, availability.PrerequisiteMissing)
	}
	slot := ofKind(d.Slot(doctor, 11, 0), lab)
	if _, err = d.Move(t.Context(), ann, appointment.MoveVisit{Appointment: sample.Ref(), Target: appointment.Target{Slot: &slot}, Key: key()}); err != nil {
		t.Errorf("%v %v", err, brokenBy(err))
	}
}

func TestOneParentCantBeWithTwoChildren(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	first, second := d.Provider(1), d.Provider(1)
	mother, father := uuid.New(), uuid.New()
	link := func(account uuid.UUID, child access.Actor, relation string) {
		d.Linked(account, child.PatientID, relation)
	}
	ann, ben, herself := d.Patient(), d.Patient(), d.Patient()
	link(mother, ann, "CAREGIVER")
	link(mother, ben, "CAREGIVER")
	link(mother, herself, "SELF")
	d.books(ann, d.Slot(first, 10, 0))
	_, err := d.book(ben, d.Slot(second, 10, 0))
	d.refused(err, availability.CaregiverBusy)
	d.books(ben, d.Slot(second, 10, 30))
	d.books(herself, d.Slot(first, 11, 0))
	_, err = d.book(ben, d.Slot(second, 11, 0))
	d.refused(err, availability.CaregiverBusy)
	link(father, ben, "CAREGIVER")
	d.books(ben, d.Slot(second, 11, 0))
	_, err = d.book(ann, d.Slot(first, 11, 30)) // nobody else has a visit then
	if err != nil {
		t.Errorf("%v %v", err, brokenBy(err))
	}
}

func TestSomeVisitsAreForNewPatientsAndSomeForOld(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	doctor, ann := d.Provider(1), d.Patient()
	other := d.Kind(doctor)
	d.Requiring(`patients = 'ESTABLISHED'`)
	_, err := d.book(ann, d.Slot(doctor, 12, 0))
	d.refused(err, availability.EstablishedPatientsOnly)
	d.books(ann, ofKind(d.Slot(doctor, 10, 0), other))
	d.books(ann, d.Slot(doctor, 12, 0))
	d.Requiring(`patients = 'NEW'`)
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`)
	_, err = d.book(ann, d.Slot(doctor, 13, 0))
	d.refused(err, availability.NewPatientsOnly)
	d.books(d.Patient(), d.Slot(doctor, 13, 0))
	d.Set(`UPDATE appointments SET starts_at = starts_at - interval '3 years', ends_at = ends_at - interval '3 years' WHERE organization_id = $1 AND patient_id = $2`, ann.PatientID)
	d.books(ann, d.Slot(doctor, 14, 0))
}

func TestAgesDecide(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Requiring(`minimum_age = 18`)
	doctor, ann, unknown := d.Provider(1), d.Patient(), d.Patient()
	born := func(on civil.Date) { d.Born(ann.PatientID, on) }
	born(civil.Date{Year: 2008, Month: 6, Day: 9})
	_, err := d.book(ann, d.Slot(doctor, 10, 0))
	d.refused(err, availability.NotEligible)
	born(civil.Date{Year: 2008, Month: 6, Day: 8})
	d.books(ann, d.Slot(doctor, 10, 0))
	_, err = d.book(unknown, d.Slot(doctor, 11, 0))
	d.refused(err, availability.NotEligible)
}

func TestARoomOfAPoolIsClaimedInEveryMode(t *testing.T) {
	for _, mode := range []conflict.Mode{conflict.Off, conflict.Shadow, conflict.Enforce} {
		d := newDesk(t).detecting(mode)
		d.Requiring(`needs = '{exam}'`)
		doctors := []clinic.Ref{d.Provider(1), d.Provider(1), d.Provider(1)}
		_, err := d.book(d.Patient(), d.Slot(doctors[0], 10, 0))
		d.refused(err, availability.ResourceBusy)
		d.Room("exam")
		d.Room("exam")
		d.Room("scan")
		first := d.Patient()
		visit := d.books(first, d.Slot(doctors[0], 10, 0))
		holder, held := d.Patient(), d.Slot(doctors[1], 10, 0)
		hold, err := d.Hold(t.Context(), holder, appointment.PlaceHold{Slot: held, Key: key()})
		if err != nil {
			t.Fatal(mode, err)
		}
		_, err = d.book(d.Patient(), d.Slot(doctors[2], 10, 0))
		d.refused(err, availability.ResourceBusy)
		_, err = d.Hold(t.Context(), d.Patient(), appointment.PlaceHold{Slot: d.Slot(doctors[2], 10, 0), Key: key()})
		d.refused(err, availability.ResourceBusy)
		if e, err := d.Explain(t.Context(), d.FrontDesk(), d.Slot(doctors[2], 10, 0), nil); err != nil || !slices.Equal(e.BlockedBy, []availability.Rule{availability.ResourceBusy}) {
			t.Errorf("%s: %v %v", mode, e.BlockedBy, err)
		}
		ref := clinic.Ref{Organization: d.Organization, ID: hold.ID}
		if _, err := d.Book(t.Context(), holder, appointment.BookVisit{Target: appointment.Target{Hold: &ref}, Key: key()}); err != nil {
			t.Errorf("%s: what a hold has its booking can't have: %v %v", mode, err, brokenBy(err))
		}
		later := d.Slot(doctors[0], 11, 0)
		if _, err := d.Move(t.Context(), first, appointment.MoveVisit{Appointment: visit.Ref(), Target: appointment.Target{Slot: &later}, Key: key()}); err != nil {
			t.Fatal(mode, err)
		}
		d.books(d.Patient(), d.Slot(doctors[2], 10, 0))
		if n := d.roomsAt(10, 0); n != 2 {
			t.Errorf("%s: %d rooms are claimed at ten", mode, n)
		}
		// A hold that runs out gives its room back at that instant.
		if _, err := d.Hold(t.Context(), d.Patient(), appointment.PlaceHold{Slot: d.Slot(doctors[1], 11, 0), Key: key()}); err != nil {
			t.Fatal(mode, err)
		}
		_, err = d.book(d.Patient(), d.Slot(doctors[2], 11, 0))
		d.refused(err, availability.ResourceBusy)
		d.clock.Advance(5 * time.Minute)
		d.books(d.Patient(), d.Slot(doctors[2], 11, 0))
	}
}

// roomsAt counts the rooms that are claimed at an hour of Monday.
func (d *desk) roomsAt(hour, minute int) (n int) {
	d.t.Helper()
	at := d.Slot(clinic.Ref{}, hour, minute).Start
	if err := d.pool.QueryRow(d.t.Context(), `SELECT count(DISTINCT party_id) FROM claims WHERE organization_id = $1 AND party_kind = 'ROOM'
		AND state = 'ACTIVE' AND starts_at <= $2 AND ends_at > $2`, d.Organization, at).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// A hold ends as one thing, and whoever follows its provider hears of it, whatever room it had.
func TestAHoldWithARoomLapsesWithItsProvidersEvent(t *testing.T) {
	d := newDesk(t).detecting(conflict.Off)
	d.Requiring(`needs = '{exam}'`)
	d.Room("exam")
	provider := d.Provider(1)
	if _, err := d.Hold(t.Context(), d.Patient(), appointment.PlaceHold{Slot: d.Slot(provider, 10, 0), Key: key()}); err != nil {
		t.Fatal(err)
	}
	d.clock.Advance(5 * time.Minute)
	if _, err := d.Sweep(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	var left, told int
	if err := d.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM claims WHERE organization_id = $1 AND state = 'ACTIVE'),
		(SELECT count(*) FROM event_log WHERE organization_id = $1 AND topic = 'hold.lapsed' AND provider_id = $2 AND payload->'days' <> 'null')`,
		d.Organization, provider.ID).Scan(&left, &told); err != nil || left != 0 || told != 1 {
		t.Errorf("%d claims are left, %d events: %v", left, told, err)
	}
}

// A hold that would have moved a visit to another provider shares nothing with the visit's provider but a room.
func TestACancellationEndsNoHoldOfAnotherProviderUnheard(t *testing.T) {
	d := newDesk(t).detecting(conflict.Off)
	d.Requiring(`needs = '{exam}'`)
	d.Room("exam")
	first, second, ann := d.Provider(1), d.Provider(1), d.Patient()
	visit := d.books(ann, d.Slot(first, 10, 0))
	moving := visit.Ref()
	if _, err := d.Hold(t.Context(), ann, appointment.PlaceHold{Slot: d.Slot(second, 12, 0), Moving: &moving, Key: key()}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Cancel(t.Context(), ann, appointment.CancelVisit{Appointment: moving, Reason: appointment.Other}); err != nil {
		t.Fatal(err)
	}
	var held, rooms int
	if err := d.pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE party_id = $2), count(*) FILTER (WHERE party_kind = 'ROOM') FROM claims
		WHERE organization_id = $1 AND state = 'ACTIVE' AND hold_id IS NOT NULL`, d.Organization, second.ID).Scan(&held, &rooms); err != nil || held != 1 || rooms != 1 {
		t.Errorf("the hold has %d lanes and %d rooms: %v", held, rooms, err)
	}
}

// A hold for nobody in particular gives way to its holder's booking, with its room.
func TestOnesOwnSpareHoldGivesItsRoomUp(t *testing.T) {
	d := newDesk(t).detecting(conflict.Off)
	provider, clerk := d.Provider(2), d.FrontDesk()
	other := d.Kind(provider)
	d.Requiring(`needs = '{exam}'`)
	d.RequiringOf(other, `needs = '{exam}'`)
	d.Room("exam")
	if _, err := d.Hold(t.Context(), clerk, appointment.PlaceHold{Slot: ofKind(d.Slot(provider, 10, 0), other), Key: key()}); err != nil {
		t.Fatal(err)
	}
	patient, slot := d.named(d.Patient()), d.Slot(provider, 10, 0)
	if _, err := d.Book(t.Context(), d.FrontDesk(), appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &patient, Key: key()}); !slices.Equal(brokenBy(err), []availability.Rule{availability.ResourceBusy}) {
		t.Errorf("somebody else gets it: %v", err)
	}
	if _, err := d.Book(t.Context(), clerk, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &patient, Key: key()}); err != nil {
		t.Errorf("%v %v", err, brokenBy(err))
	}
}
