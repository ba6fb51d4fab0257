package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// channelEnviron is that of a worker that sends by both vendors, but for changes; an empty change is a variable that isn't set.
func channelEnviron(t *testing.T, changes map[string]string) []string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]string{
		"DATABASE_URL": "postgres://localhost/x", "AUDIT_ANCHORS": "/tmp/anchors", "KEYS": "/keys",
		"TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef", "TWILIO_AUTH_TOKEN": "hunter2", "TWILIO_FROM": "+15551234567",
		"SENDGRID_API_KEY": "SG.hunter2", "SENDGRID_FROM": "MediConnect <no-reply@clinic.example>", "SENDGRID_EVENT_KEY": base64.StdEncoding.EncodeToString(der),
		"CALLBACK_URL": "https://api.example.org",
	}
	maps.Copy(set, changes)
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if set[name] != "" {
			environ = append(environ, settingPrefix+name+"="+set[name])
		}
	}
	return environ
}

func TestTheChannelsThatAreSetUpAreOpened(t *testing.T) {
	none := map[string]string{
		"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": "", "TWILIO_FROM": "", "SENDGRID_API_KEY": "", "SENDGRID_FROM": "", "SENDGRID_EVENT_KEY": "", "CALLBACK_URL": "",
	}
	texts := map[string]string{"SENDGRID_API_KEY": "", "SENDGRID_FROM": "", "SENDGRID_EVENT_KEY": "", "TWILIO_FROM": "", "TWILIO_MESSAGING_SERVICE": "MG0123456789abcdef0123456789abcdef"}
	for _, c := range []struct {
		changes map[string]string
		want    []reminder.ChannelKind
	}{
		{nil, []reminder.ChannelKind{reminder.SMS, reminder.Email}}, {none, nil}, {texts, []reminder.ChannelKind{reminder.SMS}},
		{map[string]string{"TWILIO_URL": "http://127.0.0.1:1", "SENDGRID_URL": "http://localhost:1", "CALLBACK_URL": "http://[::1]:1", "TWILIO_FROM": "Clinic"}, []reminder.ChannelKind{reminder.SMS, reminder.Email}},
	} {
		settings, err := Load[WorkerSettings](channelEnviron(t, c.changes))
		if err != nil {
			t.Errorf("%v: %v", c.changes, err)
			continue
		}
		var kinds []reminder.ChannelKind
		channels, _ := settings.Channels.open(clock.System{})
		for _, channel := range channels {
			kinds = append(kinds, channel.Kind())
		}
		texts, mails := settings.Channels.readers(clock.System{})
		if !slices.Equal(kinds, c.want) || (texts != nil) != slices.Contains(c.want, reminder.SMS) || (mails != nil) != slices.Contains(c.want, reminder.Email) {
			t.Errorf("%v: opened %v, reads texts %v and mails %v", c.changes, kinds, texts != nil, mails != nil)
		}
		if said := fmt.Sprintf("%v %+v %#v", settings, settings, settings); strings.Contains(said, "hunter2") {
			t.Errorf("a secret is shown: %s", said)
		}
	}
}

func TestChannelsThatCouldNotSendAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"TWILIO_ACCOUNT_SID":       {"AC12", "TWILIO_ACCOUNT_SID must be AC and 32"},
		"TWILIO_AUTH_TOKEN":        {"", "TWILIO_AUTH_TOKEN must be set with"},
		"TWILIO_FROM":              {"", "TWILIO_FROM or MEDICONNECT_TWILIO_MESSAGING_SERVICE, and not both, must be set with"},
		"TWILIO_FROM ":             {"+0123", "TWILIO_FROM must be a number"},
		"TWILIO_MESSAGING_SERVICE": {"MG0123456789abcdef0123456789abcdef", "and not both"},
		"TWILIO_URL":               {"http://api.twilio.com", "TWILIO_URL must be https://"},
		"SENDGRID_FROM":            {"nobody", "SENDGRID_FROM must be an e-mail address"},
		"SENDGRID_URL":             {"http://10.0.0.1", "SENDGRID_URL must be https://"},
		"SENDGRID_URL ":            {"api.sendgrid.com", "SENDGRID_URL must be an absolute URL"},
		"SENDGRID_EVENT_KEY":       {"", "SENDGRID_EVENT_KEY must be set with"},
		"SENDGRID_EVENT_KEY ":      {"hunter2", "SENDGRID_EVENT_KEY must be the public key"},
		"CALLBACK_URL":             {"", "CALLBACK_URL must be set with"},
		"CALLBACK_URL ":            {"http://api.example.org", "CALLBACK_URL must be https://"},
	} {
		_, err := Load[WorkerSettings](channelEnviron(t, map[string]string{strings.TrimSpace(name): c.value}))
		if err == nil || strings.Count(err.Error(), c.want) != 1 || strings.Count(err.Error(), "\n") != 1 || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s=%s: %v", name, c.value, err)
		}
	}
	if _, err := Load[WorkerSettings](channelEnviron(t, map[string]string{"TWILIO_ACCOUNT_SID": ""})); err == nil {
		t.Error("a token without an account is taken")
	}
}

func TestLimitsOfWhatIsSentAreRead(t *testing.T) {
	read := func(value string) (reminder.Limits, error) {
		s, err := Load[WorkerSettings](channelEnviron(t, map[string]string{"TEXTS_PER_COUNTRY": value}))
		return s.Sending.limits(), err
	}
	usual, err := read("")
	if want := reminder.UsualLimits(); err != nil || usual.AddressHour != want.AddressHour || usual.AddressDay != want.AddressDay || usual.TextsDay != want.TextsDay ||
		usual.Others == nil || *usual.Others != *want.Others || len(usual.Countries) != 0 {
		t.Errorf("unless told otherwise they are %+v (%v)", usual, err)
	}
	l, err := read("1=50000, 1876=0")
	if err != nil || l.Others != nil || !maps.Equal(l.Countries, map[string]int{"1": 50000, "1876": 0}) {
		t.Errorf("%+v (%v)", l, err)
	}
	for _, wrong := range []string{"5", "+1=5", "1=", "1=5,1=6", "*=1,*=2", "0=5", "12345678=1", "1=100000001", "1=5,"} {
		if _, err := read(wrong); err == nil || !strings.Contains(err.Error(), "TEXTS_PER_COUNTRY") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
