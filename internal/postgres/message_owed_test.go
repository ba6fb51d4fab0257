package postgres_test

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Whatever is changed just before a reminder is due, and however late it is planned anew: it comes, once.
func TestAReminderThatIsPlannedAnewComesHoweverLateThatIs(t *testing.T) {
	for name, c := range map[string]struct {
		ahead  time.Duration // of the reminder's time
		change func(p *post, a appointment.Appointment)
		mails  int
	}{
		"preferences": {time.Second, func(p *post, a appointment.Appointment) { p.prefers(whose(a), mailFirst) }, 1},
		"rules": {2 * time.Minute, func(p *post, _ appointment.Appointment) {
			p.rules(nil, 2*time.Hour)
			p.pages(10)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			a := p.booked()
			p.carry()
			p.clock.Set(a.Start.Add(-2*time.Hour - c.ahead))
			c.change(p, a)
			if s := p.states(); s["SMS CANCELLED PLANNED_ANEW"] != 1 {
				t.Fatalf("it isn't taken back: %v", s)
			}
			p.clock.Set(a.Start.Add(-90 * time.Minute))
			p.carry()
			p.carry()
			p.clock.Advance(time.Hour)
			p.carry()
			got := append(p.sms.told()[1:], p.email.told()...)
			if !alike(got, reminder.Remind) || len(p.email.letters) != c.mails {
				t.Fatalf("told %v %v; %v", p.sms.told(), p.email.told(), p.states())
			}
		})
	}
}

func TestAReminderThatAMistakenCheckInTookBackComesOnceTheVisitIsRestored(t *testing.T) {
	away := reminder.NotAsked{Why: "open", After: time.Minute}
	for name, c := range map[string]struct {
		held error // its vendor, when it is due
		want []reminder.Kind
	}{"waiting": {away, []reminder.Kind{reminder.Confirmation, reminder.Remind}}, "sent": {nil, []reminder.Kind{reminder.Confirmation, reminder.Remind}}} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			a := p.booked()
			p.carry()
			p.clock.Set(a.Start.Add(-2 * time.Hour))
			p.sms.held = c.held
			p.carry()
			p.sms.held = nil
			p.act(a, appointment.CheckIn, appointment.Undo)
			p.clock.Advance(time.Minute)
			p.carry()
			p.carry()
			if !alike(p.sms.told(), c.want...) || len(p.email.letters) != 0 {
				t.Fatalf("told %v %v; %v", p.sms.told(), p.email.told(), p.states())
			}
		})
	}
	for name, before := range map[string]time.Duration{"two hours before": 2 * time.Hour, "by every channel": 50 * time.Minute} {
		t.Run("never planned, "+name, func(t *testing.T) {
			p := newPost(t)
			p.rules(nil, before)
			p.clock.Set(onMonday(9, 30)) // half an hour before
			a := p.booked()
			p.carry()
			p.act(a, appointment.CheckIn, appointment.Undo)
			p.clock.Advance(time.Minute)
			p.carry()
			p.carry()
			if n := p.number(`SELECT count(*) FROM messages WHERE organization_id = $1 AND kind = 'REMINDER'`); n != 0 {
				t.Fatalf("%d reminders of before the booking; %v", n, p.states())
			}
		})
	}
}

// The vendor says late that a confirmation didn't arrive; meanwhile somebody checked the patient in by mistake, and took that back.
func TestTheNextChannelHasItsTurnAlsoOfAVisitThatWasRestored(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	p.act(a, appointment.CheckIn, appointment.Undo)
	p.carry()
	lost := reminder.Report{Message: p.sms.letters[0].Message, Fate: reminder.Undelivered, Cause: reminder.Landline, Code: "30006"}
	if changed, err := p.Report(t.Context(), lost); err != nil || !changed {
		t.Fatal(changed, err)
	}
	p.carry()
	if !alike(p.email.told(), reminder.Confirmation) || len(p.sms.letters) != 1 {
		t.Fatalf("told %v %v; %v", p.sms.told(), p.email.told(), p.states())
	}
}

func TestNewsThatIsLeavingWhenAVisitIsRestoredIsToldOnce(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.sms.before = func() {
		p.sms.before = nil
		p.act(a, appointment.CheckIn, appointment.Undo)
		p.planned() // while it isn't known whether it leaves
	}
	p.carry()
	p.clock.Advance(2 * time.Second)
	p.carry()
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation) || len(p.email.letters) != 0 {
		t.Fatalf("told %v %v; %v", p.sms.told(), p.email.told(), p.states())
	}
}

// Who refuses a channel while a letter waits for its place isn't told by that channel.
func TestWhatIsRefusedWhileALetterWaitsForItsPlaceIsNotSentByThatChannel(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.sms.enters = func() {
		p.sms.enters = nil
		p.prefers(whose(a), func(c *reminder.ChangePreferences) {
			c.Channels = []reminder.ChannelChange{{Channel: reminder.SMS, Allowed: false}}
		})
	}
	p.carry()
	p.carry()
	if len(p.sms.letters) != 0 || !alike(p.email.told(), reminder.Confirmation) {
		t.Fatalf("told %v %v; %v", p.sms.told(), p.email.told(), p.states())
	}
}

// A text that is sent anew, and whose answer is lost, isn't what the vendor's list has of the first one: nobody knows of it, and says so.
func TestAVendorThatTellsOfAnEarlierTryOnlyDoesNotKeepATextInTheAir(t *testing.T) {
	d := newDrawer(t)
	d.texted(10)
	d.carry()
	first := reminder.Report{Message: d.sms.letters[0].Message, VendorID: "V" + d.sms.letters[0].Reference, Fate: reminder.Undelivered, Cause: reminder.NotDelivered, Code: "30003"}
	if changed, err := d.Report(t.Context(), first); err != nil || !changed {
		t.Fatal(changed, err)
	}
	d.again()
	d.sms.answers, d.sms.finds = []error{reminder.Unclear{Code: "answer"}}, &first
	d.carry()
	for range 20 {
		d.clock.Advance(20 * time.Second)
		if _, err := d.Settle(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
	}
	if s := d.states(); s["SMS UNKNOWN ANSWER_LOST"] != 1 || len(d.alerts) == 0 || d.alerts[len(d.alerts)-1].State != reminder.Unknown {
		t.Fatalf("after a while it is %v, and alerts are %+v", s, d.alerts)
	}
}
