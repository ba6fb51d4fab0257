// Package redis is part of the cellar: what processes tell each other by way of Redis, and what they find there sooner than in the
// database. Nothing is kept there that can't be lost.
package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/resilience"
)

// The driver's own words would go to standard error among the process's, in a form of their own; what fails is told by an error.
func init() { redis.SetLogger(quiet{}) }

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// The bounds of a call, and of the connections that calls share.
const (
	dialWithin  = resilience.RedisConnect
	callWithin  = resilience.RedisCall
	poolSize    = 30
	poolWait    = time.Second
	idleFor     = 5 * time.Minute
	leastTLS    = tls.VersionTLS12
	noRetries   = -1 // whoever calls has a time limit, and does without
	dialsAtOnce = 1  // a second one would be within the same limit
)

// Options say where Redis is: at a URL, or wherever Sentinels say that its primary is.
type Options struct {
	URL string // redis://user:password@host:6379/0, or rediss:// for TLS; empty: the Sentinels know

	Sentinels                      []string // host:port of each
	Master                         string   // that they watch
	User, Password                 string   // for Redis
	SentinelUser, SentinelPassword string   // for the Sentinels
	TLS                            bool     // to both

	CA *x509.CertPool // that signs the servers' certificates; nil: those that the machine trusts
}

// Client reaches one Redis, wherever it is.
type Client struct {
	client  *redis.Client
	breaker *resilience.Breaker
}

// Open reads where Redis is. It doesn't connect yet: the first call does.
func Open(o Options) (*Client, error) {
	c := &Client{breaker: resilience.For(resilience.Redis)}
	if o.URL == "" {
		c.client = redis.NewFailoverClient(o.failover())
		return c, nil
	}
	options, err := redis.ParseURL(o.URL)
	if err != nil {
		return nil, errors.New("redis: the URL can't be read") // the cause would show the password
	}
	if options.TLSConfig != nil {
		options.TLSConfig.MinVersion, options.TLSConfig.RootCAs = leastTLS, o.CA
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = dialWithin, callWithin, callWithin
	options.ContextTimeoutEnabled = true
	options.MaxRetries, options.DialerRetries = noRetries, dialsAtOnce
	options.PoolSize, options.MaxActiveConns, options.PoolTimeout, options.ConnMaxIdleTime = poolSize, 2*poolSize, poolWait, idleFor
	c.client = redis.NewClient(options)
	return c, nil
}

func (o Options) failover() *redis.FailoverOptions {
	options := &redis.FailoverOptions{
		MasterName: o.Master, SentinelAddrs: o.Sentinels, SentinelUsername: o.SentinelUser, SentinelPassword: o.SentinelPassword,
		Username: o.User, Password: o.Password,
		DialTimeout: dialWithin, ReadTimeout: callWithin, WriteTimeout: callWithin, ContextTimeoutEnabled: true,
		MaxRetries: noRetries, DialerRetries: dialsAtOnce,
		PoolSize: poolSize, MaxActiveConns: 2 * poolSize, PoolTimeout: poolWait, ConnMaxIdleTime: idleFor,
	}
	if o.TLS {
		options.TLSConfig = &tls.Config{MinVersion: leastTLS, RootCAs: o.CA} // each server's own name is checked
	}
	return options
}

// ask calls Redis within a time, unless it has failed too often just now. Whoever asked may go away: that is no failure of Redis.
func (c *Client) ask(ctx context.Context, within time.Duration, call func(context.Context) error) error {
	return c.breaker.Do(func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
		defer cancel()
		return call(ctx)
	})
}

const pingWithin = 250 * time.Millisecond

// Ping asks whether Redis is there, and so finds out sooner that it is back.
func (c *Client) Ping(ctx context.Context) error {
	return c.ask(ctx, pingWithin, func(ctx context.Context) error { return c.client.Ping(ctx).Err() })
}

// Breaker is how calls fare that can do without Redis.
func (c *Client) Breaker() resilience.State { return c.breaker.State() }

// Close ends all connections.
func (c *Client) Close() { _ = c.client.Close() }
