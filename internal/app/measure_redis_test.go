package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/redis"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/telemetry"
)

func TestBreakersAndCachesAreAmongTheFigures(t *testing.T) {
	f := telemetry.New("test")
	state := resilience.State{State: "closed", Succeeded: 7}
	breakerFigures(f, "redis", func() resilience.State { return state })
	cacheFigures(f, "sessions", func() redis.CacheCounts { return redis.CacheCounts{Asked: 10, Hits: 6, Misses: 3, Errors: 1, Loads: 4} })
	cacheFigures(f, "keys", func() redis.CacheCounts { return redis.CacheCounts{} })
	page := func() string {
		w := httptest.NewRecorder()
		f.Pages().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Body.String()
	}
	for _, line := range []string{
		`mediconnect_breaker_open{of="redis"} 0`, `mediconnect_breaker_calls_total{of="redis",outcome="succeeded"} 7`,
		`mediconnect_cache_reads_total{cache="sessions",outcome="hit"} 6`, `mediconnect_cache_reads_total{cache="sessions",outcome="error"} 1`,
		`mediconnect_cache_reads_total{cache="sessions",outcome="miss"} 3`, `mediconnect_cache_loads_total{cache="sessions"} 4`, `mediconnect_cache_loads_total{cache="keys"} 0`,
	} {
		if text := page(); !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
	state = resilience.State{State: "open", Opened: 1, Kept: 5, Failed: 5}
	for _, line := range []string{`mediconnect_breaker_open{of="redis"} 1`, `mediconnect_breaker_opened_total{of="redis"} 1`, `mediconnect_breaker_kept_total{of="redis"} 5`, `outcome="failed"} 5`} {
		if text := page(); !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
}
