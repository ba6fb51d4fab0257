package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// limitedAnswer is an answer over HTTP, as far as it is about limits.
type limitedAnswer struct {
	*http.Response
	Errors []struct {
		Message    string
		Extensions struct {
			Code, RequestID   string
			Retryable         bool
			RetryAfterSeconds int
		}
	}
	Extensions struct {
		Cost struct {
			Requested, Limit int
			Throttle         struct {
				Limit, Remaining int
				RestoreRate      float64
			}
		}
	}
}

func (x limitedAnswer) code() string {
	if len(x.Errors) == 0 {
		return ""
	}
	return x.Errors[0].Extensions.Code
}

// post sends a document as a page of another site would.
func (f *front) post(t *testing.T, token, document string) (x limitedAnswer) {
	t.Helper()
	body, err := json.Marshal(vars{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.address+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Origin": {"https://app.example.org"}}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if x.Response, err = (&http.Client{Timeout: 30 * time.Second}).Do(request); err != nil {
		t.Fatal(err)
	}
	defer x.Body.Close()
	text, err := io.ReadAll(x.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &x); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return x
}

// aliased asks for a field so many times.
func aliased(n int) string {
	var fields strings.Builder
	for i := range n {
		fmt.Fprintf(&fields, " f%d: service { build }", i)
	}
	return "{" + fields.String() + " }"
}

func limitedTo(rate RateSettings) HTTPSettings {
	settings := HTTPSettings{Rate: rate, DrainTimeout: 10 * time.Second}
	settings.Live.Origins = Origins{"https://app.example.org"}
	return settings
}

func TestWhoIsRefusedIsToldWhenToComeAgain(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, limitedTo(RateSettings{Patient: 2}))
	ann := a.by(a.clinic.Patient()).Token
	first := f.post(t, ann, `{ viewer { kind } }`)
	if first.StatusCode != http.StatusOK || first.Header.Get("RateLimit-Policy") != `"patient";q=2;w=60` || first.Header.Get("RateLimit") != `"patient";r=1;t=30` {
		t.Errorf("the first request is answered %d, %v", first.StatusCode, first.Header)
	}
	f.post(t, ann, `{ viewer { kind } }`)
	refused := f.post(t, ann, `{ viewer { kind } }`)
	if refused.StatusCode != http.StatusTooManyRequests || refused.code() != "RATE_LIMITED" {
		t.Fatalf("the third is answered %d, %+v", refused.StatusCode, refused.Errors)
	}
	why, again := refused.Errors[0].Extensions, refused.Header.Get("Retry-After")
	if again != strconv.Itoa(why.RetryAfterSeconds) || why.RetryAfterSeconds < 25 || why.RetryAfterSeconds > 30 || !why.Retryable ||
		why.RequestID == "" || why.RequestID != refused.Header.Get("X-Request-Id") {
		t.Errorf("it is told %+v, Retry-After %s", why, again)
	}
	if refused.Header.Get("Access-Control-Allow-Origin") != "https://app.example.org" ||
		!strings.Contains(refused.Header.Get("Access-Control-Expose-Headers"), "RateLimit, RateLimit-Policy, Retry-After") {
		t.Errorf("a page of another site can't read it: %v", refused.Header)
	}
	f.stop()
	<-f.stopped
	if log := f.logs.String(); !strings.Contains(log, `"status":429`) || !strings.Contains(log, `"codes":["RATE_LIMITED"]`) {
		t.Errorf("the log has\n%s", log)
	}
}

func TestEachAliasCountsOnEveryTransport(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, limitedTo(RateSettings{Patient: 100, Staff: 20}))
	ann := a.by(a.clinic.Patient())
	first := f.post(t, ann.Token, aliased(15))
	if first.code() != "" || first.Header.Get("RateLimit") != `"patient";r=85;t=9` {
		t.Errorf("15 aliases are answered %+v, %v", first.Errors, first.Header.Get("RateLimit"))
	}
	l := f.dial(t, ann, nil)
	for i := range 5 {
		l.ask(strconv.Itoa(i), aliased(15), nil)
		l.hear()
		l.hear()
	}
	if x := f.post(t, ann.Token, aliased(15)); x.StatusCode != http.StatusTooManyRequests || x.code() != "RATE_LIMITED" || x.Header.Get("Retry-After") == "" {
		t.Errorf("the 91st to 105th are answered %d, %+v", x.StatusCode, x.Errors)
	}
	l.ask("more", aliased(15), nil)
	if m := l.hear(); m.Type != "error" || !strings.Contains(string(m.Payload), "RATE_LIMITED") || !strings.Contains(string(m.Payload), "retryAfterSeconds") {
		t.Errorf("over the socket: %s %s", m.Type, m.Payload)
	}
	staff := a.by(a.clinic.FrontDesk()).Token
	merged := f.post(t, staff, `{ service { build } ...more } fragment more on Query { service { build } again: service { build } never: service @skip(if: true) { build } }`)
	if merged.code() != "" || merged.Header.Get("RateLimit") != `"staff";r=18;t=6` {
		t.Errorf("two executions are counted as %s", merged.Header.Get("RateLimit"))
	}
	costs := f.post(t, staff, `{ providers(first: 1) { edges { node { id } } } }`)
	if c := costs.Extensions.Cost; c.Requested != 1 || c.Limit != 1000 || c.Throttle.Limit != 20 || c.Throttle.Remaining < 17 || c.Throttle.Remaining > 18 || c.Throttle.RestoreRate != 0.33 {
		t.Errorf("the cost is %+v (%+v)", c, costs.Errors)
	}
}

