package identity

import (
	"crypto/subtle"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// Codes of second factors, as every authenticator app makes them (RFC 6238).
const (
	step        = 30 * time.Second
	skew        = 1 // steps that a clock may be off
	digits      = otp.DigitsSix
	factorBytes = 20 // RFC 4226, section 4
	issuer      = "MediConnect"
)

// Factor is the second factor of an account.
type Factor struct {
	Secret   access.Private // base32
	LastStep int64          // that a code was taken of: each is good once
}

// newFactor draws a secret, and the URI that apps read as a QR code (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
func newFactor(random io.Reader, email access.Private) (secret, uri access.Private, err error) {
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: issuer, AccountName: email.Reveal(), Period: uint(step / time.Second), SecretSize: factorBytes, Digits: digits, Rand: random,
	})
	if err != nil {
		return "", "", err
	}
	return access.Private(key.Secret()), access.Private(key.URL()), nil
}

// Takes says of which step a code is, if it is of one that is near now and after the last.
func (f Factor) Takes(code string, now time.Time) (of int64, ok bool) {
	if f.Secret == "" { // HMAC takes an empty key, which everybody knows
		return 0, false
	}
	current := now.Unix() / int64(step/time.Second)
	for at := current - skew; at <= current+skew; at++ {
		right, err := hotp.GenerateCodeCustom(f.Secret.Reveal(), uint64(at), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(right), []byte(code)) == 1 && at > f.LastStep {
			of, ok = at, true
		}
	}
	return of, ok
}

// Recovery codes stand in for a lost second factor, each once: 50 bits.
const (
	recoveryCodes   = 10
	recoveryLetters = 10
	crockford       = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // https://www.crockford.com/base32.html
	longestCode     = 40                                 // as people may write it, with spaces and hyphens
)

func newRecoveryCodes(random io.Reader) ([]access.Private, error) {
	list := make([]access.Private, recoveryCodes)
	for i := range list {
		code := make([]byte, recoveryLetters)
		if _, err := io.ReadFull(random, code); err != nil {
			return nil, err
		}
		for j, b := range code {
			code[j] = crockford[b&31]
		}
		list[i] = access.Private(code[:recoveryLetters/2]) + "-" + access.Private(code[recoveryLetters/2:])
	}
	return list, nil
}

var (
	spaces  = strings.NewReplacer("-", "", " ", "")
	misread = strings.NewReplacer("I", "1", "L", "1", "O", "0")
)

// given is a code as people write it: spaces and hyphens don't matter.
func given(code access.Private) string {
	if len(code) > longestCode {
		return ""
	}
	return spaces.Replace(code.Reveal())
}

// isTotp says whether a code is an app's: a recovery code is longer.
func isTotp(code string) bool { return len(code) == digits.Length() }

// RecoveryHandle is what a recovery code of an account is looked up by.
func RecoveryHandle(account uuid.UUID, code access.Private) patient.Handle {
	text := misread.Replace(strings.ToUpper(given(code)))
	return patient.Handle{Purpose: "recovery code", Value: access.Private(account.String() + " " + text)}
}
