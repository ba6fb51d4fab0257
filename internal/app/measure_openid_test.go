package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/openid"
	"github.com/mediconnect/mediconnect/internal/testkit/openidtest"
)

func TestTheBreakersBeforeProvidersAreAmongTheFigures(t *testing.T) {
	away, well := openidtest.New(t), openidtest.New(t)
	away.Away = http.StatusBadGateway
	log := slog.New(slog.DiscardHandler)
	var signIn SignInSettings
	for name, p := range map[string]*openidtest.Provider{"away": away, "well": well} {
		signIn.OpenIDProviders = append(signIn.OpenIDProviders, openid.Client{OpenIDProvider: identity.OpenIDProvider{Name: name}, Issuer: p.URL, ID: openidtest.ClientID, Secret: openidtest.ClientSecret})
	}
	settings := HTTPSettings{}
	a := wire(Frame{Clock: clock.System{}, LinkKey: make([]byte, 32), PublicURL: settings.publicURL("127.0.0.1:80"), Log: log, SignIn: signIn}, unreachable(t))
	t.Cleanup(a.Close)
	_, undo, err := a.door(settings, RedisSettings{}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(undo)
	page := func() string {
		w := httptest.NewRecorder()
		a.figures.Pages().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		return w.Body.String()
	}
	if text := page(); !strings.Contains(text, `mediconnect_breaker_open{of="openid"} 0`) {
		t.Errorf("at first:\n%s", text)
	}
	for _, name := range []string{"well", "away", "away", "away", "away"} {
		provider, _ := a.vouching.Find([16]byte{}, name)
		if _, err := a.vouching.Authorize(t.Context(), provider, identity.OpenIDAsk{RedirectURI: "https://app.example.org/back"}); (err == nil) != (name == "well") {
			t.Errorf("%s: %v", name, err)
		}
	}
	text := page()
	for _, line := range []string{
		`mediconnect_breaker_open{of="openid"} 1`, `mediconnect_breaker_opened_total{of="openid"} 1`, `mediconnect_breaker_kept_total{of="openid"} 1`,
		`mediconnect_breaker_calls_total{of="openid",outcome="failed"} 3`, `mediconnect_breaker_calls_total{of="openid",outcome="succeeded"} 1`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
}
