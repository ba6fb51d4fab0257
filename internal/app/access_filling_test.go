package app

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

// looks sees the rows of every tenant.
func (r *realm) looks() *pgxpool.Pool { return r.pool }

// fill gives a site visits in several states, exceptions, and everything of the directory.
func (r *realm) fill(t *testing.T, s *site) {
	t.Helper()
	visits := []struct {
		patient, provider, hour int
		ends                    bool
	}{
		{0, 0, 10, false}, {0, 0, 11, true}, {1, 1, 10, false}, {1, 1, 11, true}, {2, 0, 12, false}, {2, 2, 13, false},
	}
	if s == r.there {
		visits = visits[:2]
	}
	for _, visit := range visits {
		r.visit(t, s, visit.patient, globalid.OfSlot(s.Slot(s.providers[visit.provider], visit.hour, 0)), visit.provider, visit.ends)
	}
	r.series(t, s)
	for _, of := range s.providers[:1] {
		r.exception(t, s, of)
	}
	s0 := s.Slot(s.providers[0], 15, 0)
	r.specimens = append(r.specimens, globalid.OfOrganization(s.Organization), s.id(globalid.Location, s.Location), s.id(globalid.VisitKind, s.VisitKind),
		s.id(globalid.Provider, s.providers[0].ID), s.id(globalid.Provider, s.providers[1].ID), globalid.OfSlot(s0),
		globalid.OfSpecialty(s.Organization, clinic.Coding{System: "https://example.org/specialties", Code: "c"}))
	plans := r.Client.Post(t, `query($id: ID!) { node(id: $id) { ... on Provider { acceptedPlans { edges { node { id } } } } } }`,
		vars{"id": s.id(globalid.Provider, s.providers[0].ID)}).OK(t)
	match := s.admin.Post(t, `query($o: ID!) { searchAvailability(where: {organizationId: $o, near: {circle: {latitude: 40.7, longitude: -74}}}) { edges { node { id } } } }`,
		vars{"o": globalid.OfOrganization(s.Organization)}).OK(t)
	r.specimens = append(r.specimens, plans.Text("node", "acceptedPlans", "edges", 0, "node", "id"), match.Text("searchAvailability", "edges", 0, "node", "id"))
}

// keepTrail makes what is recorded of a booking something to ask for.
func (r *realm) keepTrail(t *testing.T, s *site) {
	t.Helper()
	trail := s.admin.Post(t, `{ auditEvents(where: {action: "appointment.book"}, first: 1) { edges { node { id } } } }`, nil).OK(t)
	r.know(trail.Text("auditEvents", "edges", 0, "node", "id"), subject{kind: globalid.AuditEvent, organization: s.Organization})
}

// keepOverrides books a visit over a soft rule.
func (r *realm) keepOverrides(t *testing.T, s *site) {
	t.Helper()
	r.judging(conflict.Off)
	const notice = `WITH changed AS (UPDATE visit_kinds SET minimum_notice = $2 WHERE organization_id = $1)
		UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`
	s.Set(notice, 30*24*3600)
	who := s.patients[0]
	booked := r.done(t, s.admin, "bookAppointment", "appointment { id }", vars{"target": vars{"slotId": r.freeSlot(s)}, "patientId": s.id(globalid.Patient, who.ID),
		"idempotencyKey": r.key(), "override": vars{"rules": []string{"INSIDE_MINIMUM_NOTICE"}, "reason": "Palpitations again"}})
	s.Set(notice, 0)
	id := booked.Text("bookAppointment", "appointment", "id")
	r.know(id, subject{kind: globalid.Appointment, organization: s.Organization, patient: who.ID})
	r.with[id] = s.id(globalid.Provider, s.providers[0].ID)
	r.treats(s, 0, 0)
}

