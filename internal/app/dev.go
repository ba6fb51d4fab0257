package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

// DevOptions are the flags of `mediconnect dev`.
type DevOptions struct {
	Dir       string
	Port      int       // 0: the usual one if it is free, else any
	Demo      bool      // import the demo data on the first start
	Fresh     bool      // forget all data first
	Clock     time.Time // where the product's clock starts; zero: now
	Frozen    bool      // it stands still there
	Telemetry string    // host:port of figures and profiles; empty: none
	RateLimit int       // root fields a minute and caller; 0: none
	Environ   []string  // which may say where flags come from
	Out       io.Writer // progress, addresses and tokens
	Logs      io.Writer
}

const (
	usualPort   = 8080
	stopTimeout = 20 * time.Second
)

// dev is one run of the development stack.
type dev struct {
	opts     DevOptions
	say      *teller
	log      *slog.Logger
	place    *devstack.Place
	listener net.Listener
	postgres *devstack.Postgres
	redis    *devstack.Redis
	vendors  *vendors.Vendors
	app      *App
	door     *door
	key      ed25519.PrivateKey // that tokens are signed with
	facts    devFacts
	undo     []func()
}

// Dev is `mediconnect dev`: API and background work over a PostgreSQL and a Redis of its own, until ctx ends. Its errors
// are Problems where the reader can do something.
func Dev(ctx context.Context, opts DevOptions) error {
	d := &dev{opts: opts, say: newTeller(opts.Out)}
	d.log = slog.New(slog.NewTextHandler(opts.Logs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	defer d.stop()
	return d.climb(ctx, d.listen, d.takePlace, d.install, d.settle, d.startServers, d.startVendors, d.migrate, d.makeKeys, d.open, d.tidy, d.seed, d.mint, d.run)
}

// climb takes the steps one after the other, and tells what the reader can do where one fails.
func (d *dev) climb(ctx context.Context, steps ...func(context.Context) error) error {
	for i, step := range steps {
		err := step(ctx)
		if err != nil && ctx.Err() != nil && i < len(steps)-1 {
			return nil // the reader said stop before it ran
		}
		if err != nil {
			return d.problem(err)
		}
	}
	return nil
}

// DevInstall brings the servers' programs where they are missing, and what only the tests need, too, if it is asked to.
func DevInstall(ctx context.Context, out io.Writer, tests bool) error {
	if tests {
		return devstack.EnsureForTests(ctx, out)
	}
	return devstack.Ensure(ctx, out)
}

// takePlace comes first, so that scripts don't read what a killed run left while servers are installed.
func (d *dev) takePlace(context.Context) (err error) {
	if d.place, err = devstack.TakePlace(d.opts.Dir); err != nil {
		return err
	}
	d.atStop(d.place.Release)
	return removeFacts(d.place) // of a run that was killed
}

// settle comes after the installation, which may bring the servers' user.
func (d *dev) settle(ctx context.Context) error {
	if err := d.place.Settle(); err != nil {
		return err
	}
	if d.opts.Fresh {
		if err := d.place.Clear(ctx, demoMark, devKeys); err != nil {
			return err
		}
		for _, left := range []string{devAnchors, devMails} { // they tell of what is gone
			if err := os.RemoveAll(d.place.Path(left)); err != nil {
				return devstack.FileProblem(d.place.Path(left), err)
			}
		}
	}
	d.say.fact("Data folder", d.place.Dir)
	if d.place.Elsewhere() {
		d.say.fact("", "the databases are in "+d.place.Servers+", since their user can't enter the data folder")
	}
	return d.place.CheckSpace()
}

// listen takes the port before anything slow happens, so that a taken one is told at once.
func (d *dev) listen(context.Context) (err error) {
	port, chosen := d.opts.Port, d.opts.Port != 0
	if !chosen {
		port = usualPort
	}
	d.listener, err = net.Listen("tcp", loopback(port))
	if err != nil && !chosen {
		d.listener, err = net.Listen("tcp", loopback(0))
	}
	if err != nil {
		return devstack.PortProblem(port, "the API", err)
	}
	d.atStop(func() { _ = d.listener.Close() })
	return nil
}

func (d *dev) install(ctx context.Context) error { return devstack.Ensure(ctx, d.opts.Out) }

func (d *dev) open(ctx context.Context) (err error) {
	if d.key, err = devKey(d.place.Path("token.key")); err != nil {
		return err
	}
	d.facts = newFacts(d.listener.Addr().String(), d.postgres, d.redis.URL(), d.place)
	d.facts.Messages = d.vendors.URL() + "/"
	post, err := d.post()
	if err != nil {
		return err
	}
	messaging, err := d.messaging()
	if err != nil {
		return err
	}
	answering, err := d.answering()
	if err != nil {
		return err
	}
	known, err := d.flags()
	if err != nil {
		return err
	}
	d.facts.OverrideKey = overrideKeyOf(d.key)
	d.app, err = Open(ctx, Frame{
		Database: postgres.Defaults(d.postgres.ProgramURL()), Keys: d.facts.Keys, Clock: d.clock(), Issuer: devIssuer, Key: publicKey(d.key),
		LinkKey: linkKeyOf(d.key), PublicURL: &url.URL{Scheme: "http", Host: d.listener.Addr().String()}, Log: d.log, TestKeys: true,
		Audit: AuditSettings{Anchors: d.facts.Anchors, AnchorEvery: time.Minute, RetentionDays: leastRetention},
		Post:  post, Messaging: messaging, Answering: answering, Flags: known, Overrides: devOverrides(d.key),
	})
	if err != nil {
		return err
	}
	d.atStop(d.app.Close)
	settings := HTTPSettings{Rate: eachMay(d.opts.RateLimit), DrainTimeout: stopTimeout / 2}
	var closeDoor func()
	d.door, closeDoor, err = d.app.door(settings, RedisSettings{URL: Secret(d.redis.URL())}, d.log)
	if err == nil {
		d.atStop(closeDoor)
	}
	return err
}

// devKeys is the folder of keys, which goes with the databases; devAnchors is the file of the audit record's anchors, which doesn't, and
// devMails the folder of mails.
const (
	devKeys    = "keys"
	devAnchors = "audit.anchors"
	devMails   = "mails"
)

// makeKeys makes the folder on the first start.
func (d *dev) makeKeys(context.Context) error {
	dir := d.place.ServersPath(devKeys)
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := keyring.Create(dir, d.clock().Now(), keyring.DefaultRemember); err != nil {
		return devstack.FileProblem(dir, err)
	}
	return nil
}

// tidy brings what the sweeper keeps to the product's time, which may be before that of the run before.
func (d *dev) tidy(ctx context.Context) error { return d.app.Tidy(ctx) }

func (d *dev) clock() clock.Clock {
	switch start := d.opts.Clock; {
	case d.opts.Frozen && start.IsZero():
		return clock.FrozenAt(clock.System{}.Now())
	case d.opts.Frozen:
		return clock.FrozenAt(start)
	case start.IsZero():
		return clock.System{}
	default:
		return clock.StartingAt(start)
	}
}

// run serves and works until ctx ends or one of the parts does.
func (d *dev) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel(nil)
	parts.Go(func() {
		if err := d.app.Work(ctx); err != nil {
			cancel(fmt.Errorf("background work has ended: %w", err))
		}
	})
	parts.Go(func() { d.watch(ctx, cancel) })
	if err := d.announce(); err != nil {
		return err
	}
	err := d.app.told(ctx, TelemetrySettings{Listen: Address(d.opts.Telemetry)}, func(ctx context.Context) error { return d.door.serve(ctx, d.listener) })
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// watch ends the run when a server has ended. From then on nobody shall come any more.
func (d *dev) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
	case <-d.postgres.Done():
		cancel(d.postgres.Failure())
	case <-d.redis.Done():
		cancel(d.redis.Failure())
	}
	_ = removeFacts(d.place)
}

// announce writes dev.json and tells the reader where everything is.
func (d *dev) announce() error {
	if err := writeFacts(d.place, d.facts); err != nil {
		return err
	}
	d.atStop(func() { _ = removeFacts(d.place) })
	return d.facts.tell(d.opts.Out, d.place, d.say.elapsed())
}

// atStop puts off what a step must undo.
func (d *dev) atStop(undo func()) { d.undo = append(d.undo, undo) }

// stop undoes the steps, the last one first.
func (d *dev) stop() {
	for i := len(d.undo) - 1; i >= 0; i-- {
		d.undo[i]()
	}
	if d.postgres != nil {
		d.say.fact("Stopped", "the data stay in "+d.place.Dir)
	}
}
