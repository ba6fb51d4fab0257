package app

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// keepPartners lets a system with a secret, one that signs and one with a key in.
func (r *realm) keepPartners(t *testing.T, s *site) {
	t.Helper()
	s.secret, s.signs = r.apiClient(t, s, ""), r.apiClient(t, s, oneKey)
	r.done(t, s.admin, "rotateApiClientSecret", "apiClient { id }", vars{"apiClientId": s.secret})
	r.apiKey(t, s)
	for _, gone := range []struct{ mutation, field, id string }{
		{"revokeApiClient", "apiClientId", r.apiClient(t, s, "")}, {"revokeApiKey", "apiKeyId", r.apiKey(t, s)},
	} {
		r.done(t, s.admin, gone.mutation, "query { __typename }", vars{gone.field: gone.id})
		r.revoked[gone.id] = true
	}
	s.Set(`UPDATE api_clients SET last_used_at = created_at WHERE organization_id = $1`)
	s.Set(`UPDATE api_keys SET last_used_at = created_at WHERE organization_id = $1`)
}

// oneKey is a public key that nobody has the other part of.
const oneKey = `{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

func (r *realm) apiClient(t *testing.T, s *site, jwks string) string {
	t.Helper()
	return r.keptClient(s, r.done(t, s.admin, "createApiClient", "apiClient { id }", r.newClient(jwks)))
}

func (r *realm) newClient(jwks string) vars {
	input := vars{"name": "Portal", "scopes": []string{access.AppointmentsRead}, "requestsPerMinute": 60, "idempotencyKey": r.key()}
	if jwks != "" {
		input["jwks"] = jwks
	}
	return input
}

func (r *realm) keptClient(s *site, answer gqltest.Answer) string {
	id := answer.Text("createApiClient", "apiClient", "id")
	r.know(id, subject{kind: globalid.APIClient, organization: s.Organization})
	return id
}

func (r *realm) apiKey(t *testing.T, s *site) string {
	t.Helper()
	return r.keptKey(s, r.done(t, s.admin, "createApiKey", "apiKey { id }", r.newKey()))
}

func (r *realm) newKey() vars {
	return vars{"name": "Kiosk", "scopes": []string{access.AppointmentsRead}, "requestsPerMinute": 60, "idempotencyKey": r.key(),
		"expiresAt": time.Now().UTC().Add(time.Hour).Format(time.RFC3339)}
}

func (r *realm) keptKey(s *site, answer gqltest.Answer) string {
	id := answer.Text("createApiKey", "apiKey", "id")
	r.know(id, subject{kind: globalid.APIKey, organization: s.Organization})
	return id
}

// integrating are inputs of changes of which systems are let in. What is revoked is listed no more.
func (r *realm) integrating(t *testing.T) map[string]func() []inputFor {
	s := r.here
	ours := subject{organization: s.Organization}
	one := func(input func() vars, done func(gqltest.Answer)) func() []inputFor {
		return func() []inputFor { return []inputFor{{about: ours, input: input, done: done}} }
	}
	ends := func(id *string) func(gqltest.Answer) {
		return func(gqltest.Answer) { r.revoked[*id], *id = true, "" }
	}
	var client, key string
	return map[string]func() []inputFor{
		"createApiClient":       one(func() vars { return r.newClient("") }, func(a gqltest.Answer) { r.keptClient(s, a) }),
		"rotateApiClientSecret": one(func() vars { return vars{"apiClientId": s.secret} }, nil),
		"replaceApiClientKeys":  one(func() vars { return vars{"apiClientId": s.signs, "jwks": oneKey} }, nil),
		"revokeApiClient": one(func() vars {
			if client == "" {
				client = r.apiClient(t, s, "")
			}
			return vars{"apiClientId": client}
		}, ends(&client)),
		"createApiKey": one(r.newKey, func(a gqltest.Answer) { r.keptKey(s, a) }),
		"revokeApiKey": one(func() vars {
			if key == "" {
				key = r.apiKey(t, s)
			}
			return vars{"apiKeyId": key}
		}, ends(&key)),
	}
}
