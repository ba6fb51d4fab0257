package resolvers_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

func TestASubscriptionIsAStreamOfEventsWithTheirCursors(t *testing.T) {
	for way, send := range map[string]func(*streaming) *opened{
		"POST": func(s *streaming) *opened { return s.post(t, vars{"query": watch}, nil) },
		"GET":  func(s *streaming) *opened { return s.get(t, vars{"query": watch}, nil) },
		"urql": func(s *streaming) *opened {
			return s.post(t, vars{"query": watch}, http.Header{"Accept": {"text/event-stream, multipart/mixed"}})
		},
		"a client that takes JSON, too": func(s *streaming) *opened {
			return s.post(t, vars{"query": watch}, http.Header{"Accept": {"application/json, text/event-stream"}})
		},
	} {
		s := streamed(t, func(d *graph.Deps) { d.Limits.Deadline = 50 * time.Millisecond })
		o := send(s).begun()
		if at := s.begins(t); at != "now" {
			t.Errorf("%s begins after %q", way, at)
		}
		s.tell(t, ready(1))
		o.wants(readyAt(1))
		<-time.After(200 * time.Millisecond) // longer than anything that ends may take
		s.tell(t, ready(2))
		close(s.events)
		o.wants(readyAt(2), complete, "end")
		s.ends(t)
	}
}

