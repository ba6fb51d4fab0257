package redis_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

func TestAllInstancesHearTheLogInItsOrder(t *testing.T) {
	s := newScene(t, redistest.NewURL(t), plain)
	s.during(func() { <-time.After(time.Second) })
	s.same(time.Second)
	if !s.carried() {
		t.Error("the log was read, not heard")
	}
}

func TestMessagesThatAreLostSaidTwiceOrLateChangeNothing(t *testing.T) {
	s := newScene(t, redistest.NewURL(t), func(b live.Bus) live.Bus { return rough{b} })
	s.during(func() { <-time.After(2 * time.Second) })
	s.same(time.Second)
}

func TestRedisThatIsKilledAndStartedAgainIsStoodInFor(t *testing.T) {
	folder, err := devstack.NewScratchFolder("mediconnect-test-redis-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(folder.Remove)
	start := func(port int) *devstack.Redis {
		t.Helper()
		server, err := devstack.StartRedis(t.Context(), devstack.RedisOptions{Dir: folder.Join("redis"), Port: port, Volatile: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			server.Stop(ctx)
		})
		return server
	}
	server := start(0)
	s := newScene(t, server.URL(), plain)
	s.during(func() {
		kill(t, server)
		s.await(time.Second, "the log is read", func() bool { return !s.carried() })
		if err := s.append(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(3 * time.Second) // long enough for the relay to give up
		start(server.Port())
		s.await(10*time.Second, "the bus carries again", s.carried)
	})
	s.same(time.Second)
}

func kill(t *testing.T, server *devstack.Redis) {
	t.Helper()
	if err := syscall.Kill(server.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-server.Done()
}

func TestARelayThatEndsIsFollowedByAnother(t *testing.T) {
	s := newScene(t, redistest.NewURL(t), plain)
	first := s.elected()
	gone := s.instances[first]
	s.during(func() {
		gone.stop()
		s.instances = append(s.instances[:first:first], s.instances[first+1:]...)
		s.await(2*time.Second, "another is elected", func() bool { return s.elected() == 0 })
		s.await(time.Second, "the bus carries", s.carried)
	})
	s.same(time.Second)
}

func TestConnectionsOfTheDatabaseThatAreCutDelayAndLoseNothing(t *testing.T) {
	s := newScene(t, redistest.NewURL(t), plain)
	s.during(func() {
		for range 5 {
			_, _ = s.pool.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			<-time.After(400 * time.Millisecond)
		}
		s.await(5*time.Second, "one is elected, and the bus carries", func() bool { return s.elected() >= 0 && s.carried() })
	})
	s.same(2 * time.Second)
}

func TestARestoredDatabaseResetsTheListenersOfAllInstances(t *testing.T) {
	s := newScene(t, redistest.NewURL(t), plain)
	if _, err := s.pool.Exec(t.Context(), `UPDATE log_epoch SET epoch = gen_random_uuid()`); err != nil {
		t.Fatal(err)
	}
	for _, i := range s.instances {
		s.await(5*time.Second, "its listeners are reset", func() bool {
			i.mu.Lock()
			defer i.mu.Unlock()
			return i.reset == 1
		})
	}
	s.await(5*time.Second, "the bus carries the new life", s.carried)
}

func TestWhatInstancesRunEndsWithThem(t *testing.T) {
	url := redistest.NewURL(t)
	pgtest.Cluster(t)
	before := runtime.NumGoroutine()
	t.Run("for a while", func(t *testing.T) {
		s := newScene(t, url, plain)
		s.during(func() {})
		s.same(time.Second)
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); runtime.NumGoroutine() > before; <-tick.C {
		if time.Since(began) > 5*time.Second {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
