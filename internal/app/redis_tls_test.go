package app

import (
	"log/slog"
	"net/url"
	"testing"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/certtest"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func TestRedisIsReachedByTLSOnlyWhereItsCertificateIsRight(t *testing.T) {
	authority := certtest.New(t)
	certificate, key := authority.Issue(t, "127.0.0.1")
	server, pool := redistest.StartSecured(t, certificate, key, authority.PEM), pgtest.New(t)
	right, wrong := "MEDICONNECT_REDIS_CA="+certtest.File(t, "ca.crt", authority.PEM), "MEDICONNECT_REDIS_CA="+certtest.File(t, "other.crt", certtest.New(t).PEM)
	at := func(scheme, host string) string { return "MEDICONNECT_REDIS_URL=" + server.URL(scheme, host) }
	watched := func(host string, more ...string) []string {
		return append(more, "MEDICONNECT_REDIS_SENTINELS="+server.Sentinel(host), "MEDICONNECT_REDIS_MASTER="+redistest.PrimaryName,
			"MEDICONNECT_REDIS_PASSWORD="+server.Password, "MEDICONNECT_REDIS_SENTINEL_PASSWORD="+server.Password)
	}
	for name, c := range map[string]struct {
		environ []string
		fine    bool
	}{
		"its authority":                 {[]string{at("rediss", "127.0.0.1"), right}, true},
		"another authority":             {[]string{at("rediss", "127.0.0.1"), wrong}, false},
		"those that the machine trusts": {[]string{at("rediss", "127.0.0.1")}, false},
		"another name":                  {[]string{at("rediss", "localhost"), right}, false},
		"no TLS":                        {[]string{at("redis", "127.0.0.1"), right}, false},
		"a Sentinel":                    {watched("127.0.0.1", "MEDICONNECT_REDIS_TLS=true", right), true},
		"a Sentinel, another authority": {watched("127.0.0.1", "MEDICONNECT_REDIS_TLS=true", wrong), false},
		"a Sentinel, another name":      {watched("localhost", "MEDICONNECT_REDIS_TLS=true", right), false},
		"a Sentinel, no TLS":            {watched("127.0.0.1", right), false},
	} {
		t.Run(name, func(t *testing.T) {
			settings, err := Load[RedisSettings](c.environ)
			if err != nil {
				t.Fatal(err)
			}
			a := wire(Frame{
				Clock: clock.FrozenAt(sample.Dawn), LinkKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler),
				PublicURL: &url.URL{Scheme: "https", Host: "api.example.org"},
			}, postgres.New(pool, keytest.Of(t, pool)))
			t.Cleanup(a.Close)
			d, closeDoor, err := a.door(HTTPSettings{}, settings, a.frame.Log)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(closeDoor)
			awaitReady(t, []*door{d}, func(r readiness) bool {
				if c.fine {
					return r.Status == "ready" && r.Redis == "ok" && r.Stream.Following == "redis"
				}
				return r.Status == "degraded" && r.Redis == "unreachable" && r.Breaker.Succeeded == 0 && r.Breaker.Failed > 0 && r.Stream.Following == "log"
			})
		})
	}
}
