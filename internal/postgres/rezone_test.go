package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// ruledAnHourLater turns a visit into one that was booked when the zone's rules put its wall clock an hour later.
func (d *desk) ruledAnHourLater(ap appointment.Appointment) {
	d.Set(`UPDATE appointments SET starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour', tzdb_version = '2020a'
		WHERE organization_id = $1 AND id = $2`, ap.ID)
	d.Set(`UPDATE claims SET starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour'
		WHERE organization_id = $1 AND appointment_id = $2`, ap.ID)
}

func (d *desk) rezone(apply bool) (told []appointment.Rezoned) {
	d.t.Helper()
	if err := d.Rezone(context.Background(), apply, func(r appointment.Rezoned) { told = append(told, r) }); err != nil {
		d.t.Fatal(err)
	}
	return told
}

func (d *desk) now(a access.Actor, ref clinic.Ref) appointment.Appointment {
	d.t.Helper()
	found, err := d.Appointments(context.Background(), a, []clinic.Ref{ref})
	if err != nil {
		d.t.Fatal(err)
	}
	return found[ref]
}

func TestAfterARuleChangeVisitsOnSiteKeepTheWallClockAndMakeWayForEachOther(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	later, _ := d.book(bob, d.Slot(provider, 11, 0))
	first, _ := d.book(ann, d.Slot(provider, 10, 0))
	d.ruledAnHourLater(later.Appointment)
	d.ruledAnHourLater(first.Appointment)
	if told := d.rezone(false); len(told) != 2 || d.now(ann, first.Appointment.Ref()).Version != 1 {
		t.Fatalf("a look told of %d visits, or changed one", len(told))
	}
	if told := d.rezone(true); len(told) != 2 || told[0].Clash != nil || told[1].Clash != nil {
		t.Fatalf("told %+v", told)
	}
	for _, visit := range []struct {
		a    access.Actor
		book appointment.Booking
	}{{ann, first}, {bob, later}} {
		got := d.now(visit.a, visit.book.Appointment.Ref())
		if !got.Start.Equal(visit.book.Appointment.Start) || got.LocalStart != visit.book.Appointment.LocalStart || got.Version != 2 {
			t.Errorf("the visit stands at %v, %v, version %d", got.Start, got.LocalStart, got.Version)
		}
	}
	if again := d.rezone(true); len(again) != 0 {
		t.Errorf("told again of %d", len(again))
	}
	d.noDoubleBooking()
}

func TestAfterARuleChangeAClashIsListedAndNobodyIsMoved(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	visit, _ := d.book(ann, d.Slot(provider, 10, 0))
	d.ruledAnHourLater(visit.Appointment)
	if _, err := d.book(d.Patient(), d.Slot(provider, 10, 0)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		told := d.rezone(true)
		if len(told) != 1 || told[0].Clash == nil {
			t.Fatalf("told %+v", told)
		}
	}
	if got := d.now(ann, visit.Appointment.Ref()); got.Version != 1 || !got.Start.Equal(visit.Appointment.Start.Add(time.Hour)) {
		t.Errorf("the clashing visit was moved to %v", got.Start)
	}
}

func TestAfterARuleChangeAVisitIsAsLongAsItWas(t *testing.T) {
	d := newDesk(t)
	ann := d.Patient()
	visit := d.mustBook(ann, d.Slot(d.Provider(1), 10, 0))
	d.ruledAnHourLater(visit)
	d.Set(`UPDATE visit_kinds SET duration = 3600 WHERE organization_id = $1`)
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`)
	if told := d.rezone(true); len(told) != 1 || told[0].Clash != nil {
		t.Fatalf("told %+v", told)
	}
	if got := d.now(ann, visit.Ref()); !got.Start.Equal(visit.Start) || got.End.Sub(got.Start) != 30*time.Minute {
		t.Errorf("a visit of half an hour stands from %v to %v", got.Start, got.End)
	}
	if n := d.count(`SELECT count(*)::int FROM event_log WHERE topic = 'appointment.rezoned'`); n != 1 {
		t.Errorf("%d events tell of it", n)
	}
}

func TestAfterARuleChangeRemoteVisitsKeepTheInstant(t *testing.T) {
	d := newDesk(t)
	d.Set(`UPDATE visit_kinds SET modalities = '{VIDEO}' WHERE organization_id = $1`)
	provider, ann := d.Provider(1), d.Patient()
	slot := d.Slot(provider, 10, 0)
	slot.Modality = clinic.Video
	visit, err := d.book(ann, slot)
	if err != nil {
		t.Fatal(err)
	}
	d.ruledAnHourLater(visit.Appointment)
	d.Set(`UPDATE schedules SET weekly = '[]' WHERE organization_id = $1`) // nor do the hours matter
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`)
	if told := d.rezone(true); len(told) != 1 || told[0].Clash != nil {
		t.Fatalf("told %+v", told)
	}
	got := d.now(ann, visit.Appointment.Ref())
	if !got.Start.Equal(slot.Start.Add(time.Hour)) || got.LocalStart.Time.Hour != 11 || got.Version != 2 {
		t.Errorf("the visit stands at %v, shown as %v, version %d", got.Start, got.LocalStart, got.Version)
	}
	if n := d.count(`SELECT count(*)::int FROM event_log WHERE topic = 'appointment.rezoned'`); n != 1 {
		t.Errorf("%d events tell of it", n)
	}
}
