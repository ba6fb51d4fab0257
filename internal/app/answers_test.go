package app

import (
	"net/http"
	neturl "net/url"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/callbacks"
	"github.com/mediconnect/mediconnect/internal/channel/email"
	"github.com/mediconnect/mediconnect/internal/channel/sms"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

func TestAPatientConfirmsByText(t *testing.T) {
	l := newExchange(t)
	_, visit := l.told(10)
	if state := l.text(`SELECT state FROM messages WHERE appointment_id = $1 AND channel = 'SMS' AND kind = 'CONFIRMATION'`, visit.ID); state != "DELIVERED" {
		t.Errorf("after Twilio's callbacks the message is %s", state)
	}
	if got := l.says("1"); got != "Clinic: thank you, your visit is confirmed." {
		t.Errorf("answered %q", got)
	}
	l.expect(visit, "BOOKED confirmed CONFIRMED")
	if got := l.says("what?"); !strings.Contains(got, "1 (confirm)") {
		t.Errorf("answered %q", got)
	}
	if got := l.says("help"); !strings.Contains(got, "We write about visits at Clinic") {
		t.Errorf("answered %q", got)
	}
	if got := l.says("2"); !strings.Contains(got, "https://app.example.org") {
		t.Errorf("answered %q", got)
	}
	l.expect(visit, "BOOKED confirmed ASKED_TO_RESCHEDULE")
	if got := l.says("3"); got != "Clinic: your visit is cancelled." {
		t.Errorf("answered %q", got)
	}
	l.expect(visit, "CANCELLED confirmed ASKED_TO_CANCEL")
	if strings.Contains(l.logs.String(), patientNumber) {
		t.Error("a log has the number")
	}
}

func TestAfterStopMailsAreSent(t *testing.T) {
	l := newExchange(t)
	_, visit := l.told(14)
	if got := l.says("STOP"); got != "" {
		t.Errorf("STOP is answered %q", got)
	}
	l.clock.Set(visit.Start.Add(-2 * time.Hour))
	l.carry()
	l.carry()
	var last vendors.Message
	texts := 0
	for _, m := range l.Messages() {
		if last = m; m.Vendor == vendors.Twilio {
			texts++
		}
	}
	if texts != 1 || last.Vendor != vendors.SendGrid || last.To != "pat@example.org" || !strings.Contains(last.Headers["List-Unsubscribe"], l.url+"/r/") {
		t.Fatalf("%d texts, and last %+v", texts, last)
	}
	one := strings.Trim(last.Headers["List-Unsubscribe"], "<>")
	if got := l.do(http.MethodPost, one, "List-Unsubscribe=One-Click", map[string]string{"Content-Type": formType}); got.status != 200 {
		t.Errorf("unsubscribing is answered %+v", got)
	}
	if n := l.text(`SELECT string_agg(channel, ',' ORDER BY channel) FROM opt_outs`); n != "EMAIL,SMS" {
		t.Errorf("opted out of %s", n)
	}
	if !strings.Contains(l.logs.String(), "channel=EMAIL effect=STOPPED") {
		t.Error("no log of it")
	}
}

// Who allows e-mails again gets them; a STOP is undone by START alone.
func TestWhoAllowsMailsAgainGetsThem(t *testing.T) {
	l := newExchange(t)
	pat := l.clinic.Patient()
	l.clinic.Reachable(pat.PatientID, "", "pat@example.org")
	visit := l.book(pat, 10)
	l.carry()
	if got := l.do(http.MethodPost, l.links(visit).Unsubscribe, "List-Unsubscribe=One-Click", map[string]string{"Content-Type": formType}); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	whose := clinic.Ref{Organization: visit.OrganizationID, ID: visit.PatientID}
	change := func(in reminder.ChangePreferences) {
		t.Helper()
		in.Patient = whose
		if _, err := l.app.choices.Change(t.Context(), l.clinic.FrontDesk(), in); err != nil {
			t.Fatal(err)
		}
	}
	mails := func() string { return l.text(`SELECT count(*)::text FROM opt_outs WHERE channel = 'EMAIL'`) }
	never := false
	change(reminder.ChangePreferences{Reminders: &never})
	change(reminder.ChangePreferences{Channels: []reminder.ChannelChange{{Channel: reminder.SMS, Allowed: false}}})
	if mails() != "1" {
		t.Error("another change has undone it")
	}
	l.text(`INSERT INTO opt_outs (channel, token, at) SELECT 'SMS', token, at FROM opt_outs RETURNING channel`)
	change(reminder.ChangePreferences{Channels: []reminder.ChannelChange{{Channel: reminder.SMS, Allowed: true}}})
	change(reminder.ChangePreferences{Channels: []reminder.ChannelChange{{Channel: reminder.Email, Allowed: true}}})
	if got := l.text(`SELECT string_agg(channel, ',') FROM opt_outs`); got != "SMS" {
		t.Errorf("then opted out of %s", got)
	}
	sent := len(l.Messages())
	l.book(pat, 12)
	l.carry()
	if n := len(l.Messages()); n != sent+1 || l.Messages()[n-1].Vendor != vendors.SendGrid {
		t.Errorf("then %d more were sent", n-sent)
	}
}

func TestWhoReportsAMailAsSpamGetsNoMore(t *testing.T) {
	l := newExchange(t)
	pat := l.clinic.Patient()
	l.clinic.Reachable(pat.PatientID, "", "spam@example.org")
	l.book(pat, 10)
	l.carry()
	if n := l.text(`SELECT count(*)::text FROM opt_outs WHERE channel = 'EMAIL'`); n != "1" {
		t.Errorf("%s addresses want no more", n)
	}
	sent := len(l.Messages())
	l.book(pat, 11)
	l.carry()
	if n := len(l.Messages()); n != sent {
		t.Errorf("then %d more were sent", n-sent)
	}
}

func TestCallbacksThatAreNotTheVendorsAreRefused(t *testing.T) {
	l := newExchange(t)
	_, visit := l.told(10)
	before := l.text(`SELECT string_agg(m::text, ';' ORDER BY id) FROM messages m WHERE appointment_id = $1`, visit.ID)
	form := neturl.Values{"MessageSid": {"SM" + strings.Repeat("0", 32)}, "AccountSid": {devAccount.SID}, "From": {patientNumber}, "To": {devNumber}, "Body": {"3 <secret>"}}.Encode()
	signed := map[string]string{"Content-Type": formType, "X-Twilio-Signature": "bm90IHNpZ25lZA=="}
	events := map[string]string{"X-Twilio-Email-Event-Webhook-Signature": "bm9uZQ==", "X-Twilio-Email-Event-Webhook-Timestamp": "1700000000", "Content-Type": "application/json"}
	for name, c := range map[string]struct {
		method, path, body string
		head               map[string]string
		want               int
	}{
		"an unsigned text":       {"POST", "/callbacks/twilio/reply", form, map[string]string{"Content-Type": formType}, 403},
		"a text signed by none":  {"POST", "/callbacks/twilio/reply", form, signed, 403},
		"a status":               {"POST", "/callbacks/twilio/status?m=x", form, signed, 403},
		"JSON":                   {"POST", "/callbacks/twilio/reply", "{}", map[string]string{"Content-Type": "application/json", "X-Twilio-Signature": "x"}, 400},
		"no form":                {"POST", "/callbacks/twilio/reply", "%zz", signed, 400},
		"unsigned events":        {"POST", "/callbacks/sendgrid/events", "[]", nil, 403},
		"events signed by none":  {"POST", "/callbacks/sendgrid/events", "[]", events, 403},
		"a look":                 {"GET", "/callbacks/twilio/reply", "", nil, 405},
		"a form of 10 MB":        {"POST", "/callbacks/twilio/reply", strings.Repeat("a", 10<<20), signed, 413},
		"events of more than 1M": {"POST", "/callbacks/sendgrid/events", strings.Repeat("a", 1<<20+1), events, 413},
	} {
		got := l.do(c.method, l.url+c.path, c.body, c.head)
		if got.status != c.want || strings.Contains(got.body, "secret") || strings.Contains(got.body, patientNumber) {
			t.Errorf("%s is answered %d %s", name, got.status, got.body)
		}
	}
	if after := l.text(`SELECT string_agg(m::text, ';' ORDER BY id) FROM messages m WHERE appointment_id = $1`, visit.ID); after != before {
		t.Error("something changed")
	}
	if err := l.Set(vendors.Twilio, vendors.Fault{Do: vendors.Forge, On: vendors.OnReply}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Reply(t.Context(), patientNumber, "3"); err == nil {
		t.Error("a forged text is taken")
	}
	l.expect(visit, "BOOKED open")
}

// A flood from one address is told to wait; what is signed is taken all the same.
func TestAFloodOfUnsignedCallbacksDoesNotKeepSignedOnesOut(t *testing.T) {
	l := newExchange(t)
	_, visit := l.told(10)
	statuses := map[int]int{}
	for range 40 {
		statuses[l.do("POST", l.url+"/callbacks/twilio/reply", "a=b", map[string]string{"Content-Type": formType, "X-Twilio-Signature": "eA=="}).status]++
	}
	if statuses[403] == 0 || statuses[429] == 0 {
		t.Errorf("answered %v", statuses)
	}
	for range 30 {
		l.says("1")
	}
	l.expect(visit, "BOOKED confirmed CONFIRMED")
}

func TestStatusesTwiceOrInAnotherOrderChangeNothing(t *testing.T) {
	l := newExchange(t)
	if err := l.Set(vendors.Twilio, vendors.Fault{Do: vendors.Repeat}, vendors.Fault{Do: vendors.Shuffle}); err != nil {
		t.Fatal(err)
	}
	_, visit := l.told(10)
	if got := l.text(`SELECT concat(state, ' ', tries) FROM messages WHERE appointment_id = $1 AND sent_at IS NOT NULL`, visit.ID); got != "DELIVERED 1" {
		t.Errorf("the message is %s", got)
	}
	if c := l.Carried(); c.Failed != 0 || c.Told == 0 {
		t.Errorf("callbacks: %+v", c)
	}
}

func TestATextThatCanNotBeKeptIsNotTaken(t *testing.T) {
	l := newExchange(t)
	_, visit := l.told(10)
	if _, err := l.pool.Exec(t.Context(), `ALTER TABLE messages RENAME TO hidden`); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Reply(t.Context(), patientNumber, "1"); err == nil {
		t.Error("a text is taken that cannot be kept")
	}
	if _, err := l.pool.Exec(t.Context(), `ALTER TABLE hidden RENAME TO messages`); err != nil {
		t.Fatal(err)
	}
	l.says("1")
	l.expect(visit, "BOOKED confirmed CONFIRMED")
}

// Neither floor may know the other: what vendors are told to call is what is served.
func TestVendorsAreToldToCallWhatIsServed(t *testing.T) {
	served := [3]string{callbacks.StatusPath, callbacks.ReplyPath, callbacks.EventsPath}
	if told := [3]string{sms.StatusPath, sms.ReplyPath, email.EventsPath}; told != served {
		t.Errorf("told are %v, served %v", told, served)
	}
}
