package partner

import (
	"context"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Recogniser finds out whose an API key is that a request comes with.
type Recogniser struct {
	uses  Uses
	kept  Keeper
	clock clock.Clock
	live  bool
	noted *lru.Cache[uuid.UUID, time.Time] // when a key's use was noted by this process
}

const (
	// usedWithin is how exactly the last use of a client or key is known.
	usedWithin = time.Minute
	// noteWithin is how long a request may wait for that.
	noteWithin = 500 * time.Millisecond
	maxNoted   = 20_000
)

// NewRecogniser accepts keys of one kind: live, or for tests. The clock is the machine's.
func NewRecogniser(uses Uses, kept Keeper, now clock.Clock, live bool) *Recogniser {
	noted, err := lru.New[uuid.UUID, time.Time](maxNoted)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return &Recogniser{uses: uses, kept: kept, clock: now, live: live, noted: noted}
}

// Verify says whose a key is and when it expires. Any that isn't good fails with the same errs.Unauthenticated; it may fail with errs.Busy.
// Its memory may be a few minutes old: whether the credential was revoked meanwhile is asked by whoever asks it of tokens.
func (r *Recogniser) Verify(ctx context.Context, text string) (access.Actor, time.Time, error) {
	no := errs.SignIn("The token is not valid.")
	ref, ok := keyRef(text, r.live)
	if !ok {
		return access.Actor{}, time.Time{}, no
	}
	key, err := r.kept.Get(ctx, ref.Organization.String()+"/"+ref.ID.String(), func(ctx context.Context) (APIKey, error) {
		key, found, err := r.uses.Key(ctx, ref)
		if err == nil && !found {
			err = no // which isn't kept: whoever makes keys up would fill the memory
		}
		return key, err
	})
	if err != nil {
		return access.Actor{}, time.Time{}, err
	}
	now := r.clock.Now()
	if !key.Digest.of(text) || key.RevokedAt != nil || !now.Before(key.ExpiresAt) {
		return access.Actor{}, time.Time{}, no
	}
	r.note(ctx, ref, now)
	return key.actor(), key.ExpiresAt, nil
}

// note has it kept that a key is used, once a minute. Nobody is refused because that can't be kept now.
func (r *Recogniser) note(ctx context.Context, key clinic.Ref, now time.Time) {
	if last, ok := r.noted.Get(key.ID); ok && now.Sub(last) < usedWithin {
		return
	}
	r.noted.Add(key.ID, now)
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	if r.uses.KeyUsed(ctx, key, now) != nil {
		r.noted.Remove(key.ID)
	}
}
