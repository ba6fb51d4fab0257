package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
)

// 60 a minute: 10 may come at once.
const (
	slowRate  = 60
	slowBurst = 10
)

func TestACallerWhoAsksTooOftenIsRefused(t *testing.T) {
	limited := newLimiter(slowRate, good).before(ok, quiet)
	for i := range slowBurst {
		if got := ask(limited, "10.0.0.1:1000", nil); got.Code != http.StatusOK {
			t.Fatalf("request %d was answered %d", i+1, got.Code)
		}
	}
	refused := ask(limited, "10.0.0.1:2000", nil)
	if refused.Code != http.StatusTooManyRequests || refused.Header().Get("Retry-After") != "1" {
		t.Errorf("the request beyond was answered %d, Retry-After %q", refused.Code, refused.Header().Get("Retry-After"))
	}
	var body struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code, RequestID string }
		}
	}
	if err := json.NewDecoder(refused.Body).Decode(&body); err != nil || len(body.Errors) != 1 ||
		body.Errors[0].Extensions.Code != "RATE_LIMITED" || body.Errors[0].Extensions.RequestID == "" ||
		body.Errors[0].Extensions.RequestID != refused.Header().Get("X-Request-Id") || body.Errors[0].Message == "" {
		t.Errorf("the refusal is no GraphQL error: %+v (%v)", body, err)
	}
}

func TestCallersDoNotShareTheirLimit(t *testing.T) {
	limited := newLimiter(slowRate, good).before(ok, quiet)
	exhaust(limited, "10.0.0.1:1000", nil)
	for name, got := range map[string]*httptest.ResponseRecorder{
		"another address":                 ask(limited, "10.0.0.2:1000", nil),
		"a token from the same address":   ask(limited, "10.0.0.1:1000", http.Header{"Authorization": {"Bearer one"}}),
		"another token from that address": ask(limited, "10.0.0.1:1000", http.Header{"Authorization": {"Bearer two"}}),
	} {
		if got.Code != http.StatusOK {
			t.Errorf("%s was answered %d", name, got.Code)
		}
	}
}

func TestATokenHasOneLimitHoweverItIsWritten(t *testing.T) {
	limited := newLimiter(slowRate, good).before(ok, quiet)
	exhaust(limited, "10.0.0.1:1000", bearing("Bearer one"))
	for _, header := range []string{"Bearer one", "bearer one", "BEARER  one", " Bearer one ", "Bearer one  "} {
		if got := ask(limited, "10.0.0.2:1000", bearing(header)); got.Code != http.StatusTooManyRequests {
			t.Errorf("%q was answered %d", header, got.Code)
		}
	}
}

func TestTokensThatAreNotAcceptedShareTheirAddress(t *testing.T) {
	limited := newLimiter(slowRate, good).before(ok, quiet)
	for i := range slowBurst {
		ask(limited, "10.0.0.1:1000", bearing("Bearer made-up-"+strconv.Itoa(i)))
	}
	for _, header := range []string{"Bearer made-up", "Basic one", "Bearer", "one"} {
		if got := ask(limited, "10.0.0.1:1000", bearing(header)); got.Code != http.StatusTooManyRequests {
			t.Errorf("%q was answered %d", header, got.Code)
		}
	}
	if got := ask(limited, "10.0.0.1:1000", nil); got.Code != http.StatusTooManyRequests {
		t.Errorf("without a token the address was answered %d", got.Code)
	}
	if got := ask(limited, "10.0.0.1:1000", bearing("Bearer one")); got.Code != http.StatusOK {
		t.Errorf("a token that is accepted was answered %d", got.Code)
	}
}

func TestWhoAsksAgainIsNotForgottenForNewcomers(t *testing.T) {
	l := newLimiter(slowRate, good)
	limited := l.before(ok, quiet)
	exhaust(limited, "10.0.0.1:1000", nil)
	for i := range rememberedCallers + 10 {
		l.bucket(callerKey{1: byte(i), 2: byte(i >> 8), 3: byte(i >> 16)})
		if i == rememberedCallers/2 {
			ask(limited, "10.0.0.1:1000", nil)
		}
	}
	if kept := l.known.Contains(l.of(asking("10.0.0.1:1000", nil))); !kept {
		t.Error("somebody who asked lately was forgotten for others who asked once, earlier")
	}
}

func TestOnlyTrustedProxiesSayWhoTheCallerIs(t *testing.T) {
	limited := newLimiter(slowRate, callers{noToken, Networks{netip.MustParsePrefix("10.0.0.0/8")}}).before(ok, quiet)
	forwarded := func(chain string) http.Header { return http.Header{"X-Forwarded-For": {chain}} }

	exhaust(limited, "10.0.0.1:1000", forwarded("192.0.2.1"))
	if got := ask(limited, "10.0.0.1:1000", forwarded("192.0.2.2")); got.Code != http.StatusOK {
		t.Errorf("another caller behind the same proxy was answered %d", got.Code)
	}
	if got := ask(limited, "10.0.0.2:1000", forwarded("198.51.100.7, 192.0.2.1")); got.Code != http.StatusTooManyRequests {
		t.Errorf("a caller who made up the start of the chain was answered %d", got.Code)
	}
	exhaust(limited, "203.0.113.9:1000", nil)
	if got := ask(limited, "203.0.113.9:1000", forwarded("192.0.2.77")); got.Code != http.StatusTooManyRequests {
		t.Errorf("a caller who isn't a proxy and claims another address was answered %d", got.Code)
	}
}

func TestNoLimit(t *testing.T) {
	limited := newLimiter(0, good).before(ok, quiet)
	for range 1000 {
		if got := ask(limited, "10.0.0.1:1000", nil); got.Code != http.StatusOK {
			t.Fatalf("without a limit a request was answered %d", got.Code)
		}
	}
}

var quiet = slog.New(slog.DiscardHandler)

var ok = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// good accepts the tokens one and two.
var good = callers{accepts: func(token string) bool { return token == "one" || token == "two" }}

func noToken(string) bool { return false }

func bearing(header string) http.Header { return http.Header{"Authorization": {header}} }

func asking(from string, header http.Header) *http.Request {
	request := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	request.RemoteAddr = from
	for name, values := range header {
		request.Header[name] = values
	}
	return request
}

func ask(handler http.Handler, from string, header http.Header) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, asking(from, header))
	return answer
}

func exhaust(handler http.Handler, from string, header http.Header) {
	for range slowBurst {
		ask(handler, from, header)
	}
}
