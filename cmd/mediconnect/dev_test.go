package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
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
	pgtest.Execute(t, found.Database, "CREATE TABLE kept (n int)")
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
	pgtest.Execute(t, again.Database, "INSERT INTO kept VALUES (1)")
}

func TestDevRecoversFromAKill(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--no-demo", "--data", dir)
	found := first.ready(t, dir)
	pgtest.Execute(t, found.Database, "CREATE TABLE kept (n int)")
	first.signal(t, syscall.SIGKILL)

	second := start(t, nil, "dev", "--no-demo", "--data", dir)
	pgtest.Execute(t, second.freshFacts(t, dir, found).Database, "INSERT INTO kept VALUES (1)")
	if reachable(found.Database) {
		t.Error("the killed run's PostgreSQL still runs")
	}
}

// What a killed run told scripts goes before anything slow, or anything that fails.
func TestDevTakesAwayWhatAKilledRunTold(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--no-demo", "--data", dir)
	first.ready(t, dir)
	first.signal(t, syscall.SIGKILL)
	fails(t, []string{"MEDICONNECT_PG_BIN=" + t.TempDir()}, []string{"dev", "--no-demo", "--data", dir}, "MEDICONNECT_PG_BIN")
	if _, err := os.Stat(filepath.Join(dir, "dev.json")); err == nil {
		t.Error("dev.json is still there")
	}
}

// Visits that are over by the clock of one run are to come by that of the next.
func TestDevBringsBackWhatAnEarlierClockHasAhead(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--no-demo", "--data", dir, "--clock", "2031-07-14T12:00:00Z")
	pgtest.Execute(t, first.ready(t, dir).Program, asTenant+pastClaim)
	first.signal(t, syscall.SIGTERM)

	second := start(t, nil, "dev", "--no-demo", "--data", dir, "--clock", "2031-07-10T12:00:00Z", "--clock-frozen")
	pgtest.Execute(t, second.ready(t, dir).Program, asTenant+`DO $$ BEGIN ASSERT (SELECT state = 'ACTIVE' FROM claims); END $$`)
}

// asTenant has the rest of a statement work as the program does for the one organisation that there is.
const asTenant = `SET ROLE mediconnect_app; SELECT set_config('mediconnect.organization', id::text, true) FROM organizations; `

// pastClaim is a lane's claim of the day before, which the sweeper took out of the way.
const pastClaim = `INSERT INTO claims (organization_id, id, party_kind, party_id, lane, starts_at, ends_at, state, appointment_id, days)
	SELECT id, gen_random_uuid(), 'PROVIDER', gen_random_uuid(), 0, '2031-07-13T09:00Z', '2031-07-13T10:00Z', 'PAST', gen_random_uuid(), '{2031-07-13}'
	FROM organizations`

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
	pgtest.Execute(t, first.ready(t, dir).Database, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)")
	first.signal(t, syscall.SIGTERM)
	fails(t, nil, []string{"dev", "--no-demo", "--data", dir}, dir, "newer", "--fresh")

	afresh := start(t, nil, "dev", "--no-demo", "--data", dir, "--fresh")
	answered(t, afresh.ready(t, dir).GraphQL)
}

func TestDevSaysThatTheDataAreOfAnotherBuild(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--no-demo", "--data", dir)
	pgtest.Execute(t, first.ready(t, dir).Database, "COMMENT ON TABLE goose_db_version IS '1:0000000000000000'")
	first.signal(t, syscall.SIGTERM)
	fails(t, nil, []string{"dev", "--no-demo", "--data", dir}, dir, "another build", "--fresh")

	afresh := start(t, nil, "dev", "--no-demo", "--data", dir, "--fresh")
	answered(t, afresh.ready(t, dir).GraphQL)
}

func TestAFreshStartHasARecordAndAnchorsOfItsOwn(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--no-demo", "--data", dir)
	anchors := first.ready(t, dir).Anchors
	first.signal(t, syscall.SIGTERM)
	if before, err := os.ReadFile(anchors); err != nil || len(before) == 0 {
		t.Fatalf("nothing was anchored before: %v; it said\n%s", err, first.output)
	}
	found := start(t, nil, "dev", "--no-demo", "--data", dir, "--fresh").ready(t, dir)
	verify := start(t, []string{
		"MEDICONNECT_DATABASE_URL=" + found.Program, "MEDICONNECT_KEYS=" + found.Keys, "MEDICONNECT_AUDIT_ANCHORS=" + found.Anchors,
	}, "audit", "verify")
	if code := verify.wait(t); code != 0 {
		t.Errorf("audit verify ended with %d and said:\n%s", code, verify.output)
	}
}

// What was written down before private columns were sealed can't be sealed by a migration.
func TestDevSaysThatTheDataAreOfAnEarlierVersionThatCannotBeTakenOver(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--no-demo", "--data", dir)
	found := first.ready(t, dir)
	pgtest.Execute(t, found.Database, "TRUNCATE patients, audit_events CASCADE")
	for range stepsSince(t, "00004_protection.sql") {
		down := start(t, []string{"MEDICONNECT_DATABASE_URL=" + found.Database}, "migrate", "down")
		if code := down.wait(t); code != 0 {
			t.Fatalf("migrate down said %s", down.output)
		}
	}
	pgtest.Execute(t, found.Database, plainPatient)
	first.signal(t, syscall.SIGTERM)
	fails(t, nil, []string{"dev", "--no-demo", "--data", dir}, dir, "plain text", "--fresh")

	afresh := start(t, nil, "dev", "--no-demo", "--data", dir, "--fresh")
	answered(t, afresh.ready(t, dir).GraphQL)
}

