package vendors_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/vendors"
)

const (
	patient = "+4915112345678"
	texting = "/2010-04-01/Accounts/" + vendors.AccountSID + "/Messages.json"
	mailing = "/v3/mail/send"
)

// rig is both vendors with a customer, who hears what they tell.
type rig struct {
	*vendors.Vendors
	t       *testing.T
	client  *http.Client
	hooks   *httptest.Server
	mu      sync.Mutex
	heard   []told
	answer  func(w http.ResponseWriter, r *http.Request, body string) // nil: 204
	arrived chan told
}

// told is one callback.
type told struct {
	url    string
	header http.Header
	body   string
}

func (c told) form(t *testing.T) url.Values {
	t.Helper()
	form, err := url.ParseQuery(c.body)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func (c told) events(t *testing.T) (events []map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.body), &events); err != nil {
		t.Fatalf("%s: %v", c.body, err)
	}
	return events
}

func start(t *testing.T) *rig {
	t.Helper()
	v, err := vendors.Start(vendors.Options{Retry: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Vendors: v, t: t, client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}, arrived: make(chan told, 10_000)}
	r.hooks = httptest.NewServer(http.HandlerFunc(r.hear))
	v.SendEventsTo(r.hooks.URL + "/events")
	v.SendRepliesTo(r.hooks.URL + "/replies?a=1")
	t.Cleanup(func() {
		r.client.CloseIdleConnections()
		v.Close()
		r.hooks.Close()
	})
	return r
}

func (r *rig) hear(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	c := told{"http://" + q.Host + q.URL.String(), q.Header, string(body)}
	r.mu.Lock()
	r.heard = append(r.heard, c)
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		answer(w, q, c.body)
	} else {
		w.WriteHeader(http.StatusNoContent)
	}
	r.arrived <- c
}

func (r *rig) answerWith(answer func(w http.ResponseWriter, r *http.Request, body string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// next are the next callbacks.
func (r *rig) next(n int) (all []told) {
	r.t.Helper()
	for range n {
		select {
		case c := <-r.arrived:
			all = append(all, c)
		case <-r.t.Context().Done():
			r.t.Fatal("no callback came")
		case <-time.After(20 * time.Second):
			r.t.Fatalf("%d of %d callbacks came", len(all), n)
		}
	}
	return all
}

// quiet waits until nothing more is to be told, and fails if something is still to be heard.
func (r *rig) quiet() {
	r.t.Helper()
	r.until(func() bool { return r.Carried().Waiting == 0 })
	select {
	case c := <-r.arrived:
		r.t.Fatalf("told %s", c.body)
	default:
	}
}

func (r *rig) until(condition func() bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	if err := r.Until(ctx, condition); err != nil {
		r.t.Fatal("it did not come to be: ", err)
	}
}

func (r *rig) callback(key string) string { return r.hooks.URL + "/status?o=1&m=" + key }

// form of a text with a key of ours.
func (r *rig) form(to, key string) url.Values {
	return url.Values{"To": {to}, "From": {vendors.Number}, "Body": {"Your visit is at 9:30."}, "StatusCallback": {r.callback(key)}, "ValidityPeriod": {"3600"}}
}

func (r *rig) do(method, path string, body string, change func(*http.Request)) (*http.Response, string, error) {
	q, err := http.NewRequestWithContext(r.t.Context(), method, r.URL()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if change != nil {
		change(q)
	}
	answer, err := r.client.Do(q)
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	return answer, string(text), err
}

func texter(q *http.Request) {
	q.SetBasicAuth(vendors.AccountSID, vendors.AuthToken)
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
}

func mailer(q *http.Request) {
	q.Header.Set("Authorization", "Bearer "+vendors.APIKey)
	q.Header.Set("Content-Type", "application/json")
}

func (r *rig) text(form url.Values) (*http.Response, string, error) {
	return r.do("POST", texting, form.Encode(), texter)
}

// texted sends a text that is to be taken, and answers what Twilio calls it.
func (r *rig) texted(form url.Values) string {
	r.t.Helper()
	answer, body, err := r.text(form)
	if err != nil || answer.StatusCode != http.StatusCreated {
		r.t.Fatalf("answered %v, %s, %v", answer, body, err)
	}
	return decoded(r.t, body)["sid"].(string)
}

func letter(to, key string) map[string]any {
	return map[string]any{
		"personalizations": []any{map[string]any{"to": []any{map[string]any{"email": to, "name": "Ann"}}, "custom_args": map[string]any{"message": key}}},
		"from":             map[string]any{"email": "clinic@example.org", "name": "Clinic"}, "subject": "Your visit",
		"content":     []any{map[string]any{"type": "text/plain", "value": "At 9:30."}, map[string]any{"type": "text/html", "value": "<p>At 9:30.</p>"}},
		"headers":     map[string]any{"X-Reference": "r1"},
		"custom_args": map[string]any{"organization": "o1", "message": "overridden"},
	}
}

func (r *rig) mail(letter map[string]any) (*http.Response, string, error) {
	text, err := json.Marshal(letter)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.do("POST", mailing, string(text), mailer)
}

func (r *rig) mailed(letter map[string]any) string {
	r.t.Helper()
	answer, body, err := r.mail(letter)
	if err != nil || answer.StatusCode != http.StatusAccepted || body != "" {
		r.t.Fatalf("answered %v, %s, %v", answer, body, err)
	}
	return answer.Header.Get("X-Message-Id")
}

func decoded(t *testing.T, body string) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &object); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return object
}

func (r *rig) faults(vendor vendors.Vendor, faults ...vendors.Fault) {
	r.t.Helper()
	if err := r.Set(vendor, faults...); err != nil {
		r.t.Fatal(err)
	}
}
