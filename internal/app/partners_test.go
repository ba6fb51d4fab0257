package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

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
