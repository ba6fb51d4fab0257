package partner

import (
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// The bounds of assertions (RFC 7523, section 3; OpenID Connect Core, section 9).
const (
	assertionLife    = 5 * time.Minute
	assertionSkew    = 30 * time.Second // that the clocks of both may differ
	longestAssertion = 8 << 10
	longestJTI       = 256
)

// signed is an assertion that was read and not yet verified.
type signed struct {
	token  *jwt.JSONWebToken
	client clinic.Ref
}

// readAssertion reads whose an assertion says it is. One under another algorithm than those of Algorithms is none.
func readAssertion(text string) (signed, bool) {
	if len(text) > longestAssertion {
		return signed{}, false
	}
	token, err := jwt.ParseSigned(text, algorithms)
	if err != nil || len(token.Headers) != 1 {
		return signed{}, false
	}
	var claims jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil || claims.Issuer != claims.Subject {
		return signed{}, false
	}
	ref, ok := clientRef(claims.Subject)
	return signed{token, ref}, ok
}

// proves says with which of a client's keys the assertion was signed, as what it may be used once, and until when. What is wrong with it
// isn't told.
func (s signed) proves(c Client, audience []string, now time.Time) (key Key, jti string, until time.Time, ok bool) {
	header := s.token.Headers[0]
	for _, k := range c.Keys {
		if header.KeyID != "" && header.KeyID != k.KeyID || !slices.Contains(k.Algorithms, header.Algorithm) {
			continue
		}
		var claims jwt.Claims
		if s.token.Claims(k.verifier(), &claims) != nil {
			continue
		}
		id := ClientID(c.Ref())
		expected := jwt.Expected{Issuer: id, Subject: id, AnyAudience: audience, Time: now}
		if claims.ValidateWithLeeway(expected, assertionSkew) != nil || claims.Expiry == nil ||
			claims.Expiry.Time().After(now.Add(assertionLife+assertionSkew)) || claims.ID == "" || len(claims.ID) > longestJTI {
			return Key{}, "", time.Time{}, false
		}
		// Whose clock is ahead drops none that another server still takes: the servers' clocks may differ, too.
		return k, claims.ID, claims.Expiry.Time().Add(2 * assertionSkew), true
	}
	return Key{}, "", time.Time{}, false
}

// verifier is the key as the library takes it, which knows Ed25519 by its older name alone.
func (k Key) verifier() any {
	if public, ok := k.Public.(ed25519.PublicKey); ok {
		return edwards(public)
	}
	return k.Public
}

// edwards verifies signatures with an Ed25519 key.
type edwards ed25519.PublicKey

// VerifyPayload implements jose.OpaqueVerifier.
func (e edwards) VerifyPayload(payload, signature []byte, alg jose.SignatureAlgorithm) error {
	if alg != jose.EdDSA && alg != ed25519Alone || !ed25519.Verify(ed25519.PublicKey(e), payload, signature) {
		return jose.ErrCryptoFailure
	}
	return nil
}
