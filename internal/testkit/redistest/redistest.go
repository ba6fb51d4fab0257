// Package redistest gives every test a real Redis of its own, which is gone after the test.
package redistest

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/devstack"
)

// New is a client of a fresh Redis.
func New(t testing.TB) *redis.Client {
	t.Helper()
	return Client(t, NewURL(t))
}

// Client is a client of the Redis, or the Sentinel, at an address.
func Client(t testing.TB, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatalf("redis URL: %v", err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// NewURL is the address of a fresh Redis.
func NewURL(t testing.TB) string {
	t.Helper()
	return Start(t).URL()
}

// Start is a fresh Redis itself, for tests that freeze it or take it away.
func Start(t testing.TB) *devstack.Redis {
	t.Helper()
	return start(t, devstack.RedisOptions{})
}

// Again starts a Redis that was killed, empty, at the address where it was.
func Again(t testing.TB, server *devstack.Redis) *devstack.Redis {
	t.Helper()
	return start(t, devstack.RedisOptions{Port: server.Port(), Like: server})
}

// Group is a primary with its replicas, and the Sentinels that watch them under devstack.SentinelMaster. All share a password.
type Group struct {
	Primary             *devstack.Redis // the first one
	Replicas, Sentinels []*devstack.Redis
}

// StartGroup starts a primary, two replicas and three Sentinels.
func StartGroup(t testing.TB) Group {
	t.Helper()
	g := Group{Primary: Start(t)}
	for range 2 {
		g.Replicas = append(g.Replicas, start(t, devstack.RedisOptions{Of: g.Primary}))
	}
	for range 3 {
		g.Sentinels = append(g.Sentinels, start(t, devstack.RedisOptions{Watches: g.Primary}))
	}
	return g
}

// Addresses are those of the Sentinels.
func (g Group) Addresses() (list []string) {
	for _, s := range g.Sentinels {
		list = append(list, s.Address())
	}
	return list
}

func start(t testing.TB, options devstack.RedisOptions) *devstack.Redis {
	t.Helper()
	folder, err := devstack.NewScratchFolder("mediconnect-test-redis-")
	if err != nil {
		t.Fatalf("folder for Redis: %v", err)
	}
	t.Cleanup(folder.Remove)
	options.Dir, options.Volatile = folder.Join("redis"), true
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	server, err := devstack.StartRedis(ctx, options)
	if err != nil {
		t.Fatalf("Redis for tests: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		server.Stop(ctx)
	})
	return server
}
