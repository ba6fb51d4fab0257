package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// A server in production's mode, on the databases of a `dev` and even with its key, doesn't accept its tokens.
func TestServeAnswersAndRefusesTheTokensOfDev(t *testing.T) {
	dir := dataFolder(t)
	found := start(t, nil, "dev", "--no-demo", "--data", dir).ready(t, dir)
	address, figures := freeAddress(t), freeAddress(t)
	server := start(t, append(unleashAway(t),
		"MEDICONNECT_TELEMETRY_LISTEN="+figures,
		"MEDICONNECT_DATABASE_URL="+found.Program, "MEDICONNECT_KEYS="+filepath.Join(dir, "keys"), "MEDICONNECT_REDIS_URL="+found.Redis, "MEDICONNECT_LISTEN="+address,
		"MEDICONNECT_TOKEN_PUBLIC_KEY="+publicPEM(t, filepath.Join(dir, "token.key")),
		"MEDICONNECT_LINK_KEY="+base64.StdEncoding.EncodeToString(make([]byte, 32)),
	), "serve")
	server.accepts(t, address)
	graphql := "http://" + address + "/graphql"
	answered(t, graphql)
	if status, text := exchange(t, http.MethodGet, "http://"+figures+"/metrics", "", ""); status != http.StatusOK || !strings.Contains(text, `mediconnect_graphql_operations_total{type="query"} 1`) {
		t.Errorf("figures were answered %d: %s", status, text)
	}
	if _, text := exchange(t, http.MethodPost, graphql, "", `{"query":"{ viewer { features { key enabled } } }"}`); !strings.Contains(text, `{"key":"booking.staff-overrides","enabled":true}`) {
		t.Errorf("while Unleash is away the last state doesn't hold: %s", text)
	}
	if status, text := exchange(t, http.MethodGet, "http://"+address+"/health/ready", "", ""); status != http.StatusOK {
		t.Errorf("while Unleash is away the server is %d: %s", status, text)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		if status, _ := exchange(t, http.MethodGet, "http://"+address+path, "", ""); status != http.StatusNotFound {
			t.Errorf("%s of the API was answered %d", path, status)
		}
	}
	_, body := exchange(t, http.MethodPost, graphql, found.Tokens.Admin, `{"query":"{ viewer { kind } }"}`)
	if !strings.Contains(body, "UNAUTHENTICATED") {
		t.Errorf("dev's token was answered %s", body)
	}
	if code := server.signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM ended with exit code %d:\n%s", code, server.output)
	}
}

