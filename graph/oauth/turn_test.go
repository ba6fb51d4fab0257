package oauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/oauth"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/partner"
)

// desk proves nobody, in one way or another.
type desk func() error

func (d desk) Prove(context.Context, partner.Proof) (partner.Proved, error) {
	return partner.Proved{}, d()
}

func (d desk) Grant(context.Context, partner.Proved, []string) (partner.Token, error) {
	return partner.Token{}, d()
}

func TestEveryRefusalHasTheFormOfOAuth(t *testing.T) {
	open := func(h http.Handler, _ oauth.Turn) http.Handler { return h }
	turning := func(status int) func(http.Handler, oauth.Turn) http.Handler {
		return func(_ http.Handler, turn oauth.Turn) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", "7")
				turn(w, r, status, "Not now.")
			})
		}
	}
	for name, c := range map[string]struct {
		wrap   func(http.Handler, oauth.Turn) http.Handler
		prove  desk
		status int
		error  string
		again  string
	}{
		"too often": {turning(http.StatusTooManyRequests), nil, http.StatusTooManyRequests, "temporarily_unavailable", "7"},
		"not now":   {turning(http.StatusServiceUnavailable), nil, http.StatusServiceUnavailable, "temporarily_unavailable", "7"},
		"too much":  {turning(http.StatusRequestEntityTooLarge), nil, http.StatusRequestEntityTooLarge, "invalid_request", "7"},
		"busy":      {open, func() error { return errs.TryAgain(nil) }, http.StatusServiceUnavailable, "temporarily_unavailable", "2"},
		"a fault":   {open, func() error { return errors.New("planned") }, http.StatusInternalServerError, "server_error", ""},
		"a panic":   {open, func() error { panic("planned") }, http.StatusInternalServerError, "server_error", ""},
		"a panic before it": {func(http.Handler, oauth.Turn) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("planned") })
		}, nil, http.StatusInternalServerError, "server_error", ""},
	} {
		var log bytes.Buffer
		mux := http.NewServeMux()
		oauth.Endpoints{Desk: c.prove, Issuer: "https://api.example.org", Log: slog.New(slog.NewTextHandler(&log, nil))}.Register(mux, c.wrap)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, oauth.TokenPath, strings.NewReader("grant_type=client_credentials&client_id=a&client_secret=b"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		var told map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || w.Code != c.status || told["error"] != c.error || len(told) != 2 || c.again == "7" && told["error_description"] != "Not now." ||
			w.Header().Get("Retry-After") != c.again || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %v (%v)", name, w.Code, w.Body, w.Header(), err)
		}
		if strings.Contains(w.Body.String(), "planned") || (c.error == "server_error") != strings.Contains(log.String(), "token request failed") {
			t.Errorf("%s: told %s, logged %s", name, w.Body, log.String())
		}
	}
}
