package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

func TestDevStartsStopsAndKeepsItsData(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--no-demo", "--data", dir)
	found := first.ready(t, dir)
	if mode := modeOf(t, filepath.Join(dir, "dev.json")); mode != 0o600 {
		t.Errorf("dev.json has mode %o, want 600", mode)
	}
	if mode := modeOf(t, dir); mode != 0o700 {
		t.Errorf("the data folder has mode %o, want 700", mode)
	}
	execute(t, found.Database, "CREATE TABLE kept (n int)")
	pingRedis(t, found.Redis)
	if code := first.signal(t, syscall.SIGINT); code != 0 {
		t.Errorf("Ctrl-C ended with exit code %d:\n%s", code, first.output)
	}
	wantTold(t, found, first.output.String())
	if _, err := os.Stat(filepath.Join(dir, "dev.json")); err == nil {
		t.Error("dev.json is left after the stop")
	}
	if reachable(found.Database) {
		t.Error("PostgreSQL still runs after the stop")
	}

	began := time.Now()
	second := start(t, nil, "dev", "--no-demo", "--data", dir)
	again := second.ready(t, dir)
	answered(t, again.GraphQL)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the second start took %s to its first answer, want 5 s", took)
	}
	execute(t, again.Database, "INSERT INTO kept VALUES (1)")
}

func TestDevRecoversFromAKill(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--no-demo", "--data", dir)
	found := first.ready(t, dir)
	execute(t, found.Database, "CREATE TABLE kept (n int)")
	first.signal(t, syscall.SIGKILL)

	second := start(t, nil, "dev", "--no-demo", "--data", dir)
	execute(t, second.freshFacts(t, dir, found).Database, "INSERT INTO kept VALUES (1)")
	if reachable(found.Database) {
		t.Error("the killed run's PostgreSQL still runs")
	}
}

func TestDevSaysThatAnotherOneHasTheFolder(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--no-demo", "--data", dir)
	found := first.ready(t, dir)
	fails(t, nil, []string{"dev", "--no-demo", "--data", dir}, dir, "--data")
	answered(t, found.GraphQL)
	if _, err := os.Stat(filepath.Join(dir, "dev.json")); err != nil {
		t.Errorf("the refused one took the other's dev.json away: %v", err)
	}
}

func TestDevSaysThatAPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	fails(t, nil, []string{"dev", "--no-demo", "--data", dataFolder(t), "--port", port}, "port "+port, "--port")
}

func TestDevSaysThatTheDataAreOfANewerVersion(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--no-demo", "--data", dir)
	execute(t, first.ready(t, dir).Database, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)")
	first.signal(t, syscall.SIGTERM)
	fails(t, nil, []string{"dev", "--no-demo", "--data", dir}, dir, "newer", "--fresh")

	afresh := start(t, nil, "dev", "--no-demo", "--data", dir, "--fresh")
	answered(t, afresh.ready(t, dir).GraphQL)
}

func TestDevSaysWhichProgramsAreMissing(t *testing.T) {
	environ := []string{"MEDICONNECT_PG_BIN=" + t.TempDir(), "MEDICONNECT_REDIS_BIN=" + t.TempDir()}
	fails(t, environ, []string{"dev", "--no-demo", "--data", dataFolder(t)}, "PostgreSQL", "MEDICONNECT_PG_BIN")
}

func TestDevEndsWhenItsDatabaseDoes(t *testing.T) {
	dir := dataFolder(t)
	p := start(t, nil, "dev", "--no-demo", "--data", dir)
	p.ready(t, dir)
	pid, err := os.ReadFile(filepath.Join(dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(pid), "\n")
	number, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(number, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(t); code != 1 || !strings.Contains(p.output.String(), "PostgreSQL has ended") {
		t.Errorf("dev without its database ended with %d and said:\n%s", code, p.output)
	}
}

// wantTold asserts that a reader was told everything that scripts are.
func wantTold(t *testing.T, found facts, output string) {
	t.Helper()
	for name, value := range map[string]string{
		"graphqlUrl": found.GraphQL, "wsUrl": found.Socket, "databaseUrl": found.Database, "redisUrl": found.Redis,
		"patient": found.Tokens.Patient, "frontDesk": found.Tokens.FrontDesk, "admin": found.Tokens.Admin,
	} {
		if value == "" || !strings.Contains(output, value) {
			t.Errorf("%s is %q; it must be there, and told to the reader too", name, value)
		}
	}
}

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// freshFacts waits for other facts than those that a killed run left.
func (p *program) freshFacts(t *testing.T, dir string, old facts) facts {
	t.Helper()
	for {
		if found := p.ready(t, dir); found.Database != old.Database {
			return found
		}
		select {
		case <-p.ended:
			t.Fatalf("dev has ended before it was ready:\n%s", p.output)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// answered asks the service whether it is ready, and GraphQL for its simplest answer.
func answered(t *testing.T, graphql string) {
	t.Helper()
	health := strings.TrimSuffix(graphql, "/graphql") + "/health/ready"
	if status, body := exchange(t, http.MethodGet, health, ""); status != http.StatusOK {
		t.Errorf("%s answered %d: %s", health, status, body)
	}
}

func exchange(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func reachable(url string) bool {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return false
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func pingRedis(t *testing.T, url string) {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("Redis: %v", err)
	}
}
