// Package token belongs to the foundation access: bearer tokens, JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037).
package token

import (
	"crypto/ed25519"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Verifier accepts the tokens of one issuer outside, under one key.
type Verifier struct {
	Key    ed25519.PublicKey
	Issuer string
	Clock  clock.Clock // the machine's time: a product clock that stands still would keep tokens alive
}

type claims struct {
	jwt.RegisteredClaims
	Client       string      `json:"client,omitempty"`
	Organization uuid.UUID   `json:"org,omitzero"`
	Role         access.Role `json:"role"`
	Scopes       []string    `json:"scopes"`
	Patient      uuid.UUID   `json:"patient,omitzero"`
	Provider     uuid.UUID   `json:"provider,omitzero"`
}

const maxToken = 4096

// Verify reads a token and says when it expires. It fails with errs.Unauthenticated and never says more than whether the token
// has expired.
func (v Verifier) Verify(raw string) (access.Actor, time.Time, error) {
	if len(raw) > maxToken {
		return access.Actor{}, time.Time{}, invalid()
	}
	var c claims
	_, err := jwt.ParseWithClaims(raw, &c, func(*jwt.Token) (any, error) { return v.Key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(v.Issuer),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(v.Clock.Now), jwt.WithStrictDecoding())
	if err != nil && onlyExpired(err) {
		return access.Actor{}, time.Time{}, expired()
	}
	if err != nil {
		return access.Actor{}, time.Time{}, invalid()
	}
	a, ok := c.actor()
	if !ok {
		return access.Actor{}, time.Time{}, invalid()
	}
	return a, c.ExpiresAt.Time, nil
}

// onlyExpired says whether a token was good once.
func onlyExpired(err error) bool {
	return errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenInvalidIssuer) && !errors.Is(err, jwt.ErrTokenInvalidAudience) &&
		!errors.Is(err, jwt.ErrTokenNotValidYet)
}

func expired() error { return errs.SignIn("The token has expired.") }

func invalid() error { return errs.SignIn("The token is not valid.") }

// Sign makes a token for an actor that ends at an instant.
func Sign(key ed25519.PrivateKey, issuer string, a access.Actor, expires time.Time) (string, error) {
	c := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: a.ID.String(), ExpiresAt: jwt.NewNumericDate(expires),
			IssuedAt: jwt.NewNumericDate(clock.System{}.Now()),
		},
		Client: a.Client, Organization: a.Organization, Role: a.Role, Scopes: a.Scopes, Patient: a.PatientID, Provider: a.ProviderID,
	}
	return jwt.NewWithClaims(jwt.SigningMethodEdDSA, c).SignedString(key)
}

func (c claims) actor() (access.Actor, bool) {
	subject, err := uuid.Parse(c.Subject)
	kind, known := access.KindOf(c.Role)
	if err != nil || subject == uuid.Nil || !known || (c.Organization == uuid.Nil) != (c.Role == access.PlatformAdmin) {
		return access.Actor{}, false
	}
	return access.Actor{
		Kind: kind, ID: subject, Client: c.Client, Organization: c.Organization, Role: c.Role, Scopes: slices.Clone(c.Scopes),
		PatientID: c.Patient, ProviderID: c.Provider,
	}, true
}
