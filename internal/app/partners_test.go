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
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/partner"
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

func TestAClientGetsATokenByItsSecretAndCallsForItsOrganisation(t *testing.T) {
	o := newOffice(t)
	c := o.enrol(t, "", access.AppointmentsRead, access.PatientsRead)
	if !strings.HasPrefix(c.secret, "mcs_") || !strings.HasPrefix(c.clientID, "mci_") {
		t.Errorf("a client is %+v", c)
	}
	for name, answer := range map[string]grant{
		"in the header": o.posts(t, url.Values{"grant_type": {byCredentials}}, basic(c)),
		"in the form":   o.posts(t, url.Values{"grant_type": {byCredentials}, "client_id": {c.clientID}, "client_secret": {c.secret}}),
	} {
		if answer.Status != http.StatusOK || answer.Type != "Bearer" || answer.Expires < 598 || answer.Expires > 600 || answer.Scope != "appointments:read patients:read" ||
			answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Pragma") != "no-cache" {
			t.Fatalf("%s: %d %s %v", name, answer.Status, answer.Raw, answer.Header)
		}
		who := o.As(answer.Token).Post(t, whoIsIt, nil).OK(t)
		if who.Text("viewer", "kind") != "API_CLIENT" || who.Text("viewer", "roles", 0, "role") != "INTEGRATOR" {
			t.Errorf("%s: %s", name, who.Raw)
		}
	}
	narrow := o.posts(t, url.Values{"grant_type": {byCredentials}, "scope": {"appointments:read patients:erase"}}, basic(c))
	if narrow.Scope != access.AppointmentsRead {
		t.Errorf("asked for less and more: %s", narrow.Raw)
	}
	if got := o.As(narrow.Token).Post(t, `{ patients(where: {name: "Nobody"}, first: 1) { edges { node { id } } } }`, nil); got.Code() != "FORBIDDEN" {
		t.Errorf("without the scope: %s", got.Raw)
	}
	if none := o.posts(t, url.Values{"grant_type": {byCredentials}, "scope": {"patients:erase"}}, basic(c)); none.Status != http.StatusBadRequest || none.Error != "invalid_scope" {
		t.Errorf("asked for what it may not have: %d %s", none.Status, none.Raw)
	}
}

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

func TestAClientGetsATokenByAnyKindOfKey(t *testing.T) {
	o, all := newOffice(t), pairs(t)
	c := o.enrol(t, keySet(t, all[:3]...), access.AppointmentsRead)
	if c.secret != "" {
		t.Error("a client that signs has a secret")
	}
	for _, p := range all {
		answer := o.posts(t, asserting(signedBy(t, p, claimsOf(c))))
		if answer.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", p.alg, answer.Status, answer.Raw)
		}
		o.As(answer.Token).Post(t, whoIsIt, nil).OK(t)
	}
	claims := claimsOf(c)
	claims.Audience = jwt.Audience{thisIssuer + "/oauth/token"}
	form := asserting(signedBy(t, all[0], claims))
	form.Set("client_id", c.clientID)
	if answer := o.posts(t, form); answer.Status != http.StatusOK {
		t.Errorf("for the endpoint: %d %s", answer.Status, answer.Raw)
	}
}

