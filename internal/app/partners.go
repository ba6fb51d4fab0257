package app

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/oauth"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/redis"
)

// integrate wires the room of partners. Its time is the machine's: what a product clock that stands still has ended would live on.
func (a *App) integrate() {
	store := postgres.NewPartners(a.db)
	a.partner = &partner.Service{
		Store: store, Source: clinic.Source{Clock: clock.System{}, NewID: newID}, Random: rand.Reader, Revocations: a.guard, Live: !a.frame.TestKeys,
	}
	a.recogniseKeys()
}

// recogniseKeys has API keys read through Redis, once it is known whether there is one.
func (a *App) recogniseKeys() {
	kept := redis.NewCache[partner.APIKey](a.redis, redis.CacheOptions{Name: keyCache, Secret: a.frame.LinkKey, Life: keptLife, Clock: clock.System{}})
	a.caches.add(keyCache, kept.Counts)
	keys := partner.NewRecogniser(postgres.NewPartners(a.db), newRecent(kept), clock.System{}, !a.frame.TestKeys)
	a.verifier = recognised{tokens: a.tokens, keys: keys}
}

// recognised are tokens and API keys, which are told apart by how they begin.
type recognised struct{ tokens, keys caller.Verifier }

// Verify is documented at caller.Verifier.
func (r recognised) Verify(ctx context.Context, text string) (access.Actor, time.Time, error) {
	if strings.HasPrefix(text, partner.KeyPrefix) {
		return r.keys.Verify(ctx, text)
	}
	return r.tokens.Verify(ctx, text)
}

// oauth is where partners' systems get tokens; nil if this process issues none.
func (a *App) oauth(settings HTTPSettings) *oauth.Endpoints {
	if a.issuer.Keys == nil {
		return nil
	}
	desk := partner.Desk{
		Uses: postgres.NewPartners(a.db), Signer: a.issuer, Source: clinic.Source{Clock: clock.System{}, NewID: newID}, Audience: oauth.Audience(a.issuer.URL),
	}
	return &oauth.Endpoints{Desk: desk, Issuer: a.issuer.URL, Address: settings.TrustedProxies.address, Log: a.frame.Log}
}

// recent are keys that were looked up a moment ago: one is asked for twice a request.
type recent struct {
	known  *lru.Cache[string, seenKey]
	behind partner.Keeper
}

type seenKey struct {
	kept partner.APIKey
	at   time.Time
}

const (
	mostRecent = 10_000
	recentLife = 5 * time.Second
	keptLife   = 9 * time.Minute // with the other, less than revocations are remembered for
)

func newRecent(behind partner.Keeper) recent {
	known, err := lru.New[string, seenKey](mostRecent)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return recent{known, behind}
}

// Get is documented at partner.Keeper.
func (r recent) Get(ctx context.Context, text string, load func(context.Context) (partner.APIKey, error)) (partner.APIKey, error) {
	now := clock.System{}.Now()
	if seen, ok := r.known.Get(text); ok && clock.Fresh(seen.at, now, recentLife) {
		return seen.kept, nil
	}
	if caller.Sparing(ctx) {
		load = func(context.Context) (partner.APIKey, error) { return partner.APIKey{}, errs.TryAgain(nil) }
	}
	kept, err := r.behind.Get(ctx, text, load)
	if err == nil {
		r.known.Add(text, seenKey{kept, now})
	}
	return kept, err
}
