package token

import (
	"context"
	"crypto/ed25519"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// MaxLife is how long a token of our own may be good for.
const MaxLife = 10 * time.Minute

// Issuer makes and reads the platform's own tokens, of the profile of RFC 9068. They are for this service alone: issuer and audience
// are both its public URL.
type Issuer struct {
	Keys  *Keys
	URL   string      // the public URL, without a slash at its end
	Clock clock.Clock // the machine's
	NewID func() uuid.UUID
}

// own are the claims of our tokens. Somebody's session and a client tell themselves apart by who is named.
type own struct {
	claims
	Session   uuid.UUID `json:"sid,omitzero"`
	ClientID  string    `json:"client_id,omitempty"`
	Proof     uuid.UUID `json:"proof,omitzero"` // what the client proved itself with
	PerMinute int       `json:"rpm,omitempty"`  // requests, by contract
	Scope     string    `json:"scope,omitempty"`
}

const ownType = "at+jwt" // RFC 9068, section 2.1

// Sign makes a token for an actor that is good for so long, and for MaxLife at most. What it can be revoked by is the actor's
// Credential: what an API client proved itself with, else the session. It fails with errs.Busy while no key is known.
func (i Issuer) Sign(ctx context.Context, a access.Actor, life time.Duration) (raw string, expires time.Time, err error) {
	key, err := i.Keys.signing(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	now := i.Clock.Now().Truncate(time.Second)
	expires = now.Add(min(life, MaxLife))
	c := own{claims: claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: i.URL, Audience: jwt.ClaimStrings{i.URL}, Subject: a.ID.String(), ID: i.NewID().String(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		Client: a.Client, Organization: a.Organization, Role: a.Role, Scopes: a.Scopes, Provider: a.ProviderID,
	}, Scope: strings.Join(a.Scopes, " ")}
	if kind, _ := access.KindOf(a.Role); kind == access.APIClient {
		c.ClientID, c.Proof, c.PerMinute = a.Client, a.Credential, a.PerMinute
	} else {
		c.Session = a.Credential
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	t.Header["typ"], t.Header["kid"] = ownType, key.ID
	raw, err = t.SignedString(key.Private)
	return raw, expires, err
}

// Verify reads a token of our own, as Verifier does. It may fail with errs.Busy, too, when nobody can say whether there is such a key.
func (i Issuer) Verify(ctx context.Context, raw string) (access.Actor, time.Time, error) {
	if len(raw) > maxToken {
		return access.Actor{}, time.Time{}, invalid()
	}
	var unknown error
	var c own
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(i.URL), jwt.WithAudience(i.URL),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(i.Clock.Now), jwt.WithLeeway(leeway), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(raw, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if typ, _ := t.Header["typ"].(string); !strings.EqualFold(typ, ownType) && !strings.EqualFold(typ, "application/"+ownType) {
			return nil, jwt.ErrTokenUnverifiable
		}
		var key ed25519.PublicKey
		key, unknown = i.Keys.public(ctx, kid)
		return key, unknown
	})
	switch {
	case errs.Of(unknown) == errs.Busy:
		return access.Actor{}, time.Time{}, unknown
	case err != nil && onlyExpired(err):
		return access.Actor{}, time.Time{}, expired()
	case err != nil:
		return access.Actor{}, time.Time{}, invalid()
	}
	return c.read(i.Clock.Now())
}

// leeway is how far the clocks of two servers may be apart. What has expired by this machine's has expired.
const leeway = 5 * time.Second

func (c own) read(now time.Time) (access.Actor, time.Time, error) {
	a, ok := c.actor()
	if !ok || c.IssuedAt == nil || c.NotBefore == nil || c.ID == "" || c.Patient != uuid.Nil ||
		c.ExpiresAt.Sub(c.IssuedAt.Time) > MaxLife || (c.Session == uuid.Nil) == (c.Proof == uuid.Nil) ||
		(a.Kind == access.APIClient) != (c.Proof != uuid.Nil) || c.ClientID != "" && c.ClientID != a.Client {
		return access.Actor{}, time.Time{}, invalid()
	}
	if !now.Before(c.ExpiresAt.Time) {
		return access.Actor{}, time.Time{}, expired()
	}
	if a.Credential = c.Session; a.Kind == access.APIClient {
		a.Credential, a.PerMinute = c.Proof, c.PerMinute
	}
	return a, c.ExpiresAt.Time, nil
}
