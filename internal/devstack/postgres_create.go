package devstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// prepare finds the programs that fit the cluster, creates the cluster if there is none, and ends what a killed
// predecessor left running.
func (p *Postgres) prepare(ctx context.Context, account Account) error {
	major, err := clusterMajor(p.data())
	if err != nil {
		return err
	}
	if p.programs, err = FindPostgres(ctx, major); err != nil {
		return clusterOfOtherVersion(err, p.dir, major)
	}
	if p.password, err = secretFile(filepath.Join(p.dir, passwordName)); err != nil {
		return err
	}
	if err = p.socketFolder(account); err != nil {
		return err
	}
	if major != 0 {
		return leftoverPostgres(p.data()).end(ctx)
	}
	return p.create(ctx, account)
}

// create makes the cluster beside its place and moves it there, so that an interrupted initdb leaves nothing behind
// that looks like a cluster.
func (p *Postgres) create(ctx context.Context, account Account) error {
	unfinished := p.data() + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("remove unfinished cluster: %w", err)
	}
	cmd := exec.CommandContext(ctx, p.programs.program("initdb"), "--pgdata="+unfinished, "--username=postgres",
		"--auth-local=trust", "--auth-host=scram-sha-256", "--no-locale", "--encoding=UTF8", "--no-sync")
	cmd.Dir = p.dir
	cmd.Env = serverEnv()
	cmd.SysProcAttr = procAttr(account, syscall.SIGKILL)
	if out, err := cmd.CombinedOutput(); err != nil {
		return p.creationFailure(string(out), err)
	}
	return os.Rename(unfinished, p.data())
}

func (p *Postgres) creationFailure(said string, err error) error {
	if strings.Contains(said, "could not look up effective user ID") {
		return &Problem{
			Message: fmt.Sprintf("PostgreSQL refuses to run as user %d, who has no entry in /etc/passwd", os.Geteuid()),
			Remedy:  "start as a user who has one",
			Cause:   err,
		}
	}
	return diskFull(said, p.dir, fmt.Errorf("create PostgreSQL cluster: %w: %s", err, lastLine(said)))
}

// ensureDatabase creates the roles and the database on the first start and gives the roles their password on each.
func (p *Postgres) ensureDatabase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.AdminURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", databaseName).Scan(&exists)
	if err != nil {
		return err
	}
	statements := []string{createProgram, "ALTER ROLE " + databaseName + " CREATEROLE PASSWORD '" + p.password + "'",
		"ALTER ROLE " + programName + " PASSWORD '" + p.password + "'"}
	if !exists {
		statements = append([]string{
			"DROP ROLE IF EXISTS " + databaseName,
			"CREATE ROLE " + databaseName + " LOGIN CREATEDB CREATEROLE",
			"CREATE DATABASE " + databaseName + " OWNER " + databaseName,
		}, statements...)
	}
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("prepare database: %w", err)
		}
	}
	return nil
}

const createProgram = `
DO $$ BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '` + programName + `') THEN
		CREATE ROLE ` + programName + ` LOGIN NOINHERIT;
	END IF;
END $$`
