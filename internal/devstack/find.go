package devstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// OldestPostgres is the oldest major version that MediConnect runs on.
const OldestPostgres = 15

// PostgresPrograms is a folder with postgres and initdb, and their major version.
type PostgresPrograms struct {
	Dir   string
	Major int
}

func (p PostgresPrograms) program(name string) string { return filepath.Join(p.Dir, name) }

// FindPostgres finds PostgreSQL's server programs: in MEDICONNECT_PG_BIN if that is set, else where pg_config, PATH,
// Debian, Red Hat and Homebrew have them. major asks for one version; 0 takes the first that is new enough.
// The error wraps ErrMissing if there is none.
func FindPostgres(ctx context.Context, major int) (PostgresPrograms, error) {
	var seen []string
	for _, dir := range postgresFolders(ctx) {
		found, err := postgresIn(ctx, dir)
		if err != nil {
			continue
		}
		if found.Major == major || major == 0 && found.Major >= OldestPostgres {
			return found, nil
		}
		seen = append(seen, strconv.Itoa(found.Major))
	}
	return PostgresPrograms{}, postgresMissing(major, seen)
}

func postgresFolders(ctx context.Context) []string {
	if dir := os.Getenv("MEDICONNECT_PG_BIN"); dir != "" {
		return []string{dir}
	}
	var dirs []string
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	} {
		matches, _ := filepath.Glob(pattern)
		sort.Slice(matches, func(i, j int) bool { return numberIn(matches[i]) > numberIn(matches[j]) })
		dirs = append(dirs, matches...)
	}
	return dirs
}

var digits = regexp.MustCompile(`\d+`)

func numberIn(s string) int {
	n, _ := strconv.Atoi(digits.FindString(s))
	return n
}

func postgresIn(ctx context.Context, dir string) (PostgresPrograms, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	programs := PostgresPrograms{Dir: dir}
	if _, err := exec.LookPath(programs.program("initdb")); err != nil {
		return programs, err
	}
	out, err := exec.CommandContext(ctx, programs.program("postgres"), "--version").Output()
	if err != nil {
		return programs, fmt.Errorf("ask for PostgreSQL's version: %w", err)
	}
	programs.Major = numberIn(string(out)) // "postgres (PostgreSQL) 15.18 (Debian …)"
	return programs, nil
}

func postgresMissing(major int, seen []string) error {
	wanted := fmt.Sprintf("PostgreSQL %d or newer", OldestPostgres)
	if major != 0 {
		wanted = fmt.Sprintf("PostgreSQL %d", major)
	}
	message := wanted + "'s server programs were not found"
	if dir := os.Getenv("MEDICONNECT_PG_BIN"); dir != "" {
		message += " in MEDICONNECT_PG_BIN (" + dir + ")"
	}
	remedy := installHint()
	if len(seen) > 0 {
		message += ", only version " + strings.Join(seen, ", ")
		remedy = "install it (https://www.postgresql.org/download has it for most systems)"
	}
	return &Problem{Message: message, Remedy: remedy, Cause: ErrMissing}
}

// FindRedis finds redis-server, or a program that speaks the same: in MEDICONNECT_REDIS_BIN if that is set, else on
// PATH and where Debian and Homebrew have it. The error wraps ErrMissing if there is none.
func FindRedis() (string, error) {
	candidates := []string{
		"redis-server", "/usr/bin/redis-server", "/usr/local/bin/redis-server", "/opt/homebrew/bin/redis-server",
		"valkey-server", "/usr/bin/valkey-server",
	}
	if dir := os.Getenv("MEDICONNECT_REDIS_BIN"); dir != "" {
		candidates = []string{filepath.Join(dir, "redis-server"), filepath.Join(dir, "valkey-server")}
	}
	for _, candidate := range candidates {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", &Problem{Message: "redis-server was not found", Remedy: installHint(), Cause: ErrMissing}
}

// installHint is the one line that brings both servers on a machine like this one.
func installHint() string {
	return hint("install PostgreSQL and Redis and put their programs on PATH", []way{
		{"apt-get", "apt-get install postgresql redis-server"},
		{"brew", "brew install postgresql@17 redis"},
		{"dnf", "dnf install postgresql-server postgresql-contrib redis"},
		{"apk", "apk add postgresql postgresql-contrib redis"},
	})
}

// way is a line to type where a program is.
type way struct{ program, line string }

func hint(otherwise string, ways []way) string {
	for _, w := range ways {
		if _, err := exec.LookPath(w.program); err == nil {
			return "run `" + asRoot(w.program) + w.line + "`"
		}
	}
	return otherwise
}

func asRoot(program string) string {
	if program == "brew" || os.Geteuid() == 0 {
		return ""
	}
	return "sudo "
}