// stepsSince counts the steps from one on.
func stepsSince(t *testing.T, first string) (n int) {
	t.Helper()
	const folder = "../../migrations"
	steps, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	at := slices.Index(steps, filepath.Join(folder, first))
	if err != nil || at < 0 {
		t.Fatalf("no %s among %v, %v", first, steps, err)
	}
	return len(steps) - at
}

const plainPatient = `INSERT INTO patients (organization_id, id, identifier_system, identifier_token, identifier, given_name, family_name)
	SELECT id, gen_random_uuid(), 'urn:x', '\x01', '\x31', '\x41', '\x42' FROM organizations`

func TestDevRefusesFoldersOfOthers(t *testing.T) {
	dir := dataFolder(t)
	dump := filepath.Join(dir, "redis", "dump.rdb")
	if err := os.MkdirAll(filepath.Dir(dump), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dump, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{{"--data", dir}, {"--data", dir, "--fresh"}} {
		fails(t, nil, append([]string{"dev", "--no-demo"}, flags...), dir, "--data")
	}
	if text, err := os.ReadFile(dump); err != nil || string(text) != "theirs" {
		t.Errorf("what was there is %q (%v)", text, err)
	}
	fails(t, nil, []string{"dev", "--no-demo", "--data", ""}, "--data")
}

// Whoever deletes a checkout while dev runs and then kills it has no server left in memory.
func TestNoServerIsLeftOfAKilledRunWhoseFolderIsGone(t *testing.T) {
	dir := dataFolder(t)
	p := start(t, nil, "dev", "--no-demo", "--data", dir)
	p.ready(t, dir)
	servers := []int{pidIn(t, dir, "postgres/data/postmaster.pid"), pidIn(t, dir, "redis/redis.pid")}
	gone := time.Now().Add(20 * time.Second)
	for err := os.RemoveAll(dir); err != nil; err = os.RemoveAll(dir) { // what runs may write into it meanwhile
		if time.Now().After(gone) {
			t.Fatal(err)
		}
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) { // it may have noticed and ended
		t.Fatal(err)
	}
	p.wait(t)
	left := func() bool {
		return slices.ContainsFunc(servers, func(pid int) bool { return syscall.Kill(pid, 0) == nil }) || len(workingIn(dir)) > 0
	}
	give := time.Now().Add(20 * time.Second)
	for left() {
		if time.Now().After(give) {
			t.Fatalf("servers %v, or others in %s, still run: %v", servers, dir, workingIn(dir))
		}
		<-time.After(20 * time.Millisecond)
	}
}

func TestDevSaysWhichProgramsAreMissing(t *testing.T) {
	environ := []string{"MEDICONNECT_PG_BIN=" + t.TempDir(), "MEDICONNECT_REDIS_BIN=" + t.TempDir()}
	fails(t, environ, []string{"dev", "--no-demo", "--data", dataFolder(t)}, "PostgreSQL", "MEDICONNECT_PG_BIN")
}

func TestDevEndsWhenItsDatabaseDoes(t *testing.T) {
	dir := dataFolder(t)
	p := start(t, nil, "dev", "--no-demo", "--data", dir)
	p.ready(t, dir)
	if err := syscall.Kill(pidIn(t, dir, "postgres/data/postmaster.pid"), syscall.SIGKILL); err != nil {
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
		"patient":                {found.Tokens.Patient, "PATIENT", `{ viewer { kind asPatient { id } } }`, `"kind":"PATIENT","asPatient":{"id"`},
		"caregiver":              {found.Tokens.Caregiver, "CAREGIVER", `{ viewer { kind patients { id } roles { role } } }`, `"patients":[],"roles":[{"role":"CAREGIVER"}]`},
		"provider":               {found.Tokens.Provider, "PROVIDER", `{ viewer { scopes } }`, `patients:break-glass`},
		"clinic's administrator": {found.Tokens.ClinicAdmin, "ADMIN", `{ viewer { scopes } }`, `access:review`},
		"auditor":                {found.Tokens.Auditor, "AUDITOR", `{ viewer { scopes } }`, `"scopes":["access:review","audit:read"]`},
		"front desk":             {found.Tokens.FrontDesk, "FRONT_DESK", `{ viewer { kind roles { role } } }`, `FRONT_DESK`},
		"admin":                  {found.Tokens.Admin, "PLATFORM_ADMIN", `{ viewer { kind scopes } }`, `platform:admin`},
		"whoever, of flags":      {found.Tokens.Provider, "PROVIDER", `{ viewer { features { enabled variant reason } } }`, `[{"enabled":true,"variant":"enforce","reason":"EVERYBODY"},{"enabled":true,"variant":null,"reason":"EVERYBODY"},{"enabled":true,"variant":null,"reason":"EVERYBODY"}]`},
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
	for range 7 {
		last, _ = exchange(t, http.MethodPost, found.GraphQL, found.Tokens.Patient, `{"query":"{ service { build } }"}`)
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the seventh request at once was answered %d", last)
	}
}
