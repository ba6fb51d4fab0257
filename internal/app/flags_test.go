package app

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/flags"
)

// flagged is a server that asks an Unleash, over a database that is away; status is what Unleash answers with.
func flagged(t *testing.T, now clock.Clock, status *atomic.Int64) (api, figures string, heard <-chan struct{}) {
	t.Helper()
	unleash := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write([]byte(`{"features":[{"name":"booking.staff-overrides","enabled":true,"strategies":[]}]}`))
	}))
	t.Cleanup(unleash.Close)
	at, err := url.Parse(unleash.URL + "/api")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1)
	known, err := flags.New(flags.Options{
		URL: at, Dir: t.TempDir(), Refresh: 20 * time.Millisecond, Clock: now, Log: slog.New(slog.DiscardHandler),
		Heard: func() {
			select {
			case asked <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := wire(Frame{
		Clock: clock.System{}, Issuer: "test", Key: make([]byte, 32), LinkKey: make([]byte, 32), PublicURL: &url.URL{Scheme: "https", Host: "api.example.org"},
		Log: slog.New(slog.DiscardHandler), Flags: known,
	}, unreachable(t))
	t.Cleanup(a.Close)
	server, pages := httptest.NewServer(a.Handler()), httptest.NewServer(a.pages())
	t.Cleanup(server.Close)
	t.Cleanup(pages.Close)
	return server.URL, pages.URL, asked
}

// page is the status and text of a page, asked for anew each time that Unleash was, until it holds text.
func page(t *testing.T, address string, heard <-chan struct{}, text string) (status int, body string) {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	late := time.After(30 * time.Second)
	for {
		answer, err := client.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		found, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if status, body = answer.StatusCode, string(found); strings.Contains(body, text) {
			return status, body
		}
		select {
		case <-heard:
		case <-late:
			t.Fatalf("%s never has %s: %s", address, text, body)
		}
	}
}

func TestOperatorsSeeHowFlagsStand(t *testing.T) {
	var status atomic.Int64
	status.Store(http.StatusOK)
	now := clock.FrozenAt(time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC))
	api, figures, heard := flagged(t, now, &status)
	if code, text := page(t, figures+"/health/unleash", heard, `"status":"ok"`); code != http.StatusOK || !strings.Contains(text, `"from":"unleash"`) || !strings.Contains(text, `"stale":false`) {
		t.Errorf("while it answers: %d %s", code, text)
	}
	asked(t, api, `{"query":"{ viewer { features { key } } }"}`)
	_, text := page(t, figures+"/metrics", heard, "mediconnect_flags_age_seconds 0")
	for _, line := range []string{
		`mediconnect_flag_decisions_total{decision="on",flag="booking.staff-overrides"} 1`, `mediconnect_flag_decisions_total{decision="off",flag="booking.conflict-detection"} 1`,
		`mediconnect_flag_decisions_total{decision="enforce",flag="booking.conflict-detection"} 0`, `mediconnect_flag_overrides_total{flag="booking.staff-overrides"} 0`,
		`mediconnect_flag_faults_total{cause="panic",flag="booking.conflict-detection"} 0`, `mediconnect_flag_faults_total{cause="variant",flag="booking.staff-overrides"} 0`,
		`mediconnect_flag_decision_duration_seconds_count 3`, `mediconnect_flag_decision_duration_seconds_bucket{le="5e-05"}`, `mediconnect_flags_stale 0`,
		`mediconnect_flags_refreshes_total{outcome="answered"}`, `mediconnect_flags_unusable 0`, `mediconnect_flags_unsaved_total 0`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
	status.Store(http.StatusServiceUnavailable)
	page(t, figures+"/metrics", heard, `mediconnect_flags_refreshes_total{outcome="failed"} 1`)
	now.Advance(time.Hour)
	page(t, figures+"/metrics", heard, "mediconnect_flags_stale 1")
	if code, text := page(t, figures+"/health/unleash", heard, `"status":"unavailable"`); code != http.StatusServiceUnavailable || !strings.Contains(text, `"why":"503"`) {
		t.Errorf("once it is stale: %d %s", code, text)
	}
}

func TestWithoutUnleashThereIsNothingToTellOfIt(t *testing.T) {
	for name, known := range map[string]func(*testing.T) *flags.Flags{
		"no flags": func(*testing.T) *flags.Flags { return nil },
		"a bootstrap": func(t *testing.T) *flags.Flags {
			known, err := flags.New(flags.Options{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			return known
		},
	} {
		a := wire(Frame{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Flags: known(t)}, unreachable(t))
		t.Cleanup(a.Close)
		pages := httptest.NewServer(a.pages())
		t.Cleanup(pages.Close)
		code, _ := page(t, pages.URL+"/health/unleash", nil, "unknown")
		if _, text := page(t, pages.URL+"/metrics", nil, "mediconnect_build_info"); code != http.StatusNotFound || strings.Contains(text, "mediconnect_flags_") {
			t.Errorf("%s: %d", name, code)
		}
	}
}
