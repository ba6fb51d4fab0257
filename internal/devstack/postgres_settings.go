package devstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// postgresArguments are given on the command line, so that an old cluster has today's settings too.
func postgresArguments(p *Postgres, opts PostgresOptions) []string {
	settings := []string{
		"listen_addresses=" + Loopback,
		"port=" + strconv.Itoa(p.port),
		"unix_socket_directories=" + quoteList(p.sockets),
		"unix_socket_permissions=0700",
		"max_connections=200",
		"shared_buffers=256MB",
		"max_wal_size=2GB",
		"timezone=UTC",
		"log_timezone=UTC",
		"logging_collector=off",
		"autovacuum_naptime=5s", // until the first look at a new table, its plans are guesses
	}
	if opts.Volatile { // a killed server still loses nothing, a killed machine does
		settings = append(settings, "fsync=off", "full_page_writes=off", "autovacuum_naptime=5min",
			"shared_buffers=128MB", "wal_level=minimal", "max_wal_senders=0", "max_connections=300",
			"jit=off") // as the program has it: compiling takes longer than what tests ask
	}
	arguments := []string{"-D", p.data()}
	for _, setting := range settings {
		arguments = append(arguments, "-c", setting)
	}
	return arguments
}

// quoteList makes one element of a comma-separated setting.
func quoteList(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// serverEnv keeps the caller's PG… variables and language away from the server, whose messages we read.
func serverEnv() []string {
	env := []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	if tmp := os.Getenv("TMPDIR"); tmp != "" {
		env = append(env, "TMPDIR="+tmp)
	}
	return env
}

// socketFolder is a 0700 folder whose path is short enough for a socket: in dir, else a temporary one.
func (p *Postgres) socketFolder(account Account) (err error) {
	p.sockets = filepath.Join(p.dir, "run")
	if len(p.sockets)+len(socketPort) <= longestSocket {
		return ownFolder(p.sockets, account)
	}
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		if len(parent)+len("/"+scratchSockets+"0123456789")+len(socketPort) > longestSocket || !account.CanEnter(parent) {
			continue
		}
		if p.scratch, err = newScratchIn(parent, scratchSockets, account); err == nil {
			p.sockets = p.scratch.path
		}
		return err
	}
	return &Problem{
		Message: "the path of " + p.dir + " is too long for PostgreSQL's socket",
		Remedy:  "choose a shorter data folder",
	}
}

const scratchSockets = "mediconnect-run-"

// refusedForGood tells an answer of a server that is up from one that isn't yet, or is still recovering.
func refusedForGood(err error) bool {
	var refusal *pgconn.PgError
	return errors.As(err, &refusal) && refusal.Code != "57P03"
}

// clusterMajor is the version of the cluster in data, 0 when there is none.
func clusterMajor(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read cluster's version: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || major < 1 {
		return 0, &Problem{
			Message: fmt.Sprintf("%s is no PostgreSQL cluster that can be used (version %q)", data, text),
			Remedy:  "choose another data folder, or start afresh with --fresh",
		}
	}
	return major, nil
}

func clusterOfOtherVersion(err error, dir string, major int) error {
	if major == 0 {
		return err
	}
	return &Problem{
		Message: fmt.Sprintf("the data folder %s was made by PostgreSQL %d, which is not installed", dir, major),
		Remedy:  fmt.Sprintf("install PostgreSQL %d, choose another folder with --data, or start afresh with --fresh", major),
		Cause:   err,
	}
}
