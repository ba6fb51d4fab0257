package app

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// openRedis returns what asks Redis whether it is there, nil when none is configured, and what closes it.
func openRedis(url Secret) (ping func(context.Context) error, closer func(), err error) {
	if url == "" {
		return nil, func() {}, nil
	}
	options, err := redis.ParseURL(url.Reveal())
	if err != nil {
		return nil, nil, errors.New("redis: the URL can't be read") // the cause would show the password
	}
	options.DialTimeout = 500 * time.Millisecond
	options.ReadTimeout = time.Second
	options.WriteTimeout = time.Second
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	return func(ctx context.Context) error { return client.Ping(ctx).Err() }, func() { _ = client.Close() }, nil
}
