package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/clock"
)

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// pidIn reads a server's process from its file.
func pidIn(t *testing.T, dir, name string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// workingIn lists the processes below a folder, also one that is gone, where the system tells (Linux).
func workingIn(dir string) (found []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir+"/") {
			found = append(found, link)
		}
	}
	return found
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
	if status, body := exchange(t, http.MethodGet, health, "", ""); status != http.StatusOK {
		t.Errorf("%s answered %d: %s", health, status, body)
	}
	status, body := exchange(t, http.MethodPost, graphql, "", `{"query":"{ service { tzdbVersion } }"}`)
	if status != http.StatusOK || !strings.Contains(body, `"tzdbVersion":"`+clock.ZoneVersion()+`"`) {
		t.Errorf("GraphQL answered %d: %s", status, body)
	}
}

func exchange(t *testing.T, method, url, token, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
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

// firstChange is when the demo's organisation was created, by the product's clock.
func firstChange(t *testing.T, url string) (at time.Time) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "SELECT min(created_at) FROM organizations").Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at
}

// wantTold asserts that a reader was told everything that scripts are.
func wantTold(t *testing.T, found facts, output string) {
	t.Helper()
	for name, value := range map[string]string{
		"graphqlUrl": found.GraphQL, "wsUrl": found.Socket, "databaseUrl": found.Database, "programDatabaseUrl": found.Program, "redisUrl": found.Redis,
		"keys": found.Keys, "auditAnchors": found.Anchors, "mails": found.Mails, "messages": found.Messages,
		"patient": found.Tokens.Patient, "caregiver": found.Tokens.Caregiver, "provider": found.Tokens.Provider, "frontDesk": found.Tokens.FrontDesk,
		"clinicAdmin": found.Tokens.ClinicAdmin, "auditor": found.Tokens.Auditor, "admin": found.Tokens.Admin,
	} {
		if value == "" || !strings.Contains(output, value) {
			t.Errorf("%s is %q; it must be there, and told to the reader too", name, value)
		}
	}
}