func TestWhateverAClientProvesWrongIsRefusedAlike(t *testing.T) {
	o, all := newOffice(t), pairs(t)
	stranger := pairs(t)[0]
	secret, signs := o.enrol(t, "", access.AppointmentsRead), o.enrol(t, keySet(t, all[0], all[2]), access.AppointmentsRead)
	gone := o.enrol(t, "", access.AppointmentsRead)
	if got := o.does(t, "revokeApiClient", "apiClient { revokedAt }", vars{"apiClientId": gone.id}); got.Text("revokeApiClient", "apiClient", "revokedAt") == "" {
		t.Fatal(got.Raw)
	}
	used := signedBy(t, all[0], claimsOf(signs))
	if answer := o.posts(t, asserting(used)); answer.Status != http.StatusOK {
		t.Fatal(answer.Raw)
	}
	odd := func(p pair, change func(*jwt.Claims)) url.Values {
		claims := claimsOf(signs)
		change(&claims)
		return asserting(signedBy(t, p, claims))
	}
	wrong := func(c enrolled, secret string) url.Values {
		return url.Values{"grant_type": {byCredentials}, "client_id": {c.clientID}, "client_secret": {secret}}
	}
	parts := strings.Split(used, ".")
	none := "eyJhbGciOiJub25lIn0." + parts[1] + "."
	other := secret
	other.clientID = partner.ClientID(clinic.Ref{Organization: o.clinic.Organization, ID: sample.NewID()})
	want := ""
	for name, form := range map[string]url.Values{
		"unknown":                wrong(other, secret.secret),
		"no client":              wrong(enrolled{clientID: "portal"}, "x"),
		"the wrong secret":       wrong(secret, secret.secret[:len(secret.secret)-1]),
		"somebody else's secret": wrong(secret, gone.secret),
		"revoked":                wrong(gone, gone.secret),
		"no secret":              {"grant_type": {byCredentials}, "client_id": {secret.clientID}},
		"nothing":                {"grant_type": {byCredentials}},
		"used before":            asserting(used),
		"of another key":         odd(pair{stranger.alg, "ed", stranger.signer, nil}, func(*jwt.Claims) {}),
		"no algorithm":           asserting(none),
		"much":                   asserting(strings.Repeat("a", 100_000)),
		"a long one":             asserting(strings.Repeat("a", 9_000)),
		"expired":                odd(all[0], func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Minute)) }),
		"good for too long":      odd(all[0], func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(6 * time.Minute)) }),
		"good for ever":          odd(all[0], func(c *jwt.Claims) { c.Expiry = nil }),
		"not yet good":           odd(all[0], func(c *jwt.Claims) { c.NotBefore = jwt.NewNumericDate(time.Now().Add(time.Minute)) }),
		"for somebody else":      odd(all[0], func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://other.example"} }),
		"for nobody":             odd(all[0], func(c *jwt.Claims) { c.Audience = nil }),
		"of another issuer":      odd(all[0], func(c *jwt.Claims) { c.Issuer = secret.clientID }),
		"of a client that has a secret": odd(all[0], func(c *jwt.Claims) {
			c.Issuer, c.Subject = secret.clientID, secret.clientID
		}),
		"no jti":                    odd(all[0], func(c *jwt.Claims) { c.ID = "" }),
		"no algorithm of the key's": odd(pair{jose.RS256, "ed", all[2].signer, nil}, func(*jwt.Claims) {}),
		"an assertion of no kind":   {"grant_type": {byCredentials}, "client_assertion": {signedBy(t, all[0], claimsOf(signs))}, "client_assertion_type": {"saml"}},
	} {
		answer := o.posts(t, form, func(r *http.Request) { r.RemoteAddr = "192.0.2." + "1:1" })
		if want == "" {
			want = answer.Raw
		}
		if answer.Status != http.StatusBadRequest || answer.Error != "invalid_client" || answer.Raw != want {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
}

func TestWhoComesByAHeaderIsToldByWhichScheme(t *testing.T) {
	o := newOffice(t)
	wrong := o.enrol(t, "", access.AppointmentsRead)
	wrong.secret += "a"
	answer := o.posts(t, url.Values{"grant_type": {byCredentials}}, basic(wrong))
	if answer.Status != http.StatusUnauthorized || answer.Error != "invalid_client" || answer.Header.Get("WWW-Authenticate") != `Basic realm="MediConnect"` {
		t.Errorf("%d %s %v", answer.Status, answer.Raw, answer.Header)
	}
}

func TestRequestsThatAreNoneAreToldSoWithoutAnEcho(t *testing.T) {
	o := newOffice(t)
	c := o.enrol(t, "", access.AppointmentsRead)
	good := url.Values{"grant_type": {byCredentials}}
	for name, answer := range map[string]struct {
		grant
		error string
	}{
		"another grant":  {o.posts(t, url.Values{"grant_type": {"echo"}, "code": {"echo"}}, basic(c)), "unsupported_grant_type"},
		"a password":     {o.posts(t, url.Values{"grant_type": {"password"}, "username": {"echo"}, "password": {"echo"}}, basic(c)), "unsupported_grant_type"},
		"an assertion":   {o.posts(t, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {"echo"}}), "unsupported_grant_type"},
		"no grant":       {o.posts(t, url.Values{}, basic(c)), "invalid_request"},
		"twice":          {o.posts(t, url.Values{"grant_type": {byCredentials}, "scope": {"echo", "echo"}}, basic(c)), "invalid_request"},
		"in two ways":    {o.posts(t, url.Values{"grant_type": {byCredentials}, "client_id": {c.clientID}, "client_secret": {c.secret}}, basic(c)), "invalid_request"},
		"in the URL":     {o.posts(t, good, basic(c), func(r *http.Request) { r.URL.RawQuery = "client_secret=echo" }), "invalid_request"},
		"in JSON":        {o.posts(t, good, basic(c), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }), "invalid_request"},
		"by GET":         {o.posts(t, good, basic(c), func(r *http.Request) { r.Method = http.MethodGet }), "invalid_request"},
		"another scheme": {o.posts(t, good, func(r *http.Request) { r.Header.Set("Authorization", "Digest echo") }), "invalid_client"},
	} {
		if answer.Error != answer.error || strings.Contains(answer.Raw, "echo") || answer.Token != "" {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
}

func TestWrongProofsShutOutNeitherTheClientNorItsNetwork(t *testing.T) {
	o, key := newOffice(t), pairs(t)[0]
	secret, signs := o.enrol(t, "", access.AppointmentsRead), o.enrol(t, keySet(t, key), access.AppointmentsRead)
	from := func(address string) func(*http.Request) {
		return func(r *http.Request) { r.RemoteAddr = address }
	}
	byGrant, wrong := url.Values{"grant_type": {byCredentials}}, secret
	wrong.secret += "a"
	failing := func() {
		t.Helper()
		if answer := o.posts(t, byGrant, basic(wrong), from("[2001:db8::1]:1")); answer.Error != "invalid_client" {
			t.Error(answer.Raw)
		}
		late := claimsOf(signs)
		late.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Minute))
		if answer := o.posts(t, asserting(signedBy(t, key, late)), from("[2001:db8::1]:1")); answer.Error != "invalid_client" {
			t.Error(answer.Raw)
		}
	}
	for range partner.MaxTries + 2 {
		failing()
	}
	for _, address := range []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "192.0.2.7:1"} {
		if answer := o.posts(t, byGrant, basic(secret), from(address)); answer.Status != http.StatusOK {
			t.Errorf("the right secret from %s: %s", address, answer.Raw)
		}
		if answer := o.posts(t, asserting(signedBy(t, key, claimsOf(signs))), from(address)); answer.Status != http.StatusOK {
			t.Errorf("the right key from %s: %s", address, answer.Raw)
		}
	}
	failing()
	record := o.admin.Post(t, `{ auditEvents(where: {action: "apiClient.token"}) { edges { node { outcome } } } }`, nil).OK(t)
	if got := strings.Count(string(record.Raw), "DENIED"); got != 2*partner.MaxTries {
		t.Errorf("%d refusals are recorded: %s", got, record.Raw)
	}
	if got := strings.Count(string(record.Raw), "DONE"); got != 2 { // of all within a minute
		t.Errorf("%d tokens are recorded: %s", got, record.Raw)
	}
}

