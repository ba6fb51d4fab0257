// Package rig is the test bench beside the house: the real program, built and run as processes of its own over a PostgreSQL
// of its own, and clients that reach it over HTTP.
package rig

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/devstack"
)

const (
	issuer  = "mediconnect" // of production: the tokens that dev mode prints are not accepted by `serve`
	owner   = "mediconnect"
	login   = "mediconnect_server" // who the program signs in as
	program = "github.com/mediconnect/mediconnect/cmd/mediconnect"
)

// Rig is a PostgreSQL cluster, the built program, and the key that its servers verify tokens with.
type Rig struct {
	Cluster *devstack.Postgres
	Keys    string // folder of the keys that patients' data are sealed with

	Server  string    // a program that takes `serve` and its settings; empty: the one that was built
	Environ []string  // settings of what is started from now on, stronger than the rig's own
	Ear     io.Writer // hears all that it says; nil: nobody

	folder   *devstack.ScratchFolder
	cluster  *devstack.ScratchFolder // the cluster's own, and the keys'
	volatile bool
	binary   string
	key      ed25519.PrivateKey
	public   string // PEM
	linkKey  string
	count    atomic.Int64
}

// Start builds the program and starts a cluster. A volatile one is quicker and loses data when the machine stops.
func Start(ctx context.Context, volatile bool) (r *Rig, err error) {
	r = &Rig{volatile: volatile}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if r.folder, err = devstack.NewScratchFolder("mediconnect-bench-"); err != nil {
		return r, err
	}
	r.binary = r.folder.Join("mediconnect")
	// What is run is linked once and kept by Go, unlike what is built: here a copy of it is made rather than run.
	if out, err := exec.CommandContext(ctx, "go", "run", "-buildvcs=false", "-exec", "cp", program, r.binary).CombinedOutput(); err != nil {
		return r, fmt.Errorf("build %s: %w: %s", program, err, out)
	}
	if err = r.makeKeys(); err != nil {
		return r, err
	}
	if err = r.place(); err != nil {
		return r, err
	}
	r.Keys = r.cluster.Join("keys")
	if _, err = r.Run(ctx, "", "keys", "create", "--remember", "1s"); err != nil {
		return r, err
	}
	r.Cluster, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: r.cluster.Join("postgres"), Volatile: volatile})
	return r, err
}

// place finds the folder of the cluster and the keys: that of a volatile one is in memory where there is room.
func (r *Rig) place() (err error) {
	folder := devstack.NewScratchFolder
	if r.volatile {
		folder = devstack.NewMemoryFolder
	}
	r.cluster, err = folder("mediconnect-bench-pg-")
	return err
}

func (r *Rig) makeKeys() error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return err
	}
	link := make([]byte, 32)
	_, _ = rand.Read(link) // never fails
	r.key, r.public = private, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	r.linkKey = base64.StdEncoding.EncodeToString(link)
	return nil
}

// Run runs the program on a database with the rig's keys, and answers what it says.
func (r *Rig) Run(ctx context.Context, database string, words ...string) (string, error) {
	cmd := exec.CommandContext(ctx, r.binary, words...)
	cmd.Env = append(append(os.Environ(), "MEDICONNECT_KEYS="+r.Keys, "MEDICONNECT_DATABASE_URL="+database), r.Environ...)
	out, err := cmd.CombinedOutput()
	if r.Ear != nil {
		_, _ = r.Ear.Write(out)
	}
	if err != nil {
		return "", fmt.Errorf("%v: %w: %s", words, err, out)
	}
	return string(out), nil
}

// StampCommits has the cluster, which must not be a volatile one, note when each transaction was committed. It is started anew.
func (r *Rig) StampCommits(ctx context.Context) error {
	if err := r.Admin(ctx, "ALTER SYSTEM SET track_commit_timestamp = on"); err != nil {
		return err
	}
	r.Cluster.Stop(ctx)
	cluster, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: r.cluster.Join("postgres")})
	if err == nil {
		r.Cluster = cluster
	}
	return err
}

// Close stops the cluster and removes everything.
func (r *Rig) Close() {
	if r.Cluster != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		r.Cluster.Stop(ctx)
	}
	for _, folder := range []*devstack.ScratchFolder{r.cluster, r.folder} {
		if folder != nil {
			folder.Remove()
		}
	}
}

// NewDatabase makes a database of the program's schema and answers its address for the program, which has a query part already.
func (r *Rig) NewDatabase(ctx context.Context) (url string, err error) {
	name := fmt.Sprintf("bench_%d", r.count.Add(1))
	if err := r.Admin(ctx, "CREATE DATABASE "+name+" OWNER "+owner); err != nil {
		return "", err
	}
	_, err = r.Run(ctx, r.Cluster.SocketURL(owner, name), "migrate", "up")
	return r.Cluster.SocketURL(login, name), err
}

// AdminURL is the address of a database as the superuser uses it, who sees the rows of every tenant.
func (r *Rig) AdminURL(url string) (string, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return "", err
	}
	return r.Cluster.AdminURL(config.Database), nil
}

// Clone copies a database that nobody is connected to.
func (r *Rig) Clone(ctx context.Context, url string) (string, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("bench_%d", r.count.Add(1))
	return r.Cluster.SocketURL(login, name), r.Admin(ctx, "CREATE DATABASE "+name+" OWNER "+owner+" TEMPLATE "+config.Database)
}

// Open is a pool of the superuser, who sees every tenant's rows, on a database.
func (r *Rig) Open(ctx context.Context, url string, connections int) (*pgxpool.Pool, error) {
	admin, err := r.AdminURL(url)
	if err != nil {
		return nil, err
	}
	return pgxpool.New(ctx, admin+"&pool_max_conns="+strconv.Itoa(connections))
}

// Drop deletes a database, whoever is connected to it.
func (r *Rig) Drop(ctx context.Context, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	return r.Admin(ctx, "DROP DATABASE "+config.Database+" WITH (FORCE)")
}

// Admin runs a statement as the cluster's superuser.
func (r *Rig) Admin(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, r.Cluster.AdminURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// Log is the path of what the cluster's server says.
func (r *Rig) Log() string { return r.cluster.Join(filepath.Join("postgres", "postgres.log")) }

// Anchors is the path of the file that heads of audit chains are appended to.
func (r *Rig) Anchors() string { return r.folder.Join("anchors") }

// Token signs a token for an hour.
func (r *Rig) Token(a access.Actor) (string, error) { return r.TokenFor(a, time.Hour) }

// TokenFor signs a token with another life.
func (r *Rig) TokenFor(a access.Actor, life time.Duration) (string, error) {
	return token.Sign(r.key, issuer, a, time.Now().Add(life))
}

// PublicKey verifies them.
func (r *Rig) PublicKey() ed25519.PublicKey { return r.key.Public().(ed25519.PublicKey) }

// Pgbench is the path of PostgreSQL's own benchmark, of the cluster's version.
func (r *Rig) Pgbench() (string, error) {
	for _, folder := range append([]string{r.Cluster.Programs().Dir}, strings.Split(os.Getenv("PATH"), ":")...) {
		path := filepath.Join(folder, "pgbench")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("pgbench is missing beside %s", r.Cluster.Programs().Dir)
}
