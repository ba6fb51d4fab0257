package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// The tests run themselves as the program.
func TestMain(m *testing.M) {
	if os.Getenv("MEDICONNECT_TEST_AS_PROGRAM") != "" {
		main()
		os.Exit(0)
	}
	pgtest.Main(m)
}

// facts is dev.json as a script reads it.
type facts struct {
	GraphQL  string `json:"graphqlUrl"`
	Socket   string `json:"wsUrl"`
	Database string `json:"databaseUrl"`
	Program  string `json:"programDatabaseUrl"`
	Redis    string `json:"redisUrl"`
	Keys     string `json:"keys"`
	Anchors  string `json:"auditAnchors"`
	Mails    string `json:"mails"`
	Messages string `json:"messages"`
	Tokens   struct{ Patient, Caregiver, Provider, FrontDesk, ClinicAdmin, Auditor, Admin string }

	OverrideKey string `json:"flagOverrideKey"`
}

// program is a running mediconnect.
type program struct {
	cmd    *exec.Cmd
	output *output
	ended  chan struct{}
}

// output gathers what a program says while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func start(t *testing.T, environ []string, arguments ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(os.Args[0], arguments...), output: &output{}, ended: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "MEDICONNECT_TEST_AS_PROGRAM=1"), environ...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() { p.stop(t) })
	return p
}

// stop ends a program that still runs the gentle way, so that its servers have ended, too, before their folder is removed.
func (p *program) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		t.Errorf("the program doesn't end; it said:\n%s", p.output)
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// signal sends it and waits for the end; the exit code is -1 after a kill.
func (p *program) signal(t *testing.T, signal syscall.Signal) (exitCode int) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	return p.wait(t)
}

func (p *program) wait(t *testing.T) (exitCode int) {
	t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(time.Minute):
		t.Fatalf("the program doesn't end; it said:\n%s", p.output)
		return 0
	}
}

// fails runs the program to its end, which must be a failure told on one line with all the words in it.
func fails(t *testing.T, environ []string, arguments []string, words ...string) {
	t.Helper()
	p := start(t, environ, arguments...)
	if code := p.wait(t); code != 1 {
		t.Errorf("%v ended with exit code %d, want 1", arguments, code)
	}
	lines := strings.Split(strings.TrimSpace(p.output.String()), "\n")
	last := lines[len(lines)-1]
	for _, word := range append(words, "mediconnect: ") {
		if !strings.Contains(last, word) {
			t.Errorf("%v ended with %q, which doesn't mention %q", arguments, last, word)
		}
	}
}

// dataFolder is a path for a data folder that doesn't exist yet.
func dataFolder(t *testing.T) string {
	t.Helper()
	scratch, err := devstack.NewMemoryFolder("mediconnect-test-cmd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(scratch.Remove)
	return scratch.Join("data")
}

// ready waits for dev.json and reads it.
func (p *program) ready(t *testing.T, dir string) facts {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(filepath.Join(dir, "dev.json")); err == nil {
			return parse(t, text)
		}
		select {
		case <-p.ended:
			t.Fatalf("dev has ended before it was ready:\n%s", p.output)
		case <-ctx.Done():
			t.Fatalf("dev doesn't become ready:\n%s", p.output)
		case <-tick.C:
		}
	}
}

func parse(t *testing.T, text []byte) facts {
	t.Helper()
	var found facts
	reader := json.NewDecoder(bytes.NewReader(text))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&found); err != nil {
		t.Fatalf("dev.json: %v\n%s", err, text)
	}
	wantKeys(t, text, "graphqlUrl", "wsUrl", "databaseUrl", "programDatabaseUrl", "redisUrl", "keys", "auditAnchors", "mails", "messages",
		"tokens", "patient", "caregiver", "provider", "frontDesk", "clinicAdmin", "auditor", "admin", "flagOverrideKey")
	return found
}

var keyInFacts = regexp.MustCompile(`"(\w+)":`)

// wantKeys compares the spelling, which Go's reader of JSON doesn't and scripts do.
func wantKeys(t *testing.T, text []byte, keys ...string) {
	t.Helper()
	var found []string
	for _, match := range keyInFacts.FindAllSubmatch(text, -1) {
		found = append(found, string(match[1]))
	}
	if !slices.Equal(found, keys) {
		t.Errorf("dev.json has the keys %q, want %q", found, keys)
	}
}
