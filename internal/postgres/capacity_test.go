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
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func (d *desk) mustBook(a access.Actor, slot availability.SlotID) appointment.Appointment {
	d.t.Helper()
	b, err := d.book(a, slot)
	if err != nil {
		d.t.Fatal(err)
	}
	return b.Appointment
}

func (d *desk) mustCancel(a access.Actor, ap appointment.Appointment) {
	d.t.Helper()
	if _, err := d.Cancel(context.Background(), a, appointment.CancelVisit{Appointment: ap.Ref(), Reason: appointment.Other}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) move(a access.Actor, ap appointment.Appointment, to availability.SlotID) (appointment.Booking, error) {
	return d.Move(context.Background(), a, appointment.MoveVisit{Appointment: ap.Ref(), Target: appointment.Target{Slot: &to}, Key: key()})
}

func (d *desk) setCapacity(provider clinic.Ref, n int) {
	d.Set(`UPDATE schedules SET weekly = (SELECT jsonb_agg(jsonb_set(w, '{capacity}', to_jsonb($3::int))) FROM jsonb_array_elements(weekly) w)
		WHERE organization_id = $1 AND provider_id = $2`, provider.ID, n)
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1 AND id = $2`, provider.ID)
}

func TestWithALowerCapacityNobodyIsBookedBesideWhoeverStandsInAHigherLane(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(3), d.Patient()
	slot := d.Slot(provider, 10, 0)
	first := d.mustBook(ann, slot)
	d.mustBook(d.Patient(), slot)
	d.mustBook(d.Patient(), slot)
	d.mustCancel(ann, first)
	d.setCapacity(provider, 2)
	if left, listed := d.free(provider, ann)[slot.Start]; listed {
		t.Errorf("two visits stand where two may, and %d more are offered", left)
	}
	if _, err := d.book(ann, slot); !errors.As(err, new(appointment.SlotTaken)) {
		t.Errorf("a third visit where two may stand got %v", err)
	}
	d.setCapacity(provider, 3)
	if left := d.free(provider, ann)[slot.Start]; left != 1 {
		t.Errorf("with room for three, %d more are offered", left)
	}
	d.mustBook(ann, slot)
}

func TestAVisitAtAPlaceWithMoreLanesUsesUpTheOneLaneElsewhere(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	there := d.Slot(provider, 10, 0)
	there.Location = sample.NewID()
	d.Set(`INSERT INTO locations (organization_id, id, identifier_system, identifier_value, name, time_zone, address_lines)
		VALUES ($1, $2::uuid, 'https://clinic.example/sites', ($2::uuid)::text, 'Side Street', 'America/New_York', '{}')`, there.Location)
	d.Set(`INSERT INTO schedules (organization_id, id, provider_id, location_id, effective_from, weekly)
		SELECT $1, $2, $3, $4, '2020-01-01', jsonb_agg(jsonb_build_object('weekday', d, 'from', 540, 'to', 1020, 'capacity', 2))
		FROM generate_series(1, 7) d`, sample.NewID(), provider.ID, there.Location)
	first := d.mustBook(ann, there)
	d.mustBook(d.Patient(), there)
	d.mustCancel(ann, first)
	if _, err := d.book(ann, d.Slot(provider, 10, 0)); !errors.As(err, new(appointment.SlotTaken)) {
		t.Errorf("a visit beside one in the second lane got %v", err)
	}
}

func TestAVisitThatIsLongOverGivesBackWhatItCountedFor(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob, front := d.Provider(1), d.Patient(), d.Patient(), d.FrontDesk()
	d.capDay(provider, 2)
	moved, cancelled := d.mustBook(ann, d.Slot(provider, 9, 0)), d.mustBook(bob, d.Slot(provider, 9, 30))
	d.clock.Set(sample.Monday.Add(40 * time.Hour))
	d.tidy()
	if n := d.count(`SELECT count(*)::int FROM claims WHERE state = 'PAST'`); n != 4 {
		t.Fatalf("%d claims are past", n)
	}
	later := d.Slot(provider, 9, 0)
	later.Start = later.Start.AddDate(0, 0, 2)
	if _, err := d.move(front, moved, later); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Cancel(context.Background(), front, appointment.CancelVisit{Appointment: cancelled.Ref(), Reason: appointment.ClinicRequest}); err != nil {
		t.Fatal(err)
	}
	d.countsMatchClaims()
	if n := d.count(`SELECT booked FROM party_days WHERE day = '2026-06-08' AND booked IS NOT NULL ORDER BY booked DESC LIMIT 1`); n != 0 {
		t.Errorf("the day that both have left counts %d", n)
	}
	if n := d.count(`SELECT count(*)::int FROM event_log WHERE topic = 'appointment.cancelled' AND jsonb_array_length(payload->'freed') = 1`); n != 1 {
		t.Error("the event of the cancellation doesn't tell what was freed")
	}
}

func TestAHoldForAMoveEndsWhenItsVisitLeaves(t *testing.T) {
	for name, leave := range map[string]func(d *desk, a access.Actor, ap appointment.Appointment){
		"cancelled": func(d *desk, a access.Actor, ap appointment.Appointment) { d.mustCancel(a, ap) },
		"moved elsewhere": func(d *desk, a access.Actor, ap appointment.Appointment) {
			if _, err := d.move(a, ap, d.Slot(clinic.Ref{Organization: ap.OrganizationID, ID: ap.ProviderID}, 15, 0)); err != nil {
				d.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			provider, ann := d.Provider(1), d.Patient()
			d.Set(`UPDATE visit_kinds SET slot_step = 900 WHERE organization_id = $1`)
			d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`)
			visit := d.mustBook(ann, d.Slot(provider, 10, 0))
			ref := visit.Ref()
			if _, err := d.Hold(context.Background(), ann, appointment.PlaceHold{Slot: d.Slot(provider, 10, 15), Moving: &ref, Key: key()}); err != nil {
				t.Fatal(err)
			}
			leave(d, ann, visit)
			for _, minute := range []int{0, 30} {
				slot := d.Slot(provider, 10, minute)
				if d.free(provider, d.Patient())[slot.Start] != 1 {
					t.Errorf("10:%02d isn't offered", minute)
				}
				if _, err := d.book(d.Patient(), slot); err != nil {
					t.Errorf("10:%02d can't be booked: %v", minute, err)
				}
			}
			d.countsMatchClaims()
		})
	}
}

