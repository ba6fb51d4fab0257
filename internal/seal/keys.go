package seal

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
)

// Key encrypts what is about one subject. Generations count from 1; a newer one takes the place of those before. It hides
// itself in logs and in formatted text.
type Key struct {
	Generation uint16
	Secret     [32]byte
}

// LogValue hides the secret from structured logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// String hides the secret from formatted text.
func (k Key) String() string { return fmt.Sprintf("[key of generation %d]", k.Generation) }

// Format hides the secret whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalText hides the secret from JSON and the like.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// KeyID names one of a subject's keys.
type KeyID struct {
	Subject
	Generation uint16
}

// Keys is what a store needs of whoever keeps the keys. Answers may be up to a minute old, but for keys that it doesn't know:
// those it looks for.
type Keys interface {
	// Current answers the newest key of each subject. Those that have none get one, which is kept for good before it is
	// answered. A subject whose keys were destroyed is absent, and gets none ever again.
	Current(ctx context.Context, about []Subject) (map[Subject]Key, error)
	// Keys answers the keys named. Those of subjects whose keys were destroyed are absent; one that is missing for another
	// reason is an error.
	Keys(ctx context.Context, ids []KeyID) (map[KeyID]Key, error)
	// Destroy deletes all keys of a subject for good: nothing about it opens again, in no copy of the database. It may be repeated.
	Destroy(ctx context.Context, about Subject) error
	// Undestroyed answers those of the subjects whose keys were not destroyed.
	Undestroyed(ctx context.Context, about []Subject) ([]Subject, error)
	// LookUpKey answers the key of an organisation's look-up digests. It never changes.
	LookUpKey(ctx context.Context, organization uuid.UUID) ([]byte, error)
	// ChainKey answers the key that an organisation's audit trail is chained with, and its id.
	ChainKey(ctx context.Context, organization uuid.UUID) (id int, key []byte, err error)
	// ChainKeyOf answers an organisation's chain key by its id.
	ChainKeyOf(ctx context.Context, organization uuid.UUID, id int) ([]byte, error)
}
