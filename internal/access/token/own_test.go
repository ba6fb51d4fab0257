package token_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

const here = "https://api.example.org"

// chest is a store of keys in memory.
type chest struct {
	mu    sync.Mutex
	all   []token.SigningKey
	reads int
	away  bool
}

func (c *chest) SigningKeys(ctx context.Context, now time.Time) (stored token.StoredKeys, err error) {
	if ctx.Err() != nil {
		return stored, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if c.away {
		return stored, errs.TryAgain(errors.New("away"))
	}
	for _, k := range c.all {
		if now.Before(k.PublishedUntil) {
			stored.Keys, stored.Newest = append(stored.Keys, k), k.ID
		}
	}
	return stored, nil
}

func (c *chest) AddSigningKey(_ context.Context, k token.SigningKey, after string, _ time.Time) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.all); n > 0 && c.all[n-1].ID != after {
		return false, nil
	}
	c.all = append(c.all, k)
	return true, nil
}

type house struct {
	token.Issuer
	store *chest
	clock *clock.Frozen
}

const keyLife = 30 * 24 * time.Hour

// newHouse is one process over a store.
func newHouse(store *chest, now *clock.Frozen) house {
	return house{store: store, clock: now, Issuer: token.Issuer{
		Keys: &token.Keys{Store: store, Clock: now, Life: keyLife}, URL: here, Clock: now, NewID: uuid.New,
	}}
}