func TestTokensThatAreRefusedCountForTheirAddress(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, limitedTo(RateSettings{Patient: 100, Anonymous: 3}))
	for i := range 3 {
		if x := f.post(t, "made-up-"+strconv.Itoa(i), `{ viewer { kind } }`); x.StatusCode != http.StatusUnauthorized {
			t.Errorf("made-up token %d is answered %d", i, x.StatusCode)
		}
	}
	for _, token := range []string{"made-up", ""} {
		if x := f.post(t, token, `{ viewer { kind } }`); x.StatusCode != http.StatusTooManyRequests {
			t.Errorf("the token %q is answered %d", token, x.StatusCode)
		}
	}
	if x := f.post(t, a.by(a.clinic.Patient()).Token, `{ viewer { kind } }`); x.StatusCode != http.StatusOK {
		t.Errorf("a good token is answered %d", x.StatusCode)
	}
	if _, response, err := f.knock(t, nil); err == nil || response == nil || response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a socket is answered %+v (%v)", response, err)
	}
}

const guess = `acceptPatientInvitation(input: { code: "AAAA-BBBB-CCCC", birthDate: "1980-01-01" }) { errors { __typename } }`

func TestAnOperationTriesOneSecret(t *testing.T) {
	a := newAPI(t)
	ann := a.by(a.clinic.Patient())
	a.statements.Store(0)
	for name, document := range map[string]string{
		"two aliases":           `mutation { a: ` + guess + ` b: ` + guess + ` }`,
		"one in a fragment":     `mutation { a: ` + guess + ` ...more } fragment more on Mutation { b: ` + guess + ` }`,
		"one in an inline part": `mutation { a: ` + guess + ` ... on Mutation { b: ` + guess + ` } }`,
	} {
		if code := ann.Post(t, document, nil).Code(); code != "ONE_AT_A_TIME" {
			t.Errorf("%s: %q", name, code)
		}
	}
	if n := a.statements.Load(); n != 0 {
		t.Errorf("%d statements were made for what is refused", n)
	}
	skipped := strings.Replace(guess, `{ errors`, `@skip(if: true) { errors`, 1)
	ann.Post(t, `mutation { a: `+guess+` b: `+skipped+` }`, nil).OK(t)
}

func TestAServerStartsWithoutRedisAndHealsWhenItComes(t *testing.T) {
	pool := pgtest.New(t)
	server := redistest.Start(t)
	killed(t, server)
	a := wire(Frame{
		Clock: clock.FrozenAt(sample.Dawn), LinkKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler),
		PublicURL: &url.URL{Scheme: "https", Host: "api.example.org"},
	}, postgres.New(pool, keytest.Of(t, pool)))
	t.Cleanup(a.Close)
	d, closeDoor, err := a.door(HTTPSettings{}, RedisSettings{URL: Secret(server.URL())}, a.frame.Log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeDoor)
	awaitReady(t, []*door{d}, func(r readiness) bool {
		return r.Status == "degraded" && r.Redis == "unreachable" && r.Database == "ok" && r.Stream.Following == "log"
	})
	awaitReady(t, []*door{d}, func(r readiness) bool { return r.Breaker.State != "closed" && r.Breaker.Opened > 0 })
	redistest.Again(t, server)
	back := time.Now()
	awaitReady(t, []*door{d}, func(r readiness) bool { return r.Redis == "ok" && r.Breaker.State == "closed" })
	if took := time.Since(back); took > 4*time.Second {
		t.Errorf("that Redis is there was found out after %v", took)
	}
	awaitReady(t, []*door{d}, func(r readiness) bool { return r.Status == "ready" && r.Stream.Following == "redis" })
	var servers int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM instances`).Scan(&servers); err != nil || servers != 1 {
		t.Errorf("%d servers say that they are there (%v)", servers, err)
	}
}
