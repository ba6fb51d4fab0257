package app

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// followed are the events of streams that tell of things by their ids, and the part that does.
var followed = map[string]string{"AppointmentChanged": "appointment", "WaitlistOfferChanged": "offer"}

// following is a stream of changes of things, read since a cursor, up to one of the last.
type following struct {
	root, event, text, since string
	kind                     globalid.Type
	last                     []string
}

// streams has everybody subscribe to everything, and holds each event to the table.
func (r *realm) streams(t *testing.T) {
	t.Helper()
	provider := r.here.id(globalid.Provider, r.here.providers[0].ID)
	slots := fmt.Sprintf(`subscription($after: String) { availabilityChanged(scope: {providerIds: [%q]}, after: $after)%s }`, provider, r.braced("AvailabilityEvent", r.here))
	changes := func(root, union string) string {
		return `subscription($after: String) { ` + root + `(after: $after)` + r.braced(union, r.here) + ` }`
	}
	visits := following{root: "appointmentChanged", event: "AppointmentChanged", text: changes("appointmentChanged", "AppointmentEvent"), kind: globalid.Appointment}
	offers := following{root: "waitlistOfferChanged", event: "WaitlistOfferChanged", text: changes("waitlistOfferChanged", "WaitlistEvent"), kind: globalid.WaitlistOffer}
	visits.since = r.here.admin.Post(t, `{ appointments(first: 1) { streamCursor } }`, nil).OK(t).Text("appointments", "streamCursor")
	offers.since = visits.since
	visits.last, offers.last = r.changeVisits(t), r.changeOffers(t)
	for _, p := range r.people {
		for _, text := range []string{slots, visits.text, offers.text} {
			for _, after := range []any{nil, "no cursor"} {
				answer := r.watch(t, p.actor, text, vars{"after": after}).next()
				r.judge(t, p, question{text: text}, answer)
				r.mind(t, p, answer)
			}
		}
		r.follow(t, p, visits)
		r.follow(t, p, offers)
	}
}

// changeVisits writes of every visit that it has changed, and then books one more for each patient.
func (r *realm) changeVisits(t *testing.T) (last []string) {
	t.Helper()
	for id, about := range r.subjects {
		if about.kind == globalid.Appointment {
			r.happened(t, about, `INSERT INTO event_log (organization_id, at, topic, provider_id, appointment_id, payload)
				VALUES ($1, now(), 'appointment.CONFIRM', $2, $3, '{}')`, mustRef(t, r.with[id]).ID, mustRef(t, id).ID)
		}
	}
	for _, s := range []*site{r.here, r.there} {
		for patient := range s.patients {
			last = append(last, r.visit(t, s, patient, r.freeSlot(s), 0, false))
		}
	}
	return last
}

func (r *realm) happened(t *testing.T, about subject, sql string, ids ...any) {
	t.Helper()
	if _, err := r.pool.Exec(t.Context(), sql, append([]any{about.organization}, ids...)...); err != nil {
		t.Fatal(err)
	}
}

// follow reads what a caller is told, and holds it to what the table lets them have.
func (r *realm) follow(t *testing.T, p person, f following) {
	t.Helper()
	row, _ := r.table.Row(f.event, followed[f.event])
	told := map[string]bool{}
	w := r.watch(t, p.actor, f.text, vars{"after": f.since})
	for done := false; !done; {
		answer := w.next()
		r.judge(t, p, question{text: f.text}, answer)
		r.mind(t, p, answer)
		id, _ := gqltest.At(answer.Body, "data", f.root, followed[f.event], "id").(string)
		told[id] = true
		done = answer.Code() != "" || slices.Contains(f.last, id)
	}
	for id, about := range r.subjects {
		if about.kind != f.kind || slices.Contains(f.last, id) {
			continue
		}
		column := r.columnOf(p, about)
		if sees := row.For(column) == policy.Sees; sees != told[id] {
			t.Errorf("%s (%s) is told of something by %s: %v, which the table says is %q", p.column, column, f.root, told[id], row.For(column))
		}
		if told[id] {
			continue
		}
		for _, field := range r.schema.Types[f.event].Fields {
			r.sighted(f.event+"."+field.Name, column)
		}
	}
}
