package app

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// streams has everybody subscribe to everything, and holds each event to the table.
func (r *realm) streams(t *testing.T) {
	t.Helper()
	provider := r.here.id(globalid.Provider, r.here.providers[0].ID)
	slots := fmt.Sprintf(`subscription($after: String) { availabilityChanged(scope: {providerIds: [%q]}, after: $after)%s }`, provider, r.braced("AvailabilityEvent", r.here))
	visits := `subscription($after: String) { appointmentChanged(after: $after)` + r.braced("AppointmentEvent", r.here) + ` }`
	since, last := r.changeVisits(t)
	for _, p := range r.people {
		for _, text := range []string{slots, visits} {
			for _, after := range []any{nil, "no cursor"} {
				answer := r.watch(t, p.actor, text, vars{"after": after}).next()
				r.judge(t, p, question{text: text}, answer)
				r.mind(t, p, answer)
			}
		}
		r.followVisits(t, p, visits, since, last)
	}
}

// changeVisits writes of every visit that it has changed, and then books one more for each patient. It answers a cursor from before.
func (r *realm) changeVisits(t *testing.T) (since string, last []string) {
	t.Helper()
	since = r.here.admin.Post(t, `{ appointments(first: 1) { streamCursor } }`, nil).OK(t).Text("appointments", "streamCursor")
	for id, about := range r.subjects {
		if about.kind != globalid.Appointment {
			continue
		}
		if _, err := r.pool.Exec(t.Context(), `INSERT INTO event_log (organization_id, at, topic, provider_id, appointment_id, payload)
			VALUES ($1, now(), 'appointment.CONFIRM', $2, $3, '{}')`, about.organization, mustRef(t, r.with[id]).ID, mustRef(t, id).ID); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*site{r.here, r.there} {
		for patient := range s.patients {
			last = append(last, r.visit(t, s, patient, r.freeSlot(s), 0, false))
		}
	}
	return since, last
}

// followVisits reads what a caller is told since a cursor, up to one of the last visits, and holds it to what the table lets them have.
func (r *realm) followVisits(t *testing.T, p person, text, since string, last []string) {
	t.Helper()
	row, _ := r.table.Row("AppointmentChanged", "appointment")
	told := map[string]bool{}
	w := r.watch(t, p.actor, text, vars{"after": since})
	for done := false; !done; {
		answer := w.next()
		r.judge(t, p, question{text: text}, answer)
		r.mind(t, p, answer)
		id, _ := gqltest.At(answer.Body, "data", "appointmentChanged", "appointment", "id").(string)
		told[id] = true
		done = answer.Code() != "" || slices.Contains(last, id)
	}
	for id, about := range r.subjects {
		if about.kind != globalid.Appointment || slices.Contains(last, id) {
			continue
		}
		column := r.columnOf(p, about)
		if sees := row.For(column) == policy.Sees; sees != told[id] {
			t.Errorf("%s (%s) is told of a visit: %v, which the table says is %q", p.column, column, told[id], row.For(column))
		}
		if told[id] {
			continue
		}
		for _, field := range r.schema.Types["AppointmentChanged"].Fields {
			r.sighted("AppointmentChanged."+field.Name, column)
		}
	}
}
