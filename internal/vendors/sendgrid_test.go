package vendors_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/vendors"
)

func TestSendGridTakesMail(t *testing.T) {
	r := start(t)
	id := r.mailed(letter("ann@example.org", "k1"))
	if id == "" {
		t.Fatal("the mail has no id")
	}
	m := r.Messages()[0]
	if m.ID != id || m.Key != "k1" || m.To != "ann@example.org" || m.From != "clinic@example.org" || m.Subject != "Your visit" || m.Text != "At 9:30." || m.HTML != "<p>At 9:30.</p>" ||
		!maps.Equal(m.Args, map[string]string{"organization": "o1", "message": "k1"}) || m.Headers["X-Reference"] != "r1" || m.Vendor != vendors.SendGrid || m.Arrived.IsZero() || m.Accepted.Before(m.Arrived) {
		t.Errorf("it is %+v", m)
	}
	r.next(2)
	two := letter("ann@example.org", "k2")
	p := two["personalizations"].([]any)[0].(map[string]any)
	p["to"] = append(p["to"].([]any), map[string]any{"email": "ben@example.org"})
	r.mailed(two)
	if r.Count("k2") != 2 {
		t.Errorf("two recipients are %d messages", r.Count("k2"))
	}
	r.next(4)
	sand := letter("ann@example.org", "k3")
	sand["mail_settings"] = map[string]any{"sandbox_mode": map[string]any{"enable": true}}
	if answer, _, err := r.mail(sand); err != nil || answer.StatusCode != 200 || r.Count("k3") != 0 {
		t.Errorf("in the sandbox it is answered %v %v and taken %d times", answer, err, r.Count("k3"))
	}
	r.quiet()
}

func TestSendGridRefusesInItsWords(t *testing.T) {
	r := start(t)
	first := func(l map[string]any) map[string]any { return l["personalizations"].([]any)[0].(map[string]any) }
	for field, change := range map[string]func(map[string]any){
		"personalizations":               func(l map[string]any) { delete(l, "personalizations") },
		"personalizations.0.to":          func(l map[string]any) { delete(first(l), "to") },
		"personalizations.0.to.0.email":  func(l map[string]any) { first(l)["to"] = []any{map[string]any{"email": "ann"}} },
		"from.email":                     func(l map[string]any) { delete(l, "from") },
		"subject":                        func(l map[string]any) { delete(l, "subject") },
		"content":                        func(l map[string]any) { delete(l, "content") },
		"content.0.value":                func(l map[string]any) { l["content"] = []any{map[string]any{"type": "text/plain", "value": ""}} },
		"content.0.type":                 func(l map[string]any) { l["content"] = []any{map[string]any{"value": "a"}} },
		"headers":                        func(l map[string]any) { l["headers"] = map[string]any{"Subject": "a"} },
		"personalizations.0.custom_args": func(l map[string]any) { l["custom_args"] = map[string]any{"a": strings.Repeat("a", 10_000)} },
	} {
		t.Run(field, func(t *testing.T) {
			l := letter("ann@example.org", "k")
			change(l)
			answer, body, err := r.mail(l)
			if err != nil || answer.StatusCode != 400 {
				t.Fatalf("answered %v %s %v", answer, body, err)
			}
			e := decoded(t, body)["errors"].([]any)[0].(map[string]any)
			if e["field"] != field || e["message"] == "" || !strings.HasPrefix(e["help"].(string), "http://sendgrid.com/docs/") {
				t.Errorf("answered %s", body)
			}
		})
	}
	for _, body := range []string{"", "{", `{"from": 1}`, `[]`, `{"custom_args": {"message": 1}}`} {
		answer, text, err := r.do("POST", mailing, body, mailer)
		if e := decoded(t, text)["errors"].([]any)[0].(map[string]any); err != nil || answer.StatusCode != 400 || e["field"] != nil {
			t.Errorf("%s is answered %v %s %v", body, answer, text, err)
		}
	}
	if n := len(r.Messages()); n != 0 {
		t.Errorf("%d were taken", n)
	}
}