// keepAsked has a visit wait for the clinic's approval.
func (r *realm) keepAsked(t *testing.T, s *site) {
	t.Helper()
	const approval = `WITH changed AS (UPDATE visit_kinds SET requires_approval = $2 WHERE organization_id = $1)
		UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`
	s.Set(approval, true)
	who := s.patients[2]
	booked := r.done(t, s.admin, "bookAppointment", "appointment { id }", vars{"target": vars{"slotId": r.freeSlot(s)}, "patientId": s.id(globalid.Patient, who.ID),
		"idempotencyKey": r.key()})
	s.Set(approval, false)
	id := booked.Text("bookAppointment", "appointment", "id")
	r.know(id, subject{kind: globalid.Appointment, organization: s.Organization, patient: who.ID})
	r.with[id] = s.id(globalid.Provider, s.providers[0].ID)
	r.treats(s, 0, 2)
}

// visit books, confirms, and perhaps cancels late.
func (r *realm) visit(t *testing.T, s *site, patient int, slot string, provider int, ends bool) string {
	t.Helper()
	who := s.patients[patient]
	booked := r.done(t, s.admin, "bookAppointment", "appointment { id }", vars{"target": vars{"slotId": slot}, "patientId": s.id(globalid.Patient, who.ID),
		"reason": "Palpitations at night", "idempotencyKey": r.key(), "identifiers": []vars{{"system": "https://example.org/visits", "value": r.key()}}})
	id := booked.Text("bookAppointment", "appointment", "id")
	r.know(id, subject{kind: globalid.Appointment, organization: s.Organization, patient: who.ID})
	r.with[id] = s.id(globalid.Provider, s.providers[provider].ID)
	r.treats(s, provider, patient)
	r.done(t, s.admin, "transitionAppointment", "appointment { id }", vars{"appointmentId": id, "action": "CONFIRM"})
	if ends {
		r.done(t, s.admin, "cancelAppointment", "appointment { id }",
			vars{"appointmentId": id, "reason": "OTHER", "note": "Palpitations are gone", "acceptFeeMinorUnits": 2500})
	}
	return id
}

// series books two visits of the first patient's, which are known, and is the first of them.
func (r *realm) series(t *testing.T, s *site) string {
	t.Helper()
	who := s.patients[0]
	const parts = `series { id appointments { edges { node { id } } } }`
	booked := r.done(t, s.admin, "bookSeries", parts, vars{"firstSlotId": r.freeSlot(s), "everyWeeks": 20, "count": 2,
		"patientId": s.id(globalid.Patient, who.ID), "reason": "Palpitations, again", "idempotencyKey": r.key()})
	series := booked.Text("bookSeries", "series", "id")
	r.know(series, subject{kind: globalid.Series, organization: s.Organization, patient: who.ID})
	for i := range 2 {
		id := booked.Text("bookSeries", "series", "appointments", "edges", i, "node", "id")
		r.know(id, subject{kind: globalid.Appointment, organization: s.Organization, patient: who.ID})
		r.with[id], r.in[id] = s.id(globalid.Provider, s.providers[0].ID), series
	}
	r.treats(s, 0, 0)
	return booked.Text("bookSeries", "series", "appointments", "edges", 0, "node", "id")
}

func (r *realm) treats(s *site, provider, patient int) {
	r.treated[[2]uuid.UUID{s.providers[provider].ID, s.patients[patient].ID}] = true
}

func (r *realm) key() string {
	r.lastKey++
	return fmt.Sprint("key-", r.lastKey)
}

func (r *realm) exception(t *testing.T, s *site, of clinic.Ref) string {
	t.Helper()
	added := r.done(t, s.admin, "addScheduleException", "exception { id }", vars{"providerId": s.id(globalid.Provider, of.ID), "effect": "OPEN",
		"from": "2026-06-08T18:00", "to": "2026-06-08T19:00", "reason": "A relative's funeral", "idempotencyKey": r.key(),
		"repeat": vars{"everyWeeks": 52, "until": "2027-06-07"}})
	id := added.Text("addScheduleException", "exception", "id")
	r.know(id, subject{kind: globalid.ScheduleException, organization: s.Organization})
	r.with[id] = s.id(globalid.Provider, of.ID)
	return id
}

