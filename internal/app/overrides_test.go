package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/flags"
)

const overrideHeader = "MediConnect-Feature-Override"

// testers is a server that takes overrides of an audience, over a database that is away: nothing here asks it.
type testers struct {
	url       string
	key       ed25519.PrivateKey
	overrides flags.Overrides
	flags     *flags.Flags
}

func serveTesters(t *testing.T, from flags.Audience) testers {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := testers{key: private, overrides: flags.Overrides{Key: bytes.Repeat([]byte{3}, 32), From: from, Clock: clock.System{}}}
	log := slog.New(slog.DiscardHandler)
	if s.flags, err = flags.New(flags.Options{Clock: clock.System{}, Log: log}); err != nil {
		t.Fatal(err)
	}
	a := wire(Frame{
		Clock: clock.System{}, Issuer: "test", Key: public, LinkKey: make([]byte, 32), PublicURL: &url.URL{Scheme: "https", Host: "api.example.org"}, Log: log,
		Flags: s.flags, Overrides: s.overrides,
	}, unreachable(t))
	t.Cleanup(a.Close)
	server := httptest.NewServer(a.Handler())
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s testers) bearer(t *testing.T, role access.Role) string {
	t.Helper()
	if role == "" {
		return ""
	}
	raw, err := token.Sign(s.key, "test", access.Actor{ID: uuid.New(), Organization: uuid.UUID{2}, Role: role}, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (s testers) signed(t *testing.T, value string) string {
	t.Helper()
	raw, _, err := s.overrides.Sign(flags.Wish{Flags: map[string]string{"booking.conflict-detection": value}, For: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const featuresAsked = `{ viewer { features { key enabled variant reason } } }`

// ways to ask for features with a token, each with an override. Refused is how each says no.
func (s testers) ways() map[string]func(t *testing.T, bearer, override string) string {
	over := func(method, accept string) func(*testing.T, string, string) string {
		return func(t *testing.T, bearer, override string) string {
			return s.overHTTP(t, method, accept, bearer, override)
		}
	}
	return map[string]func(*testing.T, string, string) string{
		"POST": over(http.MethodPost, "application/graphql-response+json"), "GET": over(http.MethodGet, "application/graphql-response+json"),
		"POST, a stream": over(http.MethodPost, "text/event-stream"), "GET, a stream": over(http.MethodGet, "text/event-stream"),
		"a socket's header": func(t *testing.T, bearer, override string) string {
			return s.overSocket(t, http.Header{overrideHeader: {override}}, map[string]any{"token": bearer})
		},
		"connection_init": func(t *testing.T, bearer, override string) string {
			return s.overSocket(t, nil, map[string]any{"token": bearer, "featureOverride": override})
		},
		"its headers": func(t *testing.T, bearer, override string) string {
			return s.overSocket(t, nil, map[string]any{"token": bearer, "headers": map[string]any{"mediconnect-feature-override": override}})
		},
	}
}

func (s testers) overHTTP(t *testing.T, method, accept, bearer, override string) string {
	t.Helper()
	target, body := s.url+"/graphql", io.Reader(strings.NewReader(`{"query":"`+featuresAsked+`"}`))
	if method == http.MethodGet {
		target, body = target+"?query="+url.QueryEscape(featuresAsked), nil
	}
	r, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	r.Header.Set(overrideHeader, override)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode == http.StatusForbidden && strings.Contains(string(text), "FORBIDDEN") {
		return "refused: " + string(text)
	}
	return string(text)
}

func (s testers) overSocket(t *testing.T, header http.Header, payload map[string]any) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(s.url, "http", "ws", 1)+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	var answer []byte
	for _, message := range []any{
		map[string]any{"type": "connection_init", "payload": payload},
		map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": featuresAsked}},
	} {
		text, err := json.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Write(ctx, websocket.MessageText, text); err != nil {
			t.Fatal(err)
		}
		if _, answer, err = conn.Read(ctx); websocket.CloseStatus(err) == 4403 {
			return "refused: " + err.Error()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return string(answer)
}

const asOverridden = `{"key":"booking.conflict-detection","enabled":true,"variant":"shadow","reason":"OVERRIDE"},` +
	`{"key":"waitlist.auto-offer","enabled":false,"variant":null,"reason":"DEFAULT"},{"key":"booking.staff-overrides","enabled":false,"variant":null,"reason":"DEFAULT"}`

func TestAnOverrideHoldsOverEveryTransport(t *testing.T) {
	s := serveTesters(t, flags.Staffs)
	for name, ask := range s.ways() {
		before := s.flags.Tally(flags.ConflictDetection).Overrides
		if answer := ask(t, s.bearer(t, access.FrontDesk), s.signed(t, "shadow")); !strings.Contains(answer, asOverridden) {
			t.Errorf("%s: %s", name, answer)
		}
		if after := s.flags.Tally(flags.ConflictDetection).Overrides; after != before+1 {
			t.Errorf("%s: counted %d times", name, after-before)
		}
	}
}

func TestAnOverrideThatMayNotBeUsedIsRefusedOverEveryTransport(t *testing.T) {
	s := serveTesters(t, flags.Staffs)
	for name, ask := range s.ways() {
		for what, c := range map[string]struct{ bearer, override string }{
			"of a patient":          {s.bearer(t, access.PatientRole), s.signed(t, "shadow")},
			"of a partner's system": {s.bearer(t, access.Integrator), s.signed(t, "shadow")},
			"of nobody":             {"", s.signed(t, "shadow")},
			"with a bad signature":  {s.bearer(t, access.FrontDesk), s.signed(t, "shadow") + "x"},
		} {
			answer := ask(t, c.bearer, c.override)
			if !strings.HasPrefix(answer, "refused: ") || !strings.Contains(answer, "eature override is refused") {
				t.Errorf("%s, %s: %s", name, what, answer)
			}
			if strings.Contains(answer, c.override) {
				t.Errorf("%s, %s: the answer repeats it", name, what)
			}
		}
	}
	if got := s.flags.Tally(flags.ConflictDetection).Overrides; got != 0 {
		t.Errorf("%d were used", got)
	}
}

func TestWhereItIsNotProductionAnybodyMayOverride(t *testing.T) {
	s := serveTesters(t, flags.Anybodies)
	if answer := s.ways()["POST"](t, "", s.signed(t, "shadow")); !strings.Contains(answer, asOverridden) {
		t.Errorf("nobody: %s", answer)
	}
	none := serveTesters(t, flags.Nobodys)
	if answer := none.ways()["POST"](t, none.bearer(t, access.FrontDesk), none.signed(t, "shadow")); !strings.HasPrefix(answer, "refused: ") {
		t.Errorf("where none are taken: %s", answer)
	}
}

func TestOverridesThatDifferAreRefused(t *testing.T) {
	s := serveTesters(t, flags.Staffs)
	bearer, one, other := s.bearer(t, access.FrontDesk), s.signed(t, "shadow"), s.signed(t, "enforce")
	if answer := s.overSocket(t, http.Header{overrideHeader: {one}}, map[string]any{"token": bearer, "featureOverride": other}); !strings.HasPrefix(answer, "refused: ") {
		t.Errorf("two that differ: %s", answer)
	}
	if answer := s.overSocket(t, http.Header{overrideHeader: {one}}, map[string]any{"token": bearer, "featureOverride": one}); !strings.Contains(answer, asOverridden) {
		t.Errorf("the same twice: %s", answer)
	}
}

// A socket lasts for hours: what a tester may have for a while ends with it.
func TestASocketEndsWithItsOverride(t *testing.T) {
	s := serveTesters(t, flags.Staffs)
	short, _, err := s.overrides.Sign(flags.Wish{Flags: map[string]string{"booking.staff-overrides": "on"}, For: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(s.url, "http", "ws", 1)+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	text, err := json.Marshal(map[string]any{"type": "connection_init", "payload": map[string]any{"token": s.bearer(t, access.FrontDesk), "featureOverride": short}})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Write(ctx, websocket.MessageText, text); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := conn.Read(ctx); err != nil || !strings.Contains(string(answer), "connection_ack") {
		t.Fatalf("%s, %v", answer, err)
	}
	if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != 4403 {
		t.Errorf("it ends with %v", err)
	}
}

func TestFeaturesAreThoseOfTheCaller(t *testing.T) {
	mine, id := uuid.New(), uuid.UUID{2}
	known, err := flags.New(flags.Options{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Bootstrap: []byte(`{"features":[
		{"name":"booking.conflict-detection","enabled":true,"strategies":[
			{"name":"default","constraints":[{"contextName":"providerId","operator":"IN","values":["` + mine.String() + `"]}],"variants":[{"name":"enforce","weight":1}]}]},
		{"name":"booking.staff-overrides","enabled":true,"strategies":[
			{"name":"default","constraints":[{"contextName":"organizationId","operator":"IN","values":["` + id.String() + `"]}]}]}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(known.Close)
	for name, c := range map[string]struct {
		who               access.Actor
		detects, overrule bool
	}{
		"the provider":      {access.Actor{Organization: id, ProviderID: mine}, true, true},
		"another":           {access.Actor{Organization: id, ProviderID: uuid.New()}, false, true},
		"the front desk":    {access.Actor{Organization: id}, false, true},
		"of another clinic": {access.Actor{Organization: uuid.New()}, false, false},
		"nobody":            {access.Nobody(""), false, false},
	} {
		got := switches{known}.Of(c.who)
		if len(got) != 3 || got[0].Enabled != c.detects || got[1].Enabled || got[2].Enabled != c.overrule {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
