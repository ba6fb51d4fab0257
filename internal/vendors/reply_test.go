package vendors_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/mediconnect/mediconnect/internal/vendors"
)

func TestRepliesAreSignedAndAnswered(t *testing.T) {
	r := start(t)
	r.texted(r.form(patient, "k"))
	r.next(3)
	r.answerWith(func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?><Response><Message>Thank you &amp; goodbye</Message><Message><Body>P.S.</Body></Message></Response>`))
	})
	said, err := r.Reply(t.Context(), patient, "1")
	if err != nil || said != "Thank you & goodbye\nP.S." {
		t.Errorf("answered %q, %v", said, err)
	}
	c := r.next(1)[0]
	f := c.form(t)
	for name, want := range map[string]string{
		"From": patient, "To": vendors.Number, "Body": "1", "NumMedia": "0", "NumSegments": "1", "AccountSid": vendors.AccountSID, "SmsStatus": "received",
		"SmsSid": f.Get("MessageSid"), "SmsMessageSid": f.Get("MessageSid"), "ApiVersion": "2010-04-01", "OptOutType": "",
	} {
		if f.Get(name) != want {
			t.Errorf("%s is %s, want %s", name, f.Get(name), want)
		}
	}
	if c.header.Get("X-Twilio-Signature") != signedBy(vendors.AuthToken, r.hooks.URL+"/replies?a=1", f) {
		t.Error("the signature doesn't fit")
	}
	if n := len(r.Messages()); n != 1 {
		t.Errorf("%d messages were handed over", n)
	}
	_, body, _ := r.do("GET", texting, "", texter)
	if n := len(decoded(t, body)["messages"].([]any)); n != 4 {
		t.Errorf("Twilio lists %d, of both directions", n)
	}
	r.faults(vendors.Twilio, vendors.Fault{Do: vendors.Forge, On: vendors.OnReply})
	if _, err := r.Reply(t.Context(), patient, "1"); err != nil {
		t.Error(err)
	}
	if c := r.next(1)[0]; c.header.Get("X-Twilio-Signature") == signedBy(vendors.AuthToken, c.url, c.form(t)) {
		t.Error("a forged signature fits")
	}
}

func TestRepliesThatAreNotAnsweredFail(t *testing.T) {
	r := start(t)
	for status, body := range map[int]string{500: "<Response/>", 200: "<html>", 403: ""} {
		r.answerWith(func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
		var failed vendors.ReplyFailed
		if _, err := r.Reply(t.Context(), patient, "1"); !errors.As(err, &failed) || failed.Status != status {
			t.Errorf("%d %s: %v", status, body, err)
		}
		r.next(1)
	}
	r.SendRepliesTo("")
	if _, err := r.Reply(t.Context(), patient, "1"); err == nil {
		t.Error("a reply goes nowhere, and nobody says so")
	}
}

func TestStopIsHeededByTwilioItself(t *testing.T) {
	r := start(t)
	for _, c := range []struct {
		says, kind string
		out        bool
	}{
		{"stop please", "", false}, {" sToP ", "STOP", true}, {"HELP", "HELP", true}, {"hello", "", true}, {"START", "START", false},
		{"cancel", "STOP", true}, {"Yes", "START", false}, {"STOPALL", "STOP", true}, {"unstop", "START", false},
	} {
		if said, err := r.Reply(t.Context(), patient, c.says); err != nil || said != "" {
			t.Errorf("answered %q, %v", said, err)
		}
		if f := r.next(1)[0].form(t); f.Get("OptOutType") != c.kind {
			t.Errorf("%q is %q", c.says, f.Get("OptOutType"))
		}
		answer, body, err := r.text(r.form(patient, "k"))
		switch {
		case err != nil:
			t.Fatal(err)
		case c.out && (answer.StatusCode != 400 || decoded(t, body)["code"] != 21610.0):
			t.Errorf("after %q a text is answered %d %s", c.says, answer.StatusCode, body)
		case !c.out && answer.StatusCode != 201:
			t.Errorf("after %q a text is answered %d %s", c.says, answer.StatusCode, body)
		case answer.StatusCode == 201:
			r.next(3)
		}
		if r.OptedOut(patient) != c.out {
			t.Errorf("after %q, opted out is %v", c.says, r.OptedOut(patient))
		}
	}
}
