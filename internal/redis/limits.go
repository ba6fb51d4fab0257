package redis

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
)

// Limits count what callers ask for, over all processes: the generic cell rate algorithm (GCRA), by which what is allowed comes back
// evenly.
type Limits struct {
	client *Client
	rate   *redis_rate.Limiter
}

// Limits counts in this Redis.
func (c *Client) Limits() *Limits { return &Limits{c, redis_rate.NewLimiter(c.client)} }

// limitWithin bounds a call: it is made before anything else of a request.
const limitWithin = 100 * time.Millisecond

// limitPrefix begins the keys.
const limitPrefix = "mediconnect:"

// Take counts n for a key, of which so many are allowed in a window, and as many at once. It says whether they were allowed, and how long
// it takes until everything is allowed again.
func (l *Limits) Take(ctx context.Context, key string, limit int, window time.Duration, n int) (full time.Duration, ok bool, err error) {
	return l.count(ctx, key, redis_rate.Limit{Rate: limit, Burst: limit, Period: window}, n, l.rate.AllowN)
}

// Charge counts n, or as many as are left, for what Redis has forgotten.
func (l *Limits) Charge(ctx context.Context, key string, limit int, window time.Duration, n int) error {
	_, _, err := l.count(ctx, key, redis_rate.Limit{Rate: limit, Burst: limit, Period: window}, n, l.rate.AllowAtMost)
	return err
}

type allow = func(ctx context.Context, key string, limit redis_rate.Limit, n int) (*redis_rate.Result, error)

func (l *Limits) count(ctx context.Context, key string, limit redis_rate.Limit, n int, allow allow) (full time.Duration, ok bool, err error) {
	err = l.client.ask(ctx, limitWithin, func(ctx context.Context) error {
		said, err := allow(ctx, limitPrefix+key, limit, n)
		if err == nil {
			full, ok = said.ResetAfter, said.Allowed > 0
		}
		return err
	})
	return full, ok, err
}
