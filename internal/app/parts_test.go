package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// askPart is what /health/<name> answers.
func askPart(t *testing.T, h http.Handler, name string) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health/"+name, nil))
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("/health/%s may be kept", name)
	}
	return w.Code, strings.TrimSpace(w.Body.String())
}

func partsPage(p *parts) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/{name}", p.answer)
	return mux
}

func TestEachPartOfAServerIsToldOfByItself(t *testing.T) {
	current := postgres.Health{Schema: migrate.Latest()}
	down := errors.New("connection refused by db.internal:5432")
	for name, c := range map[string]struct {
		state           postgres.Health
		database, redis error
		want            map[string]string
	}{
		"all well":        {current, nil, nil, map[string]string{"database": `200 {"status":"ok","detail":{"schema":"ok"}}`, "redis": `200 {"status":"ok",`, "ready": "404"}},
		"Redis away":      {current, nil, down, map[string]string{"database": "200", "redis": `503 {"status":"unreachable","detail":{"state":"half-open",`}},
		"PostgreSQL away": {postgres.Health{}, down, nil, map[string]string{"database": `503 {"status":"unreachable",`, "redis": "200"}},
		"a standby":       {postgres.Health{}, fmt.Errorf("probe: %w", postgres.ErrReadOnly), nil, map[string]string{"database": `503 {"status":"readOnly",`}},
		"not migrated":    {postgres.Health{}, nil, nil, map[string]string{"database": `503 {"status":"schemaOlder","detail":{"schema":"older"}}`}},
		"newer":           {postgres.Health{Schema: migrate.Latest() + 1}, nil, nil, map[string]string{"database": `200 {"status":"ok","detail":{"schema":"newer"}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			looks := 0
			h := newHealth(func(context.Context) (postgres.Health, error) { looks++; return c.state, c.database }, clock.System{})
			h.redis = func(context.Context) error { return c.redis }
			h.breaker = func() resilience.State { return redisFared }
			p := &parts{clock: clock.FrozenAt(time.Unix(0, 0)), known: map[string]*looked{}}
			h.tellsOf(p)
			for part, want := range c.want {
				for range 20 {
					if status, body := askPart(t, partsPage(p), part); !strings.HasPrefix(fmt.Sprint(status, " ", body), want) {
						t.Fatalf("%s answers %d %s, want %s", part, status, body, want)
					}
				}
			}
			if looks != 1 {
				t.Errorf("%d looks at the database", looks)
			}
		})
	}
}

func TestAskersShareALookAtAPart(t *testing.T) {
	now, looks := clock.FrozenAt(time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)), 0
	p := &parts{clock: now, known: map[string]*looked{}}
	p.add("queue", func(ctx context.Context) part {
		looks++
		if _, bounded := ctx.Deadline(); !bounded || ctx.Err() != nil {
			t.Error("a look has no time limit of its own")
		}
		return part{Status: well}
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		p.answer(httptest.NewRecorder(), func() *http.Request {
			r := httptest.NewRequestWithContext(gone, http.MethodGet, "/health/queue", nil)
			r.SetPathValue("name", "queue")
			return r
		}())
	}
	if looks != 1 {
		t.Errorf("100 askers made %d looks", looks)
	}
	now.Advance(probeKept + time.Millisecond)
	if status, body := askPart(t, partsPage(p), "queue"); looks != 2 || status != http.StatusOK || body != `{"status":"ok"}` {
		t.Errorf("%d looks, then %d %s", looks, status, body)
	}
}

func TestAVendorsGuardIsToldOfAndCounted(t *testing.T) {
	now := clock.FrozenAt(time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC))
	a := wire(Frame{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}, unreachable(t))
	t.Cleanup(a.Close)
	a.parts.clock = now
	g := resilience.GuardOf(resilience.Twilio)
	a.watch(g)
	a.watch(resilience.GuardOf(resilience.SendGrid))
	exit, err := g.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer exit()
	if status, body := askPart(t, a.pages(), "twilio"); status != http.StatusOK || !strings.HasPrefix(body, `{"status":"ok","detail":{"state":"closed","restMs":0,"shutMs":0,"inFlight":1,"waiting":0,`) {
		t.Errorf("answered %d %s", status, body)
	}
	for range 20 {
		_ = g.Call(t.Context(), func(error) bool { return true }, func(context.Context) error { return errors.New("of +15550100, who is private") })
	}
	if _, err := g.Enter(t.Context()); !errors.Is(err, resilience.ErrOpen) {
		t.Fatal(err)
	}
	now.Advance(time.Hour)
	if status, body := askPart(t, a.pages(), "twilio"); status != http.StatusServiceUnavailable || !strings.HasPrefix(body, `{"status":"unavailable","detail":{"state":"open",`) || strings.Contains(body, "private") {
		t.Errorf("answered %d %s", status, body)
	}
	if status, _ := askPart(t, a.pages(), "sendgrid"); status != http.StatusOK {
		t.Errorf("the other vendor: %d", status)
	}
	for _, name := range []string{"unheard-of", "webhooks", "redis", "ready"} {
		if status, body := askPart(t, a.pages(), name); status != http.StatusNotFound || body != `{"status":"unknown"}` {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	w := httptest.NewRecorder()
	a.pages().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`mediconnect_breaker_open{of="twilio"} 1`, `mediconnect_breaker_opened_total{of="twilio"} 1`, `mediconnect_breaker_kept_total{of="twilio"} 1`,
		`mediconnect_breaker_calls_total{of="twilio",outcome="failed"} 20`, `mediconnect_breaker_calls_total{of="twilio",outcome="slow"} 0`, `mediconnect_breaker_calls_total{of="twilio",outcome="abandoned"} 0`,
		`mediconnect_guard_in_flight{of="twilio"} 1`, `mediconnect_guard_waiting{of="twilio"} 0`, `mediconnect_guard_places{of="twilio"} 10`,
		`mediconnect_guard_rejected_total{of="twilio"} 0`, `mediconnect_guard_retries_delayed_total{of="twilio"} 0`, `mediconnect_breaker_open{of="sendgrid"} 0`,
	} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("no %s in\n%s", line, w.Body.String())
		}
	}
}

// What works tells of its parts where its figures are, as it has no other listener.
func TestAWorkerTellsOfItsPartsBesideItsFigures(t *testing.T) {
	address, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	a := wire(Frame{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}, unreachable(t))
	t.Cleanup(a.Close)
	err = a.told(t.Context(), TelemetrySettings{Listen: Address(address)}, func(context.Context) error {
		var found part
		if err := json.Unmarshal([]byte(get(t, "http://"+address+"/health/database")), &found); err != nil || found.Status != "unreachable" {
			t.Errorf("answered %+v, %v", found, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Settings say a database's time limits unless told otherwise, and the table says them too.
func TestTheDatabasesTimesAreThoseOfTheTable(t *testing.T) {
	found := variables(reflect.TypeFor[DatabaseSettings]())
	for name, want := range map[string]time.Duration{
		"DATABASE_ACQUIRE_TIMEOUT": resilience.DatabaseAcquire, "DATABASE_STATEMENT_TIMEOUT": resilience.DatabaseCall,
		"DATABASE_LOCK_TIMEOUT": resilience.DatabaseLock, "DATABASE_IDLE_TIMEOUT": resilience.DatabaseIdle,
	} {
		at := slices.IndexFunc(found, func(v variable) bool { return v.name == settingPrefix+name })
		if at < 0 {
			t.Errorf("there is no setting %s", name)
		} else if got, err := time.ParseDuration(found[at].fallback); err != nil || got != want {
			t.Errorf("%s is %s, and %s in the table", name, found[at].fallback, want)
		}
	}
}
