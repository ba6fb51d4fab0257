package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	// databaseName is both the database and its owner, an ordinary role: what works only for a superuser shall not
	// work here either.
	databaseName = "mediconnect"
	// programName is who the program signs in as; what that may do comes with the migrations.
	programName   = "mediconnect_server"
	socketPort    = "/.s.PGSQL.65535"
	longestSocket = 100 // a socket's path is limited to 103 bytes on macOS, 107 on Linux
)

// PostgresOptions says where and how a private cluster runs.
type PostgresOptions struct {
	Dir      string    // the cluster's own folder; its parent must be open to the server's account
	Port     int       // on loopback; 0: any free one
	Log      io.Writer // nil: Dir/postgres.log
	Volatile bool      // for tests: fast, and lost when the machine stops
}

// Postgres is a running cluster.
type Postgres struct {
	dir      string
	sockets  string
	scratch  *ScratchFolder // the sockets' own, where dir's path is too long
	port     int
	password string
	programs PostgresPrograms
	child    *child
	log      *serverLog
}

// StartPostgres starts the cluster in opts.Dir, creating it on the first start and recovering it after a crash, and
// returns once it answers. Its errors are Problems where the reader can do something.
func StartPostgres(ctx context.Context, opts PostgresOptions) (*Postgres, error) {
	account, err := serverAccountOf(opts.Dir)
	if err != nil {
		return nil, err
	}
	if err := ownFolder(opts.Dir, account); err != nil {
		return nil, err
	}
	p := &Postgres{dir: opts.Dir}
	if err := p.prepareAndStart(ctx, opts, account); err != nil {
		p.cleanUp()
		return nil, err
	}
	return p, nil
}

func (p *Postgres) prepareAndStart(ctx context.Context, opts PostgresOptions, account Account) (err error) {
	if err := p.prepare(ctx, account); err != nil {
		return err
	}
	if p.log, err = openLog(filepath.Join(opts.Dir, "postgres.log"), opts.Log); err != nil {
		return err
	}
	return p.start(ctx, opts, account)
}

// start tries again while processes of a killed predecessor hold the cluster's shared memory: they are about to end.
func (p *Postgres) start(ctx context.Context, opts PostgresOptions, account Account) (err error) {
	waitUntil(ctx, 10*time.Second, func() bool {
		err = onSomePort(opts.Port, "PostgreSQL", func(port int) error {
			p.port = port
			return p.startOnce(ctx, opts, account)
		})
		return !errors.Is(err, errStillInUse)
	})
	return err
}

func (p *Postgres) startOnce(ctx context.Context, opts PostgresOptions, account Account) (err error) {
	cmd := exec.Command(p.programs.program("postgres"), postgresArguments(p, opts)...)
	cmd.Dir = p.dir
	cmd.Env = serverEnv()
	cmd.Stdout, cmd.Stderr = p.log.out, p.log.out
	p.log.begin()
	if p.child, err = startChild(cmd, account, syscall.SIGQUIT); err != nil {
		return err
	}
	if err := p.awaitReady(ctx); err != nil {
		p.child.end(syscall.SIGQUIT)
		return err
	}
	return nil
}

// awaitReady connects until the server answers, and sees to the database.
func (p *Postgres) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute) // recovery after a crash may take a while
	defer cancel()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.ensureDatabase(ctx)
		if err == nil {
			return nil
		}
		if refusedForGood(err) {
			return diskFull(err.Error(), p.dir, err)
		}
		select {
		case <-p.child.done:
			return p.Failure()
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL didn't become ready, see %s: %w", p.log.path, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// URL connects as the database's owner, who migrates it, over loopback with a password.
func (p *Postgres) URL() string { return p.loopbackURL(databaseName) }

// ProgramURL connects to the database as the program does.
func (p *Postgres) ProgramURL() string { return p.loopbackURL(programName) }

func (p *Postgres) loopbackURL(role string) string {
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword(role, p.password),
		Host: net.JoinHostPort(Loopback, strconv.Itoa(p.port)), Path: "/" + databaseName,
		RawQuery: "sslmode=disable",
	}).String()
}

// AdminURL connects to database as the cluster's superuser, over its private socket.
func (p *Postgres) AdminURL(database string) string {
	return p.SocketURL("postgres", database)
}

// SocketURL connects to database as role over the cluster's private socket, which asks for no password.
func (p *Postgres) SocketURL(role, database string) string {
	query := url.Values{"host": {p.sockets}, "port": {strconv.Itoa(p.port)}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database, RawQuery: query.Encode()}).String()
}

// Port is where the cluster listens on loopback.
func (p *Postgres) Port() int { return p.port }

// PID is the postmaster's process, for tests that freeze or kill it.
func (p *Postgres) PID() int { return p.child.cmd.Process.Pid }

// Programs says which PostgreSQL this is.
func (p *Postgres) Programs() PostgresPrograms { return p.programs }

// Done is closed when the server has ended, wanted or not.
func (p *Postgres) Done() <-chan struct{} { return p.child.done }

// Failure says in one sentence why the server ended by itself.
func (p *Postgres) Failure() error {
	return serverFailure("PostgreSQL", p.log.tail(), p.dir, p.log.path)
}

// Stop ends all sessions and shuts down cleanly; when ctx ends first, it doesn't wait for the last checkpoint.
func (p *Postgres) Stop(ctx context.Context) {
	p.child.stop(ctx, syscall.SIGINT, syscall.SIGQUIT)
	p.cleanUp()
}

func (p *Postgres) cleanUp() {
	if p.log != nil {
		p.log.close()
	}
	if p.scratch != nil {
		p.scratch.Remove()
	}
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }
