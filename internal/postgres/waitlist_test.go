package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// waitDesk is a desk whose freed times are offered to those who wait. It is half past eight in the morning there.
type waitDesk struct {
	*desk
	wait *waitlist.Service
	off  bool // the flag
}

func newWaitDesk(t *testing.T) *waitDesk { return waitAt(newDesk(t)) }

func waitAt(of *desk) *waitDesk {
	d := &waitDesk{desk: of}
	d.clock.Set(sample.Monday.Add(12*time.Hour + 30*time.Minute))
	db := postgres.New(d.pool, keytest.Of(d.t, d.pool))
	source := clinic.Source{Clock: d.clock, NewID: sample.NewID}
	d.wait = &waitlist.Service{
		Store: postgres.NewWaitlistStore(db), Visits: d.Service, Contacts: db.Directory(), Source: source,
		Openings: availability.NewFinder(postgres.NewAvailabilityStore(db), clinic.NewService(db.Directory(), source), d.clock),
		Flag: func(uuid.UUID, access.Actor) access.Feature {
			return access.Feature{Key: waitlist.FeatureKey, Enabled: !d.off}
		},
	}
	d.Waited(d.wait)
	return d
}

// full books every time of a provider's Monday, and answers the visits by their hour.
func (d *waitDesk) full(provider clinic.Ref) map[time.Time]appointment.Appointment {
	d.t.Helper()
	visits := map[time.Time]appointment.Appointment{}
	for at := range d.free(provider, access.Nobody("")) {
		slot := d.Slot(provider, 0, 0)
		slot.Start = at
		b, err := d.book(d.Patient(), slot)
		if err != nil {
			d.t.Fatal(err)
		}
		visits[at] = b.Appointment
	}
	return visits
}

