package devstack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// RedisOptions says where and how a private Redis runs.
type RedisOptions struct {
	Dir      string    // its own folder; the parent must be open to the server's account
	Port     int       // on loopback; 0: any free one
	Log      io.Writer // nil: Dir/redis.log
	Volatile bool      // for tests: nothing is written to disk
	Password string    // that several share; empty: one of its own
	Settings []string  // lines of its configuration besides
	Sentinel *Watch    // it is a Sentinel, which keeps no data; nil: it isn't
}

// Redis is a running Redis.
type Redis struct {
	dir      string
	port     int
	password string
	child    *child
	log      *serverLog
}

// StartRedis starts Redis in opts.Dir and returns once it answers. Its errors are Problems where the reader can do
// something.
func StartRedis(ctx context.Context, opts RedisOptions) (*Redis, error) {
	program, err := FindRedis()
	if err != nil {
		return nil, err
	}
	account, err := serverAccountOf(opts.Dir)
	if err != nil {
		return nil, err
	}
	if err := ownFolder(opts.Dir, account); err != nil {
		return nil, err
	}
	if err := leftoverRedis(opts.Dir).end(ctx); err != nil {
		return nil, err
	}
	r := &Redis{dir: opts.Dir}
	if r.password = opts.Password; r.password == "" {
		if r.password, err = secretFile(filepath.Join(opts.Dir, passwordName)); err != nil {
			return nil, err
		}
	}
	if r.log, err = openLog(filepath.Join(opts.Dir, "redis.log"), opts.Log); err != nil {
		return nil, err
	}
	if err := r.start(ctx, program, opts, account); err != nil {
		r.log.close()
		return nil, err
	}
	return r, nil
}

func (r *Redis) start(ctx context.Context, program string, opts RedisOptions, account Account) error {
	return onSomePort(opts.Port, "Redis", func(port int) error {
		r.port = port
		config, err := r.configure(opts, account)
		if err != nil {
			return err
		}
		cmd := exec.Command(program, opts.arguments(config)...)
		cmd.Dir = r.dir
		cmd.Env = serverEnv()
		cmd.Stdout, cmd.Stderr = r.log.out, r.log.out
		r.log.begin()
		if r.child, err = startChild(cmd, account, syscall.SIGKILL); err != nil {
			return err
		}
		if err := r.awaitReady(ctx); err != nil {
			r.child.end(syscall.SIGTERM)
			return err
		}
		return nil
	})
}

// configure writes the settings to a file, since the password would show in the process list. Nothing may be evicted:
// a queue lives here. Nothing is dumped beside the append-only file: Redis doesn't end while a dump fails.
func (r *Redis) configure(opts RedisOptions, account Account) (string, error) {
	settings := opts.Sentinel.settings(r.password)
	if opts.Sentinel == nil {
		settings = r.settings(opts)
	}
	settings = append(settings, "bind "+Loopback, "port "+strconv.Itoa(r.port), "protected-mode yes", "requirepass "+r.password,
		"daemonize no", "supervised no", "dir "+strconv.Quote(r.dir), "pidfile "+strconv.Quote(filepath.Join(r.dir, "redis.pid")))
	path := filepath.Join(r.dir, "redis.conf")
	if err := os.WriteFile(path, []byte(strings.Join(append(settings, opts.Settings...), "\n")+"\n"), 0o600); err != nil {
		return "", diskFull(err.Error(), r.dir, fmt.Errorf("write Redis's settings: %w", err))
	}
	return path, account.Hand(path)
}

// settings are those of a Redis that keeps data.
func (*Redis) settings(opts RedisOptions) []string {
	kept := []string{"appendonly yes", "appendfsync everysec"}
	if opts.Volatile {
		kept = []string{"appendonly no"}
	}
	return append(kept, "databases 16", "maxmemory-policy noeviction", `save ""`)
}

// awaitReady asks until Redis answers: while it reads its file it says LOADING.
func (r *Redis) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := r.ping()
		if err == nil {
			return nil
		}
		select {
		case <-r.child.done:
			return r.Failure()
		case <-ctx.Done():
			return fmt.Errorf("Redis didn't become ready, see %s: %w", r.log.path, err)
		case <-tick.C:
		}
	}
}

// ping speaks Redis's inline protocol, so that no client's pool and retries stand between.
func (r *Redis) ping() error {
	conn, err := net.DialTimeout("tcp", r.address(), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "AUTH %s\r\nPING\r\n", r.password); err != nil {
		return err
	}
	answers := bufio.NewScanner(conn)
	for _, want := range []string{"+OK", "+PONG"} {
		if !answers.Scan() || answers.Text() != want {
			return fmt.Errorf("Redis answered %q", answers.Text())
		}
	}
	return nil
}

func (r *Redis) address() string { return net.JoinHostPort(Loopback, strconv.Itoa(r.port)) }

// URL connects over loopback, with the password.
func (r *Redis) URL() string {
	return (&url.URL{
		Scheme: "redis", User: url.UserPassword("", r.password),
		Host: r.address(), Path: "/0",
	}).String()
}

// Port is where Redis listens on loopback.
func (r *Redis) Port() int { return r.port }

// PID is the server's process, for tests that freeze or kill it.
func (r *Redis) PID() int { return r.child.cmd.Process.Pid }

// Done is closed when the server has ended, wanted or not.
func (r *Redis) Done() <-chan struct{} { return r.child.done }

// Failure says in one sentence why the server ended by itself.
func (r *Redis) Failure() error {
	return serverFailure("Redis", r.log.tail(), r.dir, r.log.path)
}

// Stop shuts down cleanly, at the latest when ctx ends.
func (r *Redis) Stop(ctx context.Context) {
	r.child.stop(ctx, syscall.SIGTERM)
	r.log.close()
}