func TestSendGridAsksWhoItIs(t *testing.T) {
	r := start(t)
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"nobody":          {func(q *http.Request) { q.Header.Del("Authorization") }, 401},
		"another key":     {func(q *http.Request) { q.Header.Set("Authorization", "Bearer SG.x") }, 401},
		"another scheme":  {func(q *http.Request) { q.SetBasicAuth("apikey", vendors.APIKey) }, 401},
		"another content": {func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") }, 415},
	} {
		answer, body, err := r.do("POST", mailing, "{}", func(q *http.Request) { mailer(q); c.change(q) })
		e := decoded(t, body)["errors"].([]any)[0].(map[string]any)
		field, has := e["field"]
		if err != nil || answer.StatusCode != c.status || e["message"] == "" || field != nil || !has {
			t.Errorf("%s is answered %v %s %v", name, answer, body, err)
		}
	}
	huge := `{"subject": "` + strings.Repeat("a", 30<<20) + `"}`
	if answer, body, err := r.do("POST", mailing, huge, mailer); err != nil || answer.StatusCode != 413 || decoded(t, body)["errors"] == nil {
		t.Errorf("31 MB are answered %v %s %v", answer, body, err)
	}
}

// verified checks a post as SendGrid's docs say, with the key as its settings show it.
func verified(t *testing.T, key string, c told) bool {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := base64.StdEncoding.DecodeString(c.header.Get("X-Twilio-Email-Event-Webhook-Signature"))
	if err != nil {
		t.Fatal(err)
	}
	stamp := c.header.Get("X-Twilio-Email-Event-Webhook-Timestamp")
	if _, err := strconv.ParseInt(stamp, 10, 64); err != nil {
		t.Errorf("the timestamp is %q", stamp)
	}
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte(stamp), []byte(c.body)}, nil))
	return ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), sum[:], signature)
}

func TestSendGridTellsWhatBecomesOfMails(t *testing.T) {
	r := start(t)
	for to, want := range map[string][]string{
		"ann@example.org": {"processed", "delivered"}, "bounce@example.org": {"processed", "bounce"}, "block@example.org": {"processed", "bounce"}, "drop@example.org": {"dropped"},
		"defer@example.org": {"processed", "deferred", "delivered"}, "spam@example.org": {"processed", "delivered", "spamreport"}, "unsubscribe@example.org": {"processed", "delivered", "group_unsubscribe"},
	} {
		id := r.mailed(letter(to, "k-"+to))
		ids := map[any]bool{}
		for i, c := range r.next(len(want)) {
			e := c.events(t)[0]
			if !verified(t, r.EventKey(), c) {
				t.Errorf("a signature of %s doesn't fit", to)
			}
			if e["event"] != want[i] || e["email"] != to || e["message"] != "k-"+to || e["organization"] != "o1" || !strings.HasPrefix(e["sg_message_id"].(string), id+".") || e["timestamp"].(float64) < 1e9 || e["smtp-id"] == "" {
				t.Errorf("told %s", c.body)
			}
			ids[e["sg_event_id"]] = true
			detail := map[string]string{"bounce": "reason", "dropped": "reason", "deferred": "response", "delivered": "response"}[want[i]]
			if detail != "" && e[detail] == nil {
				t.Errorf("%s lacks %s: %s", want[i], detail, c.body)
			}
			if kind := map[string]string{"bounce@example.org": "bounce", "block@example.org": "blocked"}[to]; want[i] == "bounce" && (e["type"] != kind || e["status"] == nil) {
				t.Errorf("told %s", c.body)
			}
		}
		if len(ids) != len(want) {
			t.Errorf("%d events of %s have %d ids", len(want), to, len(ids))
		}
	}
	r.quiet()
}

func TestMoreMayBecomeOfAMessage(t *testing.T) {
	r := start(t)
	id := r.mailed(letter("ann@example.org", "k1"))
	r.next(2)
	if err := r.Report(id, "unsubscribe", 0); err != nil {
		t.Fatal(err)
	}
	if c := r.next(1)[0]; c.events(t)[0]["event"] != "unsubscribe" || !verified(t, r.EventKey(), c) {
		t.Errorf("told %s", c.body)
	}
	sid := r.texted(r.form(patient, "k2"))
	r.next(3)
	if err := r.Report(sid, "undelivered", 30003); err != nil {
		t.Fatal(err)
	}
	if f := r.next(1)[0].form(t); f.Get("MessageStatus") != "undelivered" || f.Get("ErrorCode") != "30003" {
		t.Errorf("told %v", f)
	}
	if r.Report("SM0", "sent", 0) == nil || r.Report(sid, "bounce", 0) == nil {
		t.Error("what can't be is reported")
	}
}