func TestAStreamContinuesAfterTheEventThatTheBrowserWasToldLast(t *testing.T) {
	s := streamed(t, usual)
	last := http.Header{"Last-Event-ID": {"v1.one.9"}}
	get := func(variables string, header http.Header) {
		s.get(t, vars{"query": watch, "variables": variables}, header).begun()
	}
	for name, c := range map[string]struct {
		open func()
		want string
	}{
		"the first time":                {func() { get(`{"after": "v1.one.5"}`, nil) }, "v1.one.5"},
		"again":                         {func() { get(`{"after": "v1.one.5"}`, last) }, "v1.one.9"},
		"without a cursor":              {func() { get("", nil) }, "now"},
		"again, without a cursor":       {func() { get("", last) }, "v1.one.9"},
		"by POST":                       {func() { s.post(t, vars{"query": watch}, last).begun() }, "v1.one.9"},
		"before anything was told":      {func() { get(`{"after": "v1.one.5"}`, http.Header{"Last-Event-ID": {""}}) }, "v1.one.5"},
		"after what is no cursor of us": {func() { get("", http.Header{"Last-Event-ID": {"x"}}) }, "x"},
	} {
		c.open()
		if got := s.begins(t); got != c.want {
			t.Errorf("%s: after %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatIsWrongWithADocumentIsAnEvent(t *testing.T) {
	s := streamed(t, usual)
	for name, params := range map[string]vars{
		"not parsed": {"query": "subscription {"}, "not valid": {"query": "subscription { nothing }"}, "above a limit": {"query": doubling(18)},
		"unknown": {"documentId": "unknown"}, "a wrong value": {"query": watch, "variables": `{"after": 1}`},
	} {
		o := s.get(t, params, nil).begun()
		if told := o.event(); !strings.HasPrefix(told, "event: next\ndata: {\"errors\":[{") || strings.Contains(told, `"data":`) || !strings.Contains(told, `"requestId":`) {
			t.Errorf("%s: %q", name, told)
		}
		o.wants(complete, "end")
	}
	o := s.post(t, vars{"query": `subscription { appointmentChanged { __typename } }`}, nil).begun()
	if told := o.event(); !strings.Contains(told, `"UNAUTHENTICATED"`) || strings.Contains(told, `"data":`) {
		t.Errorf("a stream that isn't for everybody: %q", told)
	}
	o.wants(complete, "end")
}

func TestASubscriptionAsksForOneFieldWithoutConditions(t *testing.T) {
	s := streamed(t, usual)
	const field = `availabilityChanged(scope: {providerIds: []}) { __typename }`
	for name, document := range map[string]string{
		"two names":              `subscription { a: ` + field + ` b: ` + field + ` }`,
		"two names by a part":    `subscription { a: ` + field + ` ...f } fragment f on Subscription { ` + field + ` }`,
		"two fields":             `subscription { ` + field + ` appointmentChanged { __typename } }`,
		"left out":               `subscription { availabilityChanged(scope: {providerIds: []}) @skip(if: true) { __typename } }`,
		"a part that is":         `subscription { ... @include(if: false) { ` + field + ` } }`,
		"a fragment that is":     `subscription { ...f @skip(if: true) } fragment f on Subscription { ` + field + ` }`,
		"perhaps":                `subscription { availabilityChanged(scope: {providerIds: []}) @include(if: true) { __typename } }`,
		"nothing but its type":   `subscription { __typename }`,
		"with a name of its own": `subscription canary { __typename }`,
	} {
		o := s.post(t, vars{"query": document}, nil).begun()
		if told := o.event(); !strings.Contains(told, `"GRAPHQL_VALIDATION_FAILED"`) || !strings.Contains(told, "subscription asks for") || strings.Contains(told, "canary") {
			t.Errorf("%s: %q", name, told)
		}
		o.wants(complete, "end")
	}
}

func TestARequestThatIsNoneHasAStatusForAStreamToo(t *testing.T) {
	s := streamed(t, usual)
	for name, c := range map[string]struct {
		opened *opened
		status int
		code   string
	}{
		"no query":          {s.get(t, vars{}, nil), 400, "BAD_REQUEST"},
		"a token":           {s.get(t, vars{"query": watch}, http.Header{"Authorization": {"Bearer x"}}), 401, "UNAUTHENTICATED"},
		"a foreign page":    {s.get(t, vars{"query": watch}, http.Header{"Origin": {"https://evil.example.org"}}), 403, "FORBIDDEN"},
		"a change by GET":   {s.get(t, vars{"query": `mutation { releaseHold(input: {holdId: "x"}) { errors { __typename } } }`}, nil), 405, "METHOD_NOT_ALLOWED"},
		"a reservation":     {s.send(t, http.MethodPut, s.url, "", nil), 405, "METHOD_NOT_ALLOWED"},
		"a shared stream":   {s.post(t, vars{"query": watch}, http.Header{"X-GraphQL-Event-Stream-Token": {"x"}}), 400, "BAD_REQUEST"},
		"a ticket":          {s.get(t, vars{"query": watch, "ticket": "x"}, nil), 401, "UNAUTHENTICATED"},
		"a body of no JSON": {s.send(t, http.MethodPost, s.url, "x", nil), 400, "BAD_REQUEST"},
	} {
		if code := c.opened.refused(c.status); code != c.code {
			t.Errorf("%s: %s", name, code)
		}
	}
	if len(s.after) > 0 {
		t.Error("a stream was begun")
	}
}

// tickets are good once.
type tickets struct {
	actor   access.Actor
	expires time.Time
	good    map[string]bool
	fail    error
}

func (k *tickets) Redeem(_ context.Context, ticket string) (access.Actor, time.Time, error) {
	if k.fail != nil {
		return access.Actor{}, time.Time{}, k.fail
	}
	if !k.good[ticket] {
		return access.Actor{}, time.Time{}, errs.SignIn("The ticket is not valid.")
	}
	delete(k.good, ticket)
	return k.actor, k.expires, nil
}

const watchVisits = `subscription { appointmentChanged { __typename } }`

func ticketed(t *testing.T, expires time.Time, otherwise func(*graph.Deps)) (*streaming, *tickets) {
	t.Helper()
	k := &tickets{
		actor:   access.Actor{Kind: access.Staff, ID: id(9), Role: access.FrontDesk, Organization: id(1), Scopes: access.ScopesOf(access.FrontDesk)},
		expires: expires, good: map[string]bool{"one-two": true},
	}
	return streamed(t, func(d *graph.Deps) {
		d.Tickets = k
		otherwise(d)
	}), k
}

func TestATicketOpensOneStreamAndIsNotLogged(t *testing.T) {
	s, k := ticketed(t, time.Now().Add(time.Hour), usual)
	params := vars{"query": watchVisits, "ticket": "one-two"}
	for name, answer := range map[string]gqltest.Answer{
		"a query":           ask(t, s.Client, http.MethodGet, vars{"query": "{ viewer { kind } }", "ticket": "one-two"}),
		"a request by POST": s.Send(t, httptest.NewRequest(http.MethodPost, "/graphql?ticket=one-two", strings.NewReader(`{"query": "{ viewer { kind } }"}`))),
	} {
		if answer.Status != http.StatusUnauthorized {
			t.Errorf("%s with a ticket: status %d, %s", name, answer.Status, answer.Raw)
		}
	}
	if code := s.get(t, params, http.Header{"Authorization": {"Bearer x"}}).refused(401); code != "UNAUTHENTICATED" {
		t.Errorf("a ticket beside a token: %s", code)
	}
	k.fail = errs.TryAgain(nil)
	if busy := s.get(t, params, nil); busy.refused(503) != "SERVICE_BUSY" || busy.Header.Get("Retry-After") == "" {
		t.Error("a ticket that can't be looked at is refused for good")
	}
	k.fail = nil
	o := s.get(t, params, nil).begun()
	s.begins(t)
	if code := s.get(t, params, nil).refused(401); code != "UNAUTHENTICATED" {
		t.Errorf("a ticket that was used: %s", code)
	}
	close(s.events)
	o.wants(complete, "end")
	if line := s.log.String(); strings.Contains(line, "one-two") || !strings.Contains(line, id(9).String()) {
		t.Errorf("the log shows the ticket, or not whose it was: %s", line)
	}
}

func TestAStreamEndsWithTheRightsOfItsCaller(t *testing.T) {
	s, _ := ticketed(t, time.Now().Add(200*time.Millisecond), usual)
	o := s.get(t, vars{"query": watchVisits, "ticket": "one-two"}, nil).begun()
	if told := o.event(); !strings.Contains(told, `"UNAUTHENTICATED"`) || strings.Contains(told, "id:") {
		t.Errorf("%q", told)
	}
	o.wants(complete, "end")
	s.ends(t)
}

func TestAClientHasSoManyStreams(t *testing.T) {
	inside := crowd.New(crowd.Limits{Total: 3, Client: 1, Address: 1})
	s := streamed(t, func(d *graph.Deps) {
		d.Crowd = inside
		d.Address = func(r *http.Request) string { return r.Header.Get("X-Request-Id") }
	})
	from := func(n string) http.Header { return http.Header{"X-Request-Id": {n}} }
	one := s.get(t, vars{"query": watch}, from("a")).begun()
	second := s.get(t, vars{"query": watch}, from("a"))
	if code := second.refused(429); code != "RATE_LIMITED" || second.Header.Get("Retry-After") == "" {
		t.Errorf("a second stream: %s", code)
	}
	s.get(t, vars{"query": "{ viewer { kind } }"}, from("a")).begun() // no stream that stays
	s.get(t, vars{"query": watch}, from("b")).begun()
	s.get(t, vars{"query": watch}, from("c")).begun()
	full := s.get(t, vars{"query": watch}, from("d"))
	if code := full.refused(503); code != "SERVICE_BUSY" || full.Header.Get("Retry-After") == "" {
		t.Errorf("beyond what the process holds: %s", code)
	}
	_ = one.Body.Close()
	s.ends(t)
	for deadline := time.Now().Add(soon); inside.Count().Inside == 3; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the place of a client that is gone stays taken")
		}
	}
	s.get(t, vars{"query": watch}, from("a")).begun()
}

func TestAStoppingProcessCutsStreamsShortForClientsToComeBack(t *testing.T) {
	together := crowd.New(crowd.Default())
	s := streamed(t, func(d *graph.Deps) { d.Crowd = together })
	o := s.get(t, vars{"query": watch}, nil).begun()
	s.tell(t, ready(1))
	o.wants(readyAt(1))
	<-time.After(200 * time.Millisecond) // beyond the server's time for a write
	if err := together.Drain(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	o.wants("end")
	if code := s.get(t, vars{"query": watch}, nil).refused(503); code != "SERVICE_BUSY" {
		t.Errorf("who comes meanwhile: %s", code)
	}
}

func TestAPageOfANamedOriginMayReadStreamsAndAnswers(t *testing.T) {
	const app = "https://app.example.org"
	s := streamed(t, func(d *graph.Deps) { d.Origins = []string{app} })
	o := s.get(t, vars{"query": watch}, http.Header{"Origin": {app}}).begun()
	if got := o.Header.Get("Access-Control-Allow-Origin"); got != app {
		t.Errorf("a stream is for %q", got)
	}
	preflight := httptest.NewRequest(http.MethodOptions, "/graphql", nil)
	preflight.Header = http.Header{"Origin": {app}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization,content-type"}}
	answer := s.Send(t, preflight)
	if answer.Status != http.StatusNoContent || answer.Header.Get("Access-Control-Allow-Origin") != app || !strings.Contains(answer.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("status %d, %v", answer.Status, answer.Header)
	}
	preflight.Header.Set("Origin", "https://evil.example.org")
	answer = s.Send(t, preflight)
	if answer.Status != http.StatusMethodNotAllowed || answer.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another's page: status %d, %v", answer.Status, answer.Header)
	}
	r := s.Request([]byte(`{"query": "{ viewer { kind } }"}`))
	r.Header.Set("Origin", app)
	if got := s.Send(t, r).OK(t).Header; got.Get("Access-Control-Allow-Origin") != app || !strings.Contains(strings.Join(got.Values("Vary"), ","), "Origin") {
		t.Errorf("%v", got)
	}
}