func TestARevokedClientIsRefusedOnceThatIsAnswered(t *testing.T) {
	o, all := newOffice(t), pairs(t)
	c := o.enrol(t, "", access.AppointmentsRead)
	raw := o.token(t, c)
	o.As(raw).Post(t, whoIsIt, nil).OK(t)
	if stale := o.does(t, "revokeApiClient", "apiClient { id }", vars{"apiClientId": c.id, "expectedVersion": 7}); stale.Text("revokeApiClient", "errors", 0, "__typename") != "StaleApiClientError" {
		t.Errorf("of another version: %s", stale.Raw)
	}
	for range 2 {
		o.does(t, "revokeApiClient", "apiClient { revokedAt version }", vars{"apiClientId": c.id})
		if got := o.As(raw).Post(t, whoIsIt, nil); got.Code() != "UNAUTHENTICATED" {
			t.Fatalf("its token is accepted: %s", got.Raw)
		}
	}
	signs := o.enrol(t, keySet(t, all[0], all[1]), access.AppointmentsRead)
	old, kept := o.posts(t, asserting(signedBy(t, all[0], claimsOf(signs)))).Token, o.posts(t, asserting(signedBy(t, all[1], claimsOf(signs)))).Token
	o.does(t, "replaceApiClientKeys", "apiClient { publicKeys { keyId } }", vars{"apiClientId": signs.id, "jwks": keySet(t, all[1])})
	if got := o.As(old).Post(t, whoIsIt, nil); got.Code() != "UNAUTHENTICATED" {
		t.Errorf("a token of a key that is gone: %s", got.Raw)
	}
	o.As(kept).Post(t, whoIsIt, nil).OK(t)
	if again := o.posts(t, asserting(signedBy(t, all[0], claimsOf(signs)))); again.Error != "invalid_client" {
		t.Errorf("a key that is gone: %s", again.Raw)
	}
}

