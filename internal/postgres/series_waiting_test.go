package postgres_test

import (
	"testing"

	"github.com/mediconnect/mediconnect/internal/appointment"
)

// What a series leaves, cancelled or moved, finds whoever waits for it; two who change places leave nothing.
func TestWhatASeriesLeavesIsOfferedToWhoeverWaits(t *testing.T) {
	for what, leave := range map[string]func(d *waitDesk, visits []appointment.Appointment) error{
		"cancelled": func(d *waitDesk, visits []appointment.Appointment) error {
			_, err := d.CancelSeries(t.Context(), d.FrontDesk(), appointment.CancelVisit{Appointment: visits[0].Ref(), Reason: appointment.ClinicRequest})
			return err
		},
		"moved": func(d *waitDesk, visits []appointment.Appointment) error {
			slot := visits[0].Slot()
			slot.Start = slot.Start.AddDate(0, 0, 1)
			_, err := d.MoveSeries(t.Context(), d.FrontDesk(), appointment.MoveSeries{Appointment: visits[0].Ref(), Slot: slot, Key: key()})
			return err
		},
	} {
		d := newWaitDesk(t)
		p := d.Provider(1)
		_, visits := d.mustBookSeries(d.Patient(), weekly(d.Slot(p, 14, 0), 2))
		others := d.full(p)
		ben := d.Patient()
		waits := d.join(ben, nil)
		d.match()
		a, b := d.Slot(p, 10, 0), d.Slot(p, 15, 0)
		d.mustSwap(others[a.Start], others[b.Start])
		d.match()
		if o := d.offer(ben, waits); o != nil {
			t.Errorf("%v is offered though nobody left", o.Slot.Start)
		}
		if err := leave(d, visits); err != nil {
			t.Fatal(what, err, left(err))
		}
		d.match()
		if o := d.offer(ben, waits); o == nil || o.Slot.Start != visits[0].Start {
			t.Errorf("%s: %v is offered", what, o)
		}
		d.standing()
	}
}
