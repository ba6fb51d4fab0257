package sms

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

var (
	ours = Account{SID: vendors.AccountSID, Token: vendors.AuthToken}
	noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	ref  = clinic.Ref{Organization: uuid.MustParse("01980000-0000-7000-8000-00000000000f"), ID: uuid.MustParse("01980000-0000-7000-8000-0000000000ff")}
)

func letter() reminder.Letter {
	return reminder.Letter{
		Message: ref, Kind: reminder.Remind, To: "+15551230001", Language: "en", Text: "Harbour Clinic: your visit is on Tue 3 Mar 2026 at 10:00. Ref K7Q2M9. STOP to end texts.",
		Reference: "K7Q2M9", Expires: noon.Add(time.Hour),
	}
}

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// channel sends to a URL.
func channel(t *testing.T, to string, now clock.Clock) *Channel {
	t.Helper()
	return New(Config{
		URL: parsed(t, to), Account: ours, From: vendors.Number, Callbacks: parsed(t, "http://127.0.0.1:1/base"), Guard: resilience.GuardOf(resilience.Twilio), Clock: now,
	})
}

func twilio(t *testing.T, now clock.Clock) *vendors.Vendors {
	t.Helper()
	v, err := vendors.Start(vendors.Options{Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// permit counts.
type permit struct{ asked, left int }

func (p *permit) leave(context.Context) (func(), error) {
	p.asked++
	return func() { p.left++ }, nil
}

func TestATextIsTakenWithItsNameAndItsEnd(t *testing.T) {
	now := clock.FrozenAt(noon)
	v := twilio(t, now)
	c := channel(t, v.TwilioURL(), now)
	var p permit
	receipt, err := c.Send(t.Context(), letter(), p.leave)
	if err != nil || p != (permit{1, 1}) {
		t.Fatalf("%+v: %v", p, err)
	}
	m := v.Messages()[0]
	if m.ID != receipt.VendorID || m.Key != wire.Key(ref) || m.To != "+15551230001" || m.From != vendors.Number || m.Text != letter().Text || m.Validity != "3600" ||
		m.Callback != "http://127.0.0.1:1/base/callbacks/twilio/status?m="+wire.Key(ref)+"#rc=5&rp=ct,rt,5xx" {
		t.Errorf("the vendor has %+v, and the receipt says %+v", m, receipt)
	}
	for end, want := range map[time.Time]string{{}: "", noon.Add(-time.Hour): "1", noon.Add(90 * time.Second): "90", noon.Add(48 * time.Hour): "36000"} {
		l := letter()
		l.Expires = end
		if got := c.form(l).Get("ValidityPeriod"); got != want {
			t.Errorf("one that ends at %s is valid for %q", end, got)
		}
	}
	c.config.From, c.config.Service = "", "MG00000000000000000000000000000000"
	if _, err := c.Send(t.Context(), letter(), p.leave); err != nil || v.Messages()[1].Service != c.config.Service || c.form(letter()).Has("From") {
		t.Errorf("by a service: %+v (%v)", v.Messages()[1], err)
	}
}

func TestWithoutLeaveTwilioHearsOfNothing(t *testing.T) {
	v := twilio(t, clock.System{})
	no := errors.New("no leave")
	_, err := channel(t, v.TwilioURL(), clock.System{}).Send(t.Context(), letter(), func(context.Context) (func(), error) { return nil, no })
	if !errors.Is(err, no) || v.Stats(vendors.Twilio).Requests != 0 {
		t.Errorf("%v; requests: %d", err, v.Stats(vendors.Twilio).Requests)
	}
}

func TestTwilioRefusesForGood(t *testing.T) {
	v := twilio(t, clock.System{})
	c := channel(t, v.TwilioURL(), clock.System{})
	long := letter()
	long.Text = strings.Repeat("x", 1601)
	letters := map[reminder.Refused]reminder.Letter{{Cause: reminder.TooLong, Code: "21617"}: long}
	for to, want := range map[access.Private]reminder.Refused{
		"+15005550001": {Cause: reminder.BadAddress, Code: "21211"}, "+15005550002": {Cause: reminder.BadAddress, Code: "21612"}, "+15005550003": {Cause: reminder.BadAddress, Code: "21408"},
		"+15005550004": {Cause: reminder.OptedOut, Code: "21610"}, "+15005550009": {Cause: reminder.Landline, Code: "21614"},
	} {
		l := letter()
		l.To = to
		letters[want] = l
	}
	for want, l := range letters {
		if _, err := c.Send(t.Context(), l, (&permit{}).leave); !errors.Is(err, want) {
			t.Errorf("%v, not %v", err, want)
		}
	}
	if err := v.Set(vendors.Twilio, vendors.Fault{Do: vendors.Refuse, Status: 400, Body: "<html>"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(t.Context(), letter(), (&permit{}).leave); !errors.Is(err, reminder.Refused{Cause: reminder.VendorRefused, Code: "400"}) {
		t.Errorf("a refusal in other words: %v", err)
	}
	c.config.Account.Token = "another"
	if _, err := c.Send(t.Context(), letter(), (&permit{}).leave); !errors.Is(err, reminder.Refused{Cause: reminder.Unauthorized, Code: "401"}) {
		t.Errorf("another token: %v", err)
	}
	if n := len(v.Messages()); n != 0 {
		t.Errorf("%d were taken", n)
	}
}

func TestWhatBecomesOfATextIsToldApart(t *testing.T) {
	for name, f := range map[string]struct {
		fault vendors.Fault
		want  error
		taken int
	}{
		"busy":                 {vendors.Fault{Do: vendors.Refuse, Status: 429, RetryAfter: 7}, reminder.Later{Cause: reminder.VendorBusy, Code: "429", After: 7 * time.Second}, 0},
		"away":                 {vendors.Fault{Do: vendors.Refuse, Status: 503, RetryAfter: 9}, reminder.Later{Cause: reminder.VendorUnavailable, Code: "503", After: 9 * time.Second}, 0},
		"broken":               {vendors.Fault{Do: vendors.Refuse, Status: 500}, reminder.Unclear{Code: "500"}, 0},
		"taken, then broken":   {vendors.Fault{Do: vendors.Fail}, reminder.Unclear{Code: "500"}, 1},
		"lost on the way":      {vendors.Fault{Do: vendors.Reset}, reminder.Unclear{Code: "answer"}, 0},
		"answer lost":          {vendors.Fault{Do: vendors.Lose}, reminder.Unclear{Code: "answer"}, 1},
		"gateway lost it":      {vendors.Fault{Do: vendors.Fail, Status: 502}, reminder.Unclear{Code: "502"}, 1},
		"gateway waited":       {vendors.Fault{Do: vendors.Fail, Status: 504}, reminder.Unclear{Code: "504"}, 1},
		"no answer":            {vendors.Fault{Do: vendors.Hang}, reminder.Unclear{Code: "answer"}, 1},
		"an answer of another": {vendors.Fault{Do: vendors.Fail, Status: 200, Body: "<html>login</html>"}, reminder.Unclear{Code: "200"}, 1},
		"an answer without id": {vendors.Fault{Do: vendors.Fail, Status: 201, Body: `{"status": "queued"}`}, reminder.Unclear{Code: "201"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			v := twilio(t, clock.System{})
			if err := v.Set(vendors.Twilio, f.fault); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			var p permit
			_, err := channel(t, v.TwilioURL(), clock.System{}).Send(ctx, letter(), p.leave)
			if !errors.Is(err, f.want) || p != (permit{1, 1}) {
				t.Errorf("%v, not %v; %+v", err, f.want, p)
			}
			if v.Clear(vendors.Twilio); len(v.Messages()) != f.taken || v.Stats(vendors.Twilio).Requests != 1 {
				t.Errorf("it was asked %d times, and took %d", v.Stats(vendors.Twilio).Requests, len(v.Messages()))
			}
		})
	}
}

func TestALostAnswerIsFoundByTheReference(t *testing.T) {
	now := clock.FrozenAt(noon)
	v := twilio(t, now)
	c := channel(t, v.TwilioURL(), now)
	sought := reminder.Sought{Message: ref, To: letter().To, Reference: "K7Q2M9", Since: noon}
	if f, err := c.Find(t.Context(), sought); err != nil || f.Found {
		t.Fatalf("before there is any: %+v %v", f, err)
	}
	for i, text := range []string{"Ref K7Q2M9. first", "Ref K7Q2M90.", "Ref XK7Q2M9.", "Ref äK7Q2M9ä", "another"} {
		l := letter()
		l.Text = text
		if i == 0 {
			if err := v.Set(vendors.Twilio, vendors.Fault{Do: vendors.Lose, Times: 1}, vendors.Fault{Do: vendors.Mute}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Send(t.Context(), l, (&permit{}).leave); (err != nil) != (i == 0) {
			t.Fatal(err)
		}
	}
	taken := v.Messages()[0]
	arrived := func() bool { return v.Messages()[0].Status == "delivered" }
	if err := v.Until(t.Context(), arrived); err != nil {
		t.Fatal(err)
	}
	f, err := c.Find(t.Context(), sought)
	want := reminder.Report{Message: ref, VendorID: taken.ID, Fate: reminder.Arrived, At: noon}
	if err != nil || !f.Found || f.Report != want {
		t.Errorf("found %+v (%v), not %+v", f, err, want)
	}
	for name, s := range map[string]reminder.Sought{
		"another reference": {Message: ref, To: sought.To, Reference: "K7Q2M8", Since: noon}, "none": {Message: ref, To: sought.To, Since: noon},
		"another number": {Message: ref, To: "+15551230002", Reference: "K7Q2M9", Since: noon},
	} {
		if f, err := c.Find(t.Context(), s); err != nil || f.Found {
			t.Errorf("%s: %+v %v", name, f, err)
		}
	}
	midnight := sought
	midnight.Since = time.Date(2026, 3, 3, 0, 0, 30, 0, time.UTC).Add(-time.Minute)
	if f, err := c.Find(t.Context(), midnight); err != nil || !f.Found {
		t.Errorf("the day after: %+v %v", f, err)
	}
}

// A text that is sent again, since the first one couldn't be delivered, has the same reference.
func TestASearchPassesOverAnEarlierTryThatFailed(t *testing.T) {
	for name, c := range map[string]struct {
		outcome string
		found   bool
	}{"failed": {"undelivered", false}, "arrived all the same": {"delivered", true}} {
		now := clock.FrozenAt(noon)
		v := twilio(t, now)
		l := letter()
		l.Text = "Ref K7Q2M9."
		if err := v.Set(vendors.Twilio, vendors.Fault{Do: vendors.Become, Outcome: c.outcome}, vendors.Fault{Do: vendors.Mute}); err != nil {
			t.Fatal(err)
		}
		if _, err := channel(t, v.TwilioURL(), now).Send(t.Context(), l, (&permit{}).leave); err != nil {
			t.Fatal(err)
		}
		if err := v.Until(t.Context(), func() bool { return v.Messages()[0].Status == c.outcome }); err != nil {
			t.Fatal(err)
		}
		sought := reminder.Sought{Message: ref, To: l.To, Reference: "K7Q2M9", Since: noon}
		for since, found := range map[time.Duration]bool{0: true, 2 * time.Minute: c.found} {
			sought.Since = noon.Add(since)
			if f, err := channel(t, v.TwilioURL(), now).Find(t.Context(), sought); err != nil || f.Found != found {
				t.Errorf("one that %s, sought since %v later: %+v %v", name, since, f, err)
			}
		}
	}
}

func TestASearchEndsWithinBoundsAndSaysWhenItHasNotSeenAll(t *testing.T) {
	now := clock.FrozenAt(noon.Add(-48 * time.Hour))
	v := twilio(t, now)
	c := channel(t, v.TwilioURL(), now)
	sought := reminder.Sought{Message: ref, To: letter().To, Reference: "K7Q2M9", Since: noon}
	send := func(text string, n int) {
		t.Helper()
		for range n {
			l := letter()
			l.Text = text
			if _, err := c.Send(t.Context(), l, (&permit{}).leave); err != nil {
				t.Fatal(err)
			}
		}
	}
	send("older", pageSize*(mostPages+1))
	before := v.Stats(vendors.Twilio).Finds
	if f, err := c.Find(t.Context(), sought); err != nil || f.Found {
		t.Errorf("%+v %v", f, err)
	}
	if n := v.Stats(vendors.Twilio).Finds - before; n != 2 {
		t.Errorf("what can't be it is read in %d pages", n)
	}
	now.Set(noon)
	send("Ref K7Q2M9.", 1)
	send("newer", pageSize*2)
	if f, err := c.Find(t.Context(), sought); err != nil || !f.Found {
		t.Errorf("on the third page: %+v %v", f, err)
	}
	send("newer", pageSize*(mostPages-2))
	if f, err := c.Find(t.Context(), sought); !errors.Is(err, reminder.Later{Cause: reminder.VendorBusy, Code: "pages"}) {
		t.Errorf("on a page that isn't read: %+v %v", f, err)
	}
}

func TestASearchThatFailsIsNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		fault vendors.Fault
		want  error
	}{
		"busy":      {vendors.Fault{Do: vendors.Refuse, Status: 429, RetryAfter: 5}, reminder.Later{Cause: reminder.VendorBusy, Code: "429", After: 5 * time.Second}},
		"gateway":   {vendors.Fault{Do: vendors.Refuse, Status: 502}, reminder.Later{Cause: reminder.VendorUnavailable, Code: "502"}},
		"reset":     {vendors.Fault{Do: vendors.Reset}, reminder.Later{Cause: reminder.VendorUnavailable, Code: "answer"}},
		"nonsense":  {vendors.Fault{Do: vendors.Fail, Status: 200, Body: "{}"}, reminder.Later{Cause: reminder.VendorUnavailable, Code: "200"}},
		"an array":  {vendors.Fault{Do: vendors.Fail, Status: 200, Body: "[]"}, reminder.Later{Cause: reminder.VendorUnavailable, Code: "200"}},
		"forbidden": {vendors.Fault{Do: vendors.Refuse, Status: 403}, reminder.Refused{Cause: reminder.Unauthorized, Code: "403"}},
	} {
		v := twilio(t, clock.System{})
		c.fault.On = vendors.OnFind
		if err := v.Set(vendors.Twilio, c.fault); err != nil {
			t.Fatal(err)
		}
		f, err := channel(t, v.TwilioURL(), clock.System{}).Find(t.Context(), reminder.Sought{To: "+15551230001", Reference: "K7Q2M9", Since: noon})
		if !errors.Is(err, c.want) || f.Found {
			t.Errorf("%s: %+v %v", name, f, err)
		}
	}
}

// A vendor whose pages lead elsewhere would be given our password there.
func TestASearchFollowsNoPageToAnotherPlace(t *testing.T) {
	asked := make(chan string, 100)
	var next string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Host + r.URL.Path
		_, _ = io.WriteString(w, `{"messages": [{"sid": "SM00000000000000000000000000000001", "date_created": "Tue, 03 Mar 2026 12:00:00 +0000"}], "next_page_uri": "`+next+`"}`)
	}))
	t.Cleanup(s.Close)
	c := channel(t, s.URL, clock.System{})
	for _, next = range []string{"http://evil.example/steal", "/2010-04-01/Accounts/AC11111111111111111111111111111111/Messages.json", "//evil.example/x"} {
		if f, err := c.Find(t.Context(), reminder.Sought{To: "+15551230001", Reference: "K7Q2M9", Since: noon}); err != nil || f.Found {
			t.Errorf("%+v %v", f, err)
		}
	}
	if len(asked) != 6 {
		t.Errorf("it asked %d times", len(asked))
	}
	for range len(asked) {
		if at := <-asked; at != parsed(t, s.URL).Host+c.path() {
			t.Errorf("it went to %s", at)
		}
	}
}

// What waits at Twilio has no date of sending, and a list by that date may not have it.
func TestATextThatTwilioHasNotHandedOnYetIsFound(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list := `{"messages": [], "next_page_uri": null}`
		if !r.URL.Query().Has("DateSent>") {
			list = `{"messages": [{"sid": "SM00000000000000000000000000000001", "direction": "outbound-api", "to": "+15551230001", "body": "Ref K7Q2M9.", "status": "queued", "date_sent": null,
				"date_created": "Tue, 03 Mar 2026 12:00:01 +0000", "date_updated": "Tue, 03 Mar 2026 12:00:01 +0000", "error_code": null}], "next_page_uri": null}`
		}
		_, _ = io.WriteString(w, list)
	}))
	t.Cleanup(s.Close)
	f, err := channel(t, s.URL, clock.System{}).Find(t.Context(), reminder.Sought{Message: ref, To: "+15551230001", Reference: "K7Q2M9", Since: noon})
	if err != nil || !f.Found || f.Report.Fate != reminder.Taken || !f.Report.At.Equal(noon.Add(time.Second)) {
		t.Errorf("%+v %v", f, err)
	}
}

