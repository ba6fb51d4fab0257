package app

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/devstack"
)

const (
	devIssuer    = "mediconnect-dev" // no other mode accepts its tokens
	devTokenLife = 10 * 365 * 24 * time.Hour
)

// The people of the demo, the same everywhere.
var (
	demoFrontDesk   = uuid.MustParse("01980000-0000-7000-8000-000000000003")
	demoAdmin       = uuid.MustParse("01980000-0000-7000-8000-000000000004")
	demoCaregiver   = uuid.MustParse("01980000-0000-7000-8000-000000000005")
	demoDoctor      = uuid.MustParse("01980000-0000-7000-8000-000000000006")
	demoClinicAdmin = uuid.MustParse("01980000-0000-7000-8000-000000000007")
	demoAuditor     = uuid.MustParse("01980000-0000-7000-8000-000000000008")
)

// devKey reads the data folder's signing key, or makes one.
func devKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return newDevKey(path)
	}
	if err != nil {
		return nil, devstack.FileProblem(path, err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return newDevKey(path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(ed25519.PrivateKey); ok && err == nil {
		return key, nil
	}
	return newDevKey(path)
}

func newDevKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, devstack.FileProblem(path, err)
	}
	return key, nil
}

func publicKey(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// linkKeyOf derives the key of the calendar links, so that one file keeps both.
func linkKeyOf(key ed25519.PrivateKey) []byte {
	sum := sha256.Sum256(append([]byte("calendar links "), key.Seed()...))
	return sum[:]
}

func mintDevTokens(key ed25519.PrivateKey, doctor uuid.UUID) (tokens devTokens, err error) {
	expires := clock.System{}.Now().Add(devTokenLife)
	for _, one := range []struct {
		into  *string
		actor access.Actor
	}{
		{&tokens.Patient, access.Actor{ID: demoPatient, Role: access.PatientRole, PatientID: demoPatient}},
		{&tokens.Caregiver, access.Actor{ID: demoCaregiver, Role: access.Caregiver}},
		{&tokens.Provider, access.Actor{ID: demoDoctor, Role: access.Provider, ProviderID: doctor}},
		{&tokens.FrontDesk, access.Actor{ID: demoFrontDesk, Role: access.FrontDesk}},
		{&tokens.ClinicAdmin, access.Actor{ID: demoClinicAdmin, Role: access.Admin}},
		{&tokens.Auditor, access.Actor{ID: demoAuditor, Role: access.Auditor}},
		{&tokens.Admin, access.Actor{ID: demoAdmin, Role: access.PlatformAdmin}},
	} {
		if one.actor.Role != access.PlatformAdmin {
			one.actor.Organization = demoOrganization
		}
		one.actor.Client, one.actor.Scopes = "dev", access.ScopesOf(one.actor.Role)
		if *one.into, err = token.Sign(key, devIssuer, one.actor, expires); err != nil {
			return tokens, fmt.Errorf("sign token: %w", err)
		}
	}
	return tokens, nil
}
