package redis

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// CacheOptions say what a cache holds.
type CacheOptions struct {
	Name   string        // of what is kept; caches of one name share their entries
	Secret []byte        // of the service: whoever can write to Redis makes up no entry
	Life   time.Duration // of an entry since it was loaded
	Clock  clock.Clock   // the machine's
	Load   time.Duration // that a load may take; 0: 5 s
}

const (
	readWithin = 250 * time.Millisecond
	usualLoad  = 5 * time.Second
	mostEntry  = 64 << 10 // bytes of an entry; a larger one isn't kept
)

// Cache reads through Redis: what isn't there is loaded, once for all who ask this process for it at the same time. Redis is asked
// within a time that nobody notices, and while it fails it isn't asked at all; what it has is taken only if a process of this service
// put it there, for this key, and less than a life ago by the entry's own stamp, so that a Redis that was restored from an old copy
// brings nothing back. All callers of a key may get the same value: nobody changes it.
type Cache[T any] struct {
	CacheOptions
	client *Client // nil: there is no Redis
	key    []byte
	flight singleflight.Group
	drops  atomic.Int64 // of Delete
	counts struct{ asked, hits, misses, errors, loads atomic.Int64 }
}

// NewCache makes a cache. Without a client everything is loaded.
func NewCache[T any](c *Client, o CacheOptions) *Cache[T] {
	if o.Load <= 0 {
		o.Load = usualLoad
	}
	key := mac(o.Secret, []byte("mediconnect cache "+o.Name))
	return &Cache[T]{CacheOptions: o, client: c, key: key}
}

// Get answers what is kept for a key, or loads it. A caller who goes away doesn't end the load: its context isn't the caller's, but one
// with a time limit. Failures are those of the load, or the caller's own context's; they are not kept.
func (c *Cache[T]) Get(ctx context.Context, key string, load func(context.Context) (T, error)) (T, error) {
	landed := c.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readWithin+c.Load)
		defer cancel()
		return c.find(ctx, key, load)
	})
	c.counts.asked.Add(1)
	var none T
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case found := <-landed:
		if found.Err != nil {
			return none, found.Err
		}
		value, _ := found.Val.(T) // but for an interface without a value
		return value, nil
	}
}

func (c *Cache[T]) find(ctx context.Context, key string, load func(context.Context) (T, error)) (value T, err error) {
	defer func() {
		if cause := recover(); cause != nil { // or it would end the process
			err = fmt.Errorf("cache %s: %s", c.Name, errs.Panicked(cause))
		}
	}()
	kept, hit, readErr := c.read(ctx, key)
	if hit {
		return kept, nil
	}
	drops, began := c.drops.Load(), c.Clock.Now()
	c.counts.loads.Add(1)
	if value, err = load(ctx); err == nil && readErr == nil && drops == c.drops.Load() {
		c.write(ctx, key, entry[T]{At: began, Value: value})
		if drops != c.drops.Load() {
			c.remove(ctx, key)
		}
	}
	return value, err
}

// Delete forgets a key, here and in Redis. A load that is under way keeps nothing, since it may have read what was before. Other
// processes may hand out for as long as a life what they were loading just now: what must not be used any more is told otherwise.
func (c *Cache[T]) Delete(ctx context.Context, key string) {
	c.drops.Add(1)
	c.flight.Forget(key)
	if c.client != nil {
		c.remove(ctx, key)
	}
}

func (c *Cache[T]) remove(ctx context.Context, key string) {
	if err := c.client.ask(ctx, readWithin, func(ctx context.Context) error { return c.client.client.Del(ctx, c.place(key)).Err() }); err != nil {
		c.counts.errors.Add(1)
	}
}

// entry is what is kept.
type entry[T any] struct {
	At    time.Time `json:"at"` // when its load began
	Value T         `json:"value"`
}

var errNoRedis = errors.New("redis: there is none")

func (c *Cache[T]) read(ctx context.Context, key string) (value T, hit bool, err error) {
	if c.client == nil {
		return value, false, errNoRedis
	}
	var sealed []byte
	err = c.client.ask(ctx, readWithin, func(ctx context.Context) (err error) {
		sealed, err = c.client.client.GetRange(ctx, c.place(key), 0, sha256.Size+mostEntry).Bytes() // an absent key is empty
		return err
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		c.counts.errors.Add(1)
		return value, false, err
	}
	e, ok := c.open(key, sealed)
	if !ok || !clock.Fresh(e.At, c.Clock.Now(), c.Life) {
		c.counts.misses.Add(1)
		return value, false, nil
	}
	c.counts.hits.Add(1)
	return e.Value, true, nil
}

func (c *Cache[T]) write(ctx context.Context, key string, e entry[T]) {
	body, err := json.Marshal(e)
	if err != nil || len(body) > mostEntry {
		return
	}
	sealed := append(c.sign(key, body), body...)
	err = c.client.ask(ctx, readWithin, func(ctx context.Context) error {
		return c.client.client.Set(ctx, c.place(key), sealed, c.Life).Err()
	})
	if err != nil {
		c.counts.errors.Add(1)
	}
}

func (c *Cache[T]) open(key string, sealed []byte) (e entry[T], ok bool) {
	if len(sealed) < sha256.Size || len(sealed) > sha256.Size+mostEntry {
		return e, false
	}
	sum, body := sealed[:sha256.Size], sealed[sha256.Size:]
	if !hmac.Equal(sum, c.sign(key, body)) {
		return e, false
	}
	return e, json.Unmarshal(body, &e) == nil
}

// sign binds an entry to its key: that of one session is none of another's.
func (c *Cache[T]) sign(key string, body []byte) []byte {
	return mac(c.key, append(mac(c.key, []byte("key "+key)), body...))
}

// place is where a key is kept. Keys may be secrets, and don't show.
func (c *Cache[T]) place(key string) string {
	return "mediconnect:" + c.Name + ":" + base64.RawURLEncoding.EncodeToString(mac(c.key, []byte("place "+key))[:shownPlace])
}

const shownPlace = 18 // bytes

func mac(key, text []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(text)
	return m.Sum(nil)
}

// CacheCounts are since the process began. A read is a hit, a miss, or an error if Redis failed or wasn't asked.
type CacheCounts struct{ Asked, Hits, Misses, Errors, Loads int64 }

// Counts says how a cache fares.
func (c *Cache[T]) Counts() CacheCounts {
	return CacheCounts{
		Asked: c.counts.asked.Load(), Hits: c.counts.hits.Load(), Misses: c.counts.misses.Load(),
		Errors: c.counts.errors.Load(), Loads: c.counts.loads.Load(),
	}
}