func TestATextOfOrToSomebodyElseIsNotTheOneSought(t *testing.T) {
	for name, fields := range map[string]string{
		"to another number": `"direction": "outbound-api", "to": "+15551230002"`,
		"an answer":         `"direction": "inbound", "to": "+15551230001"`,
		"without a name":    `"direction": "outbound-api", "to": "+15551230001", "sid": ""`,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"messages": [{"sid": "SM00000000000000000000000000000001", "body": "Ref K7Q2M9.", "status": "sent", `+fields+`}]}`)
		}))
		t.Cleanup(s.Close)
		f, err := channel(t, s.URL, clock.System{}).Find(t.Context(), reminder.Sought{Message: ref, To: "+15551230001", Reference: "K7Q2M9", Since: noon})
		if err != nil || f.Found {
			t.Errorf("%s: %+v %v", name, f, err)
		}
	}
}

func TestEachStatusIsAFate(t *testing.T) {
	const sid = "SM00000000000000000000000000000001"
	for status, want := range map[string]reminder.Fate{
		"accepted": reminder.Taken, "queued": reminder.Taken, "sending": reminder.Taken, "sent": reminder.Taken, "of the future": reminder.Taken,
		"delivered": reminder.Arrived, "undelivered": reminder.Undelivered, "failed": reminder.Undelivered, "canceled": reminder.Undelivered,
	} {
		if r := reported(sid, status, 0); r.Fate != want || (r.Cause == reminder.NotDelivered) != (want == reminder.Undelivered) || r.VendorID != sid {
			t.Errorf("%s: %+v", status, r)
		}
	}
	for code, want := range map[int]reminder.Cause{
		30003: reminder.NotDelivered, 30005: reminder.BadAddress, 30006: reminder.Landline, 21610: reminder.OptedOut, 30036: reminder.TooLate, 0: reminder.NotDelivered,
	} {
		if r := reported(sid, "undelivered", code); r.Cause != want || (r.Code == "") != (code == 0) {
			t.Errorf("%d: %+v", code, r)
		}
	}
}
