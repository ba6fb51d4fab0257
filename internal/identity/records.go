package identity

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Cache keeps sessions as they were read, for at most ten minutes: revocations are remembered for longer.
type Cache interface {
	// Get answers what is kept under a key, else what load reads. Failures of load are answered and not kept.
	Get(ctx context.Context, key string, load func(context.Context) (Session, error)) (Session, error)
	// Delete has a key be read anew.
	Delete(ctx context.Context, key string)
}

// NoCache reads everything anew.
type NoCache struct{}

// Get implements Cache.
func (NoCache) Get(ctx context.Context, _ string, load func(context.Context) (Session, error)) (Session, error) {
	return load(ctx)
}

// Delete implements Cache.
func (NoCache) Delete(context.Context, string) {}

const (
	recordFor       = 5 * time.Second // in this process
	rememberedUsers = 20_000
)

// record is a session as it was read.
type record struct {
	session Session
	read    time.Time
}

// records reads sessions, of which each request needs one.
type records struct {
	store SessionStore
	cache Cache
	clock clock.Clock
	known *lru.Cache[clinic.Ref, record]
}

func newRecords(store SessionStore, cache Cache, now clock.Clock) *records {
	known, err := lru.New[clinic.Ref, record](rememberedUsers)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return &records{store: store, cache: cache, clock: now, known: known}
}

// find answers a session as it was up to ten minutes ago. That is good enough to accept one that isn't revoked: it only becomes older, and
// whatever ends it before its time revokes it.
func (r *records) find(ctx context.Context, of clinic.Ref) (Session, error) {
	if kept, ok := r.known.Get(of); ok && clock.Fresh(kept.read, r.clock.Now(), recordFor) {
		return kept.session, nil
	}
	now := r.clock.Now()
	s, err := r.cache.Get(ctx, keyOf(of), func(ctx context.Context) (Session, error) { return r.load(ctx, of) })
	switch {
	case err != nil:
		return Session{}, err
	case s.Ref() != of:
		return r.anew(ctx, of) // whatever it is, it isn't this session
	}
	r.known.Add(of, record{s, now})
	return s, nil
}

// anew answers a session as it is.
func (r *records) anew(ctx context.Context, of clinic.Ref) (Session, error) {
	now := r.clock.Now()
	r.cache.Delete(ctx, keyOf(of))
	s, err := r.load(ctx, of)
	if err == nil {
		r.known.Add(of, record{s, now})
	}
	return s, err
}

func (r *records) load(ctx context.Context, of clinic.Ref) (Session, error) {
	s, found, err := r.store.FindSession(ctx, of)
	if err == nil && !found {
		err = errs.Missing("session")
	}
	return s, err
}

func keyOf(of clinic.Ref) string { return "session:" + of.Organization.String() + ":" + of.ID.String() }
