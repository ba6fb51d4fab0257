package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// A refresh token is text that says what it is, so that scanners for secrets find it: the prefix, and in base64url the organisation, the
// session and 256 random bits.
const (
	refreshPrefix = "mcr_"
	refreshBytes  = 16 + 16 + refreshSecret
	refreshSecret = 32
)

// RefreshDigest is what a refresh token is kept as: whoever reads the database can't use one.
type RefreshDigest [sha256.Size]byte

// newRefresh draws a token for a session.
func newRefresh(of clinic.Ref, random io.Reader) (access.Private, RefreshDigest, error) {
	b := append(append(make([]byte, 0, refreshBytes), of.Organization[:]...), of.ID[:]...)
	b = b[:refreshBytes]
	if _, err := io.ReadFull(random, b[refreshBytes-refreshSecret:]); err != nil {
		return "", RefreshDigest{}, errs.Bug("draw a refresh token", err)
	}
	text := refreshPrefix + base64.RawURLEncoding.EncodeToString(b)
	return access.Private(text), sha256.Sum256([]byte(text)), nil
}

// readRefresh finds out which session a text is a token of, if it looks like one.
func readRefresh(text string) (of clinic.Ref, digest RefreshDigest, ok bool) {
	rest, ok := strings.CutPrefix(text, refreshPrefix)
	if !ok || len(rest) != base64.RawURLEncoding.EncodedLen(refreshBytes) {
		return of, digest, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err != nil {
		return of, digest, false
	}
	of = clinic.Ref{Organization: uuid.UUID(b[:16]), ID: uuid.UUID(b[16:32])}
	return of, sha256.Sum256([]byte(text)), of.ID != uuid.Nil
}
