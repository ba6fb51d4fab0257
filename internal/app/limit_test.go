package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/partner"
)

// slowBurst may come at once, and in a minute.
const slowBurst = 10

// gated is a handler behind a limit, and the limit.
func gated(perMinute int, proxies Networks) (http.Handler, *limiter) {
	l := newLimiter(limiting{RateSettings: eachMay(perMinute), clock: clock.FrozenAt(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC))})
	gate := throttle.Gate{Desk: caller.Desk{Verifier: good{}, Address: proxies.address}, Allow: l.Allow, Turn: turn}
	return gate.Before(ok), l
}

func turn(w http.ResponseWriter, _ *http.Request, status int, err error) {
	if throttle.Refused(err) {
		w.WriteHeader(status)
	}
}

func TestACallerWhoAsksTooOftenIsRefused(t *testing.T) {
	limited, _ := gated(slowBurst, nil)
	for i := range slowBurst {
		got := ask(limited, "10.0.0.1:1000", nil)
		if want := `"anonymous";r=` + strconv.Itoa(slowBurst-i-1) + `;t=` + strconv.Itoa(6*(i+1)); got.Code != http.StatusOK || got.Header().Get("RateLimit") != want {
			t.Fatalf("request %d was answered %d, %v, want %s", i+1, got.Code, got.Header(), want)
		}
	}
	refused := ask(limited, "10.0.0.1:2000", nil)
	if refused.Code != http.StatusTooManyRequests || refused.Header().Get("Retry-After") != "6" ||
		refused.Header().Get("RateLimit") != `"anonymous";r=0;t=60` || refused.Header().Get("RateLimit-Policy") != `"anonymous";q=10;w=60` {
		t.Errorf("the request beyond was answered %d, %v", refused.Code, refused.Header())
	}
}

func TestCallersDoNotShareTheirLimit(t *testing.T) {
	limited, _ := gated(slowBurst, nil)
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
	limited, _ := gated(slowBurst, nil)
	exhaust(limited, "10.0.0.1:1000", bearing("Bearer one"))
	for _, header := range []string{"Bearer one", "bearer one", "BEARER  one", " Bearer one ", "Bearer one  "} {
		if got := ask(limited, "10.0.0.2:1000", bearing(header)); got.Code != http.StatusTooManyRequests {
			t.Errorf("%q was answered %d", header, got.Code)
		}
	}
}

func TestTokensThatAreNotAcceptedShareTheirAddress(t *testing.T) {
	limited, _ := gated(slowBurst, nil)
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
	limited, l := gated(slowBurst, nil)
	exhaust(limited, "10.0.0.1:1000", nil)
	for i := range rememberedCallers + 10 {
		l.bucket(callerKey{1: byte(i), 2: byte(i >> 8), 3: byte(i >> 16)})
		if i == rememberedCallers/2 {
			ask(limited, "10.0.0.1:1000", nil)
		}
	}
	if kept := l.known.Contains(l.keyOf(allowance{ofAddresses, slowBurst, "10.0.0.1"})); !kept {
		t.Error("somebody who asked lately was forgotten for others who asked once, earlier")
	}
}

func TestOnlyTrustedProxiesSayWhoTheCallerIs(t *testing.T) {
	limited, _ := gated(slowBurst, Networks{netip.MustParsePrefix("10.0.0.0/8")})
	forwarded := func(chain string) http.Header { return http.Header{"X-Forwarded-For": {chain}} }

	exhaust(limited, "10.0.0.1:1000", forwarded("192.0.2.1"))
	if got := ask(limited, "10.0.0.1:1000", forwarded("192.0.2.2")); got.Code != http.StatusOK {
		t.Errorf("another caller behind the same proxy was answered %d", got.Code)
	}
	if got := ask(limited, "10.0.0.2:1000", forwarded("198.51.100.7, 192.0.2.1")); got.Code != http.StatusTooManyRequests {
		t.Errorf("a caller who made up the start of the chain was answered %d", got.Code)
	}
	for _, same := range []string{"192.0.2.1:4711", " 192.0.2.1 "} { // some proxies write the port, too
		if got := ask(limited, "10.0.0.2:1000", forwarded(same)); got.Code != http.StatusTooManyRequests {
			t.Errorf("a caller whom a proxy names as %q was answered %d", same, got.Code)
		}
	}
	exhaust(limited, "10.0.0.1:1000", forwarded("[2001:db8:1::7]:4711"))
	if got := ask(limited, "10.0.0.1:1000", forwarded("[2001:db8:2::7]:4711")); got.Code != http.StatusOK {
		t.Errorf("another caller behind a proxy that writes ports was answered %d", got.Code)
	}
	exhaust(limited, "203.0.113.9:1000", nil)
	if got := ask(limited, "203.0.113.9:1000", forwarded("192.0.2.77")); got.Code != http.StatusTooManyRequests {
		t.Errorf("a caller who isn't a proxy and claims another address was answered %d", got.Code)
	}
}

