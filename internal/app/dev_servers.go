package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
)

func loopback(port int) string { return net.JoinHostPort(devstack.Loopback, strconv.Itoa(port)) }

// startServers starts both at once; the first start of a cluster takes a second or two.
func (d *dev) startServers(ctx context.Context) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		d.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: d.place.PostgresDir()})
		return err
	})
	both.Go(func() (err error) {
		d.redis, err = devstack.StartRedis(ctx, devstack.RedisOptions{Dir: d.place.RedisDir()})
		return err
	})
	err := both.Wait()
	d.atStop(d.stopServers)
	if err != nil {
		return err
	}
	d.say.fact("PostgreSQL", fmt.Sprintf("version %d, port %d", d.postgres.Programs().Major, d.postgres.Port()))
	d.say.fact("Redis", "port "+strconv.Itoa(d.redis.Port()))
	return nil
}

func (d *dev) stopServers() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if d.redis != nil {
		d.redis.Stop(ctx)
	}
	if d.postgres != nil {
		d.postgres.Stop(ctx)
	}
}

// migrate brings the schema to this program's version. Data of a newer program are left alone.
func (d *dev) migrate(ctx context.Context) error {
	runner, err := migrate.Open(d.postgres.URL())
	if err != nil {
		return err
	}
	defer runner.Close()
	applied, err := runner.Up(ctx)
	if err != nil {
		return d.migrationProblem(err)
	}
	for _, step := range applied {
		d.say.fact("Schema", fmt.Sprintf("%s in %s", step.File, step.Took.Round(time.Millisecond)))
	}
	return nil
}

const refusedByStep = "P0001" // SQLSTATE: a migration's own RAISE EXCEPTION

// migrationProblem knows the failures that the reader can cure.
func (d *dev) migrationProblem(err error) error {
	var refusal *pgconn.PgError
	switch {
	case errors.Is(err, migrate.ErrNewerSchema):
		return &devstack.Problem{
			Message: "the data folder " + d.place.Dir + " was used by a newer MediConnect than this one",
			Remedy:  "update this checkout, choose another folder with --data, or start afresh with --fresh",
			Cause:   err,
		}
	case errors.Is(err, migrate.ErrOtherSteps):
		return &devstack.Problem{
			Message: "the data folder " + d.place.Dir + " was made by another build of MediConnect than this one",
			Remedy:  "start afresh with --fresh, or choose another folder with --data",
			Cause:   err,
		}
	case errors.As(err, &refusal) && refusal.Code == refusedByStep:
		return &devstack.Problem{
			Message: "the data folder " + d.place.Dir + " is of an earlier MediConnect and can't be taken over: " + refusal.Message,
			Remedy:  "start afresh with --fresh, or choose another folder with --data",
			Cause:   err,
		}
	case errors.As(err, &refusal) && (refusal.Code == "0A000" || refusal.Code == "58P01"): // no such extension
		return &devstack.Problem{
			Message: "this PostgreSQL lacks a part that MediConnect needs: " + refusal.Message,
			Remedy:  "install PostgreSQL's contrib modules (Debian has them in postgresql, Fedora in postgresql-contrib)",
			Cause:   err,
		}
	}
	return err
}

// problem knows what may go wrong in any step: a server that has ended, whose last words say why, and a full disk.
func (d *dev) problem(err error) error {
	var known *devstack.Problem
	if errors.As(err, &known) {
		return err
	}
	if failure := d.serverFailure(); failure != nil {
		return failure
	}
	var refusal *pgconn.PgError
	if errors.Is(err, syscall.ENOSPC) || errors.As(err, &refusal) && refusal.Code == diskFull {
		return devstack.DiskFull(d.servers(), err)
	}
	return err
}

const diskFull = "53100" // SQLSTATE

// servers is where the databases are, as far as that is known.
func (d *dev) servers() string {
	if d.place == nil {
		return d.opts.Dir
	}
	return d.place.Servers
}

// serverFailure is why PostgreSQL has ended, if that is what made a step fail: a full disk ends it while it writes its log.
func (d *dev) serverFailure() error {
	if d.postgres == nil {
		return nil
	}
	select {
	case <-d.postgres.Done():
		return d.postgres.Failure()
	case <-time.After(time.Second):
		return nil
	}
}
