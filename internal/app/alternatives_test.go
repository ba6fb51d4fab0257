package app

import (
	"maps"
	"slices"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// booked books a slot for a patient at the front desk.
func (a *api) booked(t *testing.T, slot string, who access.Actor) string {
	t.Helper()
	answer := a.by(a.clinic.FrontDesk()).Post(t, bookIt, vars{"input": vars{"target": vars{"slotId": slot}, "patientId": a.patientID(who), "idempotencyKey": sample.NewID().String()}}).OK(t)
	visit := answer.Text("bookAppointment", "appointment", "id")
	if visit == "" {
		t.Fatalf("%s", answer.Raw)
	}
	return visit
}

func alternatives(answer gqltest.Answer, mutation string) (ids []string) {
	list, _ := answer.Data(mutation, "errors", 0, "alternatives").([]any)
	for _, slot := range list {
		ids = append(ids, slot.(vars)["id"].(string))
	}
	return ids
}

func TestAlternativesSuitThePatientThatTheDeskNames(t *testing.T) {
	a := newAPI(t)
	desk := a.by(a.clinic.FrontDesk())
	of, other := a.clinic.Provider(1), a.clinic.Provider(1)
	at := func(hour, minute int) string { return globalid.OfSlot(a.clinic.Slot(of, hour, minute)) }
	ada := a.clinic.Patient()
	a.booked(t, at(10, 0), a.clinic.Patient())
	a.booked(t, globalid.OfSlot(a.clinic.Slot(other, 10, 30)), ada)
	visit := a.booked(t, at(9, 30), ada)

	const parts = `errors { ... on UserError { code } ... on SlotTakenError { alternatives(limit: 2) { id } } }`
	for _, c := range []struct {
		mutation string
		input    vars
		want     []string
	}{
		{"bookAppointment", vars{"target": vars{"slotId": at(10, 0)}, "patientId": a.patientID(ada)}, []string{at(9, 0), at(11, 0)}},
		{"holdSlot", vars{"slotId": at(10, 0), "patientId": a.patientID(ada)}, []string{at(9, 0), at(11, 0)}},
		{"holdSlot", vars{"slotId": at(10, 0)}, []string{at(10, 30), at(9, 0)}},
		{"rescheduleAppointment", vars{"appointmentId": visit, "target": vars{"slotId": at(10, 0)}}, []string{at(9, 0), at(11, 0)}},
	} {
		c.input["idempotencyKey"] = sample.NewID().String()
		answer := desk.Post(t, document(c.mutation, parts), vars{"input": c.input}).OK(t)
		if got := alternatives(answer, c.mutation); !slices.Equal(got, c.want) || answer.Text(c.mutation, "errors", 0, "code") != "SLOT_TAKEN" {
			t.Errorf("%s: %v, want %v: %s", c.mutation, got, c.want, answer.Raw)
		}
	}
}

func TestAnAppointmentIsInItsOwnWayNeitherInAlternatives(t *testing.T) {
	a := newAPI(t)
	a.clinic.Set(`UPDATE visit_kinds SET slot_step = 900 WHERE organization_id = $1`)
	of, ada := a.clinic.Provider(1), a.clinic.Patient()
	at := func(hour, minute int) string { return globalid.OfSlot(a.clinic.Slot(of, hour, minute)) }
	visit := a.booked(t, at(9, 0), ada)
	a.booked(t, at(9, 45), a.clinic.Patient())
	answer := a.by(ada).Post(t, document("rescheduleAppointment", `errors { ... on SlotTakenError { alternatives(limit: 1) { id } } }`),
		vars{"input": vars{"appointmentId": visit, "target": vars{"slotId": at(9, 30)}, "idempotencyKey": "m"}}).OK(t)
	if got := alternatives(answer, "rescheduleAppointment"); !slices.Equal(got, []string{at(9, 15)}) {
		t.Errorf("%v in %s", got, answer.Raw)
	}
}

func TestAlternativesComeFromTheNearestOtherProviders(t *testing.T) {
	a := newAPI(t)
	c := a.clinic
	away := sample.NewID()
	c.Set(`UPDATE locations SET latitude = 40.7, longitude = -74.0 WHERE organization_id = $1`)
	c.Set(`INSERT INTO locations (organization_id, id, identifier_system, identifier_value, name, time_zone, address_lines, latitude, longitude)
		VALUES ($1, $2::uuid, 'https://clinic.example/sites', ($2::uuid)::text, 'Uptown', $3, '{}', 40.8, -73.9)`, away, sample.Zone)
	once := func(of clinic.Ref, location any, from int) {
		c.Set(`UPDATE schedules SET location_id = $3, effective_until = '2026-06-08', weekly = jsonb_build_array(jsonb_build_object(
			'weekday', 1, 'from', $4::int, 'to', $4::int + 30, 'capacity', 1)) WHERE organization_id = $1 AND provider_id = $2`, of.ID, location, from)
	}
	far, beside, full := c.Provider(1), c.Provider(1), c.Provider(1)
	once(full, c.Location, 10*60)
	once(beside, c.Location, 15*60)
	once(far, away, 10*60)
	wanted := globalid.OfSlot(c.Slot(full, 10, 0))
	a.booked(t, wanted, c.Patient())

	elsewhere := c.Slot(far, 10, 0)
	elsewhere.Location = away
	want := []string{globalid.OfSlot(c.Slot(beside, 15, 0)), globalid.OfSlot(elsewhere)}
	answer := a.by(c.Patient()).Post(t, bookIt, vars{"input": vars{"target": vars{"slotId": wanted}, "idempotencyKey": "b"}}).OK(t)
	if got := alternatives(answer, "bookAppointment"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: %s", got, want, answer.Raw)
	}
}

func TestAHoldCanBeExtendedAfterItsHoursAreGone(t *testing.T) {
	a := newAPI(t)
	of := a.clinic.Provider(1)
	slot := globalid.OfSlot(a.clinic.Slot(of, 10, 0))
	me := a.by(a.clinic.Patient())
	hold := me.Post(t, holdIt, vars{"input": vars{"slotId": slot, "idempotencyKey": "h"}}).OK(t).Text("holdSlot", "hold", "id")
	const extend = `hold { expiresAt slot { id status start end localStart timeZone version } } errors { ... on UserError { code } }`
	for name, change := range map[string]string{
		"the hours are changed":  `UPDATE schedules SET weekly = '[]' WHERE organization_id = $1`,
		"the provider is gone":   `DELETE FROM schedules WHERE organization_id = $1`,
		"the kind isn't offered": `DELETE FROM provider_visit_kinds WHERE organization_id = $1`,
	} {
		a.clinic.Set(change)
		answer := me.Post(t, document("extendHold", extend), vars{"input": vars{"holdId": hold}}).OK(t)
		got, _ := answer.Data("extendHold", "hold", "slot").(vars)
		want := vars{"id": slot, "status": "BLOCKED", "start": "2026-06-08T14:00:00Z", "end": "2026-06-08T14:30:00Z",
			"localStart": "2026-06-08T10:00:00", "timeZone": sample.Zone, "version": got["version"]}
		if !maps.Equal(got, want) || answer.Text("extendHold", "hold", "expiresAt") != "2026-06-08T10:10:00Z" {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
}
