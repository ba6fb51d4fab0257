package sms

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

const sid = "SM0000000000000000000000000000000a"

var reader = Reader{Account: ours, Clock: clock.FrozenAt(noon)}

func signed(at string, form url.Values) string {
	return base64.StdEncoding.EncodeToString(reader.sign(at, form))
}

// listen reads what the vendor calls, at the path below a base.
func listen(t *testing.T, read func(at string, form url.Values, signature string)) (base string) {
	t.Helper()
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		read(s.URL+r.URL.String(), r.PostForm, r.Header.Get("X-Twilio-Signature"))
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write([]byte("<Response/>"))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestWhatTwilioTellsOfATextIsRead(t *testing.T) {
	reports := make(chan reminder.Report, 10)
	v := twilio(t, clock.System{})
	c := channel(t, v.TwilioURL(), clock.System{})
	c.config.Callbacks = parsed(t, listen(t, func(at string, form url.Values, signature string) {
		report, err := reader.ReadStatus(at, form, signature)
		if err != nil {
			t.Error(err)
		}
		if forged, err := reader.ReadStatus(strings.Replace(at, "m=", "m=A", 1), form, signature); errs.Of(err) != errs.Forbidden || forged != (reminder.Report{}) {
			t.Errorf("of another message it says %+v (%v)", forged, err)
		}
		reports <- report
	}))
	for to, want := range map[string][]reminder.Report{
		"+15551230001": {{Fate: reminder.Taken}, {Fate: reminder.Taken}, {Fate: reminder.Arrived}},
		"+15005553006": {{Fate: reminder.Taken}, {Fate: reminder.Taken}, {Fate: reminder.Undelivered, Cause: reminder.Landline, Code: "30006"}},
	} {
		l := letter()
		l.To = access.Private(to)
		receipt, err := c.Send(t.Context(), l, (&permit{}).leave)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			got := <-reports
			w.Message, w.VendorID, w.At = ref, receipt.VendorID, noon
			if got != w {
				t.Errorf("%s: %+v, not %+v", to, got, w)
			}
		}
	}
}

func TestForgedCallbacksAreRefused(t *testing.T) {
	v := twilio(t, clock.System{})
	if err := v.Set(vendors.Twilio, vendors.Fault{Do: vendors.Forge}); err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 10)
	c := channel(t, v.TwilioURL(), clock.System{})
	c.config.Callbacks = parsed(t, listen(t, func(at string, form url.Values, signature string) {
		_, err := reader.ReadStatus(at, form, signature)
		told <- err
	}))
	if _, err := c.Send(t.Context(), letter(), (&permit{}).leave); err != nil {
		t.Fatal(err)
	}
	if err := <-told; errs.Of(err) != errs.Forbidden {
		t.Errorf("a forged one is told %v", err)
	}
}

