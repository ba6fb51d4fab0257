package postgres

import (
	"crypto/hmac"
	"crypto/sha256"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
)

const digestLabel = "mediconnect patient handle 1"

// digest is what a patient's handle is stored and looked up as: HMAC-SHA-256 (RFC 2104). The same value has another digest
// in each organisation and for each purpose.
func digest(organization uuid.UUID, h patient.Handle) []byte {
	mac := hmac.New(sha256.New, organization[:])
	for _, part := range []string{digestLabel, h.Purpose, h.Value.Reveal()} {
		mac.Write([]byte(part))
		mac.Write([]byte{0xff}) // no text holds this byte, so parts can't run into each other
	}
	return mac.Sum(nil)
}

// identifierHandle is what an appointment's identifier in another system is looked up by.
func identifierHandle(i clinic.Identifier) patient.Handle {
	return patient.Handle{Purpose: "appointment identifier", Value: access.Private(i.System + "\x00" + i.Value)}
}

func digests(organization uuid.UUID, handles []patient.Handle) [][]byte {
	list := make([][]byte, len(handles))
	for i, h := range handles {
		list[i] = digest(organization, h)
	}
	return list
}
