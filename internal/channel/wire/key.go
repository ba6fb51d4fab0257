package wire

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Key names a message towards vendors, which give it back with their reports: 43 letters of base64url, of its organisation and id.
func Key(m clinic.Ref) string {
	return base64.RawURLEncoding.EncodeToString(slices.Concat(m.Organization[:], m.ID[:]))
}

// Named is the message that a key names; false: it is no key.
func Named(key string) (clinic.Ref, bool) {
	if strings.ContainsAny(key, "\r\n") {
		return clinic.Ref{}, false // which the decoder passes over
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(key)
	if err != nil || len(raw) != 2*len(uuid.UUID{}) {
		return clinic.Ref{}, false
	}
	m := clinic.Ref{Organization: uuid.UUID(raw[:16]), ID: uuid.UUID(raw[16:])}
	return m, m.Organization != uuid.Nil && m.ID != uuid.Nil
}