func TestASecretIsReplacedWithoutAPause(t *testing.T) {
	o := newOffice(t)
	c := o.enrol(t, "", access.AppointmentsRead)
	raw := o.token(t, c)
	rotate := func(overlap string) enrolled {
		answer := o.does(t, "rotateApiClientSecret", "secret apiClient { secrets { endsAt } }", vars{"apiClientId": c.id, "overlap": overlap})
		return enrolled{c.id, c.clientID, answer.Text("rotateApiClientSecret", "secret")}
	}
	rotate("PT1H") // its answer is lost
	second := rotate("PT1H")
	for _, good := range []enrolled{c, second} {
		o.token(t, good)
	}
	o.As(raw).Post(t, whoIsIt, nil).OK(t)
	third := rotate("PT0S")
	if got := o.As(raw).Post(t, whoIsIt, nil); got.Code() != "UNAUTHENTICATED" {
		t.Errorf("a token of a secret that is gone: %s", got.Raw)
	}
	for _, gone := range []enrolled{c, second} {
		if answer := o.posts(t, url.Values{"grant_type": {byCredentials}}, basic(gone)); answer.Error != "invalid_client" {
			t.Errorf("a secret that is gone: %s", answer.Raw)
		}
	}
	o.token(t, third)
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

func TestAnAPIKeyLetsASystemInUntilItIsRevoked(t *testing.T) {
	o := newOffice(t)
	id, text := o.apiKey(t, time.Now().Add(time.Hour), access.AppointmentsRead)
	who := o.As(text).Post(t, whoIsIt, nil).OK(t)
	if who.Text("viewer", "kind") != "API_CLIENT" || who.Text("viewer", "scopes", 0) != access.AppointmentsRead {
		t.Errorf("%s", who.Raw)
	}
	if got := o.As(text).Post(t, `{ patients(where: {name: "Nobody"}, first: 1) { edges { node { id } } } }`, nil); got.Code() != "FORBIDDEN" {
		t.Errorf("without the scope: %s", got.Raw)
	}
	last := []byte(text)
	last[40] = map[bool]byte{true: 'b', false: 'a'}[last[40] == 'a']
	for name, bad := range map[string]string{
		"another letter": string(last), "less": text[:len(text)-1], "of a sandbox": "mk_test_" + strings.TrimPrefix(text, "mk_live_"), "nothing": "mk_live_",
	} {
		if got := o.As(bad).Post(t, whoIsIt, nil); got.Code() != "UNAUTHENTICATED" || got.Status != http.StatusUnauthorized {
			t.Errorf("%s: %s", name, got.Raw)
		}
	}
	listed := o.admin.Post(t, `{ apiKeys { totalCount edges { node { id lastUsedAt prefix } } } node(id: "`+id+`") { ... on ApiKey { lastUsedAt } } }`, nil).OK(t)
	if listed.Text("node", "lastUsedAt") == "" || listed.Text("apiKeys", "edges", 0, "node", "id") != id || strings.Contains(string(listed.Raw), text) {
		t.Errorf("listed: %s", listed.Raw)
	}
	o.does(t, "revokeApiKey", "apiKey { revokedAt }", vars{"apiKeyId": id})
	if got := o.As(text).Post(t, whoIsIt, nil); got.Code() != "UNAUTHENTICATED" {
		t.Errorf("once it is revoked: %s", got.Raw)
	}
}

func TestWhatAPartnerMayNotHaveIsRefusedAtItsField(t *testing.T) {
	o, all := newOffice(t), pairs(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // that it is refused is what is tested
	if err != nil {
		t.Fatal(err)
	}
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: all[0].signer, KeyID: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	client := func(change vars) vars {
		input := vars{"name": "Portal", "scopes": []string{access.AppointmentsRead}, "idempotencyKey": o.key()}
		for field, value := range change {
			input[field] = value
		}
		return input
	}
	hour := func(after time.Duration) string { return time.Now().UTC().Add(after).Format(time.RFC3339) }
	for name, c := range map[string]struct {
		mutation string
		input    vars
		path     []any
	}{
		"another role's scope": {"createApiClient", client(vars{"scopes": []string{access.AppointmentsRead, access.PatientsErase}}), []any{"input", "scopes", "1"}},
		"its maker's scope":    {"createApiKey", client(vars{"expiresAt": hour(time.Hour), "scopes": []string{access.ClientsManage}}), []any{"input", "scopes", "0"}},
		"no scope":             {"createApiClient", client(vars{"scopes": []string{}}), []any{"input", "scopes"}},
		"no name":              {"createApiClient", client(vars{"name": " "}), []any{"input", "name"}},
		"no request a minute":  {"createApiClient", client(vars{"requestsPerMinute": 0}), []any{"input", "requestsPerMinute"}},
		"no set of keys":       {"createApiClient", client(vars{"jwks": "[]"}), []any{"input", "jwks"}},
		"no keys":              {"createApiClient", client(vars{"jwks": `{"keys": []}`}), []any{"input", "jwks"}},
		"keys somewhere else":  {"createApiClient", client(vars{"jwks": `{"jwks_uri": "https://portal.example/keys"}`}), []any{"input", "jwks"}},
		"a private key":        {"createApiClient", client(vars{"jwks": string(private)}), []any{"input", "jwks", "0"}},
		"a shared secret":      {"createApiClient", client(vars{"jwks": `{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}`}), []any{"input", "jwks", "0"}},
		"a weak key":           {"createApiClient", client(vars{"jwks": keySet(t, pair{jose.RS256, "weak", weak, weak.Public()})}), []any{"input", "jwks", "0"}},
		"a key twice":          {"createApiClient", client(vars{"jwks": keySet(t, all[0], pair{all[0].alg, "again", nil, all[0].public})}), []any{"input", "jwks", "1"}},
		"six keys":             {"createApiClient", client(vars{"jwks": keySet(t, all[0], all[0], all[0], all[0], all[0], all[0])}), []any{"input", "jwks"}},
		"no time":              {"createApiKey", client(vars{"expiresAt": hour(-time.Second)}), []any{"input", "expiresAt"}},
		"more than a year":     {"createApiKey", client(vars{"expiresAt": hour(367 * 24 * time.Hour)}), []any{"input", "expiresAt"}},
	} {
		answer := o.does(t, c.mutation, "secret", c.input)
		if answer.Text(c.mutation, "errors", 0, "code") != "INVALID_INPUT" || !slices.Equal(answer.Data(c.mutation, "errors", 0, "path").([]any), c.path) {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
}

func TestASecretIsShownOnceAlsoToWhoAsksAgainWithTheSameKey(t *testing.T) {
	o := newOffice(t)
	input := vars{"name": "Portal", "scopes": []string{access.AppointmentsRead}, "idempotencyKey": "once"}
	first := o.does(t, "createApiClient", "secret replayed apiClient { id version }", input)
	again := o.does(t, "createApiClient", "secret replayed apiClient { id version }", input)
	if first.Text("createApiClient", "apiClient", "id") != again.Text("createApiClient", "apiClient", "id") || again.Data("createApiClient", "replayed") != true ||
		again.Data("createApiClient", "secret") != nil {
		t.Errorf("%s, then %s", first.Raw, again.Raw)
	}
	input["name"] = "Another"
	if other := o.does(t, "createApiClient", "secret", input); other.Text("createApiClient", "errors", 0, "code") != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("another input: %s", other.Raw)
	}
	if dump := o.dump(t); strings.Contains(dump, strings.TrimPrefix(first.Text("createApiClient", "secret"), "mcs_")) {
		t.Error("the database has the secret")
	}
}

// dump is what the database has of partners.
func (o *office) dump(t *testing.T) (text string) {
	t.Helper()
	if err := o.pool.QueryRow(t.Context(), `SELECT string_agg(c::text, ' ') FROM api_clients c`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestClientsReadWhereAndHowTheyGetTokens(t *testing.T) {
	o := newOffice(t)
	w := httptest.NewRecorder()
	o.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/.well-known/oauth-authorization-server", nil))
	var told struct {
		Issuer, Token_endpoint, Jwks_uri                                                                         string
		Grant_types_supported, Response_types_supported, Scopes_supported, Token_endpoint_auth_methods_supported []string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if told.Issuer != thisIssuer || told.Token_endpoint != thisIssuer+"/oauth/token" || told.Jwks_uri != thisIssuer+"/.well-known/jwks.json" ||
		!slices.Equal(told.Grant_types_supported, []string{byCredentials}) || told.Response_types_supported == nil || len(told.Response_types_supported) > 0 ||
		!slices.Equal(told.Token_endpoint_auth_methods_supported, []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}) {
		t.Errorf("%s", w.Body)
	}
	for _, path := range []string{"/oauth/authorize", "/oauth/introspect", "/.well-known/openid-configuration", "/ready", "/healthz"} {
		w := httptest.NewRecorder()
		o.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
}
