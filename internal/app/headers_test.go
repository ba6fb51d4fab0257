package app

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// patterns are those that the program's own code registers, read from it, so that a new route is among them.
func patterns(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, folder := range []string{".", "../../graph", "../../graph/calendar", "../../graph/oauth", "../partner", "../identity"} {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range regexp.MustCompile(`(?:\.Handle(?:Func)?\(|Pattern += +)"([A-Z]* ?/[^"]*)"`).FindAllStringSubmatch(string(text), -1) {
				if !strings.HasSuffix(file, "_test.go") {
					found[match[1]] = true
				}
			}
		}
	}
	found["GET /calendar/appointments/{file}"] = true // put together of constants
	return found
}

// fortress is a whole server over a database that is away, by its settings.
func fortress(t *testing.T, settings HTTPSettings, otherwise func(*graph.Deps)) (http.Handler, *App) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	a := wire(Frame{Clock: clock.System{}, Issuer: "test", Key: make([]byte, 32), LinkKey: make([]byte, 32), PublicURL: settings.publicURL("127.0.0.1:80"), Log: log}, unreachable(t))
	t.Cleanup(a.Close)
	a.follow()
	a.crowd = crowd.New(crowd.Default())
	deps := a.deps(settings, a.limits(settings.Rate))
	otherwise(&deps)
	h := &health{database: a.db.Probe, stream: a.feed.State, relays: a.relay.Elected, size: postgres.NewLog(a.db).Size, clock: clock.System{}, now: clock.System{}}
	return newDoor(graph.NewServer(deps), h, a.crowd, settings, log).server.Handler, a
}

func sent(h http.Handler, method, path, body string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// armoured fails where an answer lacks one of the headers that all have. Cache-Control and the policy of the page may differ.
func armoured(t *testing.T, what string, r *http.Response) {
	t.Helper()
	want := maps.Clone(shield)
	if strings.HasSuffix(what, "/graphiql") || strings.HasSuffix(what, "/graphiql/start.js") {
		delete(want, "Cache-Control")
		delete(want, "Content-Security-Policy")
		if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: policy %q", what, policy)
		}
	}
	for name, value := range want {
		if got := strings.Join(r.Header.Values(name), "|"); got != value && !(name == "Cache-Control" && got == "private, no-store") {
			t.Errorf("%s, status %d: %s is %q", what, r.StatusCode, name, got)
		}
	}
}

func TestEveryRouteAnswersWithTheHeaders(t *testing.T) {
	h, _ := fortress(t, HTTPSettings{}, func(*graph.Deps) {})
	all := patterns(t)
	for _, known := range []string{"GET /health", "GET /health/ready", "GET /health/{name}", "/graphql", "GET /graphiql", "/"} {
		if !all[known] {
			t.Errorf("the route %s isn't found in the code: %v", known, all)
		}
	}
	for pattern := range all {
		method, path, named := strings.Cut(pattern, " ")
		if !named {
			method, path = "", pattern
		}
		path = strings.NewReplacer("{file}", "start.js", "{$}", "", "{", "", "}", "").Replace(path)
		for _, m := range []string{method, http.MethodGet, http.MethodPost, http.MethodOptions, http.MethodDelete, http.MethodHead} {
			if m != "" {
				armoured(t, m+" "+path, sent(h, m, path, `{"query":"{ __typename }"}`))
			}
		}
	}
}

func TestRefusalsAndFailuresHaveTheHeadersToo(t *testing.T) {
	h, _ := fortress(t, HTTPSettings{}, func(*graph.Deps) {})
	for what, c := range map[string]struct {
		method, path, body string
		status             int
	}{
		"nothing there":      {http.MethodGet, "/nothing", "", http.StatusNotFound},
		"figures":            {http.MethodGet, "/metrics", "", http.StatusNotFound},
		"profiles":           {http.MethodGet, "/debug/pprof/", "", http.StatusNotFound},
		"a profile":          {http.MethodGet, "/debug/pprof/heap", "", http.StatusNotFound},
		"a method":           {http.MethodDelete, "/graphql", "", http.StatusMethodNotAllowed},
		"a method of health": {http.MethodPost, "/health", "", http.StatusNotFound}, // the API's to answer
		"too large":          {http.MethodPost, "/graphql", `{"query":"` + strings.Repeat(" ", 200<<10) + `"}`, http.StatusRequestEntityTooLarge},
		"no such link":       {http.MethodGet, "/calendar/appointments/x.ics", "", http.StatusNotFound},
		"not ready":          {http.MethodGet, "/health/ready", "", http.StatusServiceUnavailable},
	} {
		got := sent(h, c.method, c.path, c.body)
		if got.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", what, got.StatusCode, c.status)
		}
		armoured(t, what, got)
	}
	hasty, _ := fortress(t, HTTPSettings{Rate: eachMay(1)}, func(*graph.Deps) {})
	sent(hasty, http.MethodGet, "/graphql", "")
	if got := sent(hasty, http.MethodGet, "/graphql", ""); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("status %d", got.StatusCode)
	} else {
		armoured(t, "too many", got)
	}
	broken, a := fortress(t, HTTPSettings{}, func(d *graph.Deps) { d.Calendar = nil })
	link := a.deps(HTTPSettings{}, nil).Links.URL(clinic.Ref{Organization: uuid.UUID{1}, ID: uuid.UUID{2}})
	if got := sent(broken, http.MethodGet, strings.TrimPrefix(link, "http://127.0.0.1:80"), ""); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d", got.StatusCode)
	} else {
		armoured(t, "a panic", got)
	}
}

// Pages of other sites that may use the API still can: what they are told is by CORS.
func TestTheHeadersLeaveCORSAndThePageAsTheyAre(t *testing.T) {
	h, _ := fortress(t, HTTPSettings{Live: LiveSettings{Origins: Origins{"https://app.example.org"}}}, func(*graph.Deps) {})
	r := httptest.NewRequest(http.MethodOptions, "/graphql", nil)
	r.Header.Set("Origin", "https://app.example.org")
	r.Header.Set("Access-Control-Request-Method", "POST")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != "https://app.example.org" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
	page := sent(h, http.MethodGet, "/graphiql", "")
	if page.Header.Get("Cache-Control") != "no-cache" || page.Header.Get("ETag") == "" || !strings.Contains(page.Header.Get("Content-Security-Policy"), "script-src 'self'") {
		t.Errorf("the page has %v", page.Header)
	}
	if text, _ := io.ReadAll(page.Body); len(text) == 0 {
		t.Error("the page is empty")
	}
}

func TestBrowsersAreKeptToTLSWhereThereIsTLS(t *testing.T) {
	for address, want := range map[string]string{"": "", "http://api.example.org": "", "https://api.example.org": strictTransport} {
		var settings HTTPSettings
		if err := settings.PublicURL.UnmarshalText([]byte(address)); err != nil {
			t.Fatal(err)
		}
		h, _ := fortress(t, settings, func(*graph.Deps) {})
		for _, path := range []string{"/health", "/graphql", "/nothing"} {
			if got := sent(h, http.MethodGet, path, "").Header.Get("Strict-Transport-Security"); got != want {
				t.Errorf("%q, %s: %q", address, path, got)
			}
		}
	}
}
