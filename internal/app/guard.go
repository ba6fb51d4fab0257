package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/redis"
)

// revokedChannel is where processes say that something was revoked, not what: whoever hears it asks the database.
const revokedChannel = "mediconnect:revoked"

const (
	keysEvery   = time.Minute
	poked       = time.Second // that saying so may take
	pokeSilence = time.Hour   // nothing may be revoked for long
	pokeAgain   = 5 * time.Second
	lastUses    = 2 * time.Second
)

// recognise wires who is accepted: by tokens of our own and of an issuer outside, as long as they aren't revoked.
func (a *App) recognise() {
	issuers := token.Issuers{}
	if a.frame.Key != nil {
		issuers.Outside = &token.Verifier{Key: a.frame.Key, Issuer: a.frame.Issuer, Clock: clock.System{}}
	}
	if a.frame.PublicURL != nil {
		a.issuer = token.Issuer{
			Keys: &token.Keys{Store: postgres.NewSigningKeys(a.db), Clock: clock.System{}, Life: a.frame.Sessions.signingKeyLife()},
			URL:  strings.TrimSuffix(a.frame.PublicURL.String(), "/"), Clock: clock.System{}, NewID: newID,
		}
		issuers.Own = &a.issuer
	}
	a.tokens = token.Remember(issuers, clock.System{})
	a.pokes = make(chan struct{}, 1)
	a.guard = &identity.Guard{
		Store: postgres.NewRevocations(a.db), Clock: clock.System{}, Uptime: clock.Uptime, Wait: pause, Tell: func(context.Context) { a.poke() },
	}
	a.sessions = a.signedIn(identity.NoCache{})
}

// signedIn is the room of sessions, which are read through a cache.
func (a *App) signedIn(cache identity.Cache) *identity.Sessions {
	return identity.NewSessions(identity.Sessions{
		Source: clinic.Source{Clock: clock.System{}, NewID: newID}, Store: postgres.NewSessions(a.db), Guard: a.guard, Signer: a.issuer,
		Random: rand.Reader, Limits: a.frame.Sessions.limits(),
	}, cache)
}

// sessionsFor is how long Redis may have a session as it was read: much shorter than revocations are remembered.
const sessionsFor = 5 * time.Minute

// The names of what is read through Redis.
const (
	sessionCache = "sessions"
	keyCache     = "api-keys"
)

// cacheSessions has sessions be read through Redis.
func (a *App) cacheSessions() {
	kept := redis.NewCache[identity.Session](a.redis, redis.CacheOptions{Name: sessionCache, Secret: a.frame.LinkKey, Life: sessionsFor, Clock: clock.System{}})
	a.caches.add(sessionCache, kept.Counts)
	a.sessions = a.signedIn(kept)
}

// poke has others look at once what was revoked. Nobody waits for it.
func (a *App) poke() {
	select {
	case a.pokes <- struct{}{}:
	default: // it is about to be said
	}
}

// guarding follows what is revoked, and the keys that tokens are signed with, until ctx ends.
func (a *App) guarding(ctx context.Context) {
	heard := make(chan struct{}, 1)
	a.beside.Go(func() {
		regularly(ctx, identity.PollEvery, heard, a.alarmed("what was revoked can't be read; requests ask by themselves", a.guard.Poll))
	})
	if a.issuer.Keys != nil {
		a.beside.Go(func() {
			regularly(ctx, keysEvery, nil, a.alarmed("the keys of tokens can't be read", a.issuer.Keys.Refresh))
		})
	}
	a.beside.Go(func() { a.noteUses(ctx) })
	if a.redis != nil {
		bus := a.redis.Bus(revokedChannel)
		a.beside.Go(func() { a.tellOthers(ctx, bus) })
		a.beside.Go(func() { hear(ctx, bus, heard) })
	}
}

// noteUses keeps when sessions were used, and once more before the process ends.
func (a *App) noteUses(ctx context.Context) {
	regularly(ctx, identity.FlushUses, nil, a.alarmed("when sessions were used can't be noted", a.sessions.FlushUses))
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastUses)
	defer cancel()
	_ = a.sessions.FlushUses(last) // as if they had been used a moment before
}

// tellOthers says that something was revoked, once for all that was since it was said last.
func (a *App) tellOthers(ctx context.Context, bus redis.Bus) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.pokes:
		}
		within, cancel := context.WithTimeout(ctx, poked)
		_ = bus.Publish(within, nil) // who doesn't hear it looks by itself
		cancel()
	}
}

func hear(ctx context.Context, bus redis.Bus, heard chan<- struct{}) {
	for ctx.Err() == nil {
		_ = bus.Listen(ctx, pokeSilence, func([]byte) {
			select {
			case heard <- struct{}{}:
			default:
			}
		})
		_ = pause(ctx, pokeAgain)
	}
}

// regularly does something at once, then again and again, and when it is asked for.
func regularly(ctx context.Context, every time.Duration, asked <-chan struct{}, do func(context.Context)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		do(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-asked:
		}
	}
}

// alarmed logs the first failure of a streak.
func (a *App) alarmed(warning string, do func(context.Context) error) func(context.Context) {
	failing := false
	return func(ctx context.Context) {
		err := do(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			a.frame.Log.Warn(warning, "error", err)
		}
		failing = err != nil
	}
}

// keysAge is how long others may keep the list of keys: much shorter than a key is published before it signs.
const keysAge = "public, max-age=300"

// published serves the keys of our tokens (RFC 7517, section 5).
func (a *App) published(w http.ResponseWriter, r *http.Request) {
	keys, err := a.issuer.Keys.Published(r.Context())
	if err != nil {
		w.Header().Set("Retry-After", "5")
		answer(w, http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable"})
		return
	}
	set := struct {
		Keys []token.JWK `json:"keys"`
	}{[]token.JWK{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.JWK())
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", keysAge)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(set)
}
