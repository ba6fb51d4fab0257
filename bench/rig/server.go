package rig

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/mediconnect/mediconnect/internal/devstack"
)

// Server is a running `mediconnect serve`, or `work`.
type Server struct {
	URL string // of the API; empty for `work`

	binary    string
	arguments []string
	environ   []string
	cmd       *exec.Cmd
	ended     chan struct{}
	said      *log
}

// log keeps the last of what a server says.
type log struct {
	ear  io.Writer // hears all of it; nil: nobody
	mu   sync.Mutex
	text bytes.Buffer
}

const keptLog = 64 << 10

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ear != nil {
		_, _ = l.ear.Write(p)
	}
	if l.text.Len() > keptLog {
		l.text.Reset()
	}
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// unreached are limits of accounts and patients that are counted for, and refuse nobody: who storms is no usual patient.
var unreached = []string{
	"MEDICONNECT_MAX_OPEN_HOLDS=1000", "MEDICONNECT_MAX_ACCOUNT_HOLDS=1000", "MEDICONNECT_MAX_HOLDS_AN_HOUR=1000", "MEDICONNECT_MAX_FUTURE_APPOINTMENTS=1000",
}

// Serve starts the API over a database with so many connections, no rate limit and limits that nobody reaches, and returns when it is
// ready.
func (r *Rig) Serve(ctx context.Context, database string, connections int) (*Server, error) {
	address, err := devstack.FreeAddress()
	if err != nil {
		return nil, err
	}
	return r.ServeAt(ctx, database, connections, address)
}

// ServeAt is Serve at an address that others have been told.
func (r *Rig) ServeAt(ctx context.Context, database string, connections int, address string) (*Server, error) {
	s := &Server{URL: "http://" + address, binary: cmp.Or(r.Server, r.binary), arguments: []string{"serve"}, said: &log{ear: r.Ear}}
	s.environ = append(os.Environ(), "MEDICONNECT_DATABASE_URL="+database, "MEDICONNECT_KEYS="+r.Keys, "MEDICONNECT_DATABASE_CONNECTIONS="+strconv.Itoa(connections), "MEDICONNECT_LISTEN="+address,
		"MEDICONNECT_RATE_LIMIT_PATIENT=0", "MEDICONNECT_RATE_LIMIT_STAFF=0", "MEDICONNECT_RATE_LIMIT_CLIENT=0", "MEDICONNECT_RATE_LIMIT_ANONYMOUS=0", "MEDICONNECT_TOKEN_PUBLIC_KEY="+r.public, "MEDICONNECT_LINK_KEY="+r.linkKey, "MEDICONNECT_LOG_LEVEL=warn")
	s.environ = append(append(s.environ, unreached...), r.Environ...)
	return s, s.Start(ctx)
}

// Work starts the background work over a database.
func (r *Rig) Work(ctx context.Context, database string) (*Server, error) {
	s := &Server{binary: r.binary, arguments: []string{"work"}, said: &log{ear: r.Ear}}
	s.environ = append(os.Environ(), "MEDICONNECT_DATABASE_URL="+database, "MEDICONNECT_KEYS="+r.Keys, "MEDICONNECT_DATABASE_CONNECTIONS=2", "MEDICONNECT_LOG_LEVEL=warn",
		"MEDICONNECT_AUDIT_ANCHORS="+r.Anchors())
	s.environ = append(s.environ, r.Environ...)
	return s, s.Start(ctx)
}

// Begin starts the program on a database with the rig's keys and other words, as Run does, and doesn't wait for it.
func (r *Rig) Begin(ctx context.Context, database string, words ...string) (*Server, error) {
	s := &Server{binary: r.binary, arguments: words, said: &log{ear: r.Ear}}
	s.environ = append(append(os.Environ(), "MEDICONNECT_KEYS="+r.Keys, "MEDICONNECT_DATABASE_URL="+database), r.Environ...)
	return s, s.Start(ctx)
}

// Ended is closed once it has ended, and Said is the last of what it said.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Said is documented at Ended.
func (s *Server) Said() string { return s.said.String() }

// Start starts it, at the same address as before, and returns when it is ready.
func (s *Server) Start(ctx context.Context) error {
	s.cmd, s.ended = exec.Command(s.binary, s.arguments...), make(chan struct{})
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr, s.cmd.SysProcAttr = s.environ, s.said, s.said, childAttr()
	started := make(chan error)
	go run(s.cmd, started, s.ended)
	if err := <-started; err != nil || s.URL == "" {
		return err
	}
	return s.awaitReady(ctx)
}

// run starts a process and stays on its thread until it ends: the kernel takes that thread for the parent.
func run(cmd *exec.Cmd, started chan<- error, ended chan<- struct{}) {
	runtime.LockOSThread()
	defer close(ended)
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait()
	}
}

// Follows returns once the server follows the event log: until then it turns away who subscribes.
func (s *Server) Follows(ctx context.Context) error {
	return s.await(ctx, func(h health) bool { return h.Stream.AgeMs >= 0 })
}

func (s *Server) awaitReady(ctx context.Context) error {
	return s.await(ctx, func(health) bool { return true })
}

// health is what a server that is ready says of itself.
type health struct{ Stream struct{ AgeMs int64 } }

// await waits until the server is ready, and says what is asked for.
func (s *Server) await(ctx context.Context, enough func(health) bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if h, ready := s.ready(ctx); ready && enough(h) {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("%v has ended: %s", s.arguments, s.said)
		case <-ctx.Done():
			return fmt.Errorf("%v doesn't become ready: %s", s.arguments, s.said)
		case <-tick.C:
		}
	}
}

func (s *Server) ready(ctx context.Context) (h health, ready bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/health/ready", nil)
	if err != nil {
		return h, false
	}
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return h, false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if response.StatusCode != http.StatusOK || err != nil {
		return h, false
	}
	h.Stream.AgeMs = -1
	_ = json.Unmarshal(body, &h) // what others than the program say is no matter
	return h, true
}

// PID is its process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop asks it to end, and waits until it has: clients are told to go first.
func (s *Server) Stop() error { return s.end(syscall.SIGTERM) }

// Kill ends it as kill -9 does.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

func (s *Server) end(how os.Signal) error {
	if err := s.cmd.Process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(time.Minute):
		return fmt.Errorf("%v doesn't end: %s", s.arguments, s.said)
	}
}
