package identity_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// truth is a store in memory.
type truth struct {
	mu      sync.Mutex
	all     []uuid.UUID
	away    error
	asked   int // how often
	polled  int
	holding chan struct{} // who asks waits for it; nil: nobody does
}

func (s *truth) Since(context.Context, identity.Following) ([]uuid.UUID, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polled++
	return slices.Clone(s.all), time.Date(2030, 1, 1, 0, 0, s.polled, 0, time.UTC), s.away
}

func (s *truth) Among(_ context.Context, wanted []uuid.UUID) (found []uuid.UUID, err error) {
	s.mu.Lock()
	s.asked++
	all, away, holding := slices.Clone(s.all), s.away, s.holding // as it stands when the question is put
	s.mu.Unlock()
	if holding != nil {
		<-holding
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(id uuid.UUID) bool { return !slices.Contains(all, id) }), away
}

func (s *truth) Revoke(_ context.Context, subjects []uuid.UUID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, subjects...)
	return s.away
}

// guarded is a guard whose time a test tells.
type guarded struct {
	*identity.Guard
	store *truth
	wall  *clock.Frozen
	up    time.Duration
	slept time.Duration
}

func newGuard(store *truth) *guarded {
	g := &guarded{store: store, wall: clock.FrozenAt(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)), up: time.Hour}
	g.Guard = &identity.Guard{Store: store, Clock: g.wall, Uptime: func() time.Duration { return g.up },
		Wait: func(_ context.Context, d time.Duration) error { g.slept += d; return nil }}
	return g
}

func (g *guarded) pass(d time.Duration) { g.up += d; g.wall.Advance(d) }

func (g *guarded) poll(t *testing.T) {
	t.Helper()
	if err := g.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (g *guarded) is(t *testing.T, subject uuid.UUID, want bool) {
	t.Helper()
	if got, err := g.Revoked(t.Context(), subject); err != nil || got != want {
		t.Errorf("revoked is %v, %v; want %v", got, err, want)
	}
}

var session = uuid.UUID{15: 7}

func TestWhatAGuardKnowsCountsForHalfASecond(t *testing.T) {
	g := newGuard(&truth{})
	g.poll(t)
	g.pass(499 * time.Millisecond)
	g.is(t, session, false)
	if g.store.asked != 0 {
		t.Error("it asked although it knew")
	}
	_ = g.store.Revoke(t.Context(), []uuid.UUID{session})
	g.pass(time.Millisecond)
	g.is(t, session, true)
	if g.store.asked != 1 {
		t.Errorf("it asked %d times", g.store.asked)
	}
}

func TestAClockThatIsSetMakesNothingLookYoung(t *testing.T) {
	for name, set := range map[string]func(*guarded){
		"back":                   func(g *guarded) { g.up += time.Second; g.wall.Advance(-time.Minute) },
		"back by a little":       func(g *guarded) { g.up += 600 * time.Millisecond; g.wall.Advance(100 * time.Millisecond) },
		"on, as after a pause":   func(g *guarded) { g.wall.Advance(time.Minute) },
		"never, before any look": func(g *guarded) { g.Guard = newGuard(g.store).Guard },
	} {
		g := newGuard(&truth{})
		g.poll(t)
		set(g)
		_ = g.store.Revoke(t.Context(), []uuid.UUID{session})
		if revoked, err := g.Revoked(t.Context(), session); err != nil || !revoked {
			t.Errorf("set %s: revoked is %v, %v", name, revoked, err)
		}
	}
}

func TestWhoCantFindOutLetsNobodyInAndSignsNobodyOut(t *testing.T) {
	g := newGuard(&truth{})
	g.poll(t)
	g.store.away = errors.New("connection refused")
	if err := g.Poll(t.Context()); err == nil {
		t.Error("a look that failed is none")
	}
	g.is(t, session, false)
	g.pass(time.Second)
	if _, err := g.Revoked(t.Context(), session); errs.Of(err) != errs.Busy {
		t.Errorf("with the database away: %v", err)
	}
}

func TestManyWhoAskAtOnceShareOneQuestionPutAfterTheyCame(t *testing.T) {
	g := newGuard(&truth{holding: make(chan struct{})})
	first := make(chan bool)
	go func() { revoked, _ := g.Revoked(t.Context(), session); first <- revoked }()
	for put := false; !put; { // the first question has been put
		g.store.mu.Lock()
		put = g.store.asked == 1
		g.store.mu.Unlock()
	}
	_ = g.store.Revoke(t.Context(), []uuid.UUID{session})
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range 50 { // who come and don't stay for the answer
		if _, err := g.Revoked(gone, session); errs.Of(err) != errs.Busy {
			t.Errorf("who left: %v", err)
		}
	}
	close(g.store.holding)
	if <-first {
		t.Error("the first was asked before")
	}
	g.is(t, session, true)
	if g.store.asked > 3 {
		t.Errorf("%d questions were put", g.store.asked)
	}
}

func TestWhoRevokesWaitsUntilNobodyTrustsWhatIsOlder(t *testing.T) {
	g := newGuard(&truth{})
	g.poll(t)
	if err := g.Revoke(t.Context(), session); err != nil || g.slept <= 500*time.Millisecond {
		t.Errorf("it said so after %v, %v", g.slept, err)
	}
	g.is(t, session, true)
	g.store.away = errors.New("away")
	if err := g.Revoke(t.Context(), session); err == nil {
		t.Error("what failed was said to be done")
	}
}

func TestWhoWatchesIsToldOnceAndWhoHasForgottenIsnt(t *testing.T) {
	g := newGuard(&truth{})
	told, other := make(chan string, 10), uuid.UUID{15: 8}
	g.Watch(session, func() { told <- "watching" })
	g.Watch(session, func() { told <- "forgotten" })()
	g.Watch(other, func() { told <- "another" })
	_ = g.store.Revoke(t.Context(), []uuid.UUID{session})
	g.poll(t)
	g.poll(t)
	if got := <-told; got != "watching" {
		t.Errorf("told: %s", got)
	}
	g.Watch(session, func() { told <- "late" })
	if got := <-told; got != "late" {
		t.Errorf("told: %s", got)
	}
	_ = g.store.Revoke(t.Context(), []uuid.UUID{other})
	g.pass(time.Minute)
	g.is(t, other, true)
	if got := <-told; got != "another" || len(told) > 0 {
		t.Errorf("told: %s, and %d more", got, len(told))
	}
}

func TestWhatIsRevokedIsRememberedForHalfAnHour(t *testing.T) {
	g := newGuard(&truth{all: []uuid.UUID{session}})
	g.poll(t)
	g.store.all = nil
	for range 30 {
		g.pass(time.Minute)
		g.poll(t)
		g.is(t, session, true)
	}
	g.pass(2 * time.Minute)
	g.poll(t)
	g.is(t, session, false)
}
