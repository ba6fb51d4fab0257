package app

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
)

const (
	closuresOf = `SELECT id FROM closures WHERE organization_id = $1`
	// Every visit of a site was displaced by its first closure, so that something is told of each.
	displaceAll = `
INSERT INTO closure_items (organization_id, id, closure_id, appointment_id, version, provider_id, location_id, starts_at, ends_at, outcome, cause, new_provider_id,
    new_starts_at, due_at, settled_at, offer_id)
SELECT $1, gen_random_uuid(), (SELECT min(id::text)::uuid FROM closures WHERE organization_id = $1), id, version, provider_id, location_id, starts_at, ends_at, 'MOVED',
    'CHANGED', provider_id, starts_at, now(), now(), (SELECT min(o.id::text)::uuid FROM waitlist_offers o WHERE o.organization_id = $1 AND o.appointment_id = a.id)
FROM appointments a WHERE organization_id = $1`
	askAll      = `UPDATE closures SET answer_within = 3600 WHERE organization_id = $1`
	displacedOf = `
SELECT i.id, i.closure_id, a.patient_id FROM closure_items i JOIN appointments a ON a.organization_id = $1 AND a.id = i.appointment_id WHERE i.organization_id = $1`
	aheadOf = `
SELECT id FROM appointments WHERE organization_id = $1 AND status IN (%s) AND provider_id = '%s' AND starts_at > '2026-06-08T10:00Z' AND starts_at < '2026-07-01'`
)

// keepClosures has every site close a doctor, and the house, on days far ahead, with all of its visits as if they had been in it.
func (r *realm) keepClosures(t *testing.T) {
	t.Helper()
	for _, s := range []*site{r.here, r.there} {
		for what, id := range map[string]string{"providerId": s.id(globalid.Provider, s.providers[2].ID), "locationId": s.id(globalid.Location, s.Location)} {
			r.done(t, s.admin, "closePeriod", "closure { id }", r.closing(vars{what: id}, "NONE"))
		}
		here := r.visit(t, s, 0, r.freeSlot(s), 0, false)
		s.Set(`UPDATE appointments SET status = 'ARRIVED' WHERE organization_id = $1 AND id = $2`, mustRef(t, here).ID)
		s.Set(displaceAll)
		s.Set(askAll)
		for _, c := range r.rows(t, s, closuresOf) {
			r.know(s.id(globalid.Closure, c[0]), subject{kind: globalid.Closure, organization: s.Organization})
		}
		for _, i := range r.rows(t, s, displacedOf) {
			id := s.id(globalid.ClosureItem, i[0])
			r.know(id, subject{kind: globalid.ClosureItem, organization: s.Organization, patient: i[2]})
			r.with[id] = s.id(globalid.Closure, i[1])
		}
	}
}

// closing is a day a year ahead.
func (r *realm) closing(scope vars, mode string) vars {
	return vars{"scope": scope, "from": "2027-06-08T12:00", "to": "2027-06-08T15:00", "reason": "Unwell", "rebook": vars{"mode": mode}, "idempotencyKey": r.key()}
}

// running is a closure that nobody goes through here.
func (r *realm) running(t *testing.T, s *site) string {
	t.Helper()
	made := r.done(t, s.admin, "closePeriod", "closure { id }", r.closing(vars{"providerId": s.id(globalid.Provider, s.providers[2].ID)}, "BOOK"))
	return made.Text("closePeriod", "closure", "id")
}

// closingChanges are inputs of changes of closures.
func (r *realm) closingChanges(t *testing.T) map[string]func() []inputFor {
	s := r.here
	one := func(input func() vars) func() []inputFor {
		return func() []inputFor {
			return []inputFor{{about: subject{organization: s.Organization}, input: input}}
		}
	}
	return map[string]func() []inputFor{
		"closePeriod":   one(func() vars { return r.closing(vars{"providerId": s.id(globalid.Provider, s.providers[2].ID)}, "NONE") }),
		"pauseClosure":  one(func() vars { return vars{"closureId": r.running(t, s)} }),
		"resumeClosure": one(func() vars { return vars{"closureId": r.paused(t, s)} }),
	}
}

func (r *realm) paused(t *testing.T, s *site) string {
	t.Helper()
	id := r.running(t, s)
	r.done(t, s.admin, "pauseClosure", "closure { id }", vars{"closureId": id})
	return id
}

// closed asks what closing June would displace of a doctor's visits.
func (r *realm) closed(s *site) string {
	return fmt.Sprintf(`(scope: {providerId: %q}, from: "2026-06-08T00:00", to: "2026-07-01T00:00")`, s.id(globalid.Provider, s.providers[0].ID))
}

// ahead says which visits that asks for.
func (r *realm) ahead(statuses string) func(string, subject) bool {
	found := map[uuid.UUID]bool{}
	for _, row := range r.rows(r.t, r.here, fmt.Sprintf(aheadOf, statuses, r.here.providers[0].ID)) {
		found[row[0]] = true
	}
	return func(id string, _ subject) bool { return found[mustRef(r.t, id).ID] }
}
