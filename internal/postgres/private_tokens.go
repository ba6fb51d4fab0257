package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/patient"
)

const digestLabel = "mediconnect patient handle 1"

// lookUp is an organisation's key for digests by which private values are found.
type lookUp []byte

func (db *DB) lookUp(ctx context.Context, organization uuid.UUID) (lookUp, error) {
	key, err := db.keys.LookUpKey(ctx, organization)
	if err != nil {
		return nil, errs.Bug("find the key of look-ups", err)
	}
	return key, nil
}

// digest is what a patient's handle is stored and looked up as: HMAC-SHA-256 (RFC 2104). The same value has another digest
// in each organisation and for each purpose.
func (key lookUp) digest(h patient.Handle) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{digestLabel, h.Purpose, h.Value.Reveal()} {
		mac.Write([]byte(part))
		mac.Write([]byte{0xff}) // no text holds this byte, so parts can't run into each other
	}
	return mac.Sum(nil)
}

func (key lookUp) digests(handles []patient.Handle) [][]byte {
	list := make([][]byte, len(handles))
	for i, h := range handles {
		list[i] = key.digest(h)
	}
	return list
}

// identifier is the digest of what an appointment is called elsewhere.
func (key lookUp) identifier(i clinic.Identifier) []byte {
	return key.digest(patient.Handle{Purpose: "appointment", Value: access.Private(i.System + "\x00" + i.Value)})
}

// Labels of what is kept of idempotency keys.
const (
	keyLabel   = "mediconnect idempotency key 1"
	inputLabel = "mediconnect idempotent input 1"
)

// kept is what is kept of an idempotency key, or of the input that it was sent with: a client may write anything in either, and what was
// asked for could be guessed from a digest without a key.
func (key lookUp) kept(label string, what []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(label))
	mac.Write([]byte{0xff})
	mac.Write(what)
	return mac.Sum(nil)
}
