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
	known, err := settings.Flags.open(log)
	if err != nil {
		return err
	}
	defer known.Close()
	bounds, booking := settings.Request.limits(), settings.Booking.limits()
	a, err := enter(ctx, Frame{
		Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Issuer: productionIssuer,
		Key: settings.HTTP.TokenPublicKey.PublicKey, LinkKey: settings.HTTP.LinkKey.bytes,
		PublicURL: settings.HTTP.publicURL(l.Addr().String()), Log: log, Sessions: settings.Sessions, SignIn: settings.SignIn, TestKeys: settings.HTTP.TestKeys, HideSchema: settings.HTTP.HideSchema,
		Limits: &bounds, Booking: &booking, Conflicts: settings.Conflicts.bounds(), Trusted: settings.Request.trusted, TrustedOnly: settings.Request.Only, MailLimits: settings.Messages.limits(),
		Answering: settings.Channels.answering(settings.Answers.App), Flags: known, Overrides: settings.Overrides.overrides(),
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
	post, err := settings.Mail.post(clock.System{})
	if err != nil {
		return err
	}
	messaging, err := settings.Channels.messaging(settings.Redis, log)
	if err != nil {
		return err
	}
	defer messaging.Close()
	messaging.Limits = settings.Sending.limits()
	known, err := settings.Flags.open(log)
	if err != nil {
		return err
	}
	defer known.Close()
	a, err := enter(ctx, Frame{
		Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Log: log, Audit: settings.Audit, KeepYears: settings.Keep.PatientYears, KeepMessageDays: settings.Keep.MessageDays,
		Events: settings.Events, Post: post, Messaging: messaging, Links: settings.Links.links(), Flags: known,
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
	stopMonitor, err := a.watchQueue(redis, log)
	if err != nil {
		return nil, nil, err
	}
	overhear(log)
	limit := a.limits(settings.Rate)
	api := accesslog.Observed(a.figures, a.handler(settings, limit))
	h := &health{database: a.db.Probe, stream: a.feed.State, relays: a.relay.Elected, size: postgres.NewLog(a.db).Size,
		clock: clock.System{}, now: a.frame.Clock, parts: a.parts}
	if a.redis != nil {
		h.redis, h.breaker = a.redis.Ping, a.redis.Breaker
	}
	h.tellsOf(a.parts)
	h.crowd = a.crowd.Count
	d := newDoor(api, h, a.crowd, settings, log)
	a.measure(d)
	a.measureLimits(limit)
	stopCounts, stopBeats := a.keepCounts(), a.servers.begin(postgres.NewInstances(a.db, newID()))
	return d, func() { stopBeats(); stopCounts(); stopMonitor() }, nil
}

// limits makes the limiter of the API's callers. It comes after useRedis.
func (a *App) limits(settings RateSettings) *limiter {
	with := limiting{RateSettings: settings, secret: a.frame.LinkKey, servers: a.servers.count, clock: clock.System{}}
	if a.redis != nil {
		with.shared = a.redis.Limits()
	}
	return newLimiter(with)
}

func (s DatabaseSettings) config() postgres.Config {
	return postgres.Config{
		URL: s.URL.Reveal(), MaxConns: s.Connections, AcquireTimeout: s.AcquireTimeout,
		Statement: s.StatementTimeout, Lock: s.LockTimeout, Idle: s.IdleTimeout,
	}
}
