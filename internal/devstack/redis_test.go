package devstack_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/devstack"
)

func TestRedisKeepsItsDataOverARestart(t *testing.T) {
	dir := folder(t)
	server := startRedis(t, dir)
	if err := client(t, server.URL()).Set(t.Context(), "key", "kept", 0).Err(); err != nil {
		t.Fatal(err)
	}
	stop(server)
	got, err := client(t, startRedis(t, dir).URL()).Get(t.Context(), "key").Result()
	if err != nil || got != "kept" {
		t.Errorf("after a restart the key is %q (%v)", got, err)
	}
}

func TestRedisAsksForItsPasswordAndEvictsNothing(t *testing.T) {
	dir := folder(t)
	server := startRedis(t, dir)
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	if err := client(t, "redis://"+options.Addr).Ping(t.Context()).Err(); err == nil {
		t.Error("Redis answers without its password")
	}
	policy, err := client(t, server.URL()).ConfigGet(t.Context(), "maxmemory-policy").Result()
	if err != nil || policy["maxmemory-policy"] != "noeviction" {
		t.Errorf("eviction policy is %v (%v)", policy, err)
	}
	info, err := os.Stat(filepath.Join(dir, "redis.conf"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the password has mode %v (%v)", info.Mode(), err)
	}
}

func TestRedisTellsATakenPortInOneSentence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = devstack.StartRedis(t.Context(), devstack.RedisOptions{Dir: folder(t), Port: port})
	wantProblem(t, err, strconv.Itoa(port), "choose another port")
}

func startRedis(t *testing.T, dir string) *devstack.Redis {
	t.Helper()
	server, err := devstack.StartRedis(t.Context(), devstack.RedisOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(server) })
	return server
}

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(options)
	t.Cleanup(func() { c.Close() })
	return c
}
