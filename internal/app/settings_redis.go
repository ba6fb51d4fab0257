package app

import (
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/queue"
	"github.com/mediconnect/mediconnect/internal/redis"
)

// RedisSettings say how to reach Redis: at a URL, or wherever Sentinels say that it is. Without it the process works, but reports itself
// degraded.
type RedisSettings struct {
	URL              Secret    `env:"REDIS_URL" help:"Redis 6 or newer, the same for all servers, e.g. redis://:password@host:6379/0, or rediss:// for TLS; while it is away they do without, and say that they are degraded"`
	Sentinels        Addresses `env:"REDIS_SENTINELS" help:"instead of REDIS_URL: the Sentinels that know where Redis is, host:port with commas between them"`
	Master           string    `env:"REDIS_MASTER" envDefault:"mediconnect" help:"name under which the Sentinels watch it"`
	User             string    `env:"REDIS_USER" help:"user of Redis behind Sentinels; default: its default user"`
	Password         Secret    `env:"REDIS_PASSWORD" help:"password of Redis behind Sentinels"`
	SentinelUser     string    `env:"REDIS_SENTINEL_USER" help:"user of the Sentinels; default: their default user"`
	SentinelPassword Secret    `env:"REDIS_SENTINEL_PASSWORD" help:"password of the Sentinels"`
	TLS              bool      `env:"REDIS_TLS" envDefault:"false" help:"TLS to Sentinels and Redis; with REDIS_URL, rediss:// says so"`
	CA               Authority `env:"REDIS_CA" help:"PEM file of the authority that signs Redis' certificates; default: those that the machine trusts"`
}

func (s *RedisSettings) check() (faults []fault) {
	if s.URL != "" {
		if _, err := driver.ParseURL(s.URL.Reveal()); err != nil {
			faults = append(faults, fault{settingPrefix + "REDIS_URL", "must be like redis://:password@host:6379/0"})
		}
		if len(s.Sentinels) > 0 {
			faults = append(faults, fault{settingPrefix + "REDIS_SENTINELS", "can't be set together with " + settingPrefix + "REDIS_URL"})
		}
		if s.TLS && !strings.HasPrefix(s.URL.Reveal(), "rediss://") {
			faults = append(faults, fault{settingPrefix + "REDIS_TLS", "needs " + settingPrefix + "REDIS_URL to begin with rediss://"})
		}
	}
	if len(s.Sentinels) > 0 && s.Master == "" {
		faults = append(faults, fault{settingPrefix + "REDIS_MASTER", "must not be empty"})
	}
	return faults
}

// open makes the client; nil: there is no Redis.
func (s RedisSettings) open() (*redis.Client, error) {
	if s.URL == "" && len(s.Sentinels) == 0 {
		return nil, nil
	}
	return redis.Open(redis.Options{
		URL: s.URL.Reveal(), Sentinels: s.Sentinels, Master: s.Master, User: s.User, Password: s.Password.Reveal(),
		SentinelUser: s.SentinelUser, SentinelPassword: s.SentinelPassword.Reveal(), TLS: s.TLS, CA: s.CA.pool,
	})
}

// queue makes what carries messages; nil: there is no Redis.
func (s RedisSettings) queue(log *slog.Logger) (*queue.Queue, error) {
	if s.URL == "" && len(s.Sentinels) == 0 {
		return nil, nil
	}
	return queue.Open(queue.Options{Clock: clock.System{}, Law: lawful, Log: log, Look: queueLook, Redis: queue.Address{
		URL: s.URL.Reveal(), Sentinels: s.Sentinels, Master: s.Master, User: s.User, Password: s.Password.Reveal(),
		SentinelUser: s.SentinelUser, SentinelPassword: s.SentinelPassword.Reveal(), TLS: s.TLS, CA: s.CA.pool,
	}})
}

// queueLook is how often workers look for tasks that are due.
const queueLook = 250 * time.Millisecond

// Addresses are those of servers.
type Addresses []string

// UnmarshalText reads host:port with commas between them.
func (a *Addresses) UnmarshalText(text []byte) error {
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if host, port, err := net.SplitHostPort(part); err != nil || host == "" || port == "" {
			return &settingFault{"must be addresses with commas between them, e.g. sentinel-1:26379,sentinel-2:26379"}
		}
		*a = append(*a, part)
	}
	return nil
}

// Authority is who signs the certificates of servers; the zero value is whom the machine trusts.
type Authority struct{ pool *x509.CertPool }

// UnmarshalText reads the path of a PEM file.
func (a *Authority) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	file, err := os.Open(string(text))
	if err != nil {
		return &settingFault{"must be the path of a PEM file that can be read"}
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, longestPEM))
	if err != nil {
		return &settingFault{"is the path of a file that can't be read"}
	}
	a.pool = x509.NewCertPool()
	if !a.pool.AppendCertsFromPEM(content) {
		return &settingFault{"must be the path of a PEM file of certificates"}
	}
	return nil
}
