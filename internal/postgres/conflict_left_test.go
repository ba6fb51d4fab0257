package postgres_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

// A server keeps rules for a while, and asks anew before it refuses anybody for them.
func TestARuleThatWasTakenBackRefusesNobody(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Requiring(`patients = 'ESTABLISHED'`)
	doctor, ann := d.Provider(1), d.Patient()
	_, err := d.book(ann, d.Slot(doctor, 10, 0))
	d.refused(err, availability.EstablishedPatientsOnly)
	d.Requiring(`patients = 'ALL'`)
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`)
	d.books(ann, d.Slot(doctor, 10, 0))
}

// Whoever holds a time with the last room books it by its slot, holds it again, and is told that it is theirs.
func TestOnesOwnHoldKeepsNoRoomFromOneself(t *testing.T) {
	for _, mode := range []conflict.Mode{conflict.Off, conflict.Shadow, conflict.Enforce} {
		d := newDesk(t).detecting(mode)
		d.Requiring(`needs = '{exam}'`)
		d.Room("exam")
		doctor, ann := d.Provider(1), d.Patient()
		slot := d.Slot(doctor, 10, 0)
		d.mustHold(ann, slot)
		d.mustHold(ann, slot)
		if e, err := d.Explain(t.Context(), ann, slot, nil); err != nil || slices.Contains(e.BlockedBy, availability.ResourceBusy) {
			t.Errorf("%s: %v %v", mode, e.BlockedBy, err)
		}
		if e, err := d.Explain(t.Context(), d.Patient(), slot, nil); err != nil || !slices.Contains(e.BlockedBy, availability.ResourceBusy) {
			t.Errorf("%s: somebody else: %v %v", mode, e.BlockedBy, err)
		}
		d.books(ann, slot)
		clerk, ben, later := d.FrontDesk(), d.named(d.Patient()), d.Slot(doctor, 14, 0)
		d.mustHold(clerk, later)
		if _, err := d.Book(t.Context(), clerk, appointment.BookVisit{Target: appointment.Target{Slot: &later}, Patient: &ben, Key: key()}); err != nil {
			t.Errorf("%s: %v %v", mode, err, brokenBy(err))
		}
	}
}

// What is booked where the provider has no hours any more is still to be reached.
func TestAVisitThatIsLeftWhereHoursWereTakenBackTakesItsWay(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Set(`UPDATE locations SET latitude = 40.8, longitude = -73.95 WHERE organization_id = $1`)
	harbor, doctor := d.Place(40.7, -73.95), d.Provider(1)
	d.At(harbor, doctor)
	d.books(d.Patient(), elsewhere(d.Slot(doctor, 10, 30), harbor))
	d.Set(`DELETE FROM schedules WHERE organization_id = $1 AND location_id = $2`, harbor)
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`)
	d.books(d.Patient(), d.Slot(doctor, 16, 0)) // and now the server knows
	_, err := d.book(d.Patient(), d.Slot(doctor, 10, 0))
	d.refused(err, availability.ProviderTravelTime)
}

// A provider leaves once they are free, and has to be there when they begin to get ready: the longest way there is counts from there.
func TestTheLongestWayIsLookedForFromWhenAProviderIsBusy(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	harbor, doctor := d.Place(40.7, -73.95), d.Provider(1)
	d.At(harbor, doctor)
	d.Set(`UPDATE schedules SET weekly = (SELECT jsonb_agg(jsonb_build_object('weekday', w, 'from', 0, 'to', 1440, 'capacity', 1)) FROM generate_series(1, 7) w)
		WHERE organization_id = $1`)
	d.Set(`INSERT INTO travel_rules (organization_id, patients, providers, speed, margin, routes) SELECT $1, true, true, 40, 0,
		jsonb_build_array(jsonb_build_object('from', $2::uuid, 'to', $3::uuid, 'seconds', 28800))`, harbor, d.Location)
	d.Requiring(`buffer_before = 1800`)
	d.books(d.Patient(), elsewhere(d.Slot(doctor, 9, 0), harbor)) // until half past nine
	_, err := d.book(d.Patient(), d.Slot(doctor, 17, 30))         // ready from five on
	d.refused(err, availability.ProviderTravelTime)
	d.books(d.Patient(), d.Slot(doctor, 18, 0))
}

// Of two providers each has a hold that has run out, with the resource that the booking at the other one takes.
func TestBookingsOfTwoPoolsEndWhatHasRunOutWithoutDeadlock(t *testing.T) {
	d := newDesk(t).detecting(conflict.Off)
	d.Room("x")
	d.Room("y")
	for range 12 {
		a, b := d.Provider(1), d.Provider(1)
		kinds := map[string]uuid.UUID{"ax": d.Kind(a), "ay": d.Kind(a), "bx": d.Kind(b), "by": d.Kind(b)}
		for name, kind := range kinds {
			d.RequiringOf(kind, `needs = ARRAY[$3]`, name[1:])
		}
		d.mustHold(d.Patient(), ofKind(d.Slot(a, 10, 0), kinds["ay"]))
		d.mustHold(d.Patient(), ofKind(d.Slot(b, 10, 0), kinds["bx"]))
		d.clock.Advance(6 * time.Minute)
		var both sync.WaitGroup
		ann, ben := d.Patient(), d.Patient()
		both.Go(func() { d.books(ann, ofKind(d.Slot(a, 10, 0), kinds["ax"])) })
		both.Go(func() { d.books(ben, ofKind(d.Slot(b, 10, 0), kinds["by"])) })
		both.Wait()
		d.Set(`UPDATE claims SET state = 'FREED' WHERE organization_id = $1 AND state = 'ACTIVE'`)
	}
	d.withoutDeadlock()
}
