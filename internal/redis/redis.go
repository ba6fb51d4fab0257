// Package redis is part of the cellar: what processes tell each other by way of Redis. Nothing is kept there that can't be lost.
package redis

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// The driver's own words would go to standard error among the process's, in a form of their own; what fails is told by an error.
func init() { redis.SetLogger(quiet{}) }

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// The bounds of a call.
const (
	dialWithin = 500 * time.Millisecond
	callWithin = time.Second
)

// Client reaches one Redis.
type Client struct{ client *redis.Client }

// Open reads an address such as redis://:password@host:6379/0. It doesn't connect yet: the first call does.
func Open(url string) (*Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("redis: the URL can't be read") // the cause would show the password
	}
	options.DialTimeout = dialWithin
	options.ReadTimeout = callWithin
	options.WriteTimeout = callWithin
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.ContextTimeoutEnabled = true
	return &Client{redis.NewClient(options)}, nil
}

// Ping asks whether Redis is there.
func (c *Client) Ping(ctx context.Context) error { return c.client.Ping(ctx).Err() }

// Close ends all connections.
func (c *Client) Close() { _ = c.client.Close() }
