package email

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

var (
	noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	ref  = clinic.Ref{Organization: uuid.MustParse("01980000-0000-7000-8000-00000000000f"), ID: uuid.MustParse("01980000-0000-7000-8000-0000000000ff")}
)

func letter() reminder.Letter {
	return reminder.Letter{
		Message: ref, Kind: reminder.Remind, To: "ada@example.org", Language: "de", Subject: "Praxis Süd: Ihr Termin", Text: "Ihr Termin ist am …\n", HTML: "<p>Ihr Termin</p>",
		Unsubscribe: "https://api.example/u?t=1&m=2",
	}
}

func sendgrid(t *testing.T) *vendors.Vendors {
	t.Helper()
	v, err := vendors.Start(vendors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func channel(t *testing.T, to string) *Channel {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{
		URL: u, Key: vendors.APIKey, From: netmail.Address{Name: "MediConnect", Address: "no-reply@clinic.example"}, Guard: resilience.GuardOf(resilience.SendGrid), Clock: clock.FrozenAt(noon),
	})
}

// permit counts.
type permit struct{ asked, left int }

func (p *permit) leave(context.Context) (func(), error) {
	p.asked++
	return func() { p.left++ }, nil
}

func TestAMailIsTakenWithItsName(t *testing.T) {
	v := sendgrid(t)
	var p permit
	receipt, err := channel(t, v.SendGridURL()).Send(t.Context(), letter(), p.leave)
	if err != nil || p != (permit{1, 1}) || receipt.VendorID == "" {
		t.Fatalf("%+v %+v %v", p, receipt, err)
	}
	m := v.Messages()[0]
	if m.ID != receipt.VendorID || m.Key != wire.Key(ref) || m.To != "ada@example.org" || !strings.Contains(m.From, "no-reply@clinic.example") || m.Subject != letter().Subject || m.Text != letter().Text || m.HTML != letter().HTML {
		t.Errorf("the vendor has %+v", m)
	}
	if !maps.Equal(m.Args, map[string]string{"message": wire.Key(ref)}) || !maps.Equal(m.Headers, map[string]string{
		"Auto-Submitted": "auto-generated", "Content-Language": "de", "List-Unsubscribe": "<https://api.example/u?t=1&m=2>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
	}) {
		t.Errorf("the vendor has %v %v", m.Args, m.Headers)
	}
	plain := letter()
	plain.Unsubscribe, plain.HTML, plain.Language = "", "", ""
	if _, err := channel(t, v.SendGridURL()).Send(t.Context(), plain, p.leave); err != nil || len(v.Messages()[1].Headers) != 1 || v.Messages()[1].HTML != "" {
		t.Errorf("a plain one: %+v %v", v.Messages()[1], err)
	}
}

// What SendGrid is told of tracking is looked at in the request itself.
func TestNobodyFollowsWhoReadsAMail(t *testing.T) {
	bodies := make(chan []byte, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(s.Close)
	receipt, err := channel(t, s.URL).Send(t.Context(), letter(), (&permit{}).leave)
	if err != nil || receipt.VendorID != "" {
		t.Fatalf("taken without a name: %+v %v", receipt, err)
	}
	var told struct {
		Tracking map[string]map[string]any `json:"tracking_settings"`
	}
	if err := json.Unmarshal(<-bodies, &told); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"click_tracking", "open_tracking", "subscription_tracking", "ganalytics"} {
		if enabled, told := told.Tracking[kind]["enable"]; !told || enabled != false {
			t.Errorf("%s is %v", kind, enabled)
		}
	}
}

func TestWithoutLeaveSendGridHearsOfNothing(t *testing.T) {
	v := sendgrid(t)
	no := errors.New("no leave")
	_, err := channel(t, v.SendGridURL()).Send(t.Context(), letter(), func(context.Context) (func(), error) { return nil, no })
	if !errors.Is(err, no) || v.Stats(vendors.SendGrid).Requests != 0 {
		t.Errorf("%v; requests: %d", err, v.Stats(vendors.SendGrid).Requests)
	}
}

func TestSendGridCannotBeAsked(t *testing.T) {
	c := channel(t, "http://127.0.0.1:1")
	if f, err := c.Find(t.Context(), reminder.Sought{Message: ref}); !errors.Is(err, reminder.CannotAsk{}) || f.Found || c.Kind() != reminder.Email {
		t.Errorf("%+v %v", f, err)
	}
}

func TestWhatBecomesOfAMailIsToldApart(t *testing.T) {
	wrong := func(field string) string {
		return `{"errors": [{"message": "ada@example.org is bad", "field": "` + field + `"}]}`
	}
	for name, c := range map[string]struct {
		fault vendors.Fault
		want  error
		taken int
	}{
		"busy":            {vendors.Fault{Do: vendors.Refuse, Status: 429, RetryAfter: 7}, reminder.Later{Cause: reminder.VendorBusy, Code: "429", After: 7 * time.Second}, 0},
		"away":            {vendors.Fault{Do: vendors.Refuse, Status: 503}, reminder.Later{Cause: reminder.VendorUnavailable, Code: "503"}, 0},
		"bad address":     {vendors.Fault{Do: vendors.Refuse, Status: 400, Body: wrong("personalizations.0.to.0.email")}, reminder.Refused{Cause: reminder.BadAddress, Code: "400"}, 0},
		"bad recipients":  {vendors.Fault{Do: vendors.Refuse, Status: 400, Body: wrong("personalizations.0.to")}, reminder.Refused{Cause: reminder.BadAddress, Code: "400"}, 0},
		"bad topic":       {vendors.Fault{Do: vendors.Refuse, Status: 400, Body: wrong("personalizations.0.topic")}, reminder.Refused{Cause: reminder.VendorRefused, Code: "400"}, 0},
		"bad subject":     {vendors.Fault{Do: vendors.Refuse, Status: 400, Body: wrong("subject")}, reminder.Refused{Cause: reminder.VendorRefused, Code: "400"}, 0},
		"too large":       {vendors.Fault{Do: vendors.Refuse, Status: 413}, reminder.Refused{Cause: reminder.TooLong, Code: "413"}, 0},
		"forbidden":       {vendors.Fault{Do: vendors.Refuse, Status: 403}, reminder.Refused{Cause: reminder.Unauthorized, Code: "403"}, 0},
		"answer lost":     {vendors.Fault{Do: vendors.Lose}, reminder.Unclear{Code: "answer"}, 1},
		"broke over it":   {vendors.Fault{Do: vendors.Fail}, reminder.Unclear{Code: "500"}, 1},
		"gateway lost it": {vendors.Fault{Do: vendors.Fail, Status: 502}, reminder.Unclear{Code: "502"}, 1},
		"body of another": {vendors.Fault{Do: vendors.Fail, Status: 202, Body: "<html>"}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			v := sendgrid(t)
			if err := v.Set(vendors.SendGrid, c.fault); err != nil {
				t.Fatal(err)
			}
			var p permit
			_, err := channel(t, v.SendGridURL()).Send(t.Context(), letter(), p.leave)
			if !errors.Is(err, c.want) || p != (permit{1, 1}) || err != nil && strings.Contains(err.Error(), "ada@") {
				t.Errorf("%v, not %v; %+v", err, c.want, p)
			}
			if len(v.Messages()) != c.taken || v.Stats(vendors.SendGrid).Requests != 1 {
				t.Errorf("it was asked %d times, and took %d", v.Stats(vendors.SendGrid).Requests, len(v.Messages()))
			}
		})
	}
	v := sendgrid(t)
	l := letter()
	l.To = "not an address"
	if _, err := channel(t, v.SendGridURL()).Send(t.Context(), l, (&permit{}).leave); !errors.Is(err, reminder.Refused{Cause: reminder.BadAddress, Code: "400"}) {
		t.Errorf("to nobody: %v", err)
	}
	keyless := channel(t, v.SendGridURL())
	keyless.config.Key = "SG.another"
	if _, err := keyless.Send(t.Context(), letter(), (&permit{}).leave); !errors.Is(err, reminder.Refused{Cause: reminder.Unauthorized, Code: "401"}) {
		t.Errorf("with another key: %v", err)
	}
}

