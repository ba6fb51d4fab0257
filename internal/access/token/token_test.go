package token_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

const issuer = "mediconnect-test"

var (
	now  = time.Date(2030, 5, 6, 13, 0, 0, 0, time.UTC)
	desk = access.Actor{
		Kind: access.Staff, ID: uuid.UUID{15: 1}, Client: "desk-app", Organization: uuid.UUID{15: 2}, Role: access.FrontDesk,
		Scopes: []string{access.AppointmentsRead, access.PatientsRead}, ProviderID: uuid.UUID{15: 3},
	}
)

func keys(t *testing.T) (ed25519.PrivateKey, token.Verifier) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key, token.Verifier{Key: public, Issuer: issuer, Clock: clock.FrozenAt(now)}
}

func sign(t *testing.T, key ed25519.PrivateKey, issuer string, a access.Actor, expires time.Time) string {
	t.Helper()
	raw, err := token.Sign(key, issuer, a, expires)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestATokenCarriesItsActor(t *testing.T) {
	key, verifier := keys(t)
	admin := access.Actor{Kind: access.Staff, ID: uuid.UUID{15: 4}, Role: access.PlatformAdmin, Scopes: []string{access.PlatformAdminAll}}
	patient := access.Actor{Kind: access.Patient, ID: uuid.UUID{15: 5}, Organization: uuid.UUID{15: 2}, Role: access.PatientRole, PatientID: uuid.UUID{15: 6}}
	for _, want := range []access.Actor{desk, admin, patient} {
		got, expires, err := verifier.Verify(sign(t, key, issuer, want, now.Add(time.Second)))
		if err != nil || !reflect.DeepEqual(got, want) || !expires.Equal(now.Add(time.Second)) {
			t.Errorf("got %+v until %v, want %+v, %v", got, expires, want, err)
		}
	}
}

func TestOtherTokensAreRefused(t *testing.T) {
	key, verifier := keys(t)
	other, _ := keys(t)
	good := sign(t, key, issuer, desk, now.Add(time.Hour))
	parts := strings.Split(good, ".")
	homeless, nobody, unknown, lodger := desk, desk, desk, desk
	homeless.Organization, nobody.ID, unknown.Role = uuid.Nil, uuid.Nil, "JANITOR"
	lodger.Role = access.PlatformAdmin
	for name, raw := range map[string]string{
		"expires now":                           sign(t, key, issuer, desk, now),
		"another issuer":                        sign(t, key, "mediconnect", desk, now.Add(time.Hour)),
		"another key":                           sign(t, other, issuer, desk, now.Add(time.Hour)),
		"another signature":                     parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"no signature":                          parts[0] + "." + parts[1] + ".",
		"no algorithm":                          unsigned(t),
		"the public key as a secret":            secret(t, verifier.Key),
		"no organisation":                       sign(t, key, issuer, homeless, now.Add(time.Hour)),
		"no subject":                            sign(t, key, issuer, nobody, now.Add(time.Hour)),
		"no such role":                          sign(t, key, issuer, unknown, now.Add(time.Hour)),
		"a platform administrator of one place": sign(t, key, issuer, lodger, now.Add(time.Hour)),
		"no expiry":                             endless(t, key),
		"nothing":                               "",
		"words":                                 "not a token",
		"much":                                  strings.Repeat("a.", 5000),
	} {
		got, _, err := verifier.Verify(raw)
		if errs.Of(err) != errs.Unauthenticated || got.Kind != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func claims() jwt.MapClaims {
	return jwt.MapClaims{"iss": issuer, "sub": desk.ID.String(), "exp": now.Add(time.Hour).Unix(), "org": desk.Organization.String(), "role": "ADMIN"}
}

func unsigned(t *testing.T) string {
	t.Helper()
	raw, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims()).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func secret(t *testing.T, key []byte) string {
	t.Helper()
	raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims()).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func endless(t *testing.T, key ed25519.PrivateKey) string {
	t.Helper()
	c := claims()
	delete(c, "exp")
	raw, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAnExpiredTokenIsToldApart(t *testing.T) {
	key, verifier := keys(t)
	_, _, err := verifier.Verify(sign(t, key, issuer, desk, now.Add(-time.Hour)))
	if err == nil || err.Error() != "The token has expired." {
		t.Errorf("got %v", err)
	}
}

func TestARememberedTokenEndsToo(t *testing.T) {
	key, verifier := keys(t)
	now := clock.FrozenAt(now)
	verifier.Clock = now
	remembering := token.Remember(token.Issuers{Outside: &verifier}, now)
	raw := sign(t, key, issuer, desk, now.Now().Add(time.Minute))
	for range 2 {
		if got, expires, err := remembering.Verify(t.Context(), raw); err != nil || !reflect.DeepEqual(got, desk) || !expires.Equal(now.Now().Add(time.Minute)) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if _, _, err := remembering.Verify(t.Context(), raw+"A"); err == nil {
		t.Error("another token was taken for it")
	}
	now.Advance(time.Minute)
	if _, _, err := remembering.Verify(t.Context(), raw); err == nil || err.Error() != "The token has expired." {
		t.Errorf("after its end: %v", err)
	}
}