func TestNoLimit(t *testing.T) {
	limited, _ := gated(0, nil)
	for range 1000 {
		if got := ask(limited, "10.0.0.1:1000", nil); got.Code != http.StatusOK {
			t.Fatalf("without a limit a request was answered %d", got.Code)
		}
	}
}

var ok = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// good accepts the tokens one and two, of two patients of one organisation.
type good struct{}

var (
	somewhere = uuid.MustParse("11111111-1111-4111-8111-111111111111")
	accounts  = map[string]uuid.UUID{"one": {15: 1}, "two": {15: 2}}
)

func (good) Verify(_ context.Context, token string) (access.Actor, time.Time, error) {
	if accounts[token] == uuid.Nil {
		return access.Actor{}, time.Time{}, errs.SignIn("The token is not valid.")
	}
	return access.Actor{Kind: access.Patient, Organization: somewhere, ID: accounts[token]}, time.Time{}, nil
}

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

// looking counts how often it may look a token up.
type looking struct {
	good
	looks *int
}

func (v looking) Verify(ctx context.Context, token string) (access.Actor, time.Time, error) {
	if !caller.Sparing(ctx) {
		*v.looks++
	}
	return v.good.Verify(ctx, token)
}

func TestMadeUpTokensCostTheDatabaseNothingOnceTheirAddressHasAskedTooOften(t *testing.T) {
	looks := 0
	l := newLimiter(limiting{RateSettings: eachMay(slowBurst), clock: clock.FrozenAt(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC))})
	limited := throttle.Gate{Desk: caller.Desk{Verifier: looking{looks: &looks}, Address: Networks{}.address}, Allow: l.Allow, Turn: turn}.Before(ok)
	for range 3 * slowBurst {
		ask(limited, "10.0.0.1:1000", bearing("Bearer made up"))
	}
	if looks != slowBurst {
		t.Errorf("%d of %d were looked up", looks, 3*slowBurst)
	}
	if got := ask(limited, "10.0.0.1:1000", bearing("Bearer one")); got.Code != http.StatusOK {
		t.Errorf("somebody at the same address whose token is good was answered %d", got.Code)
	}
	if ask(limited, "10.0.0.2:1000", bearing("Bearer made up")); looks != slowBurst+1 {
		t.Error("the first from another address wasn't looked up")
	}
}

func TestAKeyIsFoundInMemoryAlsoWhileTheDatabaseIsSpared(t *testing.T) {
	behind := drawerOf{}
	keys, loads := newRecent(behind), 0
	load := func(context.Context) (partner.APIKey, error) { loads++; return partner.APIKey{Name: "Kiosk"}, nil }
	spared := caller.Spare(t.Context())
	if _, err := keys.Get(spared, "a", load); errs.Of(err) != errs.Busy || loads != 0 {
		t.Errorf("looked up %d times, %v", loads, err)
	}
	for _, ctx := range []context.Context{t.Context(), spared} {
		if key, err := keys.Get(ctx, "a", load); err != nil || key.Name != "Kiosk" || loads != 1 {
			t.Errorf("%+v, %v, looked up %d times", key, err, loads)
		}
	}
}

// drawerOf keeps nothing.
type drawerOf struct{}

func (drawerOf) Get(ctx context.Context, _ string, load func(context.Context) (partner.APIKey, error)) (partner.APIKey, error) {
	return load(ctx)
}
