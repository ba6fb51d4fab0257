package redistest_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

// A primary that dies behind replicas that lag takes what they weren't sent with it. That is the failure which a lag of the right kind
// makes, and which a frozen replica doesn't: the kernel delivers to that one what it was sent.
func TestWhatLaggingReplicasWerentSentIsLostWithThePrimary(t *testing.T) {
	r := redistest.StartReplicated(t)
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: redistest.PrimaryName, SentinelAddrs: r.Sentinels(), SentinelPassword: r.Password, Password: r.Password,
	})
	defer client.Close()
	set := func(key string) {
		t.Helper()
		if err := client.Set(t.Context(), key, "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	set("replicated")
	if n, err := client.Wait(t.Context(), 2, 30*time.Second).Result(); err != nil || n != 2 {
		t.Fatalf("%d replicas have it, %v", n, err)
	}
	first := r.AwaitSteady(t)
	first.Lag(true)
	set("held back")
	first.Cut(true)
	r.AwaitOther(t, first)
	kept := read(t, client, "replicated")
	if lost := read(t, client, "held back"); kept != 1 || lost != 0 {
		t.Errorf("%d of what was replicated is there, want 1; %d of what wasn't, want 0", kept, lost)
	}
	first.Lag(false)
	first.Cut(false)
	// On a busy machine the Sentinels may have made another one the primary meanwhile; whoever it is, it hasn't what was lost.
	then := r.AwaitSteady(t)
	if lost := read(t, client, "held back"); lost != 0 {
		t.Error("who was cut off brings back what was lost")
	}
	then.Flush(t, r.Password)
	if n := read(t, client, "replicated"); n != 0 {
		t.Error("a flushed Redis still has something")
	}
	r.Leave()
	r.Return(t)
}

// read asks until somebody answers, within a time.
func read(t *testing.T, client *redis.Client, key string) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		n, err := client.Exists(ctx, key).Result()
		if err == nil {
			return n
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}
