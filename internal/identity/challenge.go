package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

// ChallengeKind is what somebody still owes who gave the right password.
type ChallengeKind string

// The kinds of challenge.
const (
	Enroll ChallengeKind = "ENROLL" // set up a second factor with the secret, and give its first code
	Totp   ChallengeKind = "TOTP"   // a code of the second factor, or a recovery code
)

// How long a challenge can be answered, and how often.
const (
	ChallengeLife     = 5 * time.Minute
	MaxChallengeTries = 5
)

// Challenge is asked of somebody who has proved one thing. What is secret in it is shown once.
type Challenge struct {
	Kind    ChallengeKind
	Token   access.Private  // to answer it with
	Secret  *access.Private // of Enroll: base32, for those who type it
	URI     *access.Private // of Enroll: otpauth://, for a QR code
	Expires time.Time
}

// Ticket is an opaque text for somebody who comes back: the organisation, and a secret of which the digest is kept.
type Ticket struct {
	Organization uuid.UUID
	Digest       [sha256.Size]byte
}

const secretOfTicket = 32

// newTicket draws one.
func newTicket(random io.Reader, organization uuid.UUID) (access.Private, Ticket, error) {
	text := make([]byte, len(organization)+secretOfTicket)
	copy(text, organization[:])
	if _, err := io.ReadFull(random, text[len(organization):]); err != nil {
		return "", Ticket{}, err
	}
	return access.Private(base64.RawURLEncoding.EncodeToString(text)), Ticket{organization, sha256.Sum256(text)}, nil
}

// readTicket reads what was handed out.
func readTicket(written access.Private) (t Ticket, ok bool) {
	size := len(t.Organization) + secretOfTicket
	if len(written) != base64.RawURLEncoding.EncodedLen(size) {
		return t, false
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(written.Reveal())
	if err != nil {
		return t, false
	}
	copy(t.Organization[:], text)
	t.Digest = sha256.Sum256(text)
	return t, true
}
