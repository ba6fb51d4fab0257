package postgres_test

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// alert is what tests look for in one.
type alert struct {
	channel reminder.ChannelKind
	state   reminder.State
	cause   reminder.Cause
	grave   bool
}

func (p *post) alerted() (list []alert) {
	for _, a := range p.alerts {
		list = append(list, alert{a.Channel, a.State, a.Cause, a.Grave})
	}
	return list
}

// lostText is a text whose answer is lost, and of which nobody can say more.
func (p *post) lostText() { p.sms.answers, p.sms.mute = []error{reminder.Unclear{Code: "reset"}}, true }

// wait carries on for as long as it takes to give up asking for an answer.
func (p *post) wait() {
	p.t.Helper()
	for range 15 {
		p.clock.Advance(20 * time.Second)
		p.settle()
		p.carry()
	}
}

// A mail that isn't sent on purpose tells nobody either.
func TestWhatNobodyKnowsOfIsGraveOnceTheNextChannelIsNotUsed(t *testing.T) {
	for cause, meanwhile := range map[reminder.Cause]func(*post, appointment.Appointment){
		reminder.ChannelUnavailable: func(p *post, _ appointment.Appointment) { p.sendBy(reminder.Limits{}, p.sms) },
		reminder.NoAddress:          func(p *post, a appointment.Appointment) { p.Reachable(a.PatientID, "+15005550006", "") },
		reminder.NoConsent: func(p *post, a appointment.Appointment) {
			p.prefers(whose(a), func(c *reminder.ChangePreferences) {
				c.Channels = []reminder.ChannelChange{{Channel: reminder.SMS, Allowed: true}, {Channel: reminder.Email}}
			})
		},
	} {
		t.Run(string(cause), func(t *testing.T) {
			p := newPost(t)
			a := p.booked()
			p.lostText()
			p.carry()
			meanwhile(p, a)
			p.wait()
			want := []alert{
				{reminder.SMS, reminder.Unknown, reminder.AnswerLost, false},
				{reminder.Email, reminder.Suppressed, cause, true},
			}
			if got := p.alerted(); !alike(got, want...) || len(p.email.letters) != 0 {
				t.Errorf("alerts %+v; %v", got, p.states())
			}
		})
	}
}

// The second of two confirmations goes by mail, and leaves no room for the mail that the first one needs later.
func TestWhatNobodyKnowsOfIsGraveOnceTheNextChannelIsOverItsLimit(t *testing.T) {
	p := newPost(t)
	p.limit(reminder.Limits{AddressDay: 1})
	p.lostText()
	p.booked()
	p.carry()
	p.booked()
	p.carry()
	p.wait()
	want := []alert{
		{reminder.SMS, reminder.Suppressed, reminder.LimitReached, false},
		{reminder.SMS, reminder.Unknown, reminder.AnswerLost, false},
		{reminder.Email, reminder.Suppressed, reminder.LimitReached, true},
	}
	if got := p.alerted(); !alike(got, want...) || len(p.email.letters) != 1 {
		t.Errorf("alerts %+v; %v", got, p.states())
	}
}

func TestNobodyHearsOfWhatIsNotSentOnPurpose(t *testing.T) {
	p := newPost(t)
	p.sendBy(reminder.Limits{}, p.email)
	p.booked()
	p.carry()
	p.carry()
	if got := p.alerted(); len(got) != 0 || p.states()["SMS SUPPRESSED CHANNEL_NOT_SET_UP"] != 1 || len(p.email.letters) != 1 {
		t.Errorf("alerts %+v; %v", got, p.states())
	}
}

// No text may be sent to this country. A confirmation that nobody gets is for the clinic to see, and a visit that is off or elsewhere for who is awake.
func TestNewsOverItsLimitIsGraveIfNobodyTellsIt(t *testing.T) {
	none := reminder.Limits{Countries: map[string]int{"1500": 0}}
	over := func(grave bool) alert {
		return alert{reminder.SMS, reminder.Suppressed, reminder.LimitReached, grave}
	}
	notSetUp := alert{reminder.Email, reminder.Suppressed, reminder.ChannelUnavailable, true}
	for name, c := range map[string]struct {
		mailbox, mails bool
		want           []alert
	}{
		"mailed instead":     {true, true, []alert{over(false), over(false), over(false)}},
		"no mailbox":         {false, true, []alert{over(false), over(true), over(true)}},
		"nobody sends mails": {true, false, []alert{over(false), over(false), notSetUp, over(false), notSetUp}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.limit(none)
			if !c.mails {
				p.sendBy(none, p.sms)
			}
			a := p.visits(1, "+15005550006", c.mailbox)[0]
			for _, change := range []func(){func() {}, func() { p.move(a, a.Start.Add(2*time.Hour)) }, func() { p.cancel(a) }} {
				change()
				p.carry()
				p.carry()
			}
			if got := p.alerted(); !alike(got, c.want...) || len(p.sms.letters) != 0 {
				t.Errorf("alerts %+v; %v", got, p.states())
			}
		})
	}
}

func TestAVendorThatFailsHasItsRestThoughTheNextChannelIsNotUsed(t *testing.T) {
	p := newPost(t)
	p.sendBy(reminder.Limits{}, p.sms)
	p.booked()
	for range 10 {
		p.sms.answers = append(p.sms.answers, reminder.Later{Cause: reminder.VendorUnavailable, Code: "503"})
	}
	left := func(after time.Duration) int {
		for range after / (10 * time.Second) {
			p.clock.Advance(10 * time.Second)
			p.carry()
		}
		return len(p.sms.answers)
	}
	if n := left(time.Minute); n != 5 || p.states()["EMAIL SUPPRESSED CHANNEL_NOT_SET_UP"] != 1 {
		t.Fatalf("after 5 attempts or more %d answers are left; %v", n, p.states())
	}
	if n := left(4 * time.Minute); n != 5 || p.number(`SELECT count(*) FROM dead_letters WHERE organization_id = $1`) != 1 {
		t.Fatalf("it was asked again within 5 minutes: %d answers are left; %v", n, p.states())
	}
	if n := left(2 * time.Minute); n != 0 {
		t.Errorf("after its rest %d answers are left; %v", n, p.states())
	}
}
