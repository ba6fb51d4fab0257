package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// prefers changes what a patient prefers.
func (p *post) prefers(patient clinic.Ref, change func(*reminder.ChangePreferences)) {
	p.t.Helper()
	in := reminder.ChangePreferences{Patient: patient}
	change(&in)
	choices := reminder.NewChoices(postgres.New(p.pool, keytest.Of(p.t, p.pool)).Directory(), clinic.Source{Clock: p.clock, NewID: sample.NewID})
	if _, err := choices.Change(context.Background(), p.FrontDesk(), in); err != nil {
		p.t.Fatal(err)
	}
}

func TestWhoWantsNoRemindersAnyMoreGetsNoneOfThosePlanned(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	whom, no := clinic.Ref{Organization: a.OrganizationID, ID: a.PatientID}, false
	p.prefers(whom, func(c *reminder.ChangePreferences) { c.Reminders = &no })
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation) || len(p.email.letters) != 0 {
		t.Fatalf("told %v %v", p.sms.told(), p.email.told())
	}
}

func TestWhoPrefersMailIsRemindedByMailAndToldOfNothingTwice(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	whom := clinic.Ref{Organization: a.OrganizationID, ID: a.PatientID}
	mailFirst := func(c *reminder.ChangePreferences) {
		c.Channels = []reminder.ChannelChange{{Channel: reminder.Email, Allowed: true}, {Channel: reminder.SMS, Allowed: true}, {Channel: reminder.Push, Allowed: true}}
	}
	p.prefers(whom, mailFirst)
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation) || !alike(p.email.told(), reminder.Remind) {
		t.Fatalf("told %v %v", p.sms.told(), p.email.told())
	}
	p.prefers(whom, func(c *reminder.ChangePreferences) {
		c.Channels = []reminder.ChannelChange{{Channel: reminder.SMS, Allowed: true}, {Channel: reminder.Email, Allowed: true}, {Channel: reminder.Push, Allowed: true}}
	})
	p.carry()
	p.clock.Advance(time.Hour)
	p.carry()
	if len(p.sms.letters) != 1 || len(p.email.letters) != 1 {
		t.Fatalf("told twice: %v %v", p.sms.told(), p.email.told())
	}
}

func TestAMoveThereAndBackRemindsOnceOfTheFirstTime(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	p.move(a, a.Start.Add(3*time.Hour))
	p.carry()
	p.move(a, a.Start)
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Change, reminder.Change, reminder.Remind) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
}