// unleashAway are settings of an Unleash that can't be reached, but had something on when it was last asked.
func unleashAway(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	kept := `{"version":2,"features":[{"name":"booking.staff-overrides","enabled":true,"strategies":[{"name":"default"}]}]}`
	if err := os.WriteFile(filepath.Join(dir, "flags.json"), []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"MEDICONNECT_UNLEASH_URL=http://" + freeAddress(t) + "/api", "MEDICONNECT_UNLEASH_TOKEN=secret", "MEDICONNECT_UNLEASH_STATE=" + dir}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestServeTellsAllFaultsOfItsSettings(t *testing.T) {
	p := start(t, []string{"MEDICONNECT_DATABASE_URL=", "MEDICONNECT_RATE_LIMIT=-1"}, "serve")
	if code := p.wait(t); code != 1 {
		t.Errorf("ended with exit code %d", code)
	}
	for _, name := range []string{"DATABASE_URL", "KEYS", "RATE_LIMIT", "LINK_KEY"} {
		if !strings.Contains(p.output.String(), "MEDICONNECT_"+name) {
			t.Errorf("no word about %s in:\n%s", name, p.output)
		}
	}
}

func TestMigrateUpDownStatus(t *testing.T) {
	dir := dataFolder(t)
	found := start(t, nil, "dev", "--no-demo", "--data", dir).ready(t, dir)
	pgtest.Execute(t, found.Database, "CREATE DATABASE other")
	environ := []string{"MEDICONNECT_DATABASE_URL=" + strings.Replace(found.Database, "/mediconnect?", "/other?", 1)}
	for _, name := range []string{"up", "status"} {
		fails(t, []string{"MEDICONNECT_DATABASE_URL=" + found.Program}, []string{"migrate", name}, "the tables' owner", "CREATEROLE")
	}
	for _, step := range []struct{ name, want string }{
		{"status", "pending"}, {"up", "applied 00001_core.sql"}, {"status", "safe"}, {"down", "took "}, {"status", "pending"},
	} {
		p := start(t, environ, "migrate", step.name)
		if code := p.wait(t); code != 0 || !strings.Contains(p.output.String(), step.want) {
			t.Errorf("migrate %s ended with %d and said %s, want %q", step.name, code, p.output, step.want)
		}
	}
	pgtest.Execute(t, strings.TrimPrefix(environ[0], "MEDICONNECT_DATABASE_URL="), "COMMENT ON TABLE goose_db_version IS NULL")
	for _, name := range []string{"up", "status"} {
		fails(t, environ, []string{"migrate", name}, "another build")
	}
}

// The tables' owner would see no row, and may not become a role that does.
func TestALoginThatTheProgramCannotWorkWithIsToldInOneSentence(t *testing.T) {
	dir := dataFolder(t)
	found := start(t, nil, "dev", "--no-demo", "--data", dir).ready(t, dir)
	address, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{
		"MEDICONNECT_DATABASE_URL=" + found.Database, "MEDICONNECT_KEYS=" + filepath.Join(dir, "keys"), "MEDICONNECT_LISTEN=" + address,
		"MEDICONNECT_AUDIT_ANCHORS=" + filepath.Join(t.TempDir(), "anchors"), "MEDICONNECT_TOKEN_PUBLIC_KEY=" + publicPEM(t, filepath.Join(dir, "token.key")),
		"MEDICONNECT_LINK_KEY=" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
	}
	for _, command := range [][]string{{"serve"}, {"work"}, {"zones"}, {"demo", "load", "--providers", "1", "--appointments", "1"}} {
		fails(t, environ, command, "login mediconnect ", "GRANT mediconnect_server TO mediconnect")
	}
}

func TestADatabaseThatIsAwayIsToldInOneSentence(t *testing.T) {
	environ := []string{"MEDICONNECT_DATABASE_URL=postgres://nobody@localhost:1,localhost:2/none", keysFolder(t)}
	for _, command := range [][]string{{"migrate", "up"}, {"migrate", "status"}, {"zones"}} {
		p := start(t, environ, command...)
		if code := p.wait(t); code != 1 {
			t.Errorf("%v ended with %d", command, code)
		}
		said := strings.TrimSpace(p.output.String())
		if strings.Contains(said, "\n") || strings.Count(said, "connection refused") != 1 || !strings.Contains(said, "can't be reached") {
			t.Errorf("%v said\n%s", command, said)
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, command := range [][]string{
		{}, {"dev"}, {"dev", "install"}, {"serve"}, {"work"}, {"migrate"}, {"migrate", "up"}, {"migrate", "down"},
		{"migrate", "status"}, {"keys"}, {"keys", "create"}, {"keys", "rotate"}, {"keys", "status"}, {"import"}, {"import", "smart-scheduling"}, {"import", "locations"}, {"import", "fhir"}, {"schema"}, {"zones"},
		{"audit"}, {"audit", "verify"},
	} {
		p := start(t, nil, append(command, "--help")...)
		if code := p.wait(t); code != 0 || !strings.Contains(p.output.String(), "USAGE") {
			t.Errorf("%v --help ended with %d and said %s", command, code, p.output)
		}
	}
}

func TestSchemaIsTheContract(t *testing.T) {
	p := start(t, nil, "schema")
	if code := p.wait(t); code != 0 || !strings.Contains(p.output.String(), "bookAppointment(") {
		t.Errorf("schema ended with %d and said %.200s", code, p.output)
	}
}

// accepts waits until somebody listens on the address.
func (p *program) accepts(t *testing.T, address string) {
	t.Helper()
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return
		}
		select {
		case <-p.ended:
			t.Fatalf("the server has ended:\n%s", p.output)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func publicPEM(t *testing.T, privateFile string) string {
	t.Helper()
	text, err := os.ReadFile(privateFile)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalPKIXPublicKey(private.(ed25519.PrivateKey).Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: bytes}))
}

func TestWorkWorksUntilItIsTold(t *testing.T) {
	dir := dataFolder(t)
	found := start(t, nil, "dev", "--no-demo", "--data", dir).ready(t, dir)
	figures := freeAddress(t)
	p := start(t, append(unleashAway(t), "MEDICONNECT_TELEMETRY_LISTEN="+figures, "MEDICONNECT_DATABASE_URL="+found.Program, "MEDICONNECT_KEYS="+filepath.Join(dir, "keys"), "MEDICONNECT_AUDIT_ANCHORS="+filepath.Join(t.TempDir(), "anchors")), "work")
	p.says(t, figures)
	if status, text := exchange(t, http.MethodGet, "http://"+figures+"/metrics", "", ""); status != http.StatusOK || !strings.Contains(text, `mediconnect_database_connections_in_use{pool="tenants"}`) {
		t.Errorf("figures were answered %d: %s", status, text)
	}
	if _, text := exchange(t, http.MethodGet, "http://"+figures+"/health/unleash", "", ""); !strings.Contains(text, `"from":"disk"`) {
		t.Errorf("of Unleash it says %s", text)
	}
	if code := p.signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM ended with exit code %d:\n%s", code, p.output)
	}
}

// says waits until the program has said something.
func (p *program) says(t *testing.T, words string) {
	t.Helper()
	for !strings.Contains(p.output.String(), words) {
		select {
		case <-p.ended:
			t.Fatalf("the program has ended before it said %s:\n%s", words, p.output)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestADatabaseThatWasNeverMigratedIsToldInOneSentence(t *testing.T) {
	cluster, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: dataFolder(t), Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Stop(context.WithoutCancel(t.Context())) })
	fails(t, []string{"MEDICONNECT_DATABASE_URL=" + cluster.ProgramURL(), keysFolder(t)}, []string{"zones"}, "isn't migrated", "mediconnect migrate up")
}
