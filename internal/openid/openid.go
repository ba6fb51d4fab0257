// Package openid is part of the cellar: what the process asks of other people's OpenID Connect providers
// (https://openid.net/specs/openid-connect-core-1_0.html), within bounds.
package openid

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// Client is what the process is to a provider.
type Client struct {
	identity.OpenIDProvider
	Issuer, ID string
	Secret     access.Private
	InBody     bool     // the secret goes in the body (client_secret_post), not in a header (client_secret_basic)
	Contexts   []string // values of acr that mean more than one factor (OpenID Connect Core, section 2)
}

// How long a provider may take, how much it may say, and how long what it has said of itself is believed.
const (
	patience = resilience.OpenIDCall
	longest  = 1 << 20 // bytes of an answer
	believed = time.Hour
	pause    = time.Minute // before one is asked again that didn't answer, while there is what it said before
	maxName  = 255         // characters of a subject (OpenID Connect Core, section 2)
)

// algorithms are what an ID token may be signed with: nothing that the secret is the key of, and never nothing.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// Providers implements identity.Providers over HTTP. Nobody is asked before somebody wants to sign in.
type Providers struct {
	clock clock.Clock
	known map[name]*provider
}

type name struct {
	organization uuid.UUID
	name         string
}

// provider is one, and what it has said of itself.
type provider struct {
	Client
	breaker *resilience.Breaker
	web     *http.Client
	flight  singleflight.Group // one question at a time, of what it is
	said    atomic.Pointer[saying]
}

var _ identity.Providers = (*Providers)(nil)

// New makes the clients of providers. Where the environment names a proxy (HTTPS_PROXY), they are reached over it.
func New(clients []Client, c clock.Clock) *Providers {
	transport := bounded{&http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: patience, ResponseHeaderTimeout: patience, MaxIdleConnsPerHost: 2,
		MaxConnsPerHost: 20, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
	}}
	p := &Providers{clock: c, known: map[name]*provider{}}
	for _, client := range clients {
		p.known[name{client.Organization, client.Name}] = &provider{
			Client: client, breaker: resilience.For(resilience.OpenID),
			web: &http.Client{Timeout: patience, Transport: transport, CheckRedirect: stay},
		}
	}
	return p
}

// stay follows no redirect: what a provider says of itself is where it says to be.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Find is documented at identity.Providers.
func (p *Providers) Find(organization uuid.UUID, called string) (identity.OpenIDProvider, bool) {
	found, ok := p.known[name{organization, called}]
	if !ok {
		return identity.OpenIDProvider{}, false
	}
	return found.OpenIDProvider, true
}

func (p *Providers) of(o identity.OpenIDProvider) (*provider, error) {
	found, ok := p.known[name{o.Organization, o.Name}]
	if !ok {
		return nil, errs.Missing("provider", "provider")
	}
	return found, nil
}

// Authorize is documented at identity.Providers.
func (p *Providers) Authorize(ctx context.Context, o identity.OpenIDProvider, ask identity.OpenIDAsk) (string, error) {
	found, err := p.of(o)
	if err != nil {
		return "", err
	}
	said, err := found.discovered(ctx, p.clock)
	if err != nil {
		return "", err
	}
	challenge := sha256.Sum256([]byte(ask.Verifier.Reveal()))
	return rp.AuthURL(ask.State.Reveal(), said.party,
		rp.WithCodeChallenge(base64.RawURLEncoding.EncodeToString(challenge[:])),
		rp.AuthURLOpt(rp.WithURLParam("nonce", ask.Nonce.Reveal())), rp.AuthURLOpt(rp.WithURLParam("redirect_uri", ask.RedirectURI))), nil
}

// nonceOf is what an exchange was asked with, for the verifier that the library calls.
type nonceOf struct{}

// Exchange is documented at identity.Providers.
func (p *Providers) Exchange(ctx context.Context, o identity.OpenIDProvider, came identity.CompleteOpenID, ask identity.OpenIDAsk) (identity.Proven, error) {
	found, err := p.of(o)
	if err != nil {
		return identity.Proven{}, err
	}
	said, err := found.discovered(ctx, p.clock)
	if err != nil {
		return identity.Proven{}, err
	}
	if !said.mayBe(came.Issuer) {
		return identity.Proven{}, identity.ErrNotProven
	}
	tokens, err := found.exchange(ctx, said.party, came.Code, ask)
	switch {
	case err != nil:
		return identity.Proven{}, err
	case tokens == nil || tokens.IDTokenClaims == nil:
		return identity.Proven{}, identity.ErrNotProven
	}
	return found.proven(tokens.IDTokenClaims)
}

// exchange asks for the tokens of a code; there are none if the provider refuses, or if they don't verify.
func (p *provider) exchange(ctx context.Context, party rp.RelyingParty, code access.Private, ask identity.OpenIDAsk) (*oidc.Tokens[*oidc.IDTokenClaims], error) {
	return called(ctx, p, func(ctx context.Context) (*oidc.Tokens[*oidc.IDTokenClaims], error) {
		ctx = context.WithValue(ctx, nonceOf{}, ask.Nonce.Reveal())
		tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](ctx, code.Reveal(), party, rp.WithCodeVerifier(ask.Verifier.Reveal()),
			rp.CodeExchangeOpt(rp.WithURLParam("redirect_uri", ask.RedirectURI)))
		if answered(err) {
			return nil, nil
		}
		return tokens, err
	})
}

// proven reads the claims of a verified ID token.
func (p *provider) proven(c *oidc.IDTokenClaims) (identity.Proven, error) {
	if c.Subject == "" || len(c.Subject) > maxName {
		return identity.Proven{}, identity.ErrNotProven
	}
	return identity.Proven{
		Subject: c.Subject, Email: access.Private(c.Email), Verified: bool(c.EmailVerified),
		SecondFactor: slices.Contains(c.AuthenticationMethodsReferences, "mfa") || // RFC 8176
			c.AuthenticationContextClassReference != "" && slices.Contains(p.Contexts, c.AuthenticationContextClassReference),
	}, nil
}

// answered says whether a failed exchange is the provider's answer, and not that there was none.
func answered(err error) bool {
	if err == nil {
		return false
	}
	if failed, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return failed.Response != nil && failed.Response.StatusCode < http.StatusInternalServerError
	}
	var away interface{ Timeout() bool }
	return !errors.As(err, &away)
}
