package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/devstack"
)

// Bounds of an HTTP exchange. WriteTimeout is longer than the longest query may take.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	longestHeader = 64 << 10
	longestBody   = 1 << 20
)

// door is an HTTP server from its first request to its last.
type door struct {
	server       *http.Server
	certificate  *certificate // nil: no TLS
	health       *health
	crowd        *crowd.Crowd
	drainDelay   time.Duration
	drainTimeout time.Duration
	log          *slog.Logger
}

// newDoor puts the health pages beside the API, which has its rate limit before it. It is opened with TLS where the settings have a
// certificate.
func newDoor(api http.Handler, h *health, c *crowd.Crowd, settings HTTPSettings, log *slog.Logger) *door {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", h.live)
	mux.HandleFunc("GET /health/ready", h.ready)
	mux.HandleFunc("GET /health/{name}", h.parts.answer)
	mux.Handle("/", api)
	d := &door{
		server: &http.Server{
			Handler:           shielded(http.MaxBytesHandler(mux, longestBody), settings.secure()),
			ReadHeaderTimeout: headerTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    longestHeader,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		health: h, crowd: c, drainDelay: settings.DrainDelay, drainTimeout: settings.DrainTimeout, log: log,
	}
	if settings.TLS.on() {
		d.certificate = &certificate{settings: settings.TLS, clock: clock.System{}, log: log}
		d.server.TLSConfig = d.certificate.config()
	}
	return d
}

// listen takes an address, or says in one sentence that somebody else has it.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &devstack.Problem{
			Message: "the address " + address + " is taken by another program",
			Remedy:  "stop it or choose another port",
			Cause:   err,
		}
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// serve answers on l until ctx ends, then reports unready, lets go of new callers and finishes with those inside. Whoever
// holds a socket or a stream open is told to go, one after the other.
func (d *door) serve(ctx context.Context, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- d.answer(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	return d.drain(context.WithoutCancel(ctx))
}

func (d *door) answer(l net.Listener) error {
	if d.certificate != nil {
		return d.server.ServeTLS(l, "", "") // the certificate is the configuration's
	}
	return d.server.Serve(l)
}

func (d *door) drain(ctx context.Context) error {
	d.health.draining.Store(true)
	if d.drainDelay > 0 {
		d.log.Info("reporting unready before closing", "delay", d.drainDelay)
		time.Sleep(d.drainDelay)
	}
	ctx, cancel := context.WithTimeout(ctx, d.drainTimeout)
	defer cancel()
	gone := make(chan error, 1)
	go func() { gone <- d.crowd.Drain(ctx, d.drainTimeout*3/5) }() // the rest is for what is under way
	if err := errors.Join(d.server.Shutdown(ctx), <-gone); err != nil {
		_ = d.server.Close()
		return fmt.Errorf("requests were cut off after %s: %w", d.drainTimeout, err)
	}
	return nil
}
