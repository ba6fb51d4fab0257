package redis_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/redis"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

type session struct {
	ID   string
	Role string
}

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func options(now clock.Clock) redis.CacheOptions {
	return redis.CacheOptions{Name: "sessions", Secret: []byte("of all instances"), Life: 10 * time.Minute, Clock: now}
}

// stampede has 1,000 callers ask two instances for a key at once, while nobody has it. A load ends only once all have asked, and both instances are loading.
func stampede(t *testing.T, a, b *redis.Cache[session]) (loads int64, took time.Duration) {
	t.Helper()
	const callers = 1000
	before := a.Counts().Asked + b.Counts().Asked
	var loaded atomic.Int64
	load := func(ctx context.Context) (session, error) {
		loaded.Add(1)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for a.Counts().Asked+b.Counts().Asked < before+callers || loaded.Load() < 2 {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return session{}, ctx.Err()
			}
		}
		return session{"ann", "PATIENT"}, nil
	}
	began := time.Now()
	var all sync.WaitGroup
	for i := range callers {
		c := a
		if i%2 == 0 {
			c = b
		}
		all.Go(func() {
			if got, err := c.Get(t.Context(), "ann", load); err != nil || got.ID != "ann" {
				t.Errorf("answered %+v (%v)", got, err)
			}
		})
	}
	all.Wait()
	return loaded.Load(), time.Since(began)
}

func TestAThousandMissesAreOneLoadForEachInstance(t *testing.T) {
	server := redistest.Start(t)
	now := clock.FrozenAt(noon)
	a, b := redis.NewCache[session](open(t, server.URL()), options(now)), redis.NewCache[session](open(t, server.URL()), options(now))
	if loads, took := stampede(t, a, b); loads != 2 {
		t.Errorf("%d loads by two instances in %v", loads, took)
	}
	unloaded := func(context.Context) (session, error) { return session{}, errors.New("it is loaded again") }
	for _, c := range []*redis.Cache[session]{a, b} {
		if got, err := c.Get(t.Context(), "ann", unloaded); err != nil || got.Role != "PATIENT" {
			t.Errorf("afterwards %+v (%v)", got, err)
		}
	}
	kill(t, server)
	if loads, took := stampede(t, a, b); loads != 2 || took > 3*time.Second {
		t.Errorf("without Redis %d loads by two instances in %v", loads, took)
	}
}

func TestAFrozenRedisDelaysOnlyTheFirstFew(t *testing.T) {
	server := redistest.Start(t)
	now := clock.FrozenAt(noon)
	a, b := redis.NewCache[session](open(t, server.URL()), options(now)), redis.NewCache[session](open(t, server.URL()), options(now))
	if err := syscall.Kill(server.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(server.PID(), syscall.SIGCONT) }()
	if loads, took := stampede(t, a, b); loads != 2 || took > 3*time.Second {
		t.Errorf("%d loads in %v", loads, took)
	}
	load := func(context.Context) (session, error) { return session{ID: "ann"}, nil }
	for range 5 { // until it is known to be away
		_, _ = a.Get(t.Context(), "ann", load)
	}
	began := time.Now()
	for range 100 {
		if _, err := a.Get(t.Context(), "ann", load); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("100 reads took %v", took)
	}
}

func TestAnEntryThatIsTooOldIsLoadedAnewAlthoughRedisHasIt(t *testing.T) {
	url := redistest.NewURL(t)
	now := clock.FrozenAt(noon)
	c := redis.NewCache[session](open(t, url), options(now))
	role := "first"
	load := func(context.Context) (session, error) { return session{ID: "ann", Role: role}, nil }
	get := func() string {
		got, err := c.Get(t.Context(), "ann", load)
		if err != nil {
			t.Fatal(err)
		}
		return got.Role
	}
	get()
	role = "second"
	now.Advance(10*time.Minute - time.Millisecond)
	if got := get(); got != "first" {
		t.Errorf("within its life it is %s", got)
	}
	if n, err := redistest.Client(t, url).DBSize(t.Context()).Result(); err != nil || n != 1 {
		t.Fatalf("Redis has %d keys (%v)", n, err)
	}
	now.Advance(time.Millisecond)
	if got := get(); got != "second" {
		t.Errorf("after its life it is %s", got)
	}
	now.Advance(-time.Hour)
	role = "third"
	if got := get(); got != "third" {
		t.Errorf("an entry from the future is taken: %s", got)
	}
	c.Delete(t.Context(), "ann")
	role = "fourth"
	if got := get(); got != "fourth" {
		t.Errorf("after it was deleted it is %s", got)
	}
}

