package vendors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/vendors"
)

func TestTheLedgerCountsByOurKey(t *testing.T) {
	r := start(t)
	r.texted(r.form(patient, "a"))
	r.texted(r.form(patient, "a"))
	r.mailed(letter("ann@example.org", "b"))
	none := r.form(patient, "")
	none.Del("StatusCallback")
	r.texted(none)
	if r.Count("a") != 2 || r.Count("b") != 1 || r.Count("c") != 0 || r.Distinct() != 2 || !maps.Equal(r.Duplicates(), map[string]int{"a": 2}) || len(r.Messages()) != 4 {
		t.Errorf("a %d, b %d, %d keys, duplicates %v, %d messages", r.Count("a"), r.Count("b"), r.Distinct(), r.Duplicates(), len(r.Messages()))
	}
	_, body, err := r.do("GET", "/ledger?limit=1", "", nil)
	var l vendors.Ledger
	if err != nil || json.Unmarshal([]byte(body), &l) != nil || l.Distinct != 2 || l.Accepted != 4 || l.Duplicates["a"] != 2 || l.Vendors[vendors.Twilio].Accepted != 3 || len(l.Messages) != 1 || l.Messages[0].Key != "" {
		t.Errorf("the ledger is %s, %v", body, err)
	}
	_, body, _ = r.do("GET", "/ledger?key=b", "", nil)
	if json.Unmarshal([]byte(body), &l) != nil || len(l.Messages) != 1 || l.Messages[0].Subject != "Your visit" {
		t.Errorf("the ledger is %s", body)
	}
	if answer, _, _ := r.do("GET", "/ledger?limit=10001", "", nil); answer.StatusCode != 400 {
		t.Errorf("answered %d", answer.StatusCode)
	}
	if answer, _, _ := r.do("DELETE", "/ledger", "", nil); answer.StatusCode != 204 || r.Distinct() != 0 || len(r.Messages()) != 0 {
		t.Errorf("%d keys are left", r.Distinct())
	}
}

func TestTheLedgerKeepsTheNewest(t *testing.T) {
	v, err := vendors.Start(vendors.Options{Keep: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	r := &rig{Vendors: v, t: t, client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	for i := range 5 {
		r.texted(map[string][]string{"To": {patient}, "From": {vendors.Number}, "Body": {"a"}, "StatusCallback": {fmt.Sprintf("http://127.0.0.1:1/?m=%d", i)}})
	}
	if m := r.Messages(); len(m) != 3 || m[0].Key != "2" || r.Count("1") != 0 || r.Distinct() != 3 {
		t.Errorf("%v are kept", m)
	}
	_, body, _ := r.do("GET", texting+"?To="+strings.ReplaceAll(patient, "+", "%2B"), "", texter)
	if n := len(decoded(t, body)["messages"].([]any)); n != 3 {
		t.Errorf("%d are listed", n)
	}
}

func TestManyAtOnceAreCounted(t *testing.T) {
	r := start(t)
	r.faults(vendors.Twilio, vendors.Fault{Do: vendors.Stall})
	const n = 20
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if answer, _, err := r.text(r.form(patient, fmt.Sprint(i))); err != nil || answer.StatusCode != 201 {
				t.Errorf("answered %v %v", answer, err)
			}
		})
	}
	r.until(func() bool { return r.Stats(vendors.Twilio).InFlight == n })
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Await(short, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("awaited with %v", err)
	}
	r.Clear(vendors.Twilio)
	if err := r.Await(t.Context(), n); err != nil {
		t.Error(err)
	}
	all.Wait()
	r.until(func() bool { return r.Stats(vendors.Twilio).InFlight == 0 })
	if s := r.Stats(vendors.Twilio); s != (vendors.Stats{Requests: n, Accepted: n, Highest: n}) {
		t.Errorf("%+v", s)
	}
	if s := r.Stats(vendors.SendGrid); s != (vendors.Stats{}) {
		t.Errorf("SendGrid has %+v", s)
	}
	r.next(3 * n)
}

// ours counts the goroutines that run code of the package or serve its connections.
func ours() (n int) {
	stacks := make([]byte, 4<<20)
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, "internal/vendors.") {
			n++
		}
	}
	return n
}

func TestCloseEndsEverything(t *testing.T) {
	silent := make(chan struct{})
	r := start(t)
	r.answerWith(func(_ http.ResponseWriter, q *http.Request, _ string) {
		select {
		case <-silent:
		case <-q.Context().Done():
		}
	})
	r.texted(r.form(patient, "told to somebody who doesn't answer"))
	r.faults(vendors.SendGrid, vendors.Fault{Do: vendors.Delay, For: time.Hour})
	r.mailed(letter("ann@example.org", "told in an hour"))
	r.faults(vendors.SendGrid, vendors.Fault{Do: vendors.Stall})
	r.faults(vendors.Twilio, vendors.Fault{Do: vendors.Hang})
	var all sync.WaitGroup
	all.Go(func() { _, _, _ = r.mail(letter("ann@example.org", "stalled")) })
	all.Go(func() { _, _, _ = r.text(r.form(patient, "hung")) })
	r.until(func() bool { return r.Count("hung") == 1 && r.Stats(vendors.SendGrid).InFlight == 1 })
	before := ours()
	r.Close()
	r.Close()
	if after := ours(); before < 10 || after != 0 {
		t.Errorf("%d goroutines became %d", before, after)
	}
	close(silent)
	all.Wait()
	if err := r.Until(t.Context(), func() bool { return false }); err == nil {
		t.Error("who waits for what can't be any more waits for ever")
	}
}

func TestVendorsListenOnLoopbackAlone(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "127.0.0.1", "example.org:1"} {
		if v, err := vendors.Start(vendors.Options{Address: address}); err == nil {
			v.Close()
			t.Errorf("they listen on %s", address)
		}
	}
	r := start(t)
	answer, _, err := r.do("GET", "/ledger", "", func(q *http.Request) { q.Host = "evil.example:80" })
	if err != nil || answer.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("by another name, it answers %v, %v", answer, err)
	}
	answer, _, err = r.do("DELETE", "/ledger", "", func(q *http.Request) { q.Header.Set("Origin", "https://evil.example") })
	if err != nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("from another site, it answers %v, %v", answer, err)
	}
}
