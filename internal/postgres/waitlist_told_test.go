package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// offering is an exchange with a waitlist, where somebody waits for a time that is freed.
type offering struct {
	*exchange
	wait  *waitDesk
	who   access.Actor
	entry waitlist.Entry
	visit appointment.Appointment // that will be cancelled
}

func newOffering(t *testing.T) *offering {
	x := newExchange(t)
	o := &offering{exchange: x, wait: waitAt(x.desk)}
	x.Answers.Offers = o.wait.wait
	provider := o.Provider(1)
	o.visit = o.wait.full(provider)[o.Slot(provider, 14, 0).Start]
	o.who = o.patient()
	o.entry = o.wait.join(o.who, nil)
	return o
}

// texted are the texts to the one who waits, with a word in common.
func (o *offering) texted(word string) (list []string) {
	for _, l := range o.sms.letters {
		if l.To == number && strings.HasPrefix(l.Text, word) {
			list = append(list, l.Text)
		}
	}
	return list
}

func (o *offering) free() {
	o.wait.cancel(o.visit)
	o.wait.match()
	o.carry()
}

func TestAnOfferIsToldOnceAndTakenByText(t *testing.T) {
	o := newOffering(t)
	o.free()
	o.carry()
	if texts := o.texted("OFFER"); len(texts) != 1 {
		t.Fatalf("told of the offer: %q", texts)
	}
	if got := o.says(number, "2"); got.Effect != reminder.NotUnderstood {
		t.Errorf("an offer can't be moved: %+v", got)
	}
	if got := o.says(number, "1"); got.Effect != reminder.OfferTaken || got.Response != reminder.Confirmed {
		t.Fatalf("taking it: %+v", got)
	}
	if got := o.text(`SELECT count(*)::text FROM appointments WHERE patient_id = $1 AND status = 'BOOKED' AND starts_at = $2`, o.who.PatientID, o.visit.Start); got != "1" {
		t.Errorf("%s visits", got)
	}
	o.carry()
	if texts := o.texted("CONFIRMATION"); len(texts) != 1 {
		t.Errorf("told of the visit: %q", texts)
	}
	if got := o.says(number, "1"); got.Effect != reminder.ConfirmedByReply {
		t.Errorf("the visit is confirmed next: %+v", got)
	}
}

func TestAnOfferIsDeclinedByText(t *testing.T) {
	o := newOffering(t)
	o.free()
	if got := o.says(number, "3"); got.Effect != reminder.OfferDeclined {
		t.Fatalf("declining it: %+v", got)
	}
	o.wait.match()
	if o.wait.free(clinic.Ref{Organization: o.Organization, ID: o.visit.ProviderID}, o.who)[o.visit.Start] != 1 {
		t.Error("the time isn't everybody's, though nobody else waits")
	}
	if got := o.says(number, "1"); got.Effect != reminder.NoVisit {
		t.Errorf("taking what was declined: %+v", got)
	}
}

func TestNobodyIsToldOfAnOfferThatHasEnded(t *testing.T) {
	o := newOffering(t)
	o.wait.cancel(o.visit)
	o.wait.match()
	if _, err := o.wait.wait.Leave(context.Background(), o.who, o.entry.Ref()); err != nil {
		t.Fatal(err)
	}
	o.carry()
	if texts := o.texted("OFFER"); len(texts) != 0 {
		t.Errorf("told of an offer that was withdrawn: %q", texts)
	}

	o = newOffering(t)
	o.free()
	offer := o.wait.offer(o.who, o.entry)
	o.clock.Set(offer.ExpiresAt)
	if got := o.says(number, "1"); got.Effect != reminder.NoVisit {
		t.Errorf("too late: %+v", got)
	}
}

func TestWhoHasQuietHoursIsToldWhenTheyEnd(t *testing.T) {
	o := newOffering(t)
	o.clock.Set(sample.Monday.Add(2 * time.Hour)) // ten in the evening before
	o.free()
	morning := sample.Monday.Add(12 * time.Hour) // eight o'clock
	offer := o.wait.offer(o.who, o.entry)
	if offer == nil || !offer.ToldAt.Equal(morning) || !offer.ExpiresAt.Equal(morning.Add(30*time.Minute)) {
		t.Fatalf("offered %+v", offer)
	}
	if texts := o.texted("OFFER"); len(texts) != 0 {
		t.Errorf("told at night: %q", texts)
	}
	if _, err := o.book(o.Patient(), offer.Slot); err == nil {
		t.Error("the time went to somebody else overnight")
	}
	o.clock.Set(morning)
	o.carry()
	if texts := o.texted("OFFER"); len(texts) != 1 {
		t.Errorf("told in the morning: %q", texts)
	}
}

func TestWhoCannotBeToldInTimeOfOneOpeningIsOfferedALaterOne(t *testing.T) {
	x := newExchange(t)
	o := &offering{exchange: x, wait: waitAt(x.desk)}
	provider := o.Provider(1)
	visits := o.wait.full(provider)
	early, late := o.Slot(provider, 9, 0), o.Slot(provider, 16, 0)
	for _, slot := range []availability.SlotID{early, late} {
		o.wait.cancel(visits[slot.Start])
	}
	o.clock.Set(sample.Monday.Add(2 * time.Hour)) // ten in the evening before: told at eight, they would have less notice of the first than they need
	who := o.patient()
	entry := o.wait.join(who, func(in *waitlist.Join) { notice := 3 * time.Hour; in.MinimumNotice = &notice })
	o.wait.match()
	if offer := o.wait.offer(who, entry); offer == nil || offer.Slot != late {
		t.Fatalf("offered %+v", offer)
	}
}
