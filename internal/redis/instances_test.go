package redis_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/redis"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

var secret = live.KeyFrom([]byte("a secret of all instances"))

// listener notes the positions of what it is offered.
type listener struct {
	mu    sync.Mutex
	heard []int64
	reset int
}

func (l *listener) Offer(e live.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, e.Position)
}

func (l *listener) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reset++
}

func (l *listener) positions() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard)
}

// instance is what a server has for its streams.
type instance struct {
	listener
	db    *postgres.DB
	redis *redis.Client
	hub   *live.Hub
	feed  *live.Feed
	relay *live.Relay
	stop  func()
}

// scene is instances over one database and one Redis.
type scene struct {
	t         *testing.T
	pool      *pgxpool.Pool // the test's own
	clinic    *sample.Clinic
	instances []*instance
}

// newScene starts two instances; over changes the bus that they listen to.
func newScene(t *testing.T, redisURL string, over func(live.Bus) live.Bus) *scene {
	t.Helper()
	url := pgtest.NewURL(t)
	s := &scene{t: t, pool: pgtest.Pool(t, pgtest.AdminURL(t, url))}
	s.clinic = sample.NewClinic(t, s.pool)
	for range 2 {
		i := &instance{redis: open(t, redisURL), hub: live.NewHub()}
		var err error
		if i.db, err = postgres.Open(t.Context(), postgres.Defaults(url)); err != nil {
			t.Fatal(err)
		}
		log, bus := postgres.NewLog(i.db).Closely(), over(i.redis.Bus("live"))
		i.feed = live.NewFeed(i.hub, log, bus, secret, clock.System{})
		i.relay = &live.Relay{Log: log, Office: postgres.NewOffice(i.db, "relay"), Bus: i.redis.Bus("live"), Key: secret, Clock: clock.System{}}
		i.start(t)
		s.instances = append(s.instances, i)
		s.await(10*time.Second, "an instance finds the log", func() bool { return i.hub.At().Epoch != "" })
		if _, _, err := i.hub.Join(i, live.Interest{Organizations: []uuid.UUID{s.clinic.Organization}}); err != nil {
			t.Fatal(err)
		}
	}
	s.await(10*time.Second, "the bus carries", s.carried)
	return s
}

func (i *instance) start(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { i.feed.Run(ctx) })
	all.Go(func() { i.relay.Run(ctx) })
	i.stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
		i.db.Close()
	})
	t.Cleanup(i.stop)
}

func plain(b live.Bus) live.Bus { return b }

func (s *scene) carried() bool {
	return !slices.ContainsFunc(s.instances, func(i *instance) bool { return !i.feed.State().Carried })
}

// elected is the instance that relays; -1: none.
func (s *scene) elected() int {
	return slices.IndexFunc(s.instances, func(i *instance) bool { return i.relay.Elected() })
}

func (s *scene) await(within time.Duration, what string, is func() bool) {
	s.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !is(); <-tick.C {
		if time.Since(began) > within {
			s.t.Fatalf("%s: not within %v", what, within)
		}
	}
}

const insert = `INSERT INTO event_log (organization_id, at, topic, payload) VALUES ($1, now(), 'test', '{}')`

// write appends entries from several writers at once until it is stopped: some take their time, some are rolled back, and some
// lose their connection.
func (s *scene) write() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for ctx.Err() == nil {
				_ = s.append(ctx)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

func (s *scene) append(ctx context.Context) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	end := context.WithoutCancel(ctx)
	defer func() { _ = tx.Rollback(end) }()
	if _, err = tx.Exec(ctx, insert, s.clinic.Organization); err != nil {
		return err
	}
	pause := time.NewTimer(rand.N(30 * time.Millisecond))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
	if rand.IntN(10) == 0 {
		return nil
	}
	return tx.Commit(end)
}

// same waits until all have heard what the log holds, and fails where one has heard something else.
func (s *scene) same(within time.Duration) {
	s.t.Helper()
	rows, _ := s.pool.Query(s.t.Context(), `SELECT position FROM event_log WHERE organization_id = $1 ORDER BY position`, s.clinic.Organization)
	var want []int64
	for rows.Next() {
		var p int64
		if err := rows.Scan(&p); err != nil {
			s.t.Fatal(err)
		}
		want = append(want, p)
	}
	if err := rows.Err(); err != nil || len(want) == 0 {
		s.t.Fatalf("%d entries: %v", len(want), err)
	}
	for n, i := range s.instances {
		s.await(within, "the last entry is heard", func() bool {
			heard := i.positions()
			return len(heard) > 0 && heard[len(heard)-1] >= want[len(want)-1]
		})
		heard := i.positions()
		if !slices.Equal(heard, want) {
			s.t.Errorf("instance %d heard %d entries, the log has %d; they differ from number %d on", n, len(heard), len(want), differ(heard, want))
		}
		if i.reset > 0 {
			s.t.Errorf("instance %d was reset", n)
		}
	}
}

func differ(a, b []int64) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// during writes while something happens, and for a while after it.
func (s *scene) during(happens func()) {
	s.t.Helper()
	stop := s.write()
	defer stop()
	<-time.After(300 * time.Millisecond)
	happens()
	<-time.After(300 * time.Millisecond)
	stop()
}

// rough is a bus that loses messages, says some twice and others late.
type rough struct{ live.Bus }

func (r rough) Listen(ctx context.Context, silence time.Duration, each func([]byte)) error {
	var late [][]byte
	return r.Bus.Listen(ctx, silence, func(m []byte) {
		switch rand.IntN(6) {
		case 0:
			return
		case 1:
			late = append(late, m)
			return
		case 2:
			each(m)
		}
		each(m)
		for _, l := range late {
			each(l)
		}
		late = nil
	})
}
