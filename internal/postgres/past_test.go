package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func TestAVisitThatIsOverStaysBookedToTheStaff(t *testing.T) {
	d := newDesk(t)
	provider, desk := d.Provider(1), d.FrontDesk()
	d.mustBook(d.Patient(), d.Slot(provider, 9, 0))
	dropped := d.mustBook(d.Patient(), d.Slot(provider, 9, 30))
	d.clock.Set(sample.Monday.Add(40 * time.Hour))
	if _, err := d.Tidy(context.Background(), 100); err != nil {
		t.Fatal(err)
	}
	if n := d.count(`SELECT count(*) FROM claims WHERE state = 'PAST' AND party_kind = 'PROVIDER'`); n != 2 {
		t.Fatalf("%d claims are past", n)
	}
	if _, err := d.Cancel(context.Background(), desk, appointment.CancelVisit{Appointment: dropped.Ref(), Reason: appointment.ClinicRequest}); err != nil {
		t.Fatal(err)
	}
	for minute, want := range map[int]availability.Status{0: availability.Booked, 30: availability.Blocked} {
		id := d.Slot(provider, 9, minute)
		found, err := d.openings.SlotsOf(context.Background(), desk, []availability.SlotID{id})
		if err != nil || found[id].Status != want {
			t.Errorf("9:%02d is %s a day later (%v), want %s", minute, found[id].Status, err, want)
		}
	}
}
