package devstack_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestPostgresKeepsItsDataOverARestart(t *testing.T) {
	dir := folder(t)
	first := startPostgres(t, dir)
	pgtest.Execute(t, first.URL(), "CREATE TABLE kept (n int)")
	stop(first)
	if answers(first.URL()) {
		t.Fatal("PostgreSQL answers after its stop")
	}
	pgtest.Execute(t, startPostgres(t, dir).URL(), "INSERT INTO kept VALUES (1)")
}

func TestPostgresRecoversFromAKill(t *testing.T) {
	dir := folder(t)
	first := startPostgres(t, dir)
	pgtest.Execute(t, first.URL(), "CREATE TABLE kept (n int)")
	kill(t, first.PID())
	<-first.Done()
	pgtest.Execute(t, startPostgres(t, dir).URL(), "INSERT INTO kept VALUES (1)")
}

// In a container process numbers are small and come back: the number in a stale pid file is somebody else's.
func TestAStalePidFileOfAnotherProgramDoesNotStopTheStart(t *testing.T) {
	needsProc(t)
	dir := folder(t)
	stop(startPostgres(t, dir))
	stale := strconv.Itoa(os.Getpid()) + "\n" + dir + "/data\n"
	if err := os.WriteFile(filepath.Join(dir, "data", "postmaster.pid"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	startPostgres(t, dir)
}

// What a killed predecessor left running (systems without a death signal) is ended, not joined.
func TestALeftoverServerIsEnded(t *testing.T) {
	needsProc(t)
	dir := folder(t)
	left := startPostgres(t, dir)
	pgtest.Execute(t, left.URL(), "CREATE TABLE kept (n int)")
	pgtest.Execute(t, startPostgres(t, dir).URL(), "INSERT INTO kept VALUES (1)")
	select {
	case <-left.Done():
	case <-time.After(10 * time.Second):
		t.Error("the leftover server still runs")
	}
}

func TestPostgresIsClosedToOthers(t *testing.T) {
	dir := folder(t)
	server := startPostgres(t, dir)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(server.Port()))
	for _, who := range []string{"mediconnect", "postgres", "mediconnect:wrong", "postgres:wrong"} {
		if answers("postgres://" + who + "@" + address + "/postgres?sslmode=disable") {
			t.Errorf("%s gets in over TCP without the password", who)
		}
	}
	for _, name := range []string{"", "data", "run", "password"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q is open to others: %v (%v)", name, info.Mode(), err)
		}
	}
}

func TestPostgresRunsAsAnOrdinaryUser(t *testing.T) {
	needsProc(t)
	server := startPostgres(t, folder(t))
	info, err := os.Stat("/proc/" + strconv.Itoa(server.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if info.Sys().(*syscall.Stat_t).Uid == 0 {
		t.Error("PostgreSQL runs as root")
	}
}

func TestATakenPortIsToldInOneSentence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: folder(t), Port: port, Volatile: true})
	wantProblem(t, err, strconv.Itoa(port), "choose another port")
}

func TestAClusterOfAnotherVersionIsToldInOneSentence(t *testing.T) {
	dir := folder(t)
	stop(startPostgres(t, dir))
	if err := os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("14\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: dir})
	wantProblem(t, err, "PostgreSQL 14", "--fresh")
}

func TestMissingProgramsAreToldInOneSentence(t *testing.T) {
	t.Setenv("MEDICONNECT_PG_BIN", t.TempDir())
	_, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: folder(t)})
	wantProblem(t, err, "PostgreSQL 15 or newer", "install")
	if !errors.Is(err, devstack.ErrMissing) {
		t.Errorf("%v doesn't say that something is missing", err)
	}
}

func TestAnInterruptedCreationIsDoneAgain(t *testing.T) {
	dir := folder(t)
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	startPostgres(t, dir)
}

// The socket of a process that was killed goes with the next one's start.
func TestALongPathFindsAnotherPlaceForTheSocketAndTidiesThere(t *testing.T) {
	left, err := os.MkdirTemp(os.TempDir(), "mediconnect-run-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(left) })
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(left, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
	parent := folder(t)
	mustOwn(t, parent)
	server := startPostgres(t, filepath.Join(parent, strings.Repeat("long", 20)))
	if _, err := os.Stat(left); err == nil {
		t.Errorf("%s is still there", left)
	}
	if !answers(server.AdminURL("postgres")) {
		t.Error("the socket doesn't answer")
	}
}

// The test runs itself again as a child that is killed: its server must go with it, whatever Go does with its threads.
func TestServersGoWithAKilledParent(t *testing.T) {
	if dir := os.Getenv("DEVSTACK_CHILD"); dir != "" {
		server, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: dir, Volatile: true})
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString(server.URL())
		<-context.Background().Done()
	}
	dir := folder(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestServersGoWithAKilledParent$")
	cmd.Env = append(os.Environ(), "DEVSTACK_CHILD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1024)
	n, _ := out.Read(line)
	if url := string(line[:n]); !answers(url) {
		t.Fatalf("the child's PostgreSQL doesn't answer: %s", url)
	}
	kill(t, cmd.Process.Pid)
	_ = cmd.Wait()
	startPostgres(t, dir)
}

// needsProc skips where nothing tells what a process is: a bare chroot. There the servers' own checks decide.
func needsProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/cwd"); err != nil && runtime.GOOS == "linux" {
		t.Skip("/proc isn't mounted here")
	}
}

func folder(t *testing.T) string {
	t.Helper()
	scratch, err := devstack.NewMemoryFolder("mediconnect-test-dev-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(scratch.Remove)
	return scratch.Join("it")
}

func mustOwn(t *testing.T, dir string) {
	t.Helper()
	account, err := devstack.ServerAccount()
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		err = account.Hand(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func startPostgres(t *testing.T, dir string) *devstack.Postgres {
	t.Helper()
	server, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: dir, Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(server) })
	return server
}

func stop(server interface{ Stop(context.Context) }) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	server.Stop(ctx)
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func answers(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return false
	}
	conn.Close(ctx)
	return true
}

// wantProblem asserts one line that says both what is wrong and what to do.
func wantProblem(t *testing.T, err error, words ...string) {
	t.Helper()
	var problem *devstack.Problem
	if !errors.As(err, &problem) || problem.Remedy == "" || strings.Contains(err.Error(), "\n") {
		t.Fatalf("got %v, want a problem with its remedy on one line", err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q doesn't mention %q", err, word)
		}
	}
}
