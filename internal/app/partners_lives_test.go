package app

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mediconnect/mediconnect/internal/access"
)

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
