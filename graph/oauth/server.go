// Package oauth belongs to the door: it gives partners' systems access tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4), and
// tells clients where and how (RFC 8414). No other grant is served.
package oauth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/partner"
)

// Desk proves clients and gives them tokens.
type Desk interface {
	// Prove finds out which client it is. It fails with partner.ErrNotProved, or with errs.Busy.
	Prove(ctx context.Context, p partner.Proof) (partner.Proved, error)
	// Grant gives it a token. It fails with partner.ErrNoScope, or with errs.Busy.
	Grant(ctx context.Context, p partner.Proved, asked []string) (partner.Token, error)
}

// The paths under the issuer's URL.
const (
	TokenPath = "/oauth/token"
	KeysPath  = "/.well-known/jwks.json"
)

// Endpoints are served for an issuer.
type Endpoints struct {
	Desk    Desk
	Issuer  string                     // the public URL, without a slash at its end
	Address func(*http.Request) string // that a request came from; nil: unknown
	Log     *slog.Logger
}

// Audience is what assertions may be for: the issuer, and the token endpoint (RFC 7523, section 3).
func Audience(issuer string) []string { return []string{issuer, issuer + TokenPath} }

// Turn answers a request that is turned away before an endpoint sees it, with a sentence for a person.
type Turn func(w http.ResponseWriter, r *http.Request, status int, why string)

// Register serves the endpoints on a mux. wrap bounds the time of an answer and how often they are asked; whom it turns away it leaves to turn.
func (e Endpoints) Register(mux *http.ServeMux, wrap func(h http.Handler, turn Turn) http.Handler) {
	served := server{desk: e.Desk, issuer: e.Issuer, log: e.Log}
	tokens := op.RegisterServer(served, op.Endpoints{Token: op.NewEndpoint(TokenPath)}, op.WithServerCORSOptions(nil))
	mux.Handle(TokenPath, e.calm(wrap(e.counter(tokens), turn)))
	metadata := op.RegisterMetadataServer(served, op.WithServerCORSOptions(nil))
	mux.Handle("GET "+oidc.AuthorizationServerMetadataEndpoint+e.path(), e.calm(wrap(metadata, turn)))
}

// path is the issuer's, which a client puts behind the well-known one (RFC 8414, section 3.1).
func (e Endpoints) path() string {
	u, err := url.Parse(e.Issuer)
	if err != nil {
		return ""
	}
	return u.Path
}

// server is what the library asks.
type server struct {
	op.UnimplementedServer
	op.UnimplementedMetadataServer
	desk   Desk
	issuer string
	log    *slog.Logger
}

// client is one that has proved to be itself. The library asks no more of it for this grant than what is here.
type client struct {
	op.Client
	proved partner.Proved
}

func (client) GrantTypes() []oidc.GrantType { return []oidc.GrantType{oidc.GrantTypeClientCredentials} }

func (client) AuthMethod() oidc.AuthMethod { return oidc.AuthMethodBasic } // any but none

// VerifyClient implements op.Server.
func (s server) VerifyClient(ctx context.Context, r *op.Request[op.ClientCredentials]) (op.Client, error) {
	c := r.Data
	proved, err := s.desk.Prove(ctx, partner.Proof{
		ClientID: c.ClientID, Secret: c.ClientSecret, Assertion: c.ClientAssertion, Network: networkOf(ctx), RequestID: requestOf(ctx),
	})
	if err != nil {
		return nil, s.told(ctx, err)
	}
	entry := accesslog.From(ctx)
	entry.Actor, entry.Client = proved.Client()
	return client{proved: proved}, nil
}

// ClientCredentialsExchange implements op.Server.
func (s server) ClientCredentialsExchange(ctx context.Context, r *op.ClientRequest[oidc.ClientCredentialsRequest]) (*op.Response, error) {
	by, ok := r.Client.(client)
	if !ok {
		return nil, s.told(ctx, partner.ErrNotProved)
	}
	token, err := s.desk.Grant(ctx, by.proved, slices.DeleteFunc(r.Data.Scope, func(s string) bool { return s == "" }))
	if err != nil {
		return nil, s.told(ctx, err)
	}
	return op.NewResponse(&oidc.AccessTokenResponse{
		AccessToken: token.Text, TokenType: oidc.BearerToken, ExpiresIn: uint64(token.Life.Seconds()), Scope: token.Scopes,
	}), nil
}

// told is what a client is told of a failure (RFC 6749, section 5.2). Whatever is wrong with its proof, it is the same.
func (s server) told(ctx context.Context, err error) error {
	fault, status := failed()
	switch {
	case errors.Is(err, partner.ErrNotProved):
		fault, status = notProved()
	case errors.Is(err, partner.ErrNoScope):
		fault, status = oidc.ErrInvalidScope().WithDescription("The client may have none of these scopes."), http.StatusBadRequest
	case errs.Of(err) == errs.Busy:
		fault, status = later("Try again in a moment."), http.StatusServiceUnavailable
	default:
		s.log.ErrorContext(ctx, "token request failed", "requestId", requestOf(ctx), "error", err)
	}
	note(ctx, fault)
	return op.NewStatusError(fault, status)
}

func failed() (*oidc.Error, int) {
	return &oidc.Error{ErrorType: oidc.ServerError, Description: "Something went wrong here."}, http.StatusInternalServerError
}

// later is what OAuth has no word for at this endpoint: the word is the one of the authorization endpoint (RFC 6749, section 4.1.2.1).
func later(why string) *oidc.Error {
	return &oidc.Error{ErrorType: "temporarily_unavailable", Description: why}
}

func notProved() (*oidc.Error, int) {
	return oidc.ErrInvalidClient().WithDescription("The client isn't known, or hasn't proved to be it."), http.StatusUnauthorized
}

// metadata is what clients read about the server (RFC 8414, section 2).
type metadata struct {
	Issuer        string   `json:"issuer"`
	TokenEndpoint string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	Scopes        []string `json:"scopes_supported"`
	ResponseTypes []string `json:"response_types_supported"` // none: there is no authorization endpoint
	GrantTypes    []string `json:"grant_types_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	Algorithms    []string `json:"token_endpoint_auth_signing_alg_values_supported"`
}

// AuthorizationServerMetadata implements op.MetadataServer.
func (s server) AuthorizationServerMetadata(context.Context, *op.Request[op.MetadataRequest]) (*op.Response, error) {
	answer := op.NewResponse(metadata{
		Issuer: s.issuer, TokenEndpoint: s.issuer + TokenPath, Keys: s.issuer + KeysPath, Scopes: access.ScopesOf(access.Integrator),
		ResponseTypes: []string{}, GrantTypes: []string{string(oidc.GrantTypeClientCredentials)},
		AuthMethods: []string{string(oidc.AuthMethodBasic), string(oidc.AuthMethodPost), string(oidc.AuthMethodPrivateKeyJWT)},
		Algorithms:  partner.Algorithms(),
	})
	answer.Header.Set("Cache-Control", "public, max-age=300")
	return answer, nil
}

var (
	_ op.Server         = server{}
	_ op.MetadataServer = server{}
)