func TestAMoveFromAHoldWithinADayIsntRefusedByALoweredCap(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	visit := d.mustBook(ann, d.Slot(provider, 9, 0))
	d.mustBook(d.Patient(), d.Slot(provider, 10, 0))
	d.capDay(provider, 1)
	ref := visit.Ref()
	h, err := d.Hold(context.Background(), ann, appointment.PlaceHold{Slot: d.Slot(provider, 11, 0), Moving: &ref, Key: key()})
	if err != nil {
		t.Fatal(err)
	}
	hold := holdRef(h)
	if _, err := d.Move(context.Background(), ann, appointment.MoveVisit{Appointment: ref, Target: appointment.Target{Hold: &hold}, Key: key()}); err != nil {
		t.Fatalf("the hold was granted, and the move from it got %v", err)
	}
	if n := d.count(`SELECT max(booked) FROM party_days`); n != 2 {
		t.Errorf("the day counts %d", n)
	}
}

func TestACancelledVisitRaisesTheDaysThatALongerKindReaches(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	visit := d.mustBook(ann, d.Slot(provider, 9, 0))
	dir := d.directory()
	kind, err := dir.VisitKinds(context.Background(), []clinic.Ref{{Organization: d.Organization, ID: d.VisitKind}})
	if err != nil {
		t.Fatal(err)
	}
	long := kind[clinic.Ref{Organization: d.Organization, ID: d.VisitKind}]
	long.BufferBefore = 12 * time.Hour
	if _, err := dir.PutVisitKind(context.Background(), d.stamp(), long); err != nil {
		t.Fatal(err)
	}
	revision := func() int {
		return d.count(`SELECT coalesce(max(revision), 0)::int FROM party_days d JOIN providers p ON p.id = d.party_id WHERE day = '2026-06-09'`)
	}
	before := revision()
	d.mustCancel(ann, visit)
	if revision() <= before {
		t.Error("the day after, which a longer visit reaches back from, keeps its revision")
	}
}
