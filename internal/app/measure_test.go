package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/devstack"
)

// observed is a server over a database that is away, with its two listeners.
func observed(t *testing.T, settings HTTPSettings) (api, figures string) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	a := wire(Frame{Clock: clock.System{}, Issuer: "test", Key: make([]byte, 32), LinkKey: make([]byte, 32), PublicURL: settings.publicURL("127.0.0.1:80"), Log: log}, unreachable(t))
	t.Cleanup(a.Close)
	settings.DrainTimeout = 10 * time.Second
	d, undo, err := a.door(settings, RedisSettings{}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(undo)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- a.told(ctx, TelemetrySettings{Listen: Address(address)}, func(ctx context.Context) error { return d.serve(ctx, l) })
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := net.Dial("tcp", address); err == nil {
			t.Error("figures are served by nobody's process")
		}
	})
	return "http://" + l.Addr().String(), "http://" + address
}

func asked(t *testing.T, address, document string) {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Post(address+"/graphql", "application/json", strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

func TestFiguresAreServedOnTheirOwnListenerAlone(t *testing.T) {
	api, figures := observed(t, HTTPSettings{Rate: eachMay(10)})
	asked(t, api, `{"query":"{ viewer { kind } }"}`)
	asked(t, api, `{"query":"mutation Anna { registerPatient(input: {}) { errors { __typename } } }"}`)
	asked(t, api, `{"query":"{"}`)
	if answer := overASocket(t, api, "", `{ nothing }`); !strings.Contains(answer, "GRAPHQL_VALIDATION_FAILED") {
		t.Errorf("a socket answers %s", answer)
	}
	for range 20 {
		asked(t, api, `{"query":"{ viewer { kind } }"}`)
	}
	text := get(t, figures+"/metrics")
	for _, line := range []string{
		`mediconnect_graphql_operations_total{type="unread"}`, `mediconnect_graphql_errors_total{code="GRAPHQL_PARSE_FAILED",type="unread"} 1`,
		`mediconnect_graphql_errors_total{code="GRAPHQL_VALIDATION_FAILED",type="unread"} 2`, `code="RATE_LIMITED",type="unread"}`,
		`mediconnect_http_requests_total{route="/graphql",status="2xx"}`, `mediconnect_http_requests_total{route="/graphql",status="4xx"}`,
		`mediconnect_http_request_duration_seconds_count{route="/graphql",status="2xx"}`,
		`mediconnect_database_connections_most{pool="tenants"} 10`, `mediconnect_connections_refused_total 0`, `mediconnect_stream_age_seconds -1`,
		`mediconnect_limits_refused_total{policy="anonymous"}`, `mediconnect_limits_allowed_total{policy="anonymous"} 10`, `mediconnect_limits_servers 1`, `mediconnect_passwords_turned_away_total 0`,
		`mediconnect_stream_relaying 0`, "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
	if strings.Contains(text, "Anna") {
		t.Error("the name of an operation is among the figures")
	}
	if page := get(t, figures+"/debug/pprof/"); !strings.Contains(page, "goroutine") {
		t.Errorf("no profiles: %s", page)
	}
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for address, want := range map[string]int{
		api + "/metrics": 404, api + "/debug/pprof/": 404, api + "/debug/pprof/cmdline": 404, api + "/debug/vars": 404,
		figures + "/graphql": 404, figures + "/graphiql": 404, figures + "/health": 404, figures + "/metrics": 200,
	} {
		response, err := client.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		armoured(t, address, response)
		if response.StatusCode != want && response.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%s: status %d", address, response.StatusCode)
		}
	}
}

func TestAnAddressOfFiguresThatIsTakenIsToldAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := wire(Frame{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}, unreachable(t))
	err = a.told(t.Context(), TelemetrySettings{Listen: Address(l.Addr().String())}, func(context.Context) error {
		t.Error("it runs all the same")
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "is taken by another program") {
		t.Errorf("told %v", err)
	}
}
