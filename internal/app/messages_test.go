package app

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

// informing is a clinic whose patients are told by vendors that stand in for the real ones, over real sockets.
type informing struct {
	*App
	*sample.Clinic
	vendors *vendors.Vendors
	t       *testing.T
}

// newInforming works until the test ends; without a URL of Redis, without a queue.
func newInforming(t *testing.T, redis string) *informing {
	t.Helper()
	v, err := vendors.Start(vendors.Options{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	at := must(url.Parse(v.URL()))(t)
	settings := ChannelSettings{
		TwilioAccount: vendors.AccountSID, TwilioToken: vendors.AuthToken, TwilioFrom: vendors.Number, TwilioURL: WebURL{at},
		SendGridKey: vendors.APIKey, SendGridFrom: "Clinic <no-reply@example.org>", SendGridURL: WebURL{at}, SendGridReports: v.EventKey(), Callbacks: WebURL{at},
	}
	log := slog.New(slog.DiscardHandler)
	m, err := settings.messaging(RedisSettings{URL: Secret(redis)}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	pool := pgtest.New(t)
	a := wire(Frame{Clock: clock.StartingAt(sample.Dawn), LinkKey: make([]byte, 32), Log: log, Messaging: m, PublicURL: at}, postgres.New(pool, keytest.Of(t, pool)))
	t.Cleanup(a.Close)
	ctx, stop := context.WithCancel(context.Background())
	var working sync.WaitGroup
	t.Cleanup(func() { stop(); working.Wait() })
	working.Go(func() { a.deliver(ctx) })
	return &informing{a, sample.NewClinic(t, pool), v, t}
}

// told waits until so many messages were taken, and answers them all.
func (w *informing) told(n int) []vendors.Message {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if err := w.vendors.Await(ctx, n); err != nil {
		w.t.Fatalf("%d were taken: %v", w.vendors.Distinct(), err)
	}
	return w.vendors.Messages()
}

func (w *informing) books(a access.Actor, hour int) appointment.Appointment {
	w.t.Helper()
	slot := w.Slot(w.Provider(1), hour, 0)
	b, err := w.appointments.Book(w.t.Context(), a, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Key: uuid.NewString()})
	if err != nil {
		w.t.Fatal(err)
	}
	return b.Appointment
}

func TestWhoBooksAndCancelsIsToldAtOnceByTextOrMail(t *testing.T) {
	for name, redis := range map[string]string{"over the queue": redistest.NewURL(t), "without a queue": ""} {
		t.Run(name, func(t *testing.T) {
			w := newInforming(t, redis)
			texts, mails := w.Patient(), w.Patient()
			w.Reachable(texts.PatientID, "+12025550123", "")
			w.Reachable(mails.PatientID, "", "pat@example.org")
			visit := w.books(texts, 15)
			w.books(mails, 16)
			w.told(2)
			if _, err := w.appointments.Cancel(t.Context(), w.FrontDesk(), appointment.CancelVisit{Appointment: visit.Ref(), Reason: appointment.ProviderUnavailable}); err != nil {
				t.Fatal(err)
			}
			for _, m := range w.told(3) {
				if m.Vendor == vendors.Twilio && m.To != "+12025550123" || m.Vendor == vendors.SendGrid && m.To != "pat@example.org" {
					t.Errorf("%s to %s", m.Vendor, m.To)
				}
				if !strings.Contains(m.Text, "Clinic") || !strings.Contains(m.Text, "2026") {
					t.Errorf("it says %q", m.Text)
				}
			}
			if w.vendors.Stats(vendors.Twilio).Accepted != 2 || w.vendors.Stats(vendors.SendGrid).Accepted != 1 || len(w.vendors.Duplicates()) != 0 {
				t.Errorf("%+v", w.vendors.Messages())
			}
		})
	}
}

func TestWhileOneVendorRefusesEverythingItsPatientsAreToldByTheOther(t *testing.T) {
	w := newInforming(t, redistest.NewURL(t))
	if err := w.vendors.Set(vendors.Twilio, vendors.Fault{Do: vendors.Refuse, Status: 401}); err != nil {
		t.Fatal(err)
	}
	pat := w.Patient()
	w.Reachable(pat.PatientID, "+12025550123", "pat@example.org")
	w.books(pat, 15)
	if told := w.told(1); told[0].Vendor != vendors.SendGrid {
		t.Errorf("told by %s", told[0].Vendor)
	}
}

func TestTheNextAttemptWaitsForTheLawAndForTheVendor(t *testing.T) {
	for attempt, least := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 20: 300 * time.Second} {
		if got := lawful(attempt, 0); got < least || got > least+time.Second {
			t.Errorf("after attempt %d it waits for %s", attempt, got)
		}
	}
	if got := lawful(1, time.Hour); got != time.Hour {
		t.Errorf("asked to wait for an hour, it waits for %s", got)
	}
}
