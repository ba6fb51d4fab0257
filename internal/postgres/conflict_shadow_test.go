package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
)

// What is judged in the shadow is judged a moment later, on what was there when it was asked for: of two visits that don't go together the
// second is refused alone, and a lab that is booked too late doesn't help.
func TestTheShadowKnowsNothingOfWhatCameLater(t *testing.T) {
	for name, books := range map[string]func(*desk){
		"a visit alike": func(d *desk) {
			d.Requiring(`repeat_after = 86400`)
			doctor, ann := d.Provider(1), d.Patient()
			d.books(ann, d.Slot(doctor, 10, 0))
			d.clock.Advance(time.Second)
			d.books(ann, d.Slot(doctor, 11, 0))
		},
		"a visit that makes patients established": func(d *desk) {
			d.Requiring(`patients = 'ESTABLISHED'`)
			doctor, ann := d.Provider(1), d.Patient()
			d.books(ann, d.Slot(doctor, 12, 0))
			d.clock.Advance(time.Second)
			d.books(ann, ofKind(d.Slot(doctor, 10, 0), d.Kind(doctor)))
		},
		"a lab": func(d *desk) {
			doctor, ann := d.Provider(1), d.Patient()
			lab := d.Kind(doctor)
			d.Requiring(`prerequisites = jsonb_build_array(jsonb_build_object('visitKind', $3::uuid, 'within', 7200))`, lab)
			d.books(ann, d.Slot(doctor, 12, 0))
			d.clock.Advance(time.Second)
			d.books(ann, ofKind(d.Slot(doctor, 11, 0), lab))
		},
		"a patient's way": func(d *desk) {
			d.Set(`UPDATE locations SET latitude = 40.8, longitude = -73.95 WHERE organization_id = $1`)
			harbor, uptown, downtown, ann := d.Place(40.7, -73.95), d.Provider(1), d.Provider(1), d.Patient()
			d.At(harbor, downtown)
			d.books(ann, d.Slot(uptown, 10, 0))
			d.clock.Advance(time.Second)
			d.books(ann, elsewhere(d.Slot(downtown, 10, 30), harbor))
		},
		"a provider's way": func(d *desk) {
			d.Set(`UPDATE locations SET latitude = 40.8, longitude = -73.95 WHERE organization_id = $1`)
			harbor, doctor := d.Place(40.7, -73.95), d.Provider(1)
			d.At(harbor, doctor)
			d.books(d.Patient(), d.Slot(doctor, 10, 0))
			d.clock.Advance(time.Second)
			d.books(d.Patient(), elsewhere(d.Slot(doctor, 10, 30), harbor))
		},
		"a child's visit": func(d *desk) {
			first, second, mother, ann, ben := d.Provider(1), d.Provider(1), uuid.New(), d.Patient(), d.Patient()
			d.Linked(mother, ann.PatientID, "CAREGIVER")
			d.Linked(mother, ben.PatientID, "CAREGIVER")
			d.books(ann, d.Slot(first, 10, 0))
			d.clock.Advance(time.Second)
			d.books(ben, d.Slot(second, 10, 0))
		},
	} {
		d := newDesk(t)
		later := d.judgedLater()
		books(d)
		verdicts := later()
		if verdicts[conflict.OnlyFull] != 1 || verdicts[conflict.AgreedAllowed] != 1 {
			t.Errorf("%s: %v", name, verdicts)
		}
	}
}

// A hold that is placed stands in nobody's way but others'.
func TestAHoldOfTheLastRoomIsNoDisagreement(t *testing.T) {
	d := newDesk(t)
	later := d.judgedLater()
	d.Requiring(`needs = '{exam}'`)
	d.Room("exam")
	doctor := d.Provider(1)
	d.mustHold(d.Patient(), d.Slot(doctor, 10, 0))
	d.mustHold(d.FrontDesk(), d.Slot(doctor, 12, 0))
	if verdicts := later(); verdicts[conflict.AgreedAllowed] != 2 {
		t.Errorf("%v", verdicts)
	}
}

// judgedLater has the desk's bookings judged in the shadow, once what it answers is called.
func (d *desk) judgedLater() func() map[conflict.Verdict]int64 {
	db := postgres.New(d.pool, keytest.Of(d.t, d.pool))
	many := conflict.Bulkhead{Workers: 1, Batch: 16, Queue: 100, Longest: time.Hour, Drain: time.Minute}
	beside := conflict.NewBeside(many, postgres.NewConflictRecords(db), clinic.Source{Clock: clock.System{}, NewID: uuid.New})
	d.Detecting(conflict.NewDetection(postgres.NewConflictStore(db), conflict.Fixed{Mode: conflict.Shadow}, conflict.DefaultBudget(), nil, beside, d.clock, clock.Uptime))
	return func() map[conflict.Verdict]int64 {
		ended, end := context.WithCancel(d.t.Context())
		end()
		beside.Run(ended) // does what waits
		verdicts := map[conflict.Verdict]int64{}
		for seen, n := range beside.State().Seen {
			verdicts[seen.Verdict] += n
		}
		return verdicts
	}
}
