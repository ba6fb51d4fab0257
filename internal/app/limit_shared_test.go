package app

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// shared counts for all servers, and can be away, flushed and slow.
type shared struct {
	clock clock.Clock
	mu    sync.Mutex
	full  map[string]time.Time
	away  bool
	asked int
	first bool // whoever asks next waits until somebody else has asked
	went  chan struct{}
}

var errNoCounter = errors.New("away")

func (s *shared) Take(_ context.Context, key string, limit int, window time.Duration, n int) (time.Duration, bool, error) {
	s.mu.Lock()
	if s.first {
		s.first = false
		s.mu.Unlock()
		<-s.went
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	s.asked++
	if s.away {
		return 0, false, errNoCounter
	}
	return s.count(key, rate{limit, window}, n)
}

func (s *shared) Charge(_ context.Context, key string, limit int, window time.Duration, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return errNoCounter
	}
	r := rate{limit, window}
	if left := r.executions(window - max(0, s.full[key].Sub(s.clock.Now()))); left > 0 {
		_, _, _ = s.count(key, r, min(n, left))
	}
	return nil
}

func (s *shared) count(key string, r rate, n int) (time.Duration, bool, error) {
	now := s.clock.Now()
	full := s.full[key]
	if full.Before(now) {
		full = now
	}
	if full.Add(r.cost(n)).After(now.Add(r.window)) {
		return full.Sub(now), false, nil
	}
	s.full[key] = full.Add(r.cost(n))
	return s.full[key].Sub(now), true, nil
}

// fleet is servers over one counter, on a clock that stands still until it is moved.
type fleet struct {
	clock   *clock.Frozen
	shared  *shared
	servers []*limiter
}

func newFleet(servers int) *fleet {
	f := &fleet{clock: clock.FrozenAt(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC))}
	f.shared = &shared{clock: f.clock, full: map[string]time.Time{}, went: make(chan struct{})}
	for range servers {
		f.servers = append(f.servers, newLimiter(limiting{
			RateSettings: RateSettings{Patient: 100, Staff: 600, Client: 600, Anonymous: 600}, shared: f.shared, clock: f.clock,
			servers: func() int { return servers },
		}))
	}
	return f
}

var (
	annAsks = viewer.Viewer{Actor: access.Actor{Kind: access.Patient, Organization: somewhere, ID: uuid.UUID{15: 1}}, Address: "192.0.2.1"}
	bobAsks = viewer.Viewer{Actor: access.Actor{Kind: access.Patient, Organization: somewhere, ID: uuid.UUID{15: 2}}, Address: "192.0.2.1"}
)

// burst asks until it is refused, at the servers given, one after the other.
func (f *fleet) burst(v viewer.Viewer, servers ...*limiter) (allowed int) {
	for _, s := range servers {
		for s.Allow(context.Background(), v, 1).Wait == 0 {
			allowed++
		}
	}
	return allowed
}

func TestAllServersTogetherAllowTheLimit(t *testing.T) {
	f := newFleet(3)
	if n := f.burst(annAsks, f.servers...); n != 100 {
		t.Errorf("%d were allowed at once", n)
	}
	f.clock.Advance(6 * time.Second)
	if n := f.burst(annAsks, f.servers...); n != 10 {
		t.Errorf("%d were allowed after a tenth of a minute", n)
	}
	if n := f.burst(bobAsks, f.servers...); n != 100 {
		t.Errorf("%d were allowed to another account", n)
	}
}

func TestWhoIsRefusedCostsRedisNothing(t *testing.T) {
	f := newFleet(2)
	f.burst(annAsks, f.servers...)
	before := f.shared.asked
	for range 100 {
		f.burst(annAsks, f.servers...)
	}
	if f.shared.asked != before {
		t.Errorf("Redis was asked %d times about somebody who had been refused", f.shared.asked-before)
	}
}

func TestAnOperationCountsItsRootFields(t *testing.T) {
	f := newFleet(1)
	s := f.servers[0].Allow(t.Context(), annAsks, 15)
	if s != (throttle.State{Policy: "patient", Limit: 100, Remaining: 85, Full: 9 * time.Second}) {
		t.Errorf("answered %+v", s)
	}
	f.servers[0].Allow(t.Context(), annAsks, 80)
	if s := f.servers[0].Allow(t.Context(), annAsks, 15); s.Wait != 6 || s.Remaining != 5 {
		t.Errorf("ten too many are answered %+v", s)
	}
	if s := f.servers[0].Allow(t.Context(), annAsks, 5); s.Wait != 0 || s.Remaining != 0 {
		t.Errorf("as many as are left are answered %+v", s)
	}
}

func TestAFlushedRedisIsRemindedByWhoKnows(t *testing.T) {
	f := newFleet(2)
	knows, other := f.servers[0], f.servers[1]
	for range 90 {
		knows.Allow(t.Context(), annAsks, 1)
	}
	clear(f.shared.full)
	if s := knows.Allow(t.Context(), annAsks, 1); s.Wait != 0 || s.Remaining != 9 {
		t.Fatalf("after the flush it is answered %+v", s)
	}
	if n := f.burst(annAsks, other, knows); n != 9 {
		t.Errorf("%d more were allowed, of 9 that were left", n)
	}
}

func TestWhileRedisIsAwayEachServerAllowsItsShare(t *testing.T) {
	f := newFleet(4)
	f.shared.away = true
	for _, s := range f.servers {
		if n := f.burst(annAsks, s); n != 12 { // half of a quarter at once
			t.Errorf("a server allowed %d at once", n)
		}
	}
	allowed := 0
	for range 60 {
		f.clock.Advance(time.Second)
		allowed += f.burst(annAsks, f.servers...)
	}
	if allowed < 96 || allowed > 104 {
		t.Errorf("four servers allowed %d in the next minute", allowed)
	}
}

