package vendors_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/vendors"
)

// both run a test against either vendor.
func both(t *testing.T, test func(t *testing.T, r *rig, vendor vendors.Vendor, send func(ctx context.Context, key string) (*http.Response, string, error))) {
	for _, vendor := range []vendors.Vendor{vendors.Twilio, vendors.SendGrid} {
		t.Run(string(vendor), func(t *testing.T) {
			r := start(t)
			test(t, r, vendor, func(ctx context.Context, key string) (*http.Response, string, error) {
				path, body, prepare := texting, r.form(patient, key).Encode(), texter
				if vendor == vendors.SendGrid {
					text, _ := json.Marshal(letter("ann@example.org", key))
					path, body, prepare = mailing, string(text), mailer
				}
				return r.do("POST", path, body, func(q *http.Request) { prepare(q); *q = *q.WithContext(ctx) })
			})
		})
	}
}

func TestVendorsRefuse(t *testing.T) {
	both(t, func(t *testing.T, r *rig, vendor vendors.Vendor, send func(context.Context, string) (*http.Response, string, error)) {
		for _, status := range []int{400, 401, 429, 500, 503} {
			r.faults(vendor, vendors.Fault{Do: vendors.Refuse, Status: status, RetryAfter: 7})
			answer, body, err := send(t.Context(), "k")
			if err != nil || answer.StatusCode != status || answer.Header.Get("Retry-After") != "7" {
				t.Fatalf("answered %v %s %v", answer, body, err)
			}
			e := decoded(t, body)
			if vendor == vendors.Twilio && (e["status"] != float64(status) || e["code"].(float64) < 20000) || vendor == vendors.SendGrid && len(e["errors"].([]any)) != 1 {
				t.Errorf("answered %s", body)
			}
			if status == 429 && vendor == vendors.SendGrid {
				reset, _ := strconv.ParseInt(answer.Header.Get("X-RateLimit-Reset"), 10, 64)
				if answer.Header.Get("X-RateLimit-Limit") == "" || answer.Header.Get("X-RateLimit-Remaining") != "0" || reset < time.Now().Unix() {
					t.Errorf("limits are %v", answer.Header)
				}
			}
		}
		r.faults(vendor, vendors.Fault{Do: vendors.Refuse, Body: "<html>"})
		if answer, body, err := send(t.Context(), "k"); err != nil || answer.StatusCode != 503 || body != "<html>" {
			t.Errorf("answered %v %s %v", answer, body, err)
		}
		if len(r.Messages()) != 0 || r.Stats(vendor).Requests != 6 || r.Stats(vendor).Accepted != 0 {
			t.Errorf("%+v", r.Stats(vendor))
		}
		r.Clear(vendor)
		if answer, _, err := send(t.Context(), "k"); err != nil || answer.StatusCode > 299 || r.Count("k") != 1 {
			t.Errorf("afterwards %v %v", answer, err)
		}
	})
}

func TestVendorsResetConnections(t *testing.T) {
	both(t, func(t *testing.T, r *rig, vendor vendors.Vendor, send func(context.Context, string) (*http.Response, string, error)) {
		for do, taken := range map[vendors.Action]int{vendors.Reset: 0, vendors.Lose: 1} {
			r.faults(vendor, vendors.Fault{Do: do})
			_, _, err := send(t.Context(), string(do))
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s fails with %v", do, err)
			}
			if n := r.Count(string(do)); n != taken {
				t.Errorf("%s takes it %d times", do, n)
			}
		}
		if c := r.next(1)[0]; !strings.Contains(c.url+c.body, string(vendors.Lose)) {
			t.Errorf("told %v", c) // what is lost is sent all the same
		}
	})
}

func TestVendorsTakeAndFail(t *testing.T) {
	both(t, func(t *testing.T, r *rig, vendor vendors.Vendor, send func(context.Context, string) (*http.Response, string, error)) {
		r.faults(vendor, vendors.Fault{Do: vendors.Fail})
		if answer, body, err := send(t.Context(), "k"); err != nil || answer.StatusCode != 500 || body == "" || r.Count("k") != 1 {
			t.Errorf("answered %v %s %v, taken %d times", answer, body, err, r.Count("k"))
		}
	})
}

