// Package prove has the proofs of booking: many clients at once over HTTP against the built program, which is killed in the
// middle, and many who follow what happens; and of messages, while workers are killed, Redis fails or a vendor hangs. `make prove` runs
// them with 1,000 clients and 10,000 messages; as plain tests they run with fewer.
package prove_test

import (
	"context"
	"flag"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/bench/rig"
	_ "github.com/mediconnect/mediconnect/internal/app" // what the built program is made of: a change of it makes a cached result void
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

var clients = flag.Int("clients", 200, "how many clients there are at once, a multiple of 100")

const connections = 20

// alone says whether the machine is there for the proofs: as plain tests they share it with others, and a request may find no
// turn in time.
func alone() bool { return *clients >= 1000 }

// world is the cluster and the server that all proofs share; each has a clinic of its own.
var world struct {
	once   sync.Once
	err    error
	rig    *rig.Rig
	url    string
	server *rig.Server
	worker *rig.Server
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	for _, s := range []*rig.Server{world.server, world.worker} {
		if s != nil {
			_ = s.Kill()
		}
	}
	if world.rig != nil {
		world.rig.Close()
	}
	os.Exit(code)
}

func build() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if world.rig, err = rig.Start(ctx, !alone()); err != nil {
		return err
	}
	if world.url, err = world.rig.NewDatabase(ctx); err != nil {
		return err
	}
	if world.server, err = world.rig.Serve(ctx, world.url, connections); err != nil {
		return err
	}
	world.worker, err = world.rig.Work(ctx, world.url)
	return err
}

// proof is a clinic with patients, and a watcher who has followed the event log since before there was anything in it.
type proof struct {
	*rig.Clinic
	t        *testing.T
	pool     *pgxpool.Pool // sees everything
	db       *postgres.DB
	log      live.Log
	watcher  *watcher
	patients []rig.Patient
	before   int // deadlocks that the database had counted
}

func newProof(t *testing.T, patients int) *proof {
	t.Helper()
	world.once.Do(func() { world.err = build() })
	if world.err != nil {
		t.Fatal(world.err)
	}
	pool, err := world.rig.Open(t.Context(), world.url, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	db := postgres.New(pool, nil)
	t.Cleanup(db.Close)
	p := &proof{t: t, pool: pool, db: db, log: postgres.NewLog(db)}
	p.before = p.deadlocks()
	p.watcher = watch(t, p.log)
	p.Clinic, err = world.rig.NewClinic(t.Context(), world.server, &rig.Client{HTTP: rig.NewHTTP(*clients)})
	if err != nil {
		t.Fatal(err)
	}
	if p.patients, err = p.Patients(t.Context(), patients); err != nil {
		t.Fatal(err)
	}
	return p
}

// providers adds n providers.
func (p *proof) providers(n int, add func(context.Context) (string, error)) []string {
	p.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		var err error
		if ids[i], err = add(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
	}
	return ids
}

// openings lists free slots of a provider from the proof's day on.
func (p *proof) openings(provider string, days int) []rig.Slot {
	p.t.Helper()
	slots, err := p.Openings(p.t.Context(), provider, days)
	if err != nil {
		p.t.Fatal(err)
	}
	return slots
}

// together runs f for every patient at the same moment.
func (p *proof) together(f func(i int, patient rig.Patient)) time.Duration {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(len(p.patients))
	for i, patient := range p.patients {
		done.Go(func() {
			ready.Done()
			<-start
			f(i, patient)
		})
	}
	ready.Wait()
	began := time.Now()
	close(start)
	done.Wait()
	return time.Since(began)
}