func TestWhatSendGridTellsOfMailsIsRead(t *testing.T) {
	v := sendgrid(t)
	reader, err := NewReader(v.EventKey())
	if err != nil {
		t.Fatal(err)
	}
	reports := make(chan reminder.Report, 100)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, err := reader.ReadEvents(body, r.Header.Get("X-Twilio-Email-Event-Webhook-Signature"), r.Header.Get("X-Twilio-Email-Event-Webhook-Timestamp"), clock.System{}.Now())
		if err != nil {
			t.Error(err)
		}
		for _, report := range got {
			reports <- report
		}
	}))
	t.Cleanup(s.Close)
	v.SendEventsTo(s.URL + EventsPath)
	taken, arrived := reminder.Report{Fate: reminder.Taken}, reminder.Report{Fate: reminder.Arrived}
	undelivered := func(cause reminder.Cause) reminder.Report {
		return reminder.Report{Fate: reminder.Undelivered, Cause: cause}
	}
	for to, want := range map[access.Private][]reminder.Report{
		"ada@example.org": {taken, arrived}, "bounce@example.org": {taken, undelivered(reminder.BadAddress)}, "block@example.org": {taken, undelivered(reminder.NotDelivered)},
		"drop@example.org": {undelivered(reminder.BadAddress)}, "defer@example.org": {taken, arrived}, "spam@example.org": {taken, arrived, {Fate: reminder.Unsubscribed}},
		"unsubscribe@example.org": {taken, arrived, {Fate: reminder.Unsubscribed}},
	} {
		l := letter()
		l.To = to
		receipt, err := channel(t, v.SendGridURL()).Send(t.Context(), l, (&permit{}).leave)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			got := <-reports
			w.Message, w.VendorID, w.Code, w.At = ref, receipt.VendorID, got.Code, got.At
			if got != w || got.At.IsZero() || (got.Code == "") != (got.Fate != reminder.Undelivered) {
				t.Errorf("%s: %+v, not %+v", to.Reveal(), got, w)
			}
		}
	}
}

