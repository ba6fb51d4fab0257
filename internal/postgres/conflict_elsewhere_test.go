package postgres_test

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// Somebody is a patient of two organisations by one account. The second learns nothing of the first; they themself are warned.
func TestAVisitInAnotherOrganisationIsAWarning(t *testing.T) {
	for mode, warned := range map[conflict.Mode]int{conflict.Off: 0, conflict.Enforce: 1} {
		d := newDesk(t).detecting(mode)
		first := d.Clinic
		there := d.Patient()
		visit := d.books(there, d.Slot(d.Provider(1), 10, 0))
		d.Clinic = sample.NewClinic(t, d.pool)
		here, provider := d.Patient(), d.Provider(1)
		here.Trail = &access.Trail{}
		first.Linked(here.ID, there.PatientID, "SELF")
		b, err := d.book(here, d.Slot(provider, 10, 0))
		if err != nil || len(b.Warnings) != warned {
			t.Fatalf("%s: %v %v", mode, b.Warnings, err)
		}
		if warned == 0 {
			continue
		}
		if w := b.Warnings[0]; w.Organization != first.Organization || w.Appointment != visit.ID || w.Patient != there.PatientID ||
			w.Span != (availability.Span{Start: visit.Start, End: visit.End}) {
			t.Errorf("%+v", w)
		}
		later := d.Slot(provider, 10, 30)
		moved, err := d.Move(t.Context(), here, appointment.MoveVisit{Appointment: b.Appointment.Ref(), Target: appointment.Target{Slot: &later}, Key: key()})
		if err != nil || len(moved.Warnings) != 0 {
			t.Errorf("right after it: %v %v", moved.Warnings, err)
		}
		ben := d.Patient()
		other := clinic.Ref{Organization: d.Organization, ID: ben.PatientID}
		slot := d.Slot(provider, 10, 0)
		staff := d.FrontDesk()
		first.Linked(staff.ID, there.PatientID, "SELF")
		if b, err := d.Book(t.Context(), staff, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &other, Key: key()}); err != nil || len(b.Warnings) > 0 {
			t.Errorf("the staff learns of another organisation's visit: %v %v", b.Warnings, err)
		}
		d.clock.Advance(time.Minute)
	}
}
