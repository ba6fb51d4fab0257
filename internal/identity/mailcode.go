package identity

import (
	"encoding/base64"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// A mailed code is a prefix, by which programs that look for leaked secrets know it, and the unpadded base64url of the organisation's id
// and 256 random bits: nobody guesses one, so guesses aren't counted.
const (
	mailCodePrefix = "mcv_"
	mailCodeBits   = 256
)

var mailCodeText = base64.RawURLEncoding.Strict()

// drawMailCode draws a code of an organisation.
func drawMailCode(random io.Reader, organization uuid.UUID) (access.Private, error) {
	bytes := make([]byte, len(organization)+mailCodeBits/8)
	copy(bytes, organization[:])
	_, err := io.ReadFull(random, bytes[len(organization):])
	return access.Private(mailCodePrefix + mailCodeText.EncodeToString(bytes)), err
}

// organizationOf reads whose code this is.
func organizationOf(code access.Private) (organization uuid.UUID, ok bool) {
	text, ok := strings.CutPrefix(code.Reveal(), mailCodePrefix)
	want := len(organization) + mailCodeBits/8
	if !ok || len(text) != mailCodeText.EncodedLen(want) {
		return uuid.Nil, false
	}
	bytes, err := mailCodeText.DecodeString(text)
	if err != nil || len(bytes) != want {
		return uuid.Nil, false
	}
	copy(organization[:], bytes)
	return organization, true
}

// MailCodeHandle is what a mailed code is looked up by.
func MailCodeHandle(code access.Private) patient.Handle {
	return patient.Handle{Purpose: "account code", Value: code}
}

// MailCode is a code to be mailed.
type MailCode struct {
	ID              uuid.UUID
	Note            Note
	Code            access.Private
	MadeAt, Expires time.Time
}