// signer is SendGrid's side.
type signer struct{ *ecdsa.PrivateKey }

func newSigner(t *testing.T) (signer, *Reader) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key}, &Reader{&key.PublicKey}
}

func (s signer) sign(t *testing.T, body []byte, at string) string {
	t.Helper()
	sum := sha256.Sum256(append([]byte(at), body...))
	signature, err := ecdsa.SignASN1(rand.Reader, s.PrivateKey, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

func stamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

func TestEventsThatSendGridHasNotSignedNowAreRefused(t *testing.T) {
	s, r := newSigner(t)
	other, _ := newSigner(t)
	body := []byte(`[]`)
	for name, c := range map[string]struct {
		signature, at string
		body          []byte
	}{
		"unsigned":        {"", stamp(noon), body},
		"nonsense":        {"%%%", stamp(noon), body},
		"another's":       {other.sign(t, body, stamp(noon)), stamp(noon), body},
		"another body":    {s.sign(t, body, stamp(noon)), stamp(noon), []byte(`[ ]`)},
		"another time":    {s.sign(t, body, stamp(noon)), stamp(noon.Add(time.Second)), body},
		"no time":         {s.sign(t, body, ""), "", body},
		"a time of words": {s.sign(t, body, "noon"), "noon", body},
		"long ago":        {s.sign(t, body, stamp(noon.Add(-longestAgo-time.Second))), stamp(noon.Add(-longestAgo - time.Second)), body},
		"not yet":         {s.sign(t, body, stamp(noon.Add(longestAhead+time.Second))), stamp(noon.Add(longestAhead + time.Second)), body},
	} {
		if got, err := r.ReadEvents(c.body, c.signature, c.at, noon); errs.Of(err) != errs.Forbidden || got != nil {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	for _, at := range []time.Time{noon, noon.Add(-longestAgo), noon.Add(longestAhead)} {
		if _, err := r.ReadEvents(body, s.sign(t, body, stamp(at)), stamp(at), noon); err != nil {
			t.Errorf("signed at %s: %v", at, err)
		}
	}
}

func TestEventsAreReadWithinBoundsAndOthersArePassedOver(t *testing.T) {
	s, r := newSigner(t)
	read := func(text string) ([]reminder.Report, error) {
		return r.ReadEvents([]byte(text), s.sign(t, []byte(text), stamp(noon)), stamp(noon), noon)
	}
	event := func(more string) string {
		return fmt.Sprintf(`{"event": "delivered", "sg_event_id": "e1", "sg_message_id": "abc.def.filter01.1.0", "timestamp": 1772539200, "message": %q, "email": "ada@example.org"%s}`, wire.Key(ref), more)
	}
	want := reminder.Report{Message: ref, VendorID: "abc.def", Fate: reminder.Arrived, At: noon}
	got, err := read("[" + strings.Join([]string{
		event(`, "event": "open"`), event(`, "event": "click"`), event(`, "event": "deferred"`), event(`, "event": "of the future"`), event(`, "event": 7`), event(`, "message": "another's"`),
		event(`, "message": {"a": 1}`), event(`, "timestamp": 0`), event(`, "timestamp": "noon"`),
		`7`, `null`, `[]`, `{}`, event(""),
	}, ",") + "]")
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v %v", got, err)
	}
	for name, text := range map[string]string{
		"no list": event(""), "no JSON": "[", "nothing": "", "too many": "[" + strings.Repeat("1,", mostEvents) + "1]", "too much": "[" + strings.Repeat(" ", LongestBody-1) + "]",
	} {
		if got, err := read(text); errs.Of(err) != errs.InvalidInput || got != nil {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	for more, want := range map[string]struct{ cause, code string }{
		`, "event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 ada@example.org"`: {"BAD_ADDRESS", "5.1.1"},
		`, "event": "bounce", "type": "blocked", "status": "5.7.1"`:                                 {"NOT_DELIVERED", "5.7.1"},
		`, "event": "bounce", "type": "bounce", "status": "4.2.2"`:                                  {"NOT_DELIVERED", "4.2.2"},
		`, "event": "bounce", "type": "bounce", "status": "ada@example.org"`:                        {"BAD_ADDRESS", "bounce"},
		`, "event": "dropped", "reason": "Bounced Address"`:                                         {"BAD_ADDRESS", "dropped"},
		`, "event": "dropped", "reason": "Unsubscribed Address"`:                                    {"OPTED_OUT", "dropped"},
		`, "event": "dropped", "reason": "Spam Content"`:                                            {"NOT_DELIVERED", "dropped"},
	} {
		got, err := read("[" + event(more) + "]")
		if err != nil || len(got) != 1 || got[0].Fate != reminder.Undelivered || string(got[0].Cause) != want.cause || got[0].Code != want.code {
			t.Errorf("%s: %+v %v", more, got, err)
		}
	}
}

func TestTheKeyOfEventsIsThatOfSendGridsSettings(t *testing.T) {
	v := sendgrid(t)
	der, err := base64.StdEncoding.DecodeString(v.EventKey())
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	for _, good := range []string{v.EventKey(), " " + v.EventKey() + "\n", text, strings.ReplaceAll(text, "\n", `\n`)} {
		if _, err := NewReader(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "x", v.EventKey()[4:], base64.StdEncoding.EncodeToString([]byte("no key"))} {
		if _, err := NewReader(bad); err == nil || bad != "" && strings.Contains(err.Error(), bad+" ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
