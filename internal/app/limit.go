package app

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// The policies, as callers are told them.
const (
	ofPatients  = "patient"
	ofStaff     = "staff"
	ofClients   = "client"
	ofAddresses = "anonymous"
)

var policies = []string{ofPatients, ofStaff, ofClients, ofAddresses}

// counter counts for all servers together.
type counter interface {
	Take(ctx context.Context, key string, limit int, window time.Duration, n int) (full time.Duration, ok bool, err error)
	Charge(ctx context.Context, key string, limit int, window time.Duration, n int) error
}

// limiting is what a limiter works with.
type limiting struct {
	RateSettings
	secret  []byte        // of the service: no caller shows in a key
	shared  counter       // nil: there is none
	servers func() int    // that there are; nil: this one
	clock   clock.Clock   // the machine's
	window  time.Duration // that limits are for; 0: a minute
}

// rememberedCallers bounds the memory; the least recent are forgotten, and what they asked for is known to Redis alone.
const rememberedCallers = 50_000

// limiter refuses callers who ask too often. What a caller has used is counted in Redis, for all servers, and beside it here: a Redis
// that has forgotten is reminded, a caller who is refused costs it nothing, and while it is away each server allows its share.
type limiter struct {
	limiting
	key    []byte
	known  *lru.Cache[callerKey, *bucket]
	counts map[string]*counted // by policy
}

// counted is what happened under a policy.
type counted struct{ allowed, refused, alone, reminded atomic.Int64 }

// callerKey is a digest of whom a limit is for.
type callerKey [16]byte

func (k callerKey) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

func newLimiter(with limiting) *limiter {
	known, err := lru.New[callerKey, *bucket](rememberedCallers)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	with.window = cmp.Or(with.window, throttle.Window)
	mac := hmac.New(sha256.New, with.secret)
	mac.Write([]byte("mediconnect rate limits"))
	l := &limiter{limiting: with, key: mac.Sum(nil), known: known, counts: map[string]*counted{}}
	for _, policy := range policies {
		l.counts[policy] = &counted{}
	}
	return l
}

// allows is nil where there is no limit.
func (l *limiter) allows() throttle.Allow {
	if l == nil {
		return nil
	}
	return l.Allow
}

// allowance is what somebody may ask for in a minute.
type allowance struct {
	policy    string
	perMinute int
	whose     string
}

// Allow is throttle.Allow.
func (l *limiter) Allow(ctx context.Context, v viewer.Viewer, executions int) throttle.State {
	a := l.allowance(v)
	if a.perMinute <= 0 {
		return throttle.State{}
	}
	if executions <= 0 {
		return l.look(a)
	}
	s, counts := l.take(ctx, a, executions), l.counts[a.policy]
	if s.Wait > 0 {
		counts.refused.Add(1)
	} else {
		counts.allowed.Add(1)
	}
	return s
}

// allowance is a caller's.
func (l *limiter) allowance(v viewer.Viewer) allowance {
	account := v.Organization.String() + " " + v.ID.String()
	switch v.Kind {
	case access.APIClient:
		client := v.Organization.String() + " " + cmp.Or(v.Client, v.ID.String())
		return allowance{ofClients, cmp.Or(v.PerMinute, l.Client), client}
	case access.Patient:
		return allowance{ofPatients, l.Patient, account}
	case access.Staff, access.System:
		return allowance{ofStaff, l.Staff, account}
	}
	return allowance{ofAddresses, l.Anonymous, network(v.Address)}
}

// v6Prefix is what a line has: whoever is given one has 2^64 addresses.
const v6Prefix = 64

// network is an address, of IPv6 the network that one line has (RFC 6177).
func network(address string) string {
	at, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if at = at.Unmap().WithZone(""); at.Is6() {
		if p, err := at.Prefix(v6Prefix); err == nil {
			return p.String()
		}
	}
	return at.String()
}

func (l *limiter) keyOf(a allowance) (k callerKey) {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(a.policy + " " + a.whose))
	copy(k[:], mac.Sum(nil))
	return k
}

// bucket finds a caller's, who counts as seen just now, or begins one.
func (l *limiter) bucket(k callerKey) *bucket {
	if b, found := l.known.Get(k); found {
		return b
	}
	fresh := &bucket{}
	if b, found, _ := l.known.PeekOrAdd(k, fresh); found {
		return b // begun by another request meanwhile
	}
	return fresh
}

// look says where a caller stands who is known here, and changes nothing.
func (l *limiter) look(a allowance) throttle.State {
	b, known := l.known.Peek(l.keyOf(a))
	if !known {
		return throttle.State{}
	}
	r, now := rate{a.perMinute, l.window}, l.clock.Now()
	return b.state(now, a.policy, r, b.wait(now, r))
}

func (l *limiter) take(ctx context.Context, a allowance, n int) throttle.State {
	k := l.keyOf(a)
	b, r := l.bucket(k), rate{a.perMinute, l.window}
	held, wait := b.hold(l.clock.Now(), r, n)
	switch {
	case wait > 0:
	case l.shared == nil:
		wait = b.alone(held, l.share(held.cost, l.window))
	default:
		wait = l.ask(ctx, k.String(), b, held, n, l.counts[a.policy])
	}
	return b.state(l.clock.Now(), a.policy, r, wait)
}

// ask has Redis decide, or this server alone while Redis is away.
func (l *limiter) ask(ctx context.Context, key string, b *bucket, held hold, n int, counts *counted) (wait time.Duration) {
	r, forgiven := held.rate, l.window/forgivenPart
	full, ok, err := l.shared.Take(ctx, key, r.limit, r.window, n)
	if err != nil || full > l.window+forgiven { // the latter of a clock that was set back
		counts.alone.Add(1)
		return b.alone(held, l.share(held.cost, l.window/2))
	}
	forgotten := b.told(held, full, ok)
	if !ok {
		return b.until(held)
	}
	if missing := r.executions(forgotten); forgotten > forgiven && missing > 0 {
		counts.reminded.Add(1)
		_ = l.shared.Charge(ctx, key, r.limit, r.window, missing) // what fails now is made good with the next operation
	}
	return 0
}

// forgivenPart of a window is how far Redis may be behind what is known here.
const forgivenPart = 60

// share is what an operation costs where only this server counts it: as much as if it had been sent to each. While Redis is away
// somebody who had used up what they may have through one server finds others that don't know; so they allow but half as much at once.
func (l *limiter) share(asked, room time.Duration) share {
	servers := 1
	if l.servers != nil {
		servers = max(servers, l.servers())
	}
	room = max(room, asked)
	return share{cost: min(asked*time.Duration(servers), room), room: room}
}
