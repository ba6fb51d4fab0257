package postgres_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// enrolment lets systems in.
type enrolment struct {
	partners partner.Service
	clinictest.World
	store *postgres.Partners
	pool  *pgxpool.Pool
}

func newEnrolment(t *testing.T) *enrolment {
	t.Helper()
	pool := pgtest.New(t)
	db := postgres.New(pool, keytest.Of(t, pool))
	w := clinictest.NewWorld(t, db.Directory())
	o := &enrolment{World: w, store: postgres.NewPartners(db), pool: pool}
	o.partners = partner.Service{Store: o.store, Source: w.Source, Random: rand.Reader, Revocations: settled{}}
	return o
}

func (o *enrolment) enrol(t *testing.T, key string) (clinic.Ref, error) {
	t.Helper()
	made, err := o.partners.CreateClient(t.Context(), o.Admin, partner.CreateClient{Name: "Portal", Scopes: []string{access.AppointmentsRead}, Key: key})
	return made.Client.Ref(), err
}

func TestAnOrganisationHasFiftyClientsHoweverManyAreMadeAtOnce(t *testing.T) {
	o := newEnrolment(t)
	var made, refused atomic.Int32
	var all sync.WaitGroup
	for n := range partner.MaxClients + 10 {
		all.Go(func() {
			switch _, err := o.enrol(t, fmt.Sprint("key ", n)); {
			case err == nil:
				made.Add(1)
			case errors.Is(err, partner.ErrManyClients):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() != partner.MaxClients || refused.Load() != 10 {
		t.Errorf("%d were made and %d refused", made.Load(), refused.Load())
	}
}

func TestAnAssertionIsSpentOnceHoweverOftenItComesAtOnce(t *testing.T) {
	o := newEnrolment(t)
	client, err := o.enrol(t, "key")
	if err != nil {
		t.Fatal(err)
	}
	now := o.Clock.Now()
	spend := func(at time.Time) bool {
		fresh, err := o.store.Spend(t.Context(), client, partner.Digest{7}, at, at.Add(time.Minute))
		if err != nil {
			t.Error(err)
		}
		return fresh
	}
	var fresh atomic.Int32
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if spend(now) {
				fresh.Add(1)
			}
		})
	}
	all.Wait()
	if fresh.Load() != 1 {
		t.Errorf("it was taken %d times", fresh.Load())
	}
	if spend(now.Add(time.Minute - time.Microsecond)) {
		t.Error("it was taken again before it ended")
	}
	if !spend(now.Add(time.Minute)) { // nobody accepts it any more: it is kept for nothing
		t.Error("it is kept after its end")
	}
}

func TestOfManyFailedProofsAtOnceFiveAreRecorded(t *testing.T) {
	o := newEnrolment(t)
	client, err := o.enrol(t, "key")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 12 { // each of which had seen that there were none before
		by := o.Source.Stamp(o.Admin)
		all.Go(func() {
			if err := o.store.Refused(t.Context(), by, client, partner.Digest{7}, by.At.Add(-partner.TryWindow)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var recorded, tries int
	if err := o.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM audit_events WHERE action = 'apiClient.token'), (SELECT sum(tries) FROM client_tries)`).Scan(&recorded, &tries); err != nil ||
		recorded != partner.MaxTries || tries != partner.MaxTries {
		t.Errorf("%d are recorded, %d counted, %v", recorded, tries, err)
	}
}

func TestFailedProofsAreForgottenAfterAQuarterOfAnHour(t *testing.T) {
	o := newEnrolment(t)
	client, err := o.enrol(t, "key")
	if err != nil {
		t.Fatal(err)
	}
	here, there := partner.Digest{1}, partner.Digest{2}
	tries := func(source partner.Digest) int {
		_, n, found, err := o.store.Client(t.Context(), client, source, o.Clock.Now().Add(-partner.TryWindow))
		if err != nil || !found {
			t.Fatalf("%v, %v", found, err)
		}
		return n
	}
	for range 3 {
		if err := o.store.Refused(t.Context(), o.Source.Stamp(o.Admin), client, here, o.Clock.Now().Add(-partner.TryWindow)); err != nil {
			t.Fatal(err)
		}
	}
	if tries(here) != 3 || tries(there) != 0 {
		t.Errorf("%d tries here, %d there", tries(here), tries(there))
	}
	o.Clock.Advance(partner.TryWindow)
	if tries(here) != 0 {
		t.Errorf("%d tries after their time", tries(here))
	}
}

func TestTheLastUseIsNotedAtMostOnceAMinute(t *testing.T) {
	o := newEnrolment(t)
	client, err := o.enrol(t, "key")
	if err != nil {
		t.Fatal(err)
	}
	var seen []time.Time
	for _, wait := range []time.Duration{0, time.Minute - time.Microsecond, time.Microsecond} {
		o.Clock.Advance(wait)
		if err := o.store.Granted(t.Context(), o.Source.Stamp(o.Admin), client); err != nil {
			t.Fatal(err)
		}
		found, err := o.store.Clients(t.Context(), []clinic.Ref{client})
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, *found[client].LastUsedAt)
	}
	if !seen[0].Equal(seen[1]) || seen[2].Sub(seen[0]) != time.Minute {
		t.Errorf("noted at %v", seen)
	}
}
