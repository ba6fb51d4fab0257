package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// atAnother books a visit of whoever has the number at another clinic, at an hour of Monday.
func (x *exchange) atAnother(c *sample.Clinic, hour int) {
	x.t.Helper()
	pat := c.Patient()
	c.Reachable(pat.PatientID, number, "pat@example.org")
	slot := c.Slot(c.Provider(1), hour, 0)
	if _, err := x.Book(context.Background(), pat, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Key: key()}); err != nil {
		x.t.Fatal(err)
	}
	x.carry()
	x.carry()
}

// A number that has opted out at the carrier is asked about once, whichever clinic would text it next, until it says START.
func TestWhoHasOptedOutAtTheCarrierIsTextedByNoClinicUntilTheyStartAgain(t *testing.T) {
	refused := reminder.Refused{Cause: reminder.OptedOut, Code: "21610"}
	for name, learnt := range map[string]func(*exchange){
		"by the answer": func(x *exchange) {
			x.sms.answers = []error{refused}
			x.told(10)
			x.carry()
		},
		"by a report": func(x *exchange) {
			x.told(10)
			back := reminder.Report{Message: x.sms.letters[0].Message, Fate: reminder.Undelivered, Cause: reminder.OptedOut, Code: "21610"}
			if changed, err := x.Report(t.Context(), back); err != nil || !changed {
				t.Fatal(changed, err)
			}
			x.carry()
			x.sms.letters = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newExchange(t)
			learnt(x)
			if s := x.states(); s["SMS FAILED OPTED_OUT"] != 1 || len(x.email.letters) != 1 {
				t.Fatalf("%v, %d mails", s, len(x.email.letters))
			}
			other := sample.NewClinic(t, x.pool)
			x.sms.answers = []error{refused}
			x.atAnother(other, 10)
			if len(x.sms.answers) != 1 || len(x.sms.letters) != 0 || len(x.email.letters) != 2 {
				t.Fatalf("asked again: %v; texts %+v, %d mails", len(x.sms.answers) == 0, x.sms.letters, len(x.email.letters))
			}
			x.sms.answers = nil
			x.clock.Advance(time.Second)
			x.says(number, "START")
			x.atAnother(other, 11)
			if len(x.sms.letters) != 1 || len(x.email.letters) != 2 {
				t.Errorf("after START, texts %+v, %d mails", x.sms.letters, len(x.email.letters))
			}
		})
	}
}

// That a patient doesn't want the channel, or an address that there isn't, says nothing of others who write there.
func TestNoOtherRefusalIsTakenForAnOptOut(t *testing.T) {
	x := newExchange(t)
	x.sms.answers = []error{reminder.Refused{Cause: reminder.Landline, Code: "21614"}}
	x.email.answers = []error{reminder.Refused{Cause: reminder.OptedOut}}
	x.told(10)
	x.carry()
	if n := x.text(`SELECT count(*)::text FROM opt_outs`); n != "0" {
		t.Errorf("%s have opted out", n)
	}
}