func TestWithoutRedisServersShareTheLimit(t *testing.T) {
	f := newFleet(4)
	allowed := 0
	for _, s := range f.servers {
		s.shared = nil
		allowed += f.burst(annAsks, s)
	}
	if allowed != 100 {
		t.Errorf("four servers allowed %d at once", allowed)
	}
}

// However often Redis comes and goes and is flushed, an attacker who tries all servers all the time, or keeps to one that the others
// know nothing of, gets no more than half as much again over some minutes.
func TestAnAttackerGainsLittleByRedisComingAndGoing(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 6))
		f := newFleet(2 + random.IntN(3))
		const minutes = 8
		allowed, phase := 0, 0
		for s := range minutes * 60 * 10 {
			if s >= phase { // what comes next lasts for half a minute to three
				phase = s + 300 + random.IntN(1500)
				f.shared.away = random.IntN(2) == 0
				if random.IntN(2) == 0 {
					clear(f.shared.full)
				}
			}
			f.clock.Advance(100 * time.Millisecond)
			tried := f.servers
			if seed%2 == 1 && !f.shared.away { // the others don't see it then
				tried = tried[:1]
			}
			allowed += f.burst(annAsks, tried...)
		}
		if most := minutes * 100 * 3 / 2; allowed > most {
			t.Errorf("seed %d: %d servers allowed %d in %d minutes, more than %d", seed, len(f.servers), allowed, minutes, most)
		}
	}
}

func TestRequestsThatOvertakeEachOtherAreCountedOnce(t *testing.T) {
	f := newFleet(1)
	s := f.servers[0]
	f.shared.first = true
	slow := make(chan throttle.State)
	go func() { slow <- s.Allow(t.Context(), annAsks, 20) }()
	for i := 0; ; i++ { // until the slow one is on its way
		f.shared.mu.Lock()
		waits := !f.shared.first
		f.shared.mu.Unlock()
		if waits {
			break
		}
		<-time.After(time.Millisecond)
	}
	for range 20 {
		s.Allow(t.Context(), annAsks, 1)
	}
	close(f.shared.went)
	if last := <-slow; last.Wait != 0 || last.Remaining != 60 {
		t.Errorf("it is answered %+v", last)
	}
	if n := s.counts[ofPatients].reminded.Load(); n != 0 {
		t.Errorf("Redis was reminded %d times of what it knew", n)
	}
}

func TestAClockThatIsSetBackRefusesNobodyForLong(t *testing.T) {
	f := newFleet(1)
	f.shared.away = true
	f.burst(annAsks, f.servers[0])
	f.clock.Advance(-time.Hour)
	if s := f.servers[0].Allow(t.Context(), annAsks, 1); s.Wait > 60 {
		t.Errorf("it is answered %+v", s)
	}
	g := newFleet(1)
	g.servers[0].Allow(t.Context(), annAsks, 50)
	for k := range g.shared.full { // Redis' own was set back
		g.shared.full[k] = g.clock.Now().Add(time.Hour)
	}
	if s := g.servers[0].Allow(t.Context(), annAsks, 1); s.Wait > 60 {
		t.Errorf("Redis' clock was set back, and it is answered %+v", s)
	}
}

func TestEachCallerHasTheLimitOfTheirRole(t *testing.T) {
	l := newFleet(1).servers[0]
	of := func(kind access.Kind, client string) viewer.Viewer {
		return viewer.Viewer{Actor: access.Actor{Kind: kind, Organization: somewhere, ID: uuid.New(), Client: client}, Address: "192.0.2.1"}
	}
	partner := of(access.APIClient, "partner")
	partner.PerMinute = 50
	for name, c := range map[string]struct {
		who    viewer.Viewer
		policy string
		limit  int
	}{
		"a patient":                   {of(access.Patient, "app"), "patient", 100},
		"staff":                       {of(access.Staff, "app"), "staff", 600},
		"a client":                    {of(access.APIClient, "lab"), "client", 600},
		"a client with a contract":    {partner, "client", 50},
		"nobody":                      {viewer.Viewer{Actor: access.Nobody(""), Address: "192.0.2.9"}, "anonymous", 600},
		"a client without its own id": {of(access.APIClient, ""), "client", 600},
	} {
		if s := l.Allow(t.Context(), c.who, 1); s.Policy != c.policy || s.Limit != c.limit {
			t.Errorf("%s: %+v", name, s)
		}
	}
	same := func(a, b viewer.Viewer) bool { return l.keyOf(l.allowance(a)) == l.keyOf(l.allowance(b)) }
	elsewhere := annAsks
	elsewhere.Organization = uuid.New()
	at := func(address string) viewer.Viewer { return viewer.Viewer{Actor: access.Nobody(""), Address: address} }
	switch {
	case same(annAsks, bobAsks), same(annAsks, elsewhere), !same(of(access.APIClient, "lab"), of(access.APIClient, "lab")):
		t.Error("callers are mixed up")
	case same(at("192.0.2.1"), at("192.0.2.2")), !same(at("2001:db8::1"), at("2001:db8::ffff:1")), same(at("2001:db8::1"), at("2001:db8:0:1::1")),
		!same(at("::ffff:192.0.2.1"), at("192.0.2.1")):
		t.Error("addresses are mixed up")
	}
	if k := l.keyOf(l.allowance(at("192.0.2.1"))).String(); strings.Contains(k, "192") || len(k) != 22 {
		t.Errorf("the key is %s", k)
	}
}