func TestWhoWritesToRedisMakesNoEntryUp(t *testing.T) {
	url := redistest.NewURL(t)
	now := clock.FrozenAt(noon)
	c, raw := redis.NewCache[session](open(t, url), options(now)), redistest.Client(t, url)
	get := func(key string) string {
		got, err := c.Get(t.Context(), key, func(context.Context) (session, error) { return session{ID: key, Role: "loaded"}, nil })
		if err != nil {
			t.Fatal(err)
		}
		return got.ID + " " + got.Role
	}
	get("admin")
	keys, err := raw.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 1 || strings.Contains(keys[0], "admin") {
		t.Fatalf("keys %v (%v)", keys, err)
	}
	sealed, err := raw.Get(t.Context(), keys[0]).Result()
	if err != nil {
		t.Fatal(err)
	}
	get("guest")
	keys, _ = raw.Keys(t.Context(), "*").Result()
	forged := redis.NewCache[session](open(t, url), redis.CacheOptions{Name: "sessions", Secret: []byte("another"), Life: time.Hour, Clock: now})
	if _, err := forged.Get(t.Context(), "guest", func(context.Context) (session, error) { return session{ID: "mallory"}, nil }); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"another key's entry": sealed, "a changed entry": strings.Replace(sealed, "loaded", "forged", 1), "no entry": "{}", "an empty one": "",
		"a very long one": strings.Repeat("x", 10<<20),
	} {
		for _, k := range keys {
			if err := raw.Set(t.Context(), k, value, 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if got := get("guest"); got != "guest loaded" {
			t.Errorf("%s is taken: %s", name, got)
		}
	}
}

func TestACallerWhoGoesAwayDoesNotFailTheOthers(t *testing.T) {
	c := redis.NewCache[session](open(t, redistest.NewURL(t)), options(clock.FrozenAt(noon)))
	begun, goOn := make(chan struct{}), make(chan struct{})
	load := func(ctx context.Context) (session, error) {
		close(begun)
		<-goOn
		return session{ID: "ann"}, ctx.Err()
	}
	leaving, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := c.Get(leaving, "ann", load)
		left <- err
	}()
	<-begun
	stayed := make(chan error, 1)
	go func() {
		_, err := c.Get(t.Context(), "ann", func(context.Context) (session, error) { return session{}, errors.New("a second load") })
		stayed <- err
	}()
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who went away is answered %v", err)
	}
	within(t, 5*time.Second, "both have asked", func() bool { return c.Counts().Asked == 2 })
	close(goOn)
	if err := <-stayed; err != nil {
		t.Errorf("who stayed is answered %v", err)
	}
}

func TestAFailureIsNotKept(t *testing.T) {
	c := redis.NewCache[session](open(t, redistest.NewURL(t)), options(clock.FrozenAt(noon)))
	wrong := errors.New("no such session")
	if _, err := c.Get(t.Context(), "ann", func(context.Context) (session, error) { return session{}, wrong }); !errors.Is(err, wrong) {
		t.Errorf("answered %v", err)
	}
	if _, err := c.Get(t.Context(), "ann", func(context.Context) (session, error) { panic("a bug") }); err == nil {
		t.Error("a load that panics answers nothing wrong")
	}
	if got, err := c.Get(t.Context(), "ann", func(context.Context) (session, error) { return session{ID: "ann"}, nil }); err != nil || got.ID != "ann" {
		t.Errorf("answered %+v (%v)", got, err)
	}
	if n := c.Counts(); n.Loads != 3 || n.Misses != 3 || n.Hits != 0 || n.Errors != 0 {
		t.Errorf("counted %+v", n)
	}
}

func TestALoadThatADeleteOvertookKeepsNothing(t *testing.T) {
	c := redis.NewCache[session](open(t, redistest.NewURL(t)), options(clock.FrozenAt(noon)))
	_, err := c.Get(t.Context(), "ann", func(ctx context.Context) (session, error) {
		c.Delete(ctx, "ann")
		return session{ID: "ann", Role: "before"}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Get(t.Context(), "ann", func(context.Context) (session, error) { return session{ID: "ann", Role: "after"}, nil })
	if err != nil || got.Role != "after" {
		t.Errorf("answered %+v (%v)", got, err)
	}
}

func TestWithoutRedisEverythingIsLoaded(t *testing.T) {
	c := redis.NewCache[session](nil, options(clock.FrozenAt(noon)))
	for range 2 {
		if got, err := c.Get(t.Context(), "ann", func(context.Context) (session, error) { return session{ID: "ann"}, nil }); err != nil || got.ID != "ann" {
			t.Errorf("answered %+v (%v)", got, err)
		}
	}
	c.Delete(t.Context(), "ann")
	if n := c.Counts(); n.Loads != 2 || n.Errors != 0 {
		t.Errorf("counted %+v", n)
	}
}
