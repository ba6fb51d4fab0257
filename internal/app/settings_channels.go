package app

import (
	netmail "net/mail"
	"net/url"
	"regexp"

	"github.com/mediconnect/mediconnect/internal/channel/email"
	"github.com/mediconnect/mediconnect/internal/channel/sms"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/mail"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// ChannelSettings say how patients are told of their visits. A channel without its account is not set up, and nothing is sent by it. Workers
// send by them; servers read what the vendors report.
type ChannelSettings struct {
	TwilioAccount   string `env:"TWILIO_ACCOUNT_SID" help:"Twilio's account that text messages are sent by, AC and 32 hexadecimal digits; without it none are sent"`
	TwilioToken     Secret `env:"TWILIO_AUTH_TOKEN" help:"its auth token, which also verifies what Twilio reports; needed with TWILIO_ACCOUNT_SID"`
	TwilioFrom      string `env:"TWILIO_FROM" help:"their sender: a number such as +15551234567, a short code, or a name of up to 11 letters; this or TWILIO_MESSAGING_SERVICE is needed with TWILIO_ACCOUNT_SID"`
	TwilioService   string `env:"TWILIO_MESSAGING_SERVICE" help:"a messaging service of Twilio's that picks the sender: MG and 32 hexadecimal digits"`
	TwilioURL       WebURL `env:"TWILIO_URL" envDefault:"https://api.twilio.com" help:"Twilio's API"`
	SendGridKey     Secret `env:"SENDGRID_API_KEY" help:"key of SendGrid's API that e-mails to patients are sent by, with the right mail.send; without it none are sent"`
	SendGridFrom    string `env:"SENDGRID_FROM" help:"their sender, e.g. MediConnect <no-reply@example.org>; needed with SENDGRID_API_KEY"`
	SendGridURL     WebURL `env:"SENDGRID_URL" envDefault:"https://api.sendgrid.com" help:"SendGrid's API"`
	SendGridReports string `env:"SENDGRID_EVENT_KEY" help:"public key that SendGrid shows for its signed events; needed with SENDGRID_API_KEY, as nothing else tells what became of an e-mail"`
	Callbacks       WebURL `env:"CALLBACK_URL" help:"where Twilio reaches the servers, most often PUBLIC_URL; needed with TWILIO_ACCOUNT_SID, and the same for servers and workers, as what Twilio signs begins with it"`
}

var (
	twilioAccount = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	twilioService = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	twilioSender  = regexp.MustCompile(`^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|[A-Za-z0-9 ]{1,11})$`)
)

// rule is what a setting must keep to.
type rule struct {
	name, text string
	holds      bool
}

func (s *ChannelSettings) check() (faults []fault) {
	rules := s.remote()
	if s.TwilioAccount != "" || s.TwilioToken != "" {
		rules = append(rules, s.twilio()...)
	}
	if s.SendGridKey != "" {
		rules = append(rules, s.sendgrid()...)
	}
	if _, err := email.NewReader(s.SendGridReports); s.SendGridReports != "" && err != nil {
		rules = append(rules, rule{"SENDGRID_EVENT_KEY", err.Error(), false})
	}
	for _, r := range rules {
		if !r.holds {
			faults = append(faults, fault{settingPrefix + r.name, r.text})
		}
	}
	return faults
}

// remote refuses to send private texts, and passwords, unencrypted over a network.
func (s *ChannelSettings) remote() []rule {
	const text = "must be https:// unless it is on this machine"
	return []rule{
		{"TWILIO_URL", text, safe(s.TwilioURL.url)}, {"SENDGRID_URL", text, safe(s.SendGridURL.url)}, {"CALLBACK_URL", text, safe(s.Callbacks.url)},
	}
}

func safe(u *url.URL) bool { return u == nil || u.Scheme == "https" || local(u.Hostname()) }

func (s *ChannelSettings) twilio() []rule {
	const with = "must be set with " + settingPrefix + "TWILIO_ACCOUNT_SID"
	return []rule{
		{"TWILIO_ACCOUNT_SID", "must be AC and 32 hexadecimal digits", twilioAccount.MatchString(s.TwilioAccount)},
		{"TWILIO_AUTH_TOKEN", with, s.TwilioToken != ""},
		{"TWILIO_FROM", "or " + settingPrefix + "TWILIO_MESSAGING_SERVICE, and not both, " + with, (s.TwilioFrom == "") != (s.TwilioService == "")},
		{"TWILIO_FROM", "must be a number such as +15551234567, a short code, or a name of up to 11 letters", s.TwilioFrom == "" || twilioSender.MatchString(s.TwilioFrom)},
		{"TWILIO_MESSAGING_SERVICE", "must be MG and 32 hexadecimal digits", s.TwilioService == "" || twilioService.MatchString(s.TwilioService)},
		{"TWILIO_URL", with, s.TwilioURL.url != nil},
		{"CALLBACK_URL", with, s.Callbacks.url != nil},
	}
}

func (s *ChannelSettings) sendgrid() []rule {
	const with = "must be set with " + settingPrefix + "SENDGRID_API_KEY"
	rules := []rule{{"SENDGRID_URL", with, s.SendGridURL.url != nil}, {"SENDGRID_EVENT_KEY", with, s.SendGridReports != ""}}
	if err := mail.CheckFrom(s.SendGridFrom); err != nil {
		rules = append(rules, rule{"SENDGRID_FROM", err.Error(), false})
	}
	return rules
}

// open makes the channels that are set up.
func (s *ChannelSettings) open(now clock.Clock) (channels []reminder.Channel) {
	if s.TwilioAccount != "" {
		channels = append(channels, sms.New(sms.Config{
			URL: s.TwilioURL.url, Account: s.account(), From: s.TwilioFrom, Service: s.TwilioService, Callbacks: s.Callbacks.url,
			Guard: resilience.GuardOf(resilience.Twilio), Clock: now,
		}))
	}
	if s.SendGridKey != "" {
		from, _ := netmail.ParseAddress(s.SendGridFrom) // it was checked
		channels = append(channels, email.New(email.Config{
			URL: s.SendGridURL.url, Key: s.SendGridKey.Reveal(), From: *from, Guard: resilience.GuardOf(resilience.SendGrid), Clock: now,
		}))
	}
	return channels
}

// readers read what vendors report. Those of vendors that aren't set up are nil.
func (s *ChannelSettings) readers(now clock.Clock) (texts *sms.Reader, mails *email.Reader) {
	if s.TwilioAccount != "" {
		texts = &sms.Reader{Account: s.account(), Clock: now}
	}
	if s.SendGridReports != "" {
		mails, _ = email.NewReader(s.SendGridReports) // it was checked
	}
	return texts, mails
}

func (s *ChannelSettings) account() sms.Account {
	return sms.Account{SID: s.TwilioAccount, Token: s.TwilioToken.Reveal()}
}
