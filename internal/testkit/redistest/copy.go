package redistest

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Copy is what a node had at a moment.
type Copy struct {
	keys []kept
}

type kept struct {
	key, value string
	life       time.Duration // 0: for ever
}

func (n *Node) client(password string) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: n.address(), Password: password})
}

// Copy reads all that it has.
func (n *Node) Copy(t testing.TB, password string) (c Copy) {
	t.Helper()
	client := n.client(password)
	defer client.Close()
	all := client.Scan(t.Context(), 0, "*", 1000).Iterator()
	for all.Next(t.Context()) {
		value, err := client.Dump(t.Context(), all.Val()).Result()
		life := client.PTTL(t.Context(), all.Val()).Val()
		if err == nil { // else it has expired meanwhile
			c.keys = append(c.keys, kept{all.Val(), value, max(life, 0)})
		}
	}
	if err := all.Err(); err != nil {
		t.Errorf("copy Redis: %v", err)
	}
	return c
}

// Restore brings it back to what it had then, as whoever restores a backup does, and as if no time had passed.
func (n *Node) Restore(t testing.TB, password string, c Copy) {
	t.Helper()
	client := n.client(password)
	defer client.Close()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Errorf("flush Redis: %v", err)
	}
	for _, k := range c.keys {
		if err := client.RestoreReplace(t.Context(), k.key, k.life, k.value).Err(); err != nil {
			t.Errorf("restore Redis: %v", err)
		}
	}
}

// Len is how many keys were copied.
func (c Copy) Len() int { return len(c.keys) }
