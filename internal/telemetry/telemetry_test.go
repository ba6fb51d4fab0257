package telemetry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/telemetry"
)

func page(t *testing.T, f *telemetry.Figures, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	f.Pages().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

func TestRequestsAndOperationsAreCounted(t *testing.T) {
	f := telemetry.New("v1")
	f.Request("/graphql", 200, false, 7*time.Millisecond)
	f.Request("/graphql", 204, false, time.Minute)
	f.Request("/graphql", 200, true, time.Hour)
	f.Request("", 429, false, 0)
	f.Operation("query", nil)
	f.Operation("query", []string{"NOT_FOUND", "FORBIDDEN", "NOT_FOUND"})
	f.Operation("", []string{"GRAPHQL_PARSE_FAILED"})
	status, text := page(t, f, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	wants(t, text,
		`mediconnect_http_requests_total{route="/graphql",status="2xx"} 3`,
		`mediconnect_http_requests_total{route="none",status="4xx"} 1`,
		`mediconnect_http_request_duration_seconds_bucket{route="/graphql",status="2xx",le="0.01"} 1`,
		`mediconnect_http_request_duration_seconds_count{route="/graphql",status="2xx"} 2`,
		`mediconnect_graphql_operations_total{type="query"} 2`, `mediconnect_graphql_operations_total{type="unread"} 1`,
		`mediconnect_graphql_errors_total{code="NOT_FOUND",type="query"} 1`, `mediconnect_graphql_errors_total{code="FORBIDDEN",type="query"} 1`,
		`mediconnect_graphql_errors_total{code="GRAPHQL_PARSE_FAILED",type="unread"} 1`, `mediconnect_build_info{version="v1"} 1`,
	)
	if !strings.Contains(text, "go_goroutines ") || !strings.Contains(text, "process_open_fds ") {
		t.Error("nothing is told of Go and of the process")
	}
}

// Wherever a value comes from, a page has a bounded number of them, and none with text in it.
func TestNoLabelIsACallersText(t *testing.T) {
	f := telemetry.New("v1")
	for _, text := range []string{"Anna Lind", "/graphql?name=Lind", "ÅSA", "lind", "/graphql\n", strings.Repeat("L", 200)} {
		f.Request(text, 200, false, 0)
		f.Operation(text, []string{text})
	}
	for n := range 1000 {
		f.Request(fmt.Sprintf("/made/up/%d", n), 1000+n, false, 0)
		f.Operation("query", []string{"MADE_UP_" + strings.Repeat("X", n%50) + strings.Repeat("Y", n/50)})
	}
	_, text := page(t, f, "/metrics")
	for _, found := range []string{"Lind", "lind", "SA\"", "LLL"} {
		if strings.Contains(text, found) {
			t.Errorf("the page has %q", found)
		}
	}
	if routes, codes := strings.Count(text, "mediconnect_http_requests_total{"), strings.Count(text, "mediconnect_graphql_errors_total{"); routes > 110 || codes > 110 {
		t.Errorf("1000 made-up values are %d routes and %d codes", routes, codes)
	}
}

func TestOthersAddFiguresThatAreReadWhenAskedFor(t *testing.T) {
	f, hits := telemetry.New("v1"), 0
	f.Counter("cache_hits_total", "Found.", telemetry.Labels{"cache": "sessions"}, func() float64 { hits++; return float64(hits) })
	f.Gauge("breaker_open", "Open.", nil, func() float64 { return 0 })
	_, text := page(t, f, "/metrics")
	wants(t, text, `mediconnect_cache_hits_total{cache="sessions"} 1`, `mediconnect_breaker_open 0`)
	_, text = page(t, f, "/metrics")
	wants(t, text, `mediconnect_cache_hits_total{cache="sessions"} 2`)
	var none *telemetry.Figures
	none.Gauge("nothing", "Nothing.", nil, nil)
	none.Request("/graphql", 200, false, 0)
	none.Operation("query", nil)
}

func TestProfilesAreBesideThem(t *testing.T) {
	f := telemetry.New("v1")
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline", "/debug/pprof/heap"} {
		if status, text := page(t, f, path); status != http.StatusOK || text == "" {
			t.Errorf("%s: status %d", path, status)
		}
	}
	if status, _ := page(t, f, "/"); status != http.StatusNotFound {
		t.Errorf("/: status %d", status)
	}
}
