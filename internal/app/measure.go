package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/telemetry"
)

// TelemetrySettings say where figures and profiles of the process are served.
type TelemetrySettings struct {
	Listen Address `env:"TELEMETRY_LISTEN" help:"host:port of /metrics and /debug/pprof, for operators alone, e.g. 127.0.0.1:9090; empty: they are not served"`
}

// figuresOf are those that every process has: of itself and its database. What serves adds its own.
func figuresOf(db *postgres.DB) *telemetry.Figures {
	f := telemetry.New(serviceInfo().Build)
	for pool := range db.Pools() {
		state := func(of func(postgres.PoolState) float64) func() float64 {
			return func() float64 { return of(db.Pools()[pool]) }
		}
		labels := telemetry.Labels{"pool": pool}
		f.Gauge("database_connections_in_use", "Connections in use.", labels, state(func(s postgres.PoolState) float64 { return float64(s.InUse) }))
		f.Gauge("database_connections_idle", "Connections that wait to be used.", labels, state(func(s postgres.PoolState) float64 { return float64(s.Idle) }))
		f.Gauge("database_connections_most", "Connections that there may be.", labels, state(func(s postgres.PoolState) float64 { return float64(s.Most) }))
		f.Counter("database_acquired_total", "Connections handed out.", labels, state(func(s postgres.PoolState) float64 { return float64(s.Acquired) }))
		f.Counter("database_waited_total", "Connections handed out after a wait.", labels, state(func(s postgres.PoolState) float64 { return float64(s.Waited) }))
		f.Counter("database_given_up_total", "Waits for a connection that ended without one.", labels, state(func(s postgres.PoolState) float64 { return float64(s.GivenUp) }))
		f.Counter("database_wait_seconds_total", "Time spent waiting for connections.", labels, state(func(s postgres.PoolState) float64 { return s.Waiting.Seconds() }))
	}
	return f
}

// measure adds the figures of a process that serves: who is connected, and how it follows the event log.
func (a *App) measure(d *door) {
	f := a.figures
	f.Gauge("connections", "Sockets and streams that are open.", nil, func() float64 { return float64(d.crowd.Count().Inside) })
	f.Counter("connections_refused_total", "Sockets and streams that were one too many.", nil, func() float64 { return float64(d.crowd.Count().Refused) })
	state := func(of func(live.State) float64) func() float64 { return func() float64 { return of(a.feed.State()) } }
	f.Gauge("stream_listeners", "Subscriptions that are followed.", nil, state(func(s live.State) float64 { return float64(s.Listeners) }))
	f.Gauge("stream_carried", "1 while Redis carries the event log here, 0 while it is read from PostgreSQL.", nil, state(func(s live.State) float64 { return one(s.Carried) }))
	f.Gauge("stream_behind_positions", "Positions of the event log that are known to be missing.", nil, state(func(s live.State) float64 { return float64(s.Behind) }))
	f.Gauge("stream_age_seconds", "Time since nothing of the event log was missing; -1: not yet.", nil, state(func(s live.State) float64 {
		if s.Age < 0 {
			return -1
		}
		return s.Age.Seconds()
	}))
	f.Gauge("stream_relaying", "1 in the process that hands the event log to all.", nil, func() float64 { return one(a.relay.Elected()) })
	if a.redis != nil {
		breakerFigures(f, "redis", a.redis.Breaker)
		for name, counts := range a.caches {
			cacheFigures(f, name, counts)
		}
	}
	a.measureConflicts()
	if len(a.frame.SignIn.OpenIDProviders) > 0 {
		breakerFigures(f, "openid", a.vouching.Breaker)
	}
	f.Counter("passwords_turned_away_total", "Passwords that were not compared, as too many were at once.", nil, func() float64 { return float64(a.hashing.Turned()) })
	if d.certificate != nil {
		f.Gauge("certificate_ends_seconds", "When the certificate that is served ends, in seconds since 1970.", nil, func() float64 { return float64(d.certificate.ends().Unix()) })
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// profileTimeout is longer than the longest profile that anybody takes.
const profileTimeout = 5 * time.Minute

// tell serves pages for operators, such as figures and profiles, on an address of their own until the function that it answers is called. Without an address it
// serves none. A fault of it is logged: the process does its work all the same.
func tell(settings TelemetrySettings, pages http.Handler, log *slog.Logger) (stop func(), err error) {
	if settings.Listen == "" {
		return func() {}, nil
	}
	l, err := listen(string(settings.Listen))
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler: shielded(http.MaxBytesHandler(pages, longestBody), false), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: profileTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: longestHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			log.Error("figures are served no longer", "error", err.Error())
		}
	}()
	log.Info("serving figures and profiles", "address", l.Addr().String())
	return func() {
		_ = server.Close() // profiles under way end with the process
		<-ended
	}, nil
}

// pages are those for operators: figures, profiles, and how each thing that the process depends on stands.
func (a *App) pages() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", a.figures.Pages())
	mux.HandleFunc("GET /health/{name}", a.parts.answer)
	return mux
}

// told is tell for a process that runs until ctx ends.
func (a *App) told(ctx context.Context, settings TelemetrySettings, run func(context.Context) error) error {
	stop, err := tell(settings, a.pages(), a.frame.Log)
	if err != nil {
		return err
	}
	defer stop()
	return run(ctx)
}
