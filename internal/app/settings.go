// Package app is the plan of the house: settings, wiring and the life of each process. It is the only place that knows
// every floor.
package app

import (
	"slices"
	"time"

	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// DatabaseSettings say how to reach PostgreSQL, and within which bounds.
type DatabaseSettings struct {
	URL              Secret        `env:"DATABASE_URL,required,notEmpty" help:"PostgreSQL 15 or newer; several hosts with target_session_attrs=read-write follow a failover"`
	TLS              DatabaseTLS   `env:"DATABASE_TLS" envDefault:"require-verified" help:"require-verified: a database on another machine needs sslmode=verify-full in its URL; as-given: whatever the URL says"`
	Connections      int32         `env:"DATABASE_CONNECTIONS" envDefault:"20" help:"most connections of this process, besides one for its health, one that follows what is revoked and, of serve, one by which the relay is elected"`
	AcquireTimeout   time.Duration `env:"DATABASE_ACQUIRE_TIMEOUT" envDefault:"5s" help:"longest wait for one of them; at most 5s"`
	StatementTimeout time.Duration `env:"DATABASE_STATEMENT_TIMEOUT" envDefault:"5s" help:"longest statement; at most 5s"`
	LockTimeout      time.Duration `env:"DATABASE_LOCK_TIMEOUT" envDefault:"2s" help:"longest wait for a lock; at most 5s"`
	IdleTimeout      time.Duration `env:"DATABASE_IDLE_TIMEOUT" envDefault:"5s" help:"longest pause within a transaction; at most 5s"`
}

// KeySettings say where the keys are that private data are sealed with.
type KeySettings struct {
	Folder string `env:"KEYS,required,notEmpty" help:"folder of the keys that patients' data are sealed with, the same for all processes; mediconnect keys create makes it"`
}

// HTTPSettings say where and how the API is served.
type HTTPSettings struct {
	Listen         Address `env:"LISTEN" envDefault:"127.0.0.1:8080" help:"host:port; :8080 is every address of the machine"`
	TLS            TLSSettings
	PublicURL      WebURL   `env:"PUBLIC_URL" help:"where clients reach the API; needed in production, as calendar links and those in messages begin with it; default: the address listened on, localhost for every address"`
	TokenPublicKey TokenKey `env:"TOKEN_PUBLIC_KEY" help:"Ed25519 public key of an issuer outside, mediconnect, whose tokens are accepted besides our own: PEM, or the path of a PEM file; default: there is none"`
	LinkKey        LinkKey  `env:"LINK_KEY,required,notEmpty" help:"secret that calendar links and those in messages are made with, the same for all servers and workers: 32 bytes in base64 (openssl rand -base64 32)"`
	Rate           RateSettings
	HideSchema     bool     `env:"HIDE_SCHEMA" envDefault:"false" help:"serve introspection to tokens with the scope schema:read alone, and no GraphiQL page"`
	TestKeys       bool     `env:"TEST_KEYS" envDefault:"false" help:"API keys are a sandbox's: they begin with mk_test_, and those of production are refused"`
	TrustedProxies Networks `env:"TRUSTED_PROXIES" help:"networks whose X-Forwarded-For is believed, e.g. 10.0.0.0/8,127.0.0.1/32"`
	Live           LiveSettings
	DrainDelay     time.Duration `env:"DRAIN_DELAY" envDefault:"0s" help:"time between reporting unready and closing the door, for load balancers to notice"`
	DrainTimeout   time.Duration `env:"DRAIN_TIMEOUT" envDefault:"25s" help:"time for requests that are under way when the process is told to stop"`
}

// LogSettings say what is logged to standard error, and how.
type LogSettings struct {
	Level  LogLevel  `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`
	Format LogFormat `env:"LOG_FORMAT" envDefault:"json" help:"json or text"`
}

// ServeSettings are those of `mediconnect serve`.
type ServeSettings struct {
	Database  DatabaseSettings
	Keys      KeySettings
	Redis     RedisSettings
	HTTP      HTTPSettings
	Request   RequestSettings
	Booking   BookingSettings
	Conflicts ConflictSettings
	Sessions  SessionSettings
	Messages  MessageSettings
	Channels  ChannelSettings
	Answers   AnswerSettings
	SignIn    SignInSettings
	Flags     FlagSettings
	Overrides OverrideSettings
	Telemetry TelemetrySettings
	Log       LogSettings
}

// WorkSettings are those of `mediconnect import`, `demo load` and `zones`, which ask nothing of Redis.
type WorkSettings struct {
	Database DatabaseSettings
	Keys     KeySettings
	Log      LogSettings
}

// MigrateSettings are those of `mediconnect migrate`.
type MigrateSettings struct {
	URL Secret      `env:"DATABASE_URL,required,notEmpty" help:"the database to migrate; its role owns the tables"`
	TLS DatabaseTLS `env:"DATABASE_TLS" envDefault:"require-verified" help:"require-verified: a database on another machine needs sslmode=verify-full in its URL; as-given: whatever the URL says"`
}

func (s *DatabaseSettings) check() (faults []fault) {
	faults = append(faults, wantDatabaseURL("DATABASE_URL", s.URL)...)
	faults = append(faults, s.TLS.check("DATABASE_URL", s.URL)...)
	faults = append(faults, wantAtLeast("DATABASE_CONNECTIONS", s.Connections, 1)...)
	for _, limit := range []struct {
		name  string
		value time.Duration
	}{
		{"DATABASE_ACQUIRE_TIMEOUT", s.AcquireTimeout}, {"DATABASE_STATEMENT_TIMEOUT", s.StatementTimeout},
		{"DATABASE_LOCK_TIMEOUT", s.LockTimeout}, {"DATABASE_IDLE_TIMEOUT", s.IdleTimeout},
	} {
		faults = append(faults, wantAtLeast(limit.name, limit.value, time.Millisecond)...)
		faults = append(faults, wantAtMost(limit.name, limit.value, postgres.WriteBound)...)
	}
	return faults
}

func (s *HTTPSettings) check() (faults []fault) {
	faults = append(faults, s.Rate.check()...)
	faults = append(faults, s.TLS.check()...)
	faults = append(faults, s.Live.check()...)
	faults = append(faults, wantAtLeast("DRAIN_DELAY", s.DrainDelay, 0)...)
	return append(faults, wantAtLeast("DRAIN_TIMEOUT", s.DrainTimeout, time.Second)...)
}

func (s *ServeSettings) check() []fault {
	return slices.Concat(s.Database.check(), s.Redis.check(), s.HTTP.check(), s.Request.check(), s.Booking.check(), s.Conflicts.check(), s.Sessions.check(), s.Messages.check(), s.Channels.check(), s.SignIn.check(), s.Flags.check(), s.Overrides.sandboxed(s.HTTP.TestKeys))
}

func (s *WorkSettings) check() []fault { return s.Database.check() }

func (s *KeySettings) check() []fault { return nil }

func (s *KeySettings) open() (*keyring.Ring, error) { return keyring.Open(s.Folder) }

func (s *MigrateSettings) check() []fault {
	return slices.Concat(wantDatabaseURL("DATABASE_URL", s.URL), s.TLS.check("DATABASE_URL", s.URL))
}
