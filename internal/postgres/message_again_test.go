package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
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

func TestWhatWasConfirmedBeforeItWasPlannedIsToldAndReminded(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	confirm := func() {
		t.Helper()
		if _, err := p.Change(t.Context(), p.FrontDesk(), appointment.ChangeState{Appointment: a.Ref(), Action: appointment.Confirm}); err != nil {
			t.Fatal(err)
		}
	}
	confirm()
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
	p.move(a, a.Start.Add(3*time.Hour))
	confirm()
	p.carry()
	p.clock.Set(a.Start.Add(time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Change, reminder.Remind) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
}

func TestWhoRefusesAChannelGetsNothingByItThatWaited(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.sms.answers = []error{reminder.Later{Cause: reminder.VendorBusy, Code: "429"}}
	p.carry()
	p.prefers(clinic.Ref{Organization: a.OrganizationID, ID: a.PatientID}, func(c *reminder.ChangePreferences) {
		c.Channels = []reminder.ChannelChange{{Channel: reminder.SMS}, {Channel: reminder.Email, Allowed: true}}
	})
	p.clock.Advance(time.Minute)
	p.carry()
	p.carry()
	if len(p.sms.letters) != 0 || !alike(p.email.told(), reminder.Confirmation) || p.states()["SMS SUPPRESSED NO_CONSENT"] != 1 {
		t.Fatalf("told %v %v; %v", p.sms.told(), p.email.told(), p.states())
	}
}

func TestAReminderWhoseTimeHasComeGoesOnWhenPreferencesChange(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	whom := clinic.Ref{Organization: a.OrganizationID, ID: a.PatientID}
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.sms.answers = []error{reminder.Later{Cause: reminder.VendorBusy, Code: "429"}}
	p.carry()
	p.prefers(whom, func(c *reminder.ChangePreferences) { c.RemindBefore = []time.Duration{24 * time.Hour} })
	p.clock.Advance(time.Minute)
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Remind) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
}

func TestWhatIsPlannedWhilePreferencesChangeKeepsToTheNewOnes(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	due, err := p.store.DueNotices(t.Context(), p.clock.Now(), 10)
	if err != nil || len(due) != 1 {
		t.Fatal(due, err)
	}
	about, _, err := p.store.Situation(t.Context(), due[0])
	if err != nil {
		t.Fatal(err)
	}
	p.prefers(clinic.Ref{Organization: a.OrganizationID, ID: a.PatientID}, func(c *reminder.ChangePreferences) { c.RemindBefore = []time.Duration{time.Hour} })
	planned := reminder.Plan(due[0], about.Visit, about.Contact, about.Rules, p.clock.Now())
	for i := range planned {
		planned[i].ID, planned[i].Reference = sample.NewID(), "REF"
	}
	if _, err := p.store.Save(t.Context(), due[0], p.clock.Now(), planned); err != nil {
		t.Fatal(err)
	}
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
	p.clock.Set(a.Start.Add(-time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Remind) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
}