func TestStatusesThatTwilioWouldNotSendAreRefused(t *testing.T) {
	at := "https://api.example/callbacks/twilio/status?m=" + wire.Key(ref)
	for name, c := range map[string]struct {
		change func(at *string, form url.Values) (signature string)
		want   errs.Kind
	}{
		"unsigned":       {func(*string, url.Values) string { return "" }, errs.Forbidden},
		"nonsense":       {func(*string, url.Values) string { return "%%%" }, errs.Forbidden},
		"another's":      {func(at *string, f url.Values) string { s := signed(*at, f); f.Set("MessageStatus", "failed"); return s }, errs.Forbidden},
		"more fields":    {func(at *string, f url.Values) string { s := signed(*at, f); f.Set("Extra", "1"); return s }, errs.Forbidden},
		"other URL":      {func(at *string, f url.Values) string { s := signed(*at, f); *at += "&x=1"; return s }, errs.Forbidden},
		"other account":  {func(at *string, f url.Values) string { f.Set("AccountSid", "AC1"); return signed(*at, f) }, errs.Forbidden},
		"no account":     {func(at *string, f url.Values) string { f.Del("AccountSid"); return signed(*at, f) }, errs.Forbidden},
		"no message":     {func(at *string, f url.Values) string { *at = "https://api.example/"; return signed(*at, f) }, errs.InvalidInput},
		"no sid":         {func(at *string, f url.Values) string { f.Del("MessageSid"); return signed(*at, f) }, errs.InvalidInput},
		"unknown status": {func(at *string, f url.Values) string { f.Set("MessageStatus", "received"); return signed(*at, f) }, errs.InvalidInput},
	} {
		form := url.Values{"AccountSid": {ours.SID}, "MessageSid": {sid}, "MessageStatus": {"delivered"}}
		u := at
		signature := c.change(&u, form)
		if r, err := reader.ReadStatus(u, form, signature); errs.Of(err) != c.want || r != (reminder.Report{}) {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
	form := url.Values{"AccountSid": {ours.SID}, "MessageSid": {sid}, "MessageStatus": {"delivered"}}
	if _, err := reader.ReadStatus(at, form, signed(at, form)); err != nil {
		t.Errorf("as it should be: %v", err)
	}
	nobody := Reader{Account: Account{SID: ours.SID}, Clock: clock.System{}}
	if _, err := nobody.ReadStatus(at, form, base64.StdEncoding.EncodeToString(nobody.sign(at, form))); errs.Of(err) != errs.Forbidden {
		t.Errorf("without a token of ours: %v", err)
	}
}

// The example of https://www.twilio.com/docs/usage/webhooks/webhooks-security.
func TestTheSignatureIsThatOfTwiliosExample(t *testing.T) {
	r := Reader{Account: Account{Token: "12345"}}
	form := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675310"}, "Digits": {"1234"}, "From": {"+14158675310"}, "To": {"+18005551212"}}
	if got := base64.StdEncoding.EncodeToString(r.sign("https://example.com/myapp.php?foo=1&bar=2", form)); got != "L/OH5YylLD5NRKLltdqwSvS0BnU=" {
		t.Errorf("it is %s", got)
	}
	twice := url.Values{"A": {"2", "1", "2"}}
	once := url.Values{"A": {"1", "2"}}
	if string(r.sign("u", twice)) != string(r.sign("u", once)) {
		t.Error("a value that comes twice counts twice")
	}
	if !slices.Equal(twice["A"], []string{"2", "1", "2"}) {
		t.Errorf("the form has become %v", twice)
	}
}

func TestARepliedTextIsReadWithWhatTwilioMadeOfIt(t *testing.T) {
	replies := make(chan reminder.Inbound, 1)
	v := twilio(t, clock.System{})
	v.SendRepliesTo(listen(t, func(at string, form url.Values, signature string) {
		in, err := reader.ReadReply(at, form, signature)
		if err != nil {
			t.Error(err)
		}
		replies <- in
	}) + ReplyPath)
	for body, optOut := range map[string]string{"1": "", " stop ": "STOP", "Start": "START", "HELP": "HELP", "please stop": ""} {
		if _, err := v.Reply(t.Context(), "+15551230001", body); err != nil {
			t.Fatal(err)
		}
		in := <-replies
		want := reminder.Inbound{ID: in.ID, From: "+15551230001", Body: body, OptOut: optOut, At: noon}
		if in != want || !named(in.ID) {
			t.Errorf("%+v, not %+v", in, want)
		}
	}
}

func TestRepliesThatTwilioWouldNotSendAreRefused(t *testing.T) {
	const at = "https://api.example/callbacks/twilio/reply"
	full := func() url.Values {
		return url.Values{"AccountSid": {ours.SID}, "MessageSid": {sid}, "From": {"+15551230001"}, "Body": {"1"}}
	}
	for field, kind := range map[string]errs.Kind{"AccountSid": errs.Forbidden, "MessageSid": errs.InvalidInput, "From": errs.InvalidInput} {
		for _, value := range []string{"", strings.Repeat("1", 65)} {
			form := full()
			form.Set(field, value)
			if in, err := reader.ReadReply(at, form, signed(at, form)); errs.Of(err) != kind || in != (reminder.Inbound{}) {
				t.Errorf("%s is %q: %+v %v", field, value, in, err)
			}
		}
	}
	form := full()
	if _, err := reader.ReadReply(at, form, "c2lnbmVk"); errs.Of(err) != errs.Forbidden {
		t.Errorf("unsigned: %v", err)
	}
	form.Set("Body", strings.Repeat("ä", 2000))
	form.Set("OptOutType", "SOMETHING")
	if in, err := reader.ReadReply(at, form, signed(at, form)); err != nil || in.Body != strings.Repeat("ä", 1600) || in.OptOut != "" {
		t.Errorf("a long one: %d %q %v", len(in.Body), in.OptOut, err)
	}
}
