package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// passes are why those who came before weren't offered a time, in their order, each by their entry.
type passes []appointment.PassedOver

func pass(e waitlist.Entry, why waitlist.Reason) appointment.PassedOver {
	return appointment.PassedOver{Entry: e.ID, Reason: string(why)}
}

// offered expects an entry to be offered a time of the provider's, after some were passed over.
func (d *waitDesk) offered(name string, who access.Actor, e waitlist.Entry, provider clinic.Ref, hour int, before ...appointment.PassedOver) *waitlist.Offer {
	d.t.Helper()
	o := d.offer(who, e)
	if o == nil || o.Slot != d.Slot(provider, hour, 0) {
		d.t.Fatalf("%s is offered %+v, not %d:00", name, o, hour)
	}
	if !slices.Equal(passes(o.PassedOver), passes(before)) {
		d.t.Errorf("before %s were passed over %+v, not %+v", name, o.PassedOver, before)
	}
	return o
}

func TestWhoHasPriorityIsAskedFirstThenWhoHasWaitedLongest(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	priority := func(n int) func(*waitlist.Join) { return func(in *waitlist.Join) { in.Priority = &n } }
	var people [4]access.Actor
	var entries [4]waitlist.Entry
	for i, n := range []int{-1, 0, 0, 5} {
		people[i] = d.Patient()
		whom := clinic.Ref{Organization: d.Organization, ID: people[i].PatientID}
		entries[i] = d.join(d.FrontDesk(), func(in *waitlist.Join) { priority(n)(in); in.Patient = &whom })
		d.clock.Set(d.clock.Now().Add(time.Minute))
	}
	d.match()
	var before []appointment.PassedOver
	for n, i := range []int{3, 1, 2, 0} {
		d.cancel(visits[d.Slot(provider, 13+n, 0).Start])
		d.match()
		d.offered([]string{"the urgent one", "the first", "the second", "who can wait"}[n], people[i], entries[i], provider, 13+n, before...)
		before = append(before, pass(entries[i], waitlist.HasOffer))
	}
}

func TestAPatientIsAskedAsOftenADayAsTheClinicAllows(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	one, two := d.Patient(), d.Patient()
	first, second := d.join(one, nil), d.join(two, nil)
	d.match()
	frees := func(hour int) {
		t.Helper()
		d.cancel(visits[d.Slot(provider, hour, 0).Start])
		d.match()
	}
	declines := func(hour int) {
		t.Helper()
		frees(hour)
		for _, next := range []struct {
			who access.Actor
			of  waitlist.Entry
		}{{one, first}, {two, second}} {
			if _, err := d.answer(next.who, d.offer(next.who, next.of), false); err != nil {
				t.Fatal(err)
			}
			d.match()
		}
	}
	const allowed = 3
	for hour := range allowed {
		declines(11 + hour)
	}
	d.Set(`UPDATE waitlist_offers SET offered_at = offered_at - interval '24 hours' WHERE organization_id = $1 AND patient_id = $2`, two.PatientID)
	frees(15)
	d.offered("who was asked the day before", two, second, provider, 15, pass(first, waitlist.Fatigue))
}

func TestATimeThatComesTooSoonForSomebodyGoesToTheNext(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	one, two := d.Patient(), d.Patient()
	first := d.join(one, nil) // two hours, unless said otherwise
	none := time.Duration(0)
	second := d.join(two, func(in *waitlist.Join) { in.MinimumNotice = &none })
	d.match()
	d.cancel(visits[d.Slot(provider, 10, 0).Start]) // in an hour and a half
	d.match()
	d.offered("the second", two, second, provider, 10, pass(first, waitlist.TooSoon))
	d.cancel(visits[d.Slot(provider, 11, 0).Start])
	d.match()
	d.offered("the first", one, first, provider, 11)
}

// A patient who waits for two kinds of visit is asked one thing at a time, however many ask.
func TestAPatientHasOneOpenOffer(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	other := clinic.Ref{Organization: d.Organization, ID: d.Kind(provider)}
	one := d.Patient()
	first := d.join(one, nil)
	lab := d.join(one, func(in *waitlist.Join) { in.Wanted.VisitKind = &other })
	d.match()
	for _, hour := range []int{13, 14} {
		d.cancel(visits[d.Slot(provider, hour, 0).Start])
	}
	failed := make(chan error)
	for range 4 {
		go func() {
			_, err := d.wait.Match(context.Background(), 1)
			failed <- err
		}()
	}
	for range 4 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	d.match()
	if n := d.count(`SELECT count(*) FROM waitlist_offers WHERE patient_id = $1 AND state = 'OPEN'`, one.PatientID); n != 1 {
		t.Fatalf("%d offers are open", n)
	}
	open := d.offer(one, first)
	if open == nil {
		t.Fatal("it isn't for who has waited longest")
	}
	if _, err := d.answer(one, open, false); err != nil {
		t.Fatal(err)
	}
	d.match()
	if d.offer(one, lab) == nil && d.offer(one, first) == nil {
		t.Error("then nothing is offered")
	}
}

// Whoever takes an offer that ends in that moment has changed nothing.
func TestAVisitStaysWhereItIsWhenItsOfferEndsMeanwhile(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	late := visits[d.Slot(provider, 16, 0).Start]
	one := d.patientOf(late)
	entry := d.join(one, func(in *waitlist.Join) { ref := late.Ref(); in.Current = &ref; in.Wanted.VisitKind = nil })
	d.match()
	d.cancel(visits[d.Slot(provider, 13, 0).Start])
	d.match()
	o := d.offered("who would come earlier", one, entry, provider, 13)

	tx := d.begin()
	if _, err := tx.Exec(t.Context(), `UPDATE waitlist_offers SET state = 'WITHDRAWN', ended_at = $2 WHERE id = $1`, o.ID, d.clock.Now()); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error)
	go func() {
		_, err := d.answer(one, o, true)
		answered <- err
	}()
	waiting(t, d.pool)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; !errors.As(err, new(appointment.OfferExpired)) {
		t.Errorf("taking what has ended got %v", err)
	}
	if now := d.visit(late); now.Version != late.Version || !now.Start.Equal(late.Start) {
		t.Errorf("the visit has become %+v", now)
	}
	if n := d.count(`SELECT count(*) FROM claims WHERE appointment_id = $1 AND state = 'ACTIVE' AND starts_at = $2`, late.ID, late.Start); n != 2 {
		t.Errorf("%d claims hold its time", n)
	}
	d.countsMatchClaims()
}
