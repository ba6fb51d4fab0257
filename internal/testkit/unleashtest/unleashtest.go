// Package unleashtest runs a real Unleash for tests, on a database of its own in the test process's PostgreSQL.
package unleashtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/testkit/nodetest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// What is installed, by npm with its lock file, and started.
var (
	//go:embed server/package.json
	manifest []byte
	//go:embed server/package-lock.json
	locked []byte
	//go:embed server/start.mjs
	program []byte
)

// Tokens of an administrator, and of a client of the environment production.
const (
	adminToken  = "*:*.0f4d1c8a2b6e4f7d9a3c5b1e"
	ClientToken = "*:production.7c2a9e4f1b8d4a6c8e0f2d3b"
)

// Server is a running Unleash. Each package has one, as it takes seconds to start.
type Server struct {
	address string // host:port
}

// Start starts one, which ends with the test. The package needs pgtest.Main. Where Node.js or its packages can't be had, the test fails and says what to do.
func Start(t testing.TB) *Server {
	t.Helper()
	node, err := nodetest.Program()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := installed()
	if err != nil {
		t.Fatal(err)
	}
	asked, err := pgx.ParseConfig(pgtest.NewEmptyURL(t))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "start.mjs")
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "SEND_TELEMETRY=false", "CHECK_VERSION=false", "NODE_ENV=production")
	var said output
	cmd.Stderr = &said
	input, err := cmd.StdinPipe() // it ends when this does, however the test's process ends
	if err != nil {
		t.Fatal(err)
	}
	told, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Wait()
	})
	line, err := json.Marshal(map[string]any{
		"db":         map[string]any{"host": asked.Host, "port": asked.Port, "user": asked.User, "database": asked.Database, "ssl": false},
		"adminToken": adminToken, "clientToken": ClientToken,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := input.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	return &Server{"127.0.0.1:" + port(t, told, &said)}
}

// port waits until the server says where it listens. What it says later is thrown away.
func port(t testing.TB, told io.Reader, said *output) string {
	t.Helper()
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(told)
		for lines.Scan() {
			if port, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				found <- port
			} else {
				_, _ = said.Write(append(lines.Bytes(), '\n'))
			}
		}
		close(found)
	}()
	select {
	case port := <-found:
		if port == "" {
			t.Fatalf("Unleash has ended before it was ready:\n%s", said)
		}
		return port
	case <-time.After(nodetest.Patience):
		t.Fatalf("Unleash doesn't become ready:\n%s", said)
	}
	return ""
}

// installed is the folder with its packages. It is shared by all checkouts that want the same, as they are large.
func installed() (string, error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		caches = os.TempDir()
	}
	sum := sha256.Sum256(bytes.Join([][]byte{manifest, locked, program}, nil))
	folder := filepath.Join(caches, "mediconnect-tests", "unleash-"+hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	for name, text := range map[string][]byte{"package.json": manifest, "package-lock.json": locked, "start.mjs": program} {
		if err := put(filepath.Join(folder, name), text); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), nodetest.Patience)
	defer cancel()
	return folder, nodetest.Install(ctx, folder)
}

// put writes a file that another test may be reading, unless it is there.
func put(path string, text []byte) error {
	if is, err := os.ReadFile(path); err == nil && bytes.Equal(is, text) {
		return nil
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	if _, err = file.Write(text); err == nil {
		err = file.Close()
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// output gathers what the server says while it runs.
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
