package app

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

const (
	entriesOf    = `SELECT id, patient_id FROM waitlist_entries WHERE organization_id = $1`
	offersOf     = `SELECT id, entry_id, patient_id FROM waitlist_offers WHERE organization_id = $1`
	openOffersOf = `SELECT id FROM waitlist_offers WHERE organization_id = $1 AND state = 'OPEN'`
	acceptedOf   = `SELECT appointment_id, provider_id, patient_id FROM waitlist_offers WHERE organization_id = $1 AND state = 'ACCEPTED'`
	// Of each offer it is told that every entry of the site came before, also those of patients whom not everybody sees, and that a visit is cancelled
	// otherwise.
	passOver = `
UPDATE waitlist_offers SET passed_over = (
    SELECT jsonb_agg(jsonb_build_object('entry', e.id, 'reason', 'FATIGUE') ORDER BY e.id) FROM waitlist_entries e WHERE e.organization_id = $1),
    local_was = local_start, otherwise = 'CANCEL'
WHERE organization_id = $1`
	endOffers   = `UPDATE waitlist_offers SET state = 'WITHDRAWN', ended_at = offered_at WHERE organization_id = $1 AND patient_id = $2 AND state = 'OPEN'`
	endEntries  = `UPDATE waitlist_entries SET status = 'LEFT', ended_at = joined_at WHERE organization_id = $1 AND patient_id = $2 AND ended_at IS NULL`
	offersOfOne = openOffersOf + ` AND patient_id = '%s'`
)

// keepWaiting has every patient who has a visit wait: with an offer that became a visit, and with one that is open.
func (r *realm) keepWaiting(t *testing.T) {
	t.Helper()
	r.app.waitlist.Flag = func(uuid.UUID, access.Actor) access.Feature {
		return access.Feature{Key: waitlist.FeatureKey, Enabled: true}
	}
	for _, s := range []*site{r.here, r.there} {
		r.done(t, s.admin, "setWaitlistRules", "waitlistRules { showsPosition }", vars{"offersADay": 20, "showsPosition": true})
		treating := []int{0, 1, 0}
		if s == r.there {
			treating = treating[:1]
		}
		for n, provider := range treating {
			r.waits(t, s, n, vars{"providerIds": []string{s.id(globalid.Provider, s.providers[provider].ID)}, "from": "2026-09-01T04:00:00Z"}, nil)
			taken := r.done(t, s.admin, "answerWaitlistOffer", "appointment { id }", vars{"offerId": r.offered(t, s, n), "accept": true, "idempotencyKey": r.key()})
			r.waits(t, s, n, r.particular(s, provider), vars{"currentAppointmentId": taken.Text("answerWaitlistOffer", "appointment", "id"), "priority": 2})
			r.offered(t, s, n)
		}
		s.Set(passOver)
		r.knowWaiting(t, s)
	}
}

// particular is a wish with everything in it.
func (r *realm) particular(s *site, provider int) vars {
	return vars{
		"providerIds": []string{s.id(globalid.Provider, s.providers[provider].ID)}, "near": vars{"locationIds": []string{s.id(globalid.Location, s.Location)}},
		"modalities": []string{"IN_PERSON"}, "language": "en", "from": "2026-06-09T04:00:00Z", "to": "2026-06-10T04:00:00Z",
		"timesOfDay": []vars{{"from": "08:00", "to": "12:00"}}, "timeZone": "America/New_York", "stepFreeAccess": true,
	}
}

// waits has the n-th patient wait.
func (r *realm) waits(t *testing.T, s *site, n int, wanted, more vars) string {
	t.Helper()
	wanted["visitKindId"] = s.id(globalid.VisitKind, s.VisitKind)
	in := vars{"patientId": s.id(globalid.Patient, s.patients[n].ID), "wanted": wanted, "idempotencyKey": r.key()}
	for name, value := range more {
		in[name] = value
	}
	return r.done(t, s.admin, "joinWaitlist", "entry { id }", in).Text("joinWaitlist", "entry", "id")
}

