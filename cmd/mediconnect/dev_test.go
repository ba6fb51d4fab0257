package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
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

func TestDevsTokensSpeakForWhomTheyName(t *testing.T) {
	dir := dataFolder(t)
	p := start(t, nil, "dev", "--no-demo", "--data", dir)
	found := p.ready(t, dir)
	for name, c := range map[string]struct{ token, role, query, want string }{
		"patient":    {found.Tokens.Patient, "PATIENT", `{ viewer { kind asPatient { id } } }`, `"kind":"PATIENT","asPatient":{"id"`},
		"front desk": {found.Tokens.FrontDesk, "FRONT_DESK", `{ viewer { kind roles { role } } }`, `FRONT_DESK`},
		"admin":      {found.Tokens.Admin, "PLATFORM_ADMIN", `{ viewer { kind scopes } }`, `platform:admin`},
	} {
		status, body := exchange(t, http.MethodPost, found.GraphQL, c.token, `{"query":"`+c.query+`"}`)
		if status != http.StatusOK || !strings.Contains(body, c.want) {
			t.Errorf("%s: answered %d %s, want %s", name, status, body, c.want)
		}
	}
}

func TestDevsClock(t *testing.T) {
	noon := time.Date(2031, 7, 14, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		flags []string
		most  time.Duration
	}{
		"runs on from the instant": {[]string{"--clock", "2031-07-14T12:00:00Z"}, 5 * time.Minute},
		"stands still":             {[]string{"--clock", "2031-07-14T12:00:00Z", "--clock-frozen"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := dataFolder(t)
			p := start(t, nil, append([]string{"dev", "--no-demo", "--data", dir}, c.flags...)...)
			created := firstChange(t, p.ready(t, dir).Database)
			if late := created.Sub(noon); late < 0 || late > c.most {
				t.Errorf("the first change is dated %s", created)
			}
		})
	}
}

func TestDevsRateLimit(t *testing.T) {
	dir := dataFolder(t)
	p := start(t, nil, "dev", "--no-demo", "--data", dir, "--rate-limit", "6")
	found := p.ready(t, dir)
	var last int
	for range 3 {
		last, _ = exchange(t, http.MethodPost, found.GraphQL, found.Tokens.Patient, `{"query":"{ service { build } }"}`)
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the third request at once was answered %d", last)
	}
}
