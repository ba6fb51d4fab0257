package app

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// office is an administrator who lets systems in.
type office struct {
	*api
	admin gqltest.Client
	keys  int
}

func newOffice(t *testing.T) *office {
	t.Helper()
	a := newAPI(t)
	return &office{api: a, admin: a.by(staffOf(a.clinic.Organization, access.Admin))}
}

func (o *office) key() string {
	o.keys++
	return "key " + strconv.Itoa(o.keys)
}

// does makes a change by the administrator, whose payload is answered.
func (o *office) does(t *testing.T, mutation, parts string, input vars) gqltest.Answer {
	t.Helper()
	return o.admin.Post(t, document(mutation, parts+" errors { __typename ... on UserError { code path } }"), vars{"input": input}).OK(t)
}

// enrolled is a client of OAuth as its system knows it.
type enrolled struct{ id, clientID, secret string }

func (o *office) enrol(t *testing.T, jwks string, scopes ...string) enrolled {
	t.Helper()
	input := vars{"name": "Portal", "scopes": scopes, "idempotencyKey": o.key()}
	if jwks != "" {
		input["jwks"] = jwks
	}
	answer := o.does(t, "createApiClient", "apiClient { id clientId } secret", input)
	c := enrolled{answer.Text("createApiClient", "apiClient", "id"), answer.Text("createApiClient", "apiClient", "clientId"), answer.Text("createApiClient", "secret")}
	if c.id == "" {
		t.Fatalf("no client: %s", answer.Raw)
	}
	return c
}

// grant is an answer of the token endpoint.
type grant struct {
	Status  int         `json:"-"`
	Header  http.Header `json:"-"`
	Raw     string      `json:"-"`
	Token   string      `json:"access_token"`
	Type    string      `json:"token_type"`
	Expires int         `json:"expires_in"`
	Scope   string      `json:"scope"`
	Error   string      `json:"error"`
}

func (o *office) posts(t *testing.T, form url.Values, otherwise ...func(*http.Request)) grant {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, change := range otherwise {
		change(r)
	}
	w := httptest.NewRecorder()
	o.Handler.ServeHTTP(w, r)
	answer := grant{Status: w.Code, Header: w.Header(), Raw: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return answer
}

const byCredentials = "client_credentials"

func basic(c enrolled) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(c.clientID), url.QueryEscape(c.secret)) }
}

func (o *office) token(t *testing.T, c enrolled) string {
	t.Helper()
	answer := o.posts(t, url.Values{"grant_type": {byCredentials}}, basic(c))
	if answer.Status != http.StatusOK || answer.Token == "" {
		t.Fatalf("%d %s", answer.Status, answer.Raw)
	}
	return answer.Token
}

const whoIsIt = `{ viewer { kind scopes roles { role organization { name } } } }`

// pair is a key that a client signs with.
type pair struct {
	alg    jose.SignatureAlgorithm
	kid    string
	signer any
	public crypto.PublicKey
}

func pairs(t *testing.T) []pair {
	t.Helper()
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return []pair{
		{jose.EdDSA, "ed", private, public}, {jose.ES256, "ec", p256, p256.Public()},
		{jose.RS256, "rsa", long, long.Public()}, {jose.PS256, "rsa", long, long.Public()},
	}
}

func keySet(t *testing.T, of ...pair) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, p := range of {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: p.public, KeyID: p.kid})
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func signedBy(t *testing.T, p pair, claims any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.signer}, (&jose.SignerOptions{}).WithHeader("kid", p.kid))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const thisIssuer = "https://api.example.org"

func claimsOf(c enrolled) jwt.Claims {
	now := time.Now()
	return jwt.Claims{
		Issuer: c.clientID, Subject: c.clientID, Audience: jwt.Audience{thisIssuer}, ID: sample.NewID().String(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Minute)),
	}
}

func asserting(assertion string) url.Values {
	return url.Values{"grant_type": {byCredentials}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
}

func (o *office) apiKey(t *testing.T, expires time.Time, scopes ...string) (id, text string) {
	t.Helper()
	answer := o.does(t, "createApiKey", "apiKey { id prefix } secret replayed",
		vars{"name": "Kiosk", "scopes": scopes, "expiresAt": expires.UTC().Format(time.RFC3339Nano), "idempotencyKey": o.key()})
	text = answer.Text("createApiKey", "secret")
	if prefix := answer.Text("createApiKey", "apiKey", "prefix"); prefix == "" || !strings.HasPrefix(text, prefix) || !strings.HasPrefix(prefix, "mk_live_") || len(prefix) > 24 {
		t.Fatalf("a key: %s", answer.Raw)
	}
	return answer.Text("createApiKey", "apiKey", "id"), text
}

// dump is what the database has of partners.
func (o *office) dump(t *testing.T) (text string) {
	t.Helper()
	if err := o.pool.QueryRow(t.Context(), `SELECT string_agg(c::text, ' ') FROM api_clients c`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}
