package queue

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// The driver's own words would go to standard error among the process's, in a form of their own; what fails is told by an error.
func init() { redis.SetLogger(quiet{}) }

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// The bounds of a call.
const (
	dialWithin  = 500 * time.Millisecond
	callWithin  = time.Second
	poolWait    = time.Second
	idleFor     = 5 * time.Minute
	leastDelay  = 50 * time.Millisecond
	mostDelay   = 500 * time.Millisecond
	leastTLS    = tls.VersionTLS12
	dialsAtOnce = 1 // further ones are counted as retries
)

// patience is how a client takes failures, and how many connections it may have.
type patience struct{ retries, connections int }

var (
	patient = patience{3, 30}
	brisk   = patience{-1, 10}
)

// Address says where Redis is: at a URL, or wherever Sentinels say that its primary is.
type Address struct {
	URL string // redis://user:password@host:6379/0, or rediss:// for TLS; empty: the Sentinels know

	Sentinels                      []string // host:port of each
	Master                         string   // that they watch
	User, Password                 string   // for Redis
	SentinelUser, SentinelPassword string   // for the Sentinels
	TLS                            bool     // to both

	CA *x509.CertPool // that signs the servers' certificates; nil: those that the machine trusts
}

func (a Address) client(p patience) (*redis.Client, error) {
	if a.URL == "" {
		return redis.NewFailoverClient(a.failover(p)), nil
	}
	o, err := redis.ParseURL(a.URL)
	if err != nil {
		return nil, errors.New("queue: the URL of Redis can't be read") // the cause would show the password
	}
	if o.TLSConfig != nil {
		o.TLSConfig.MinVersion, o.TLSConfig.RootCAs = leastTLS, a.CA
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.ContextTimeoutEnabled = dialWithin, callWithin, callWithin, true
	o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff, o.DialerRetries = p.retries, leastDelay, mostDelay, dialsAtOnce
	o.PoolSize, o.MaxActiveConns, o.PoolTimeout, o.ConnMaxIdleTime = p.connections, 2*p.connections, poolWait, idleFor
	return redis.NewClient(o), nil
}

// failover is not asynq's own way to Sentinels, which knows none of the bounds.
func (a Address) failover(p patience) *redis.FailoverOptions {
	o := &redis.FailoverOptions{
		MasterName: a.Master, SentinelAddrs: a.Sentinels, SentinelUsername: a.SentinelUser, SentinelPassword: a.SentinelPassword,
		Username: a.User, Password: a.Password,
		DialTimeout: dialWithin, ReadTimeout: callWithin, WriteTimeout: callWithin, ContextTimeoutEnabled: true,
		MaxRetries: p.retries, MinRetryBackoff: leastDelay, MaxRetryBackoff: mostDelay, DialerRetries: dialsAtOnce,
		PoolSize: p.connections, MaxActiveConns: 2 * p.connections, PoolTimeout: poolWait, ConnMaxIdleTime: idleFor,
	}
	if a.TLS {
		o.TLSConfig = &tls.Config{MinVersion: leastTLS, RootCAs: a.CA} // each server's own name is checked
	}
	return o
}

// slower waits a little after a refusal of Redis. asynq asks for the next task at once after one, and a Redis that refuses every call,
// as one whose password was changed does, would have it ask as fast as it can.
type slower struct{}

const afterRefusal = 100 * time.Millisecond

func (slower) DialHook(next redis.DialHook) redis.DialHook { return next }

func (slower) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (slower) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		var refused redis.Error
		if err == nil || !errors.As(err, &refused) || errors.Is(err, redis.Nil) || usual(refused) {
			return err
		}
		wait := time.NewTimer(afterRefusal)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
		return err
	}
}

// usual says whether an error is one that asynq and its scripts live with: a script that Redis doesn't have yet, a task that it has no more.
func usual(err redis.Error) bool {
	return strings.HasPrefix(err.Error(), "NOSCRIPT") || strings.HasPrefix(err.Error(), "NOT FOUND")
}
