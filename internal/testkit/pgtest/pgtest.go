// Package pgtest gives every test a PostgreSQL database of its own: cloned from a migrated template in a cluster that
// lives as long as the test process does.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
)

const (
	owner    = "mediconnect"        // an ordinary role: what works only for a superuser shall fail in tests too
	program  = "mediconnect_server" // who the program signs in as
	template = "mediconnect"        // the cluster's first database, migrated and never connected to again
	patience = 2 * time.Minute
)

// world is the process's cluster, started by the first test that asks for a database.
var world struct {
	once    sync.Once
	main    atomic.Bool
	err     error
	cluster *devstack.Postgres
	folder  *devstack.ScratchFolder
	admin   *pgxpool.Pool // makes and drops databases
	count   atomic.Int64
}

// Main runs the tests and removes the cluster that they used. Call it from TestMain.
func Main(m *testing.M) {
	world.main.Store(true)
	code := m.Run()
	world.once.Do(func() {}) // nobody starts one any more
	stop()
	os.Exit(code)
}

// New is a pool on a fresh, migrated database, which is dropped after the test. It signs in as the superuser, who sees the
// rows of every tenant: for a test's own looks, and as what a postgres.DB is made over, which gives up these rights.
func New(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return Pool(t, AdminURL(t, NewURL(t)))
}

// Pool is a pool at an address.
func Pool(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pool, err := pgxpool.New(ctx, url+"&pool_max_conns=20")
	if err != nil {
		t.Fatalf("open pool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// NewURL is the address of a fresh, migrated database as the program uses it. The database is dropped after the test whoever
// is still connected. It has a query part already, so more parameters are added with "&".
func NewURL(t testing.TB) string {
	t.Helper()
	return Cluster(t).SocketURL(program, create(t, "TEMPLATE "+template+" STRATEGY file_copy")) // a third of the work of the default one
}

// OwnerURL is the address of a database as its owner uses it, who migrates it and sees no tenant's rows.
func OwnerURL(t testing.TB, address string) string { return as(t, owner, address) }

// AdminURL is the address of a database as the superuser uses it, who sees the rows of every tenant.
func AdminURL(t testing.TB, address string) string { return as(t, "postgres", address) }

func as(t testing.TB, role, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}

// NewEmptyURL is the address of a fresh database without any table, as its owner uses it, for tests of the migrations.
func NewEmptyURL(t testing.TB) string {
	t.Helper()
	return Cluster(t).SocketURL(owner, create(t, "TEMPLATE template0"))
}

// Cluster is the running cluster, for tests that need its port, its process or its superuser.
func Cluster(t testing.TB) *devstack.Postgres {
	t.Helper()
	if !world.main.Load() {
		t.Fatal("a package that uses pgtest needs: func TestMain(m *testing.M) { pgtest.Main(m) }")
	}
	world.once.Do(func() { world.err = start() })
	if world.err != nil {
		t.Fatalf("PostgreSQL for tests: %v", world.err)
	}
	return world.cluster
}

func create(t testing.TB, from string) string {
	t.Helper()
	Cluster(t)
	name := fmt.Sprintf("test_%d", world.count.Add(1))
	if err := run("CREATE DATABASE " + name + " OWNER " + owner + " " + from); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := run("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return name
}

// Execute runs a statement on a database, one of this package's or any other.
func Execute(t testing.TB, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func run(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := world.admin.Exec(ctx, statement)
	return err
}

func start() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if world.folder, err = devstack.NewMemoryFolder("mediconnect-test-pg-"); err != nil {
		return err
	}
	if world.cluster, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{
		Dir: world.folder.Join("postgres"), Volatile: true,
	}); err != nil {
		stop()
		return err
	}
	if world.admin, err = pgxpool.New(ctx, world.cluster.AdminURL("postgres")+"&pool_max_conns=4"); err != nil {
		return err
	}
	return fill(ctx, world.cluster.SocketURL(owner, template))
}

// fill migrates the template; CREATE DATABASE refuses to copy one that somebody is connected to, so it hangs up.
func fill(ctx context.Context, url string) error {
	runner, err := migrate.Open(url)
	if err != nil {
		return err
	}
	defer runner.Close()
	_, err = runner.Up(ctx)
	return err
}

func stop() {
	if world.admin != nil {
		world.admin.Close()
	}
	if world.cluster != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		world.cluster.Stop(ctx)
	}
	if world.folder != nil {
		world.folder.Remove()
	}
}
