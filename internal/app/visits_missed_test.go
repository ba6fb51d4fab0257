package app

import (
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// othersChange has a busy day of others written into the log, more than anybody looks through.
func (f *file) othersChange() {
	f.t.Helper()
	if _, err := f.pool.Exec(f.t.Context(), `INSERT INTO event_log (organization_id, at, topic, appointment_id, payload)
		SELECT $1, now(), 'appointment.CONFIRM', gen_random_uuid(), '{}' FROM generate_series(1, 60000)`, f.clinic.Organization); err != nil {
		f.t.Fatal(err)
	}
}

// tells expects visits to be told of next, each as it is now.
func (w *watching) tells(name string, want ...[2]string) {
	w.t.Helper()
	for _, next := range want {
		e := w.event()
		if e.Text("appointmentChanged", "appointment", "id") != next[0] || told(e) != next[1] {
			w.t.Errorf("%s is told %s, not of %q", name, e.Raw, next)
		}
	}
}

// reaches waits until a visit is told of: what was written before it has been followed, and isn't offered any more.
func (w *watching) reaches(visit string) {
	w.t.Helper()
	for e := w.event(); e.Text("appointmentChanged", "appointment", "id") != visit; {
		e = w.event()
	}
}

func TestWhoActsForPatientsComesBackToTheirVisitsHoweverMuchOthersHaveChanged(t *testing.T) {
	f := newFile(t)
	some := family{f.world, t}
	ada, ben := some.child("Ada"), some.child("Ben")
	mother, father := some.account(access.Caregiver), some.account(access.Caregiver)
	some.link(father, ada, "CAREGIVER")
	some.link(father, ben, "CAREGIVER")
	book := func(patient string, hour int) string {
		return some.book(f.desk, hour, vars{"patientId": patient}).Text("bookAppointment", "appointment", "id")
	}
	adas, bens, quiet := book(ada, 11), book(ben, 12), book(ada, 13)
	desk := f.watch(t, f.clinic.FrontDesk(), followVisits, vars{"provider": f.ids["provider"]}).ready()
	cursor := f.cursor(f.desk)
	f.confirm(adas)
	f.confirm(f.visit)
	f.othersChange()
	some.link(mother, ada, "CAREGIVER") // and so what changed before, too
	f.change(f.by(father), unlinkIt, vars{"patientId": ada})
	f.confirm(bens)
	second := f.book(f.ann, 15)
	desk.reaches(second)
	watchers := map[string]*watching{}
	for name, who := range map[string]access.Actor{"the patient": f.ann, "the mother": mother, "the father": father, "somebody else": f.bob} {
		watchers[name] = f.watch(t, who, followVisits, vars{"after": cursor}).ready()
	}
	watchers["the patient"].tells("the patient", [2]string{f.visit, "2 BOOKED"}, [2]string{second, "1 BOOKED"})
	watchers["the mother"].tells("the mother", [2]string{adas, "2 BOOKED"})
	watchers["the father"].tells("the father", [2]string{bens, "2 BOOKED"})
	// What comes next is live: there was nothing else.
	f.confirm(quiet)
	f.confirm(second)
	f.change(f.desk, cancelIt, vars{"appointmentId": bens, "reason": "CLINIC_REQUEST"})
	bobs := f.book(f.bob, 16)
	watchers["the patient"].tells("the patient", [2]string{second, "2 BOOKED"})
	watchers["the mother"].tells("the mother", [2]string{quiet, "2 BOOKED"})
	watchers["the father"].tells("the father", [2]string{bens, "3 CANCELLED"})
	watchers["somebody else"].tells("somebody else", [2]string{bobs, "1 BOOKED"})
}

func TestAPatientComesBackToTheirVisitsWithOneProvider(t *testing.T) {
	f := newFile(t)
	other := f.colleague()
	at := func(hour int) vars { return vars{"slotId": globalid.OfSlot(f.clinic.Slot(other, hour, 0))} }
	desk := f.watch(t, f.clinic.FrontDesk(), followVisits, nil).ready()
	cursor := f.cursor(f.by(f.ann))
	f.change(f.desk, moveIt, vars{"appointmentId": f.visit, "target": at(12), "idempotencyKey": "move"})
	elsewhere := f.by(f.ann).Post(t, bookIt, vars{"input": vars{"target": at(14), "idempotencyKey": sample.NewID().String()}}).OK(t).Text("bookAppointment", "appointment", "id")
	second := f.book(f.ann, 15)
	last := f.book(f.bob, 16)
	desk.reaches(last)
	moved := [2]string{f.visit, "2 BOOKED"}
	of := func(provider string) *watching {
		return f.watch(t, f.ann, followVisits, vars{"after": cursor, "provider": provider}).ready()
	}
	from, to := of(f.ids["provider"]), of(globalid.Of(globalid.Provider, other))
	from.tells("who watches the former provider", moved, [2]string{second, "1 BOOKED"})
	to.tells("who watches the present provider", moved, [2]string{elsewhere, "1 BOOKED"})
}
