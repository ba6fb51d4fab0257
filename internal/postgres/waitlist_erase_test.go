package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

func (d *waitDesk) erase(who access.Actor) error {
	d.t.Helper()
	service := retention.NewService(postgres.New(d.pool, keytest.Of(d.t, d.pool)).Directory(), clinic.Source{Clock: d.clock, NewID: sample.NewID})
	service.Waited(d.wait)
	_, err := service.Erase(context.Background(), d.admin(), retention.Erase{Patient: clinic.Ref{Organization: d.Organization, ID: who.PatientID}, Reason: retention.Requested})
	return err
}

func (d *waitDesk) count(query string, args ...any) (n int) {
	d.t.Helper()
	if err := d.pool.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// tellOfOffers has a message wait to be sent for each offer.
const tellOfOffers = `
INSERT INTO messages (organization_id, id, appointment_id, patient_id, version, kind, channel, scheduled_for, expires_at, state, due_at, recipient, recipient_token, reference, planned_at)
SELECT organization_id, gen_random_uuid(), id, patient_id, 1, 'OFFER', 'SMS', told_at, expires_at, 'SCHEDULED', told_at, '\x00', '\x00', 'R', offered_at FROM waitlist_offers
WHERE organization_id = $1`

func TestWhoIsErasedWaitsNoMoreAndTheNextOneIsOfferedTheTime(t *testing.T) {
	for name, late := range map[string]bool{"an offer that is open": false, "one that nobody has closed yet": true} {
		d := newWaitDesk(t)
		provider := d.Provider(1)
		visits := d.full(provider)
		one, two := d.Patient(), d.Patient()
		first, second := d.join(one, func(in *waitlist.Join) { in.Wanted.Providers = []clinic.Ref{provider} }), d.join(two, nil)
		d.cancel(visits[d.Slot(provider, 14, 0).Start])
		d.match()
		o := d.offer(one, first)
		if o == nil {
			t.Fatalf("%s: nothing is offered", name)
		}
		d.Set(tellOfOffers)
		if late {
			d.clock.Set(o.ExpiresAt)
		}
		if err := d.erase(one); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := d.count(`SELECT count(*) FROM waitlist_entries e JOIN waitlist_offers o ON o.entry_id = e.id WHERE e.id = $1 AND e.status = 'LEFT' AND e.ended_at = $2
			AND num_nonnulls(e.wanted, e.provider_ids, e.not_before, e.not_after) = 0 AND o.state = 'WITHDRAWN'`, first.ID, d.clock.Now()); n != 1 {
			t.Errorf("%s: the entry or the offer goes on, or says what was wished for", name)
		}
		if n := d.count(`SELECT count(*) FROM messages WHERE patient_id = $1 AND (num_nonnulls(recipient, recipient_token) > 0 OR state = 'SCHEDULED')`, one.PatientID); n != 0 {
			t.Errorf("%s: %d messages still say to whom", name, n)
		}
		entries, err := d.wait.Entries(context.Background(), d.FrontDesk(), []clinic.Ref{first.Ref()})
		if err != nil || len(entries) != 1 || entries[first.Ref()].Wanted.Providers != nil {
			t.Errorf("%s: staff see %+v, %v", name, entries, err)
		}
		if late { // its hold ends by itself
			d.clock.Advance(time.Minute)
			if _, err := d.Sweep(context.Background(), 100); err != nil {
				t.Fatal(err)
			}
			if free := d.free(provider, two); free[o.Slot.Start] != 1 {
				t.Errorf("%s: the time isn't free: %v", name, free)
			}
			continue
		}
		d.match()
		if next := d.offer(two, second); next == nil || next.Slot != o.Slot {
			t.Errorf("%s: the next one is offered %+v", name, next)
		}
		d.countsMatchClaims()
	}
}

func TestAHoldOfTheirsStillKeepsAPatientWhoWaits(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	one := d.Patient()
	first := d.join(one, nil)
	d.cancel(visits[d.Slot(provider, 14, 0).Start])
	d.match()
	placed := retention.NewService(postgres.New(d.pool, keytest.Of(t, d.pool)).Directory(), clinic.Source{Clock: d.clock, NewID: sample.NewID})
	if _, err := placed.PlaceHold(t.Context(), d.admin(), retention.PlaceHold{
		Patient: clinic.Ref{Organization: d.Organization, ID: one.PatientID}, Reason: "A lawsuit is under way", Key: key(),
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.erase(one); err == nil {
		t.Error("a patient is erased under a legal hold")
	}
	if d.offer(one, first) == nil {
		t.Error("an offer to who is kept is withdrawn")
	}
}

func TestWhatHasEndedOfAWaitlistIsKeptFor400Days(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	one, two := d.Patient(), d.Patient()
	first := d.join(one, nil)
	d.join(two, nil)
	d.cancel(visits[d.Slot(provider, 14, 0).Start])
	d.match()
	if _, err := d.answer(one, d.offer(one, first), true); err != nil {
		t.Fatal(err)
	}
	d.Set(tellOfOffers)
	ended := d.clock.Now()
	left := func(at time.Time) (entries, offers int) {
		d.clock.Set(at)
		for range 2 {
			if _, err := d.Tidy(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
		}
		return d.count(`SELECT count(*) FROM waitlist_entries`), d.count(`SELECT count(*) FROM waitlist_offers`)
	}
	over := ended.Add(400 * 24 * time.Hour)
	if entries, offers := left(over.Add(-time.Microsecond)); entries != 2 || offers != 1 {
		t.Errorf("a moment before, %d entries and %d offers are left", entries, offers)
	}
	if entries, offers := left(over); entries != 2 || offers != 1 {
		t.Errorf("while its message is kept, %d entries and %d offers are left", entries, offers)
	}
	d.Set(`DELETE FROM messages WHERE organization_id = $1`)
	if entries, offers := left(over); entries != 1 || offers != 0 {
		t.Errorf("%d entries and %d offers are left, of one who still waits", entries, offers)
	}
}
