package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
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
	case errors.As(err, &refusal) && refusal.Code == "53100":
		return devstack.DiskFull(d.place.Servers, err)
	case errors.As(err, &refusal) && (refusal.Code == "0A000" || refusal.Code == "58P01"): // no such extension
		return &devstack.Problem{
			Message: "this PostgreSQL lacks a part that MediConnect needs: " + refusal.Message,
			Remedy:  "install PostgreSQL's contrib modules (Debian has them in postgresql, Fedora in postgresql-contrib)",
			Cause:   err,
		}
	}
	return err
}
