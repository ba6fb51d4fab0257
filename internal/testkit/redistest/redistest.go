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

// Client is a client of the Redis at an address.
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
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatalf("redis URL: %v", err)
	}
	return start(t, devstack.RedisOptions{Port: server.Port(), Password: options.Password})
}

func start(t testing.TB, options devstack.RedisOptions) *devstack.Redis {
	t.Helper()
	folder, err := devstack.NewScratchFolder("mediconnect-test-redis-")
	if err != nil {
		t.Fatalf("folder for Redis: %v", err)
	}
	t.Cleanup(folder.Remove)
	options.Dir, options.Volatile = folder.Join("redis"), true
	return run(t, options)
}

// run has a server run for as long as the test does.
func run(t testing.TB, options devstack.RedisOptions) *devstack.Redis {
	t.Helper()
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
