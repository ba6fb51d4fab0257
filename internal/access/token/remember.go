package token

import (
	"context"
	"crypto/sha256"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// Remembering verifies the signature of a token once: that takes half the time of a booking's request. It keeps digests, not
// tokens. Whether a token has expired is looked at each time.
type Remembering struct {
	issuers Issuers
	clock   clock.Clock
	known   *lru.Cache[[sha256.Size]byte, verified]
}

type verified struct {
	actor   access.Actor
	expires time.Time
}

const maxKnown = 20_000

// Remember makes the issuers' tokens be remembered. The clock is the one that they expire by.
func Remember(i Issuers, now clock.Clock) *Remembering {
	known, err := lru.New[[sha256.Size]byte, verified](maxKnown)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return &Remembering{issuers: i, clock: now, known: known}
}

// Verify reads a token as Issuers.Verify does.
func (r *Remembering) Verify(ctx context.Context, raw string) (access.Actor, time.Time, error) {
	digest := sha256.Sum256([]byte(raw))
	if v, ok := r.known.Get(digest); ok {
		if !r.clock.Now().Before(v.expires) {
			return access.Actor{}, time.Time{}, expired()
		}
		return v.actor, v.expires, nil
	}
	actor, expires, err := r.issuers.Verify(ctx, raw)
	if err == nil {
		r.known.Add(digest, verified{actor: actor, expires: expires})
	}
	return actor, expires, err
}
