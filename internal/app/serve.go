package app

import (
	"context"
	"io"
	"log/slog"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// productionIssuer is the only issuer whose tokens `serve` accepts: never those that `dev` prints.
const productionIssuer = "mediconnect"

// Serve is `mediconnect serve`: the API, configured by environ, until ctx ends.
func Serve(ctx context.Context, environ []string, logs io.Writer) error {
	settings, err := Load[ServeSettings](environ)
	if err != nil {
		return err
	}
	defer collectSeldom(environ)()
	log := settings.Log.Logger(logs)
	l, err := listen(string(settings.HTTP.Listen))
	if err != nil {
		return err
	}
	defer l.Close()
	bounds := settings.Request.limits()
	a, err := enter(ctx, Frame{
		Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Issuer: productionIssuer,
		Key: settings.HTTP.TokenPublicKey.PublicKey, LinkKey: settings.HTTP.LinkKey.bytes,
		PublicURL: settings.HTTP.publicURL(l.Addr().String()), Log: log, Sessions: settings.Sessions, SignIn: settings.SignIn, HideSchema: settings.HTTP.HideSchema,
		Limits: &bounds, Trusted: settings.Request.trusted, TrustedOnly: settings.Request.Only,
	})
	if err != nil {
		return err
	}
	defer a.Close()
	d, closeDoor, err := a.door(settings.HTTP, settings.Redis, log)
	if err != nil {
		return err
	}
	defer closeDoor()
	log.Info("serving", "address", l.Addr().String())
	return a.told(ctx, settings.Telemetry, func(ctx context.Context) error { return d.serve(ctx, l) })
}

// Work is `mediconnect work`: the background work, configured by environ, until ctx ends.
func Work(ctx context.Context, environ []string, logs io.Writer) error {
	settings, err := Load[WorkerSettings](environ)
	if err != nil {
		return err
	}
	log := settings.Log.Logger(logs)
	a, err := enter(ctx, Frame{
		Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Log: log, Audit: settings.Audit, KeepYears: settings.Keep.PatientYears,
		Events: settings.Events,
	})
	if err != nil {
		return err
	}
	defer a.Close()
	log.Info("working")
	return a.told(ctx, settings.Telemetry, a.Work)
}

// door puts the app behind an HTTP server with health pages.
func (a *App) door(settings HTTPSettings, redis RedisSettings, log *slog.Logger) (*door, func(), error) {
	if err := a.useRedis(redis); err != nil {
		return nil, nil, err
	}
	limit := newLimiter(settings.RateLimit, callers{a.accepts, settings.TrustedProxies})
	api := accesslog.Observed(a.figures, limit.before(a.handler(settings, limit), log))
	h := &health{database: a.db.Probe, stream: a.feed.State, relays: a.relay.Elected, size: postgres.NewLog(a.db).Size,
		clock: clock.System{}, now: a.frame.Clock}
	if a.redis != nil {
		h.redis = a.redis.Ping
	}
	h.crowd = a.crowd.Count
	d := newDoor(api, h, a.crowd, settings, log)
	a.measure(d)
	return d, a.keepCounts(), nil
}

func (s DatabaseSettings) config() postgres.Config {
	return postgres.Config{
		URL: s.URL.Reveal(), MaxConns: s.Connections, AcquireTimeout: s.AcquireTimeout,
		Statement: s.StatementTimeout, Lock: s.LockTimeout, Idle: s.IdleTimeout,
	}
}