func (d *waitDesk) join(a access.Actor, wanted func(*waitlist.Join)) waitlist.Entry {
	d.t.Helper()
	in := waitlist.Join{Key: key(), Wanted: d.anyTime()}
	if wanted != nil {
		wanted(&in)
	}
	e, err := d.wait.Join(context.Background(), a, in)
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// anyTime is a wish for Monday.
func (d *waitDesk) anyTime() availability.Search {
	to := sample.Monday.Add(28 * time.Hour)
	return availability.Search{VisitKind: &clinic.Ref{Organization: d.Organization, ID: d.VisitKind}, To: &to}
}

// match does all that is due.
func (d *waitDesk) match() {
	d.t.Helper()
	for n := 1; n > 0; {
		var err error
		if n, err = d.wait.Match(context.Background(), 50); err != nil {
			d.t.Fatal(err)
		}
	}
}

// offer is the open offer of an entry, or nil.
func (d *waitDesk) offer(a access.Actor, e waitlist.Entry) *waitlist.Offer {
	d.t.Helper()
	page, err := d.wait.ListOffers(context.Background(), a, e, paging.Window{Size: 1, Backward: true})
	if err != nil {
		d.t.Fatal(err)
	}
	if len(page.Items) == 0 || page.Items[0].State != waitlist.OfferOpen {
		return nil
	}
	return &page.Items[0]
}

func (d *waitDesk) answer(a access.Actor, o *waitlist.Offer, accept bool) (waitlist.Answered, error) {
	return d.wait.Answer(context.Background(), a, waitlist.Answer{Offer: o.Ref(), Accept: accept, Key: key()})
}

func (d *waitDesk) cancel(ap appointment.Appointment) {
	d.t.Helper()
	if _, err := d.Cancel(context.Background(), d.FrontDesk(), appointment.CancelVisit{Appointment: ap.Ref(), Reason: appointment.ClinicRequest}); err != nil {
		d.t.Fatal(err)
	}
}

func TestAFreedTimeIsHeldForTheFirstWhoWaitsThenForTheNext(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	one, two := d.Patient(), d.Patient()
	first, second := d.join(one, nil), d.join(two, nil)
	d.match()
	if d.offer(one, first) != nil {
		t.Fatal("something was offered though nothing is free")
	}

	slot := d.Slot(provider, 14, 0)
	d.cancel(visits[slot.Start])
	quick := d.Patient()
	if free := d.free(provider, quick); len(free) != 0 {
		t.Fatalf("whoever refreshes fastest sees %v", free)
	}
	if _, err := d.book(quick, slot); err == nil {
		t.Fatal("whoever refreshes fastest has the freed time")
	}
	d.match()
	o := d.offer(one, first)
	if o == nil || o.Slot != slot || d.offer(two, second) != nil {
		t.Fatalf("the first is offered %+v, the second %+v", o, d.offer(two, second))
	}
	if _, err := d.book(quick, slot); err == nil {
		t.Fatal("somebody else has the time that is offered")
	}

	if _, err := d.answer(one, o, false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.book(quick, slot); err == nil {
		t.Fatal("somebody else has the time between two offers")
	}
	d.match()
	o = d.offer(two, second)
	if o == nil || o.Slot != slot || o.Wave != 2 || len(o.PassedOver) != 1 || o.PassedOver[0].Entry != first.ID || o.PassedOver[0].Reason != string(waitlist.HadIt) {
		t.Fatalf("the second is offered %+v", o)
	}
	got, err := d.answer(two, o, true)
	if err != nil || got.Appointment == nil || got.Appointment.Slot() != slot || got.Appointment.PatientID != two.PatientID || got.Offer.State != waitlist.OfferAccepted {
		t.Fatalf("accepting got %+v, %v", got, err)
	}
	again, err := d.answer(two, o, true)
	if err != nil || again.Appointment.ID != got.Appointment.ID {
		t.Fatalf("accepting again got %+v, %v", again, err)
	}
	if _, err := d.answer(two, o, false); !errors.As(err, new(appointment.OfferExpired)) {
		t.Fatalf("declining what was accepted got %v", err)
	}
	d.noDoubleBooking()
	d.countsMatchClaims()
}

func TestAnOfferLapsesAndIsPublicOnceNobodyIsLeft(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	one := d.Patient()
	first := d.join(one, nil)
	slot := d.Slot(provider, 14, 0)
	d.cancel(visits[slot.Start])
	d.match()
	o := d.offer(one, first)
	if o == nil || !o.ExpiresAt.Equal(d.clock.Now().Add(30*time.Minute)) {
		t.Fatalf("offered %+v", o)
	}
	d.clock.Set(o.ExpiresAt)
	if _, err := d.answer(one, o, true); !errors.As(err, new(appointment.OfferExpired)) {
		t.Fatalf("answering too late got %v", err)
	}
	if _, err := d.book(d.Patient(), slot); err == nil {
		t.Fatal("it is everybody's before the next one was looked for")
	}
	d.match()
	if free := d.free(provider, one); free[slot.Start] != 1 {
		t.Fatalf("nobody is left, and the openings are %v", free)
	}
	found, err := d.wait.Entries(context.Background(), one, []clinic.Ref{first.Ref()})
	if err != nil || found[first.Ref()].Status != waitlist.Active {
		t.Fatalf("who didn't answer: %+v, %v", found, err)
	}
	if _, err := d.book(d.Patient(), slot); err != nil {
		t.Fatal(err)
	}
	d.countsMatchClaims()
}

func TestAVisitIsGivenUpOnlyForTheOneThatIsWon(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	late := visits[d.Slot(provider, 16, 0).Start]
	one := d.patientOf(late)
	entry := d.join(one, func(in *waitlist.Join) { ref := late.Ref(); in.Current = &ref; in.Wanted.VisitKind = nil })
	other := d.Patient()
	next := d.join(other, nil)

	d.cancel(visits[d.Slot(provider, 16, 30).Start])
	d.match()
	if d.offer(one, entry) != nil {
		t.Fatal("a later time is offered to who wants an earlier one")
	}
	if d.offer(other, next) == nil {
		t.Fatal("nobody is offered the later time")
	}

	slot := d.Slot(provider, 13, 0)
	d.cancel(visits[slot.Start])
	d.match()
	o := d.offer(one, entry)
	if o == nil || o.Slot != slot {
		t.Fatalf("offered %+v", o)
	}
	if now := d.visit(late); now.Version != late.Version || now.Status != appointment.Booked {
		t.Fatalf("the offer alone changed the visit: %+v", now)
	}
	got, err := d.answer(one, o, true)
	if err != nil || got.Appointment.ID != late.ID || got.Appointment.Slot() != slot || got.Appointment.Reschedules != 0 {
		t.Fatalf("accepting got %+v, %v", got, err)
	}
	d.match()
	if len(d.free(provider, other)) != 1 { // the old time; the other patient has an offer already
		t.Errorf("openings: %v", d.free(provider, other))
	}
	d.noDoubleBooking()
	d.countsMatchClaims()
}

// patientOf is the patient of a visit as a caller.
func (d *waitDesk) patientOf(ap appointment.Appointment) access.Actor {
	a := d.Patient()
	a.ID, a.PatientID = ap.CreatedBy, ap.PatientID
	return a
}

func (d *waitDesk) visit(ap appointment.Appointment) appointment.Appointment {
	d.t.Helper()
	found, err := d.Appointments(context.Background(), d.FrontDesk(), []clinic.Ref{ap.Ref()})
	if err != nil {
		d.t.Fatal(err)
	}
	return found[ap.Ref()]
}
