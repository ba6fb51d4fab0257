package clinic

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Stamp says who changes something and when. AuditID is the id of the audit row that will tell it.
type Stamp struct {
	Actor   access.Actor
	At      time.Time
	AuditID uuid.UUID
}

// Once lets a change happen once for a client's key, within 24 hours.
type Once struct {
	Key       string
	Operation string
	Input     [sha256.Size]byte // digest of what was asked
}

// KeyLife is how long a client's key is remembered.
const KeyLife = 24 * time.Hour

// MaxKeys of an account, in an app, are remembered at a time. It is a multiple of 16.
const MaxKeys = 10_000

// NewOnce checks a client's key. The input must marshal the same way each time.
func NewOnce(key, operation string, input any) (Once, error) {
	var check form.Check
	o := Once{Key: check.Line(key, form.MaxKey, "idempotencyKey"), Operation: operation}
	text, err := json.Marshal(input)
	if err != nil {
		return o, err
	}
	o.Input = sha256.Sum256(text)
	return o, check.Err()
}

// Source gives what a change needs from outside: the time and fresh ids of version 7.
type Source struct {
	Clock clock.Clock
	NewID func() uuid.UUID
}

// Stamp marks a change as the actor's, now.
func (s Source) Stamp(actor access.Actor) Stamp {
	return Stamp{Actor: actor, At: s.Clock.Now(), AuditID: s.NewID()}
}