// offered has openings looked for, and answers what is offered to the n-th patient.
func (r *realm) offered(t *testing.T, s *site, n int) string {
	t.Helper()
	for n := 1; n > 0; {
		var err error
		if n, err = r.app.waitlist.Match(t.Context(), 50); err != nil {
			t.Fatal(err)
		}
	}
	open := r.rows(t, s, fmt.Sprintf(offersOfOne, s.patients[n].ID))
	if len(open) != 1 {
		t.Fatalf("%d offers are open to patient %d", len(open), n)
	}
	return s.id(globalid.WaitlistOffer, open[0][0])
}

// knowWaiting says of all that a site has of waitlists whose it is.
func (r *realm) knowWaiting(t *testing.T, s *site) {
	t.Helper()
	for _, e := range r.rows(t, s, entriesOf) {
		r.know(s.id(globalid.WaitlistEntry, e[0]), subject{kind: globalid.WaitlistEntry, organization: s.Organization, patient: e[1]})
	}
	for _, o := range r.rows(t, s, offersOf) {
		id := s.id(globalid.WaitlistOffer, o[0])
		r.know(id, subject{kind: globalid.WaitlistOffer, organization: s.Organization, patient: o[2]})
		r.with[id] = s.id(globalid.WaitlistEntry, o[1])
	}
	for _, a := range r.rows(t, s, acceptedOf) {
		id := s.id(globalid.Appointment, a[0])
		r.know(id, subject{kind: globalid.Appointment, organization: s.Organization, patient: a[2]})
		r.with[id] = s.id(globalid.Provider, a[1])
	}
}

// changeOffers writes of every offer that it has changed: of those that are open last.
func (r *realm) changeOffers(t *testing.T) (last []string) {
	t.Helper()
	for _, s := range []*site{r.here, r.there} {
		for _, o := range r.rows(t, s, openOffersOf) {
			last = append(last, s.id(globalid.WaitlistOffer, o[0]))
		}
		s.Set(`INSERT INTO event_log (organization_id, at, topic, offer_id, payload)
			SELECT organization_id, now(), 'waitlist.offer', id, '{}' FROM waitlist_offers WHERE organization_id = $1 ORDER BY state = 'OPEN'`)
	}
	return last
}

// afresh has the first patient wait anew, for a provider whose visits nobody else books here.
func (r *realm) afresh(t *testing.T, s *site) string {
	t.Helper()
	r.leaves(s)
	return r.waits(t, s, 0, vars{"providerIds": []string{s.id(globalid.Provider, s.providers[2].ID)}}, nil)
}

// leaves has the first patient wait for nothing any more.
func (r *realm) leaves(s *site) {
	s.Set(endOffers, s.patients[0].ID)
	s.Set(endEntries, s.patients[0].ID)
}

// waiting are inputs of changes of who waits, and how that goes.
func (r *realm) waiting(t *testing.T) map[string]func() []inputFor {
	s := r.here
	one := func(patient clinic.Ref, input func() vars) func() []inputFor {
		return func() []inputFor {
			return []inputFor{{about: subject{organization: s.Organization, patient: patient.ID}, input: input}}
		}
	}
	return map[string]func() []inputFor{
		"joinWaitlist": one(s.patients[0], func() vars {
			r.leaves(s)
			return vars{"patientId": s.id(globalid.Patient, s.patients[0].ID), "wanted": vars{"visitKindId": s.id(globalid.VisitKind, s.VisitKind)}, "idempotencyKey": r.key()}
		}),
		"leaveWaitlist": one(s.patients[0], func() vars { return vars{"entryId": r.afresh(t, s)} }),
		"answerWaitlistOffer": one(s.patients[0], func() vars {
			r.afresh(t, s)
			return vars{"offerId": r.offered(t, s, 0), "accept": true, "idempotencyKey": r.key()}
		}),
		"setWaitlistRules": one(clinic.Ref{}, func() vars {
			r.lastKey++ // another time each time
			return vars{"organizationId": globalid.OfOrganization(s.Organization), "answerWithin": fmt.Sprintf("PT%dM", 30+r.lastKey)}
		}),
	}
}