func (h house) sign(t *testing.T, a access.Actor) string {
	t.Helper()
	raw, _, err := h.Sign(t.Context(), a, token.MaxLife)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

var (
	signedIn = access.Actor{
		Kind: access.Staff, ID: uuid.UUID{15: 1}, Client: "desk-app", Credential: uuid.UUID{15: 9}, Organization: uuid.UUID{15: 2}, Role: access.Provider,
		Scopes: []string{access.AppointmentsRead, access.PatientsRead}, ProviderID: uuid.UUID{15: 3},
	}
	machine = access.Actor{
		Kind: access.APIClient, ID: uuid.UUID{15: 7}, Credential: uuid.UUID{15: 7}, Organization: uuid.UUID{15: 2}, Role: access.Integrator,
		Scopes: []string{access.AppointmentsRead},
	}
)

func TestATokenOfOurOwnCarriesItsActorInEveryProcess(t *testing.T) {
	store, now := &chest{}, clock.FrozenAt(now)
	a, b := newHouse(store, now), newHouse(store, now)
	for _, want := range []access.Actor{signedIn, machine} {
		raw := a.sign(t, want)
		for _, h := range []house{a, b} {
			got, expires, err := h.Verify(t.Context(), raw)
			if err != nil || !reflect.DeepEqual(got, want) || !expires.Equal(now.Now().Add(token.MaxLife)) {
				t.Errorf("got %+v until %v, %v; want %+v", got, expires, err, want)
			}
		}
	}
	if len(store.all) != 1 {
		t.Errorf("there are %d keys", len(store.all))
	}
	_, expires, _ := a.Sign(t.Context(), signedIn, time.Hour)
	if !expires.Equal(now.Now().Add(token.MaxLife)) {
		t.Errorf("one for an hour is good until %v", expires)
	}
	head, _, _ := strings.Cut(a.sign(t, signedIn), ".")
	if text, _ := base64.RawURLEncoding.DecodeString(head); !strings.Contains(string(text), `"typ":"at+jwt"`) {
		t.Errorf("its head is %s", text)
	}
}

// forge makes a token with a head and claims that are as they should be, but for what change does.
func (h house) forge(t *testing.T, method jwt.SigningMethod, key any, change func(head map[string]any, c jwt.MapClaims)) string {
	t.Helper()
	at := h.clock.Now().Unix()
	c := jwt.MapClaims{
		"iss": here, "aud": here, "sub": signedIn.ID.String(), "sid": signedIn.Credential.String(), "org": signedIn.Organization.String(), "role": "PROVIDER",
		"scopes": []string{access.AppointmentsRead}, "iat": at, "nbf": at, "exp": at + 600, "jti": "1",
	}
	raw := jwt.NewWithClaims(method, c)
	raw.Header["typ"], raw.Header["kid"] = "at+jwt", h.store.all[0].ID
	change(raw.Header, c)
	text, err := raw.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestForgedTokensOfOurOwnAreRefusedAlike(t *testing.T) {
	h := newHouse(&chest{}, clock.FrozenAt(now))
	h.sign(t, signedIn)
	key := h.store.all[0].Private
	_, other, _ := ed25519.GenerateKey(nil)
	good := func(map[string]any, jwt.MapClaims) {}
	claim := func(name string, value any) string {
		return h.forge(t, jwt.SigningMethodEdDSA, key, func(_ map[string]any, c jwt.MapClaims) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		})
	}
	head := func(name string, value any) string {
		return h.forge(t, jwt.SigningMethodEdDSA, key, func(head map[string]any, _ jwt.MapClaims) { head[name] = value })
	}
	if _, _, err := h.Verify(t.Context(), h.forge(t, jwt.SigningMethodEdDSA, key, good)); err != nil {
		t.Fatalf("one that is forged of nothing is refused: %v", err)
	}
	at := h.clock.Now().Unix()
	signed := h.forge(t, jwt.SigningMethodEdDSA, key, good)
	parts := strings.Split(signed, ".")
	for name, raw := range map[string]string{
		"no algorithm":                    h.forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good),
		"the public key as a secret":      h.forge(t, jwt.SigningMethodHS256, []byte(h.store.all[0].Public), good),
		"another algorithm in its head":   head("alg", "HS256"),
		"another key":                     h.forge(t, jwt.SigningMethodEdDSA, other, good),
		"no signature":                    parts[0] + "." + parts[1] + ".",
		"an unknown key":                  head("kid", strings.Repeat("A", 43)),
		"no key's name":                   head("kid", nil),
		"a path for a key's name":         head("kid", "../../../../etc/passwd"),
		"SQL for a key's name":            head("kid", "' OR 1=1 --"),
		"a long key's name":               head("kid", strings.Repeat("A", 2000)),
		"a list for a key's name":         head("kid", []string{h.store.all[0].ID}),
		"another type":                    head("typ", "JWT"),
		"a foreign issuer":                claim("iss", "https://evil.example.org"),
		"a foreign audience":              claim("aud", "https://evil.example.org"),
		"no audience":                     claim("aud", nil),
		"not valid yet":                   claim("nbf", at+60),
		"good for longer than may be":     claim("exp", at+601),
		"no end":                          claim("exp", nil),
		"no beginning":                    claim("nbf", nil),
		"not said when it was issued":     claim("iat", nil),
		"no id":                           claim("jti", nil),
		"no session":                      claim("sid", nil),
		"a client beside the session":     claim("client_id", uuid.NewString()),
		"a patient":                       claim("patient", uuid.NewString()),
		"a person's with a client's role": claim("role", "INTEGRATOR"),
		"much":                            signed + strings.Repeat("A", 100<<10),
		"much in its head":                head("pad", strings.Repeat("A", 100<<10)),
	} {
		got, _, err := h.Verify(t.Context(), raw)
		if errs.Of(err) != errs.Unauthenticated || err.Error() != "The token is not valid." || got.Kind != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, raw := range map[string]string{"expired": claim("exp", at), "expired long ago": claim("exp", at-3600)} {
		if _, _, err := h.Verify(t.Context(), raw); err == nil || err.Error() != "The token has expired." {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHostileNamesOfKeysReachNoStoreAndUnknownOnesSeldom(t *testing.T) {
	h := newHouse(&chest{}, clock.FrozenAt(now))
	h.sign(t, signedIn)
	key, reads := h.store.all[0].Private, h.store.reads
	naming := func(kid string) string {
		return h.forge(t, jwt.SigningMethodEdDSA, key, func(head map[string]any, _ jwt.MapClaims) { head["kid"] = kid })
	}
	h.clock.Advance(time.Minute)
	for _, kid := range []string{"", "x", "'; DROP TABLE signing_keys; --", "../../key", strings.Repeat("%", 43), strings.Repeat("A", 44), strings.Repeat("B", 43)} {
		_, _, _ = h.Verify(t.Context(), naming(kid)) // the last isn't the form's either: bits are left over
	}
	if h.store.reads != reads {
		t.Errorf("the store was read %d times for what is no key's name", h.store.reads-reads)
	}
	for range 100 {
		_, _, _ = h.Verify(t.Context(), naming(strings.Repeat("A", 43)))
	}
	if h.store.reads != reads+1 {
		t.Errorf("the store was read %d times for a key that isn't there", h.store.reads-reads)
	}
}

func TestAKeyIsPublishedWellBeforeItSignsAndUntilItsLastTokenHasExpired(t *testing.T) {
	store, at := &chest{}, clock.FrozenAt(now)
	a, b := newHouse(store, at), newHouse(store, at)
	first := at.Now()
	seen := map[string]time.Time{} // in b, by what it published
	signs := map[string]time.Time{}
	for minute := range int(2*keyLife/time.Minute) + 300 {
		if minute%30 == 0 {
			for _, h := range []house{a, b} {
				if err := h.Keys.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			published, _ := b.Keys.Published(t.Context())
			for _, k := range published {
				if seen[k.ID].IsZero() {
					seen[k.ID] = at.Now()
				}
			}
			raw := a.sign(t, signedIn)
			at.Advance(token.MaxLife - time.Second)
			if _, _, err := b.Verify(t.Context(), raw); err != nil {
				t.Fatalf("after %v a token isn't accepted to its end: %v", at.Now().Sub(first), err)
			}
			at.Advance(time.Second - token.MaxLife)
			var head struct{ Kid string }
			text, _ := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[0])
			if err := json.Unmarshal(text, &head); err != nil {
				t.Fatal(err)
			}
			if signs[head.Kid].IsZero() {
				signs[head.Kid] = at.Now()
			}
		}
		at.Advance(time.Minute)
	}
	if len(signs) != 3 {
		t.Errorf("%d keys signed in two lives of a key", len(signs))
	}
	for kid, began := range signs {
		if !began.Equal(first) && began.Sub(seen[kid]) < time.Hour {
			t.Errorf("%s signs %v after it was published", kid, began.Sub(seen[kid]))
		}
	}
	if published, _ := b.Keys.Published(t.Context()); len(published) != 1 {
		t.Errorf("%d keys are published long after", len(published))
	}
}

func TestWithoutTheStoreKnownKeysServeAndOthersAreNotCalledWrong(t *testing.T) {
	store, at := &chest{}, clock.FrozenAt(now)
	a := newHouse(store, at)
	raw := a.sign(t, signedIn)
	store.away = true
	if _, _, err := a.Verify(t.Context(), raw); err != nil {
		t.Errorf("a known key's token: %v", err)
	}
	if _, _, err := newHouse(store, at).Verify(t.Context(), raw); errs.Of(err) != errs.Busy {
		t.Errorf("in a process that knows no keys: %v", err)
	}
	if _, _, err := newHouse(store, at).Sign(t.Context(), signedIn, token.MaxLife); errs.Of(err) != errs.Busy {
		t.Errorf("signing without a key: %v", err)
	}
}

func TestBothIssuersAreRememberedAndNeitherSpeaksForTheOther(t *testing.T) {
	h := newHouse(&chest{}, clock.FrozenAt(now))
	outside, verifier := keys(t)
	both := token.Remember(token.Issuers{Own: &h.Issuer, Outside: &verifier}, h.clock)
	for range 2 {
		if got, _, err := both.Verify(t.Context(), h.sign(t, signedIn)); err != nil || got.Credential != signedIn.Credential {
			t.Errorf("our own: %+v, %v", got, err)
		}
		if got, _, err := both.Verify(t.Context(), sign(t, outside, issuer, desk, now.Add(time.Minute))); err != nil || got.Credential != uuid.Nil {
			t.Errorf("from outside: %+v, %v", got, err)
		}
	}
	posing := h.forge(t, jwt.SigningMethodEdDSA, outside, func(head map[string]any, _ jwt.MapClaims) { head["kid"] = nil })
	ours := h.forge(t, jwt.SigningMethodEdDSA, h.store.all[0].Private, func(_ map[string]any, c jwt.MapClaims) { c["iss"] = issuer })
	for _, raw := range []string{posing, ours, sign(t, outside, here, desk, now.Add(time.Minute))} {
		if _, _, err := both.Verify(t.Context(), raw); errs.Of(err) != errs.Unauthenticated {
			t.Errorf("one poses as the other: %v", err)
		}
	}
	if _, _, err := (token.Issuers{}).Verify(t.Context(), posing); errs.Of(err) != errs.Unauthenticated {
		t.Errorf("without issuers: %v", err)
	}
}

// The example of RFC 8037, appendix A.
func TestAKeyIsNamedAndShownAsTheStandardsSay(t *testing.T) {
	x := "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	public, _ := base64.RawURLEncoding.DecodeString(x)
	if got := token.Thumbprint(public); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("its thumbprint is %s", got)
	}
	shown, _ := json.Marshal(token.SigningKey{ID: "kid", Public: public}.JWK())
	if string(shown) != `{"kty":"OKP","crv":"Ed25519","x":"`+x+`","kid":"kid","use":"sig","alg":"EdDSA"}` {
		t.Errorf("it is shown as %s", shown)
	}
}

func TestWhoGoesAwayFailsTheLookForAKeyForNobodyElse(t *testing.T) {
	store, now := &chest{}, clock.FrozenAt(now)
	a, b := newHouse(store, now), newHouse(store, now)
	raw := a.sign(t, signedIn)
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, _, _ = b.Verify(gone, raw)
	if _, _, err := b.Verify(t.Context(), raw); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