// freeSlot is one of the first provider's that nothing has been booked in, from Wednesday on.
func (r *realm) freeSlot(s *site) string {
	slot := s.Slot(s.providers[0], 9+r.lastSlot%8, 30*(r.lastSlot/8%2))
	slot.Start = slot.Start.AddDate(0, 0, 2+r.lastSlot/16)
	r.lastSlot++
	return globalid.OfSlot(slot)
}

// keepHolds has everybody hold a slot who may.
func (r *realm) keepHolds(t *testing.T) {
	t.Helper()
	for _, p := range r.people {
		row, _ := r.table.Row("SlotHold", "id")
		if row.For(p.column) == policy.Own {
			r.held(t, p, r.here)
		}
	}
	r.held(t, r.person(policy.OtherTenant), r.there)
}

// held has somebody hold a free slot, for no patient but whom they act for.
func (r *realm) held(t *testing.T, p person, s *site) string {
	t.Helper()
	input := vars{"slotId": r.freeSlot(s), "idempotencyKey": r.key()}
	for pair, column := range r.links {
		if pair[0] == p.actor.ID && column != "" {
			input["patientId"] = s.id(globalid.Patient, pair[1])
		}
	}
	answer := p.Post(t, document("holdSlot", "hold { id } "+refused), vars{"input": input})
	id := answer.Text("holdSlot", "hold", "id")
	if id == "" {
		t.Errorf("%s can't hold a slot: %s", p.column, answer.Raw)
		return s.id(globalid.Hold, p.actor.ID)
	}
	r.know(id, subject{kind: globalid.Hold, organization: s.Organization, actor: p.actor.ID})
	return id
}

// listen begins to keep the statements that the server runs.
func (r *realm) listen() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts = []string{}
}

// overheard are the statements since listen was called.
func (r *realm) overheard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.texts
}

// keepRooms gives a site a visit with a room, equipment elsewhere, ways between the two locations, a kind of visit that asks for everything, and a
// visit of it, from before it did.
func (r *realm) keepRooms(t *testing.T, s *site) {
	t.Helper()
	there := r.done(t, s.admin, "putLocation", "location { id }", vars{"identifier": vars{"system": "https://clinic.example/sites", "value": r.key()},
		"name": "Annex", "timeZone": "America/New_York", "addressLines": []string{}}).Text("putLocation", "location", "id")
	room := r.done(t, s.admin, "putResource", "resource { id }", vars{"identifier": vars{"system": "https://clinic.example/rooms", "value": r.key()},
		"locationId": there, "kind": "EQUIPMENT", "pool": "treadmill", "name": "Treadmill"}).Text("putResource", "resource", "id")
	r.know(room, subject{kind: globalid.Resource, organization: s.Organization})
	r.know(s.id(globalid.Resource, s.Room("exam")), subject{kind: globalid.Resource, organization: s.Organization})
	s.Requiring(`needs = '{exam}'`)
	r.visit(t, s, 0, r.freeSlot(s), 0, false)
	s.Requiring(`needs = '{}'`)
	r.done(t, s.admin, "setTravelRules", "travelRules { margin }", vars{"routes": []vars{
		{"fromLocationId": s.id(globalid.Location, s.Location), "toLocationId": there, "takes": "PT20M"}}})
	kind := r.done(t, s.admin, "putVisitKind", "visitKind { id }", vars{"key": "stress-test", "name": "Stress test", "duration": "PT30M",
		"modalities": []string{"IN_PERSON"}, "needs": []string{"treadmill"}, "repeatAfter": "P90D", "patients": "ESTABLISHED", "minimumAge": 18, "maximumAge": 80,
		"prerequisites": []vars{{"visitKindId": s.id(globalid.VisitKind, s.VisitKind), "within": "P30D"}}}).Text("putVisitKind", "visitKind", "id")
	visit := r.visit(t, s, 0, r.freeSlot(s), 0, false)
	s.Set(`UPDATE appointments SET visit_kind_id = $2 WHERE organization_id = $1 AND id = $3`, mustRef(t, kind).ID, mustRef(t, visit).ID)
	r.lacking[visit] = true
	r.specimens = append(r.specimens, kind)
}