func TestVendorsStallUntilTold(t *testing.T) {
	both(t, func(t *testing.T, r *rig, vendor vendors.Vendor, send func(context.Context, string) (*http.Response, string, error)) {
		r.faults(vendor, vendors.Fault{Do: vendors.Stall})
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { _, _, err := send(ctx, "left"); left <- err }()
		r.until(func() bool { return r.Stats(vendor).InFlight == 1 })
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		r.until(func() bool { return r.Stats(vendor).InFlight == 0 })
		stayed := make(chan int)
		go func() {
			answer, _, err := send(t.Context(), "stayed")
			if err != nil {
				t.Error(err)
				stayed <- 0
				return
			}
			stayed <- answer.StatusCode
		}()
		r.until(func() bool { return r.Stats(vendor).InFlight == 1 })
		r.Clear(vendor)
		if status := <-stayed; status != 201 && status != 202 {
			t.Errorf("answered %d", status)
		}
		if r.Count("left") != 0 || r.Count("stayed") != 1 {
			t.Errorf("taken %d and %d", r.Count("left"), r.Count("stayed"))
		}
		r.faults(vendor, vendors.Fault{Do: vendors.Stall, For: time.Millisecond})
		if _, _, err := send(t.Context(), "soon"); err != nil || r.Count("soon") != 1 {
			t.Error("a stall of a millisecond doesn't end", err)
		}
		if s := r.Stats(vendor); s.Highest != 1 || s.Requests != 3 || s.Accepted != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestClientsWhoTakeTurnsAreNeverTwoAtOnce(t *testing.T) {
	both(t, func(t *testing.T, r *rig, vendor vendors.Vendor, send func(context.Context, string) (*http.Response, string, error)) {
		r.faults(vendor, vendors.Fault{Do: vendors.Stall})
		const turns = 100
		for i := range turns {
			ctx, leave := context.WithCancel(t.Context())
			left := make(chan error)
			go func() { _, _, err := send(ctx, "k"); left <- err }()
			r.until(func() bool { return r.Stats(vendor).Requests == i+1 })
			leave()
			<-left
		}
		if s := r.Stats(vendor); s.Highest != 1 || s.Requests != turns {
			t.Errorf("%+v", s)
		}
	})
}

func TestVendorsTakeLateWhatNobodyWaitsFor(t *testing.T) {
	both(t, func(t *testing.T, r *rig, vendor vendors.Vendor, send func(context.Context, string) (*http.Response, string, error)) {
		const later = 100 * time.Millisecond // in which the vendor notices that nobody waits
		r.faults(vendor, vendors.Fault{Do: vendors.Late, For: later})
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { _, _, err := send(ctx, "k"); left <- err }()
		r.until(func() bool { return r.Stats(vendor).InFlight == 1 })
		leave()
		<-left
		r.until(func() bool { return r.Count("k") == 1 })
		if m := r.Messages()[0]; m.Accepted.Sub(m.Arrived) < later {
			t.Errorf("it is taken after %s", m.Accepted.Sub(m.Arrived))
		}
	})
}

func TestVendorsTakeAndHang(t *testing.T) {
	both(t, func(t *testing.T, r *rig, vendor vendors.Vendor, send func(context.Context, string) (*http.Response, string, error)) {
		r.faults(vendor, vendors.Fault{Do: vendors.Hang})
		failed := make(chan error)
		go func() { _, _, err := send(t.Context(), "k"); failed <- err }()
		r.until(func() bool { return r.Count("k") == 1 })
		r.next(2) // it is told while its sender waits
		select {
		case err := <-failed:
			t.Errorf("it is over: %v", err)
		default:
		}
		r.Clear(vendor)
		if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("it fails with %v", err)
		}
	})
}

func TestFaultsStrikeSome(t *testing.T) {
	r := start(t)
	run := func(n int, f vendors.Fault) (struck string) {
		r.faults(vendors.Twilio, f)
		for range n {
			form := r.form(patient, "k")
			form.Del("StatusCallback")
			answer, _, err := r.text(form)
			switch {
			case err != nil:
				t.Fatal(err)
			case answer.StatusCode == 503:
				struck += "x"
			default:
				struck += "."
			}
		}
		return struck
	}
	refuse := func(f vendors.Fault) vendors.Fault { f.Do = vendors.Refuse; return f }
	if got := run(7, refuse(vendors.Fault{Every: 3})); got != "..x..x." {
		t.Error(got)
	}
	if got := run(4, refuse(vendors.Fault{Times: 2})); got != "xx.." {
		t.Error(got)
	}
	if got := run(2, refuse(vendors.Fault{To: "+4915100000000"})); got != ".." {
		t.Error(got)
	}
	if got := run(2, refuse(vendors.Fault{To: patient})); got != "xx" {
		t.Error(got)
	}
	share := run(200, refuse(vendors.Fault{Share: 0.3, Seed: 1}))
	if n := strings.Count(share, "x"); n < 30 || n > 90 {
		t.Errorf("a share of 0.3 strikes %d of 200", n)
	}
	if run(200, refuse(vendors.Fault{Share: 0.3, Seed: 1})) != share || run(200, refuse(vendors.Fault{Share: 0.3, Seed: 2})) == share {
		t.Error("the seed decides nothing")
	}
}

func TestFindingFails(t *testing.T) {
	r := start(t)
	r.texted(r.form(patient, "k"))
	r.faults(vendors.Twilio, vendors.Fault{Do: vendors.Refuse, On: vendors.OnFind, Status: 429})
	if answer, body, err := r.do("GET", texting, "", texter); err != nil || answer.StatusCode != 429 || decoded(t, body)["code"] != 20429.0 {
		t.Errorf("answered %v %s %v", answer, body, err)
	}
	r.texted(r.form(patient, "k"))
	r.faults(vendors.Twilio, vendors.Fault{Do: vendors.Reset, On: vendors.OnFind})
	if _, _, err := r.do("GET", texting, "", texter); err == nil {
		t.Error("it answers")
	}
	if n := r.Stats(vendors.Twilio).Finds; n < 2 || n > 3 { // net/http asks again over another connection
		t.Errorf("%+v", r.Stats(vendors.Twilio))
	}
}

func TestCallbacksGoWrong(t *testing.T) {
	both(t, func(t *testing.T, r *rig, vendor vendors.Vendor, send func(context.Context, string) (*http.Response, string, error)) {
		usual := []string{"queued", "sent", "delivered"}
		if vendor == vendors.SendGrid {
			usual = []string{"processed", "delivered"}
		}
		say := func(c told) string {
			if vendor == vendors.Twilio {
				return c.form(t).Get("MessageStatus")
			}
			return c.events(t)[0]["event"].(string)
		}
		holds := func(c told) bool {
			if vendor == vendors.Twilio {
				return c.header.Get("X-Twilio-Signature") == signedBy(vendors.AuthToken, c.url, c.form(t))
			}
			return verified(t, r.EventKey(), c)
		}
		hear := func(do vendors.Action, n int) []told {
			r.faults(vendor, vendors.Fault{Do: do, For: time.Millisecond})
			if _, _, err := send(t.Context(), string(do)); err != nil {
				t.Fatal(err)
			}
			return r.next(n)
		}
		n := len(usual)
		for i, c := range hear(vendors.Repeat, 2*n) {
			if say(c) != usual[i/2] || !holds(c) {
				t.Errorf("twice, %d is %s", i, c.body)
			}
		}
		for i, c := range hear(vendors.Shuffle, n) {
			if say(c) != usual[n-1-i] {
				t.Errorf("out of order, %d is %s", i, c.body)
			}
		}
		for i, c := range hear(vendors.Delay, n) {
			if say(c) != usual[i] || !holds(c) {
				t.Errorf("later, %d is %s", i, c.body)
			}
		}
		for _, c := range hear(vendors.Forge, n) {
			if holds(c) {
				t.Errorf("forged, %s holds", c.body)
			}
		}
		hear(vendors.Mute, 0)
		r.until(func() bool { ms := r.Messages(); return ms[len(ms)-1].Status == "delivered" })
		r.quiet()
	})
}

func TestTwiceIsTheSameEvent(t *testing.T) {
	r := start(t)
	r.faults(vendors.SendGrid, vendors.Fault{Do: vendors.Repeat})
	r.mailed(letter("ann@example.org", "k"))
	c := r.next(4)
	if a, b := c[0].events(t)[0]["sg_event_id"], c[1].events(t)[0]["sg_event_id"]; a != b {
		t.Errorf("%v and %v", a, b)
	}
}

func TestCallbacksAreTriedAgain(t *testing.T) {
	r := start(t)
	failing := 2
	r.answerWith(func(w http.ResponseWriter, _ *http.Request, _ string) {
		if failing--; failing >= 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	r.mailed(letter("ann@example.org", "k"))
	var events []string
	for _, c := range r.next(4) {
		events = append(events, c.events(t)[0]["event"].(string))
	}
	if got := strings.Join(events, " "); got != "processed processed processed delivered" {
		t.Errorf("SendGrid tells %s", got)
	}
	r.answerWith(func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusInternalServerError) })
	r.mailed(letter("ann@example.org", "k2"))
	r.next(12) // 1 and 5 more, of each
	r.texted(r.form(patient, "k3"))
	r.next(3) // Twilio isn't asked to
	again := r.form(patient, "k4")
	again.Set("StatusCallback", r.callback("k4")+"#rc=2&rp=5xx")
	r.texted(again)
	for i, c := range r.next(9) {
		if f := c.form(t); f.Get("MessageStatus") != []string{"queued", "sent", "delivered"}[i/3] || c.url != r.callback("k4") ||
			c.header.Get("X-Twilio-Signature") != signedBy(vendors.AuthToken, r.callback("k4"), f) {
			t.Errorf("told %s to %s", c.body, c.url)
		}
	}
	r.quiet()
	if n := r.Carried(); n.Given != 8 || n.Lost != 0 {
		t.Errorf("%+v", n)
	}
}

func TestFaultsThatMakeNoSenseAreRefused(t *testing.T) {
	r := start(t)
	for field, f := range map[string]vendors.Fault{
		"do": {Do: "explode"}, "on": {Do: vendors.Mute, On: vendors.OnFind}, "status": {Do: vendors.Refuse, Status: 99}, "for": {Do: vendors.Stall, For: -1},
		"outcome": {Do: vendors.Become, Outcome: "bounce"}, "every": {Do: vendors.Refuse, Every: -1}, "share": {Do: vendors.Refuse, Share: 1.1},
		"times": {Do: vendors.Refuse, Times: -1}, "retryAfter": {Do: vendors.Refuse, RetryAfter: -1}, "name": {Do: vendors.Refuse, Name: strings.Repeat("a", 101)},
	} {
		var bad vendors.BadFault
		if err := r.Set(vendors.Twilio, f); !errors.As(err, &bad) || bad.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestFaultsByHTTP(t *testing.T) {
	r := start(t)
	put := func(body string) (*http.Response, string) {
		answer, text, err := r.do("PUT", "/faults/twilio", body, func(q *http.Request) { q.Header.Set("Content-Type", "application/json") })
		if err != nil {
			t.Fatal(err)
		}
		return answer, text
	}
	answer, body := put(`[{"name": "a", "do": "stall", "for": "1m30s", "every": 2}, {"do": "refuse", "status": 429, "retryAfter": 3}]`)
	want := []vendors.Fault{{Name: "a", Do: vendors.Stall, For: 90 * time.Second, Every: 2}, {Do: vendors.Refuse, Status: 429, RetryAfter: 3}}
	if got := r.Faults(vendors.Twilio); answer.StatusCode != 200 || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("answered %v, faults %v", answer, got)
	}
	var shown []vendors.Fault
	_, again, _ := r.do("GET", "/faults/twilio", "", nil)
	if err := json.Unmarshal([]byte(again), &shown); err != nil || again != body || shown[0] != want[0] {
		t.Errorf("shown as %s, %v", again, err)
	}
	if answer, _, _ := r.text(r.form(patient, "k")); answer.StatusCode != 429 {
		t.Errorf("answered %d", answer.StatusCode)
	}
	for _, bad := range []string{"", "{}", `[{"do": "explode"}]`, `[{"do": "stall", "for": "long"}]`, `[{"do": "stall", "wether": "rain"}]`} {
		if answer, text := put(bad); answer.StatusCode != 400 || text == "" {
			t.Errorf("%s is answered %d %s", bad, answer.StatusCode, text)
		}
	}
	if answer, _, _ := r.do("DELETE", "/faults/twilio", "", nil); answer.StatusCode != 204 || len(r.Faults(vendors.Twilio)) != 0 {
		t.Errorf("answered %d, faults %v", answer.StatusCode, r.Faults(vendors.Twilio))
	}
	if answer, _, _ := r.do("GET", "/faults/vonage", "", nil); answer.StatusCode != 404 {
		t.Errorf("answered %d", answer.StatusCode)
	}
	hooks := url.Values{"events": {"x"}}
	if answer, _, _ := r.do("PUT", "/hooks", hooks.Encode(), nil); answer.StatusCode != 400 {
		t.Errorf("answered %d", answer.StatusCode)
	}
}
