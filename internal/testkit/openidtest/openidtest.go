// Package openidtest is an OpenID provider for tests, on a socket of its own.
package openidtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Who its one client is.
const (
	ClientID     = "mediconnect"
	ClientSecret = "s3cret/+ %"
)

// tokenKey signs the ID tokens of every provider here.
var tokenKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Provider is an OpenID provider on a socket of its own.
type Provider struct {
	*httptest.Server
	t      testing.TB
	mu     sync.Mutex
	codes  map[string]grant
	Claims map[string]any              // of the next ID tokens, over the usual ones
	Sign   func(payload []byte) string // nil: as it should
	Away   int                         // status of every answer; 0: it answers
	asked  int
	Huge   bool
	Hang   chan struct{} // no answer before it is closed; nil: at once
	Named  bool          // it says that answers name it (RFC 9207)
}

// grant is what somebody came back with.
type grant struct{ nonce, challenge, redirect string }

// New starts one.
func New(t testing.TB) *Provider {
	t.Helper()
	a := &Provider{t: t, codes: map[string]grant{}, Claims: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", a.discovery)
	mux.HandleFunc("GET /keys", a.keys)
	mux.HandleFunc("POST /token", a.token)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.asked++
		away, hang := a.Away, a.Hang
		a.mu.Unlock()
		if hang != nil {
			select {
			case <-hang:
			case <-r.Context().Done():
				return
			}
		}
		if away != 0 {
			w.WriteHeader(away)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	a.write(w, map[string]any{
		"issuer": a.URL, "authorization_endpoint": a.URL + "/authorize", "token_endpoint": a.URL + "/token", "jwks_uri": a.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "authorization_response_iss_parameter_supported": a.Named,
	})
}

func (a *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	key, err := tokenKey()
	if err != nil {
		a.t.Error(err)
	}
	a.write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
}

func (a *Provider) write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if a.Huge {
		_, _ = w.Write([]byte(`{"padding": "` + strings.Repeat("x", 2<<20) + `",`))
	}
	if err := json.NewEncoder(w).Encode(body); err != nil {
		a.t.Error(err)
	}
}

// Visit is somebody who goes to the address, agrees, and comes back with a code.
func (a *Provider) Visit(address string) (state, code string) {
	a.t.Helper()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, a.URL+"/authorize?") {
		a.t.Fatalf("sent to %s, %v", address, err)
	}
	q := u.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != ClientID || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "openid email" {
		a.t.Fatalf("sent to %s", address)
	}
	code = rand.Text()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.codes[code] = grant{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
	return q.Get("state"), code
}

// token is RFC 6749's endpoint: it takes each code once, from who has the verifier.
func (a *Provider) token(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	secret, _ = url.QueryUnescape(secret)
	code := r.PostFormValue("code")
	g, known := a.codes[code]
	delete(a.codes, code)
	proof := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !known || id != ClientID || secret != ClientSecret || g.redirect != r.PostFormValue("redirect_uri") || base64.RawURLEncoding.EncodeToString(proof[:]) != g.challenge {
		w.WriteHeader(http.StatusBadRequest)
		a.write(w, map[string]any{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	claims := map[string]any{
		"iss": a.URL, "aud": ClientID, "sub": "ann-1", "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "nonce": g.nonce,
		"email": "ann@example.org", "email_verified": true,
	}
	for name, value := range a.Claims {
		claims[name] = value
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		a.t.Error(err)
	}
	sign := a.Sign
	if sign == nil {
		sign = a.signed
	}
	a.write(w, map[string]any{"access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": sign(payload)})
}

func (a *Provider) signed(payload []byte) string {
	key, err := tokenKey()
	if err != nil {
		a.t.Error(err)
	}
	return Compact(a.t, jose.RS256, jose.JSONWebKey{Key: key, KeyID: "1"}, payload)
}

// Compact signs a payload.
func Compact(t testing.TB, alg jose.SignatureAlgorithm, key any, payload []byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Error(err)
		return ""
	}
	text, _ := jws.CompactSerialize()
	return text
}

// Asked is how often it was asked anything.
func (a *Provider) Asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}
