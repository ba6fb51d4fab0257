package bench_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

// crowded is how many watch whom, and how much happens.
type crowded struct {
	watchers  int
	providers int           // who are watched and booked, each by as many
	rate      int           // bookings a second
	lasting   time.Duration // of a window
	pairs     int           // of windows
}

// booking is one of a window.
type booking struct {
	slot      string
	provider  int
	sent      time.Time
	answered  time.Time
	committed time.Time // as PostgreSQL notes it: before the commit is on disk
}

// delays are how long after a booking's commit, its request and its answer each watcher had it, and how long after the commit the
// last one had; and the server's processor time, that for the booking included, for each delivery of a window.
type delays struct{ commit, sent, answered, last, work latencies }

func (d delays) String() string {
	return fmt.Sprintf("%v; until the last one has it %v; from the request on %v; from its answer on %v; %.3f ms of the server's processors a delivery",
		d.commit, d.last, d.sent, d.answered, d.work.percentile(50))
}

func (d *delays) add(other delays) {
	d.commit, d.sent = append(d.commit, other.commit...), append(d.sent, other.sent...)
	d.answered, d.last = append(d.answered, other.answered...), append(d.last, other.last...)
	d.work = append(d.work, other.work...)
}

// broadcast is two servers over one database, one told by way of Redis and one that reads the log, and what has happened there.
type broadcast struct {
	*town
	crowded
	servers  map[bool]*rig.Server // with Redis, and without
	inside   map[*rig.Server]observatory
	booked   int
	position int64
}

func newBroadcast(t testing.TB, c crowded) *broadcast {
	t.Helper()
	l := &broadcast{crowded: c, servers: map[bool]*rig.Server{}, inside: map[*rig.Server]observatory{}}
	open := fmt.Sprintf("MEDICONNECT_STREAMS_PER_ADDRESS=%d", c.watchers+dialing)
	l.town = newStampedTown(t, c.providers, 4*c.providers, 20)
	redis := redistest.NewURL(t)
	for _, by := range []bool{true, false} {
		l.Environ = []string{open}
		if by {
			l.Environ = append(l.Environ, "MEDICONNECT_REDIS_URL="+redis)
		}
		l.servers[by] = l.serve(t)
	}
	return l
}

// serve starts a server, one that can be looked into if profiles are wanted.
func (l *broadcast) serve(t testing.TB) *rig.Server {
	t.Helper()
	if *profiles != "" {
		s, inside := l.observed(t, false, l.Environ...)
		l.inside[s] = inside
		return s
	}
	s, err := l.Serve(t.Context(), l.url, 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	return s
}

// window books for a while, and tells how long the audience took to have it.
func (l *broadcast) window(t testing.TB, at *rig.Server, all audience) (delays, float64) {
	t.Helper()
	made := make([]booking, max(1, int(l.lasting.Seconds()*float64(l.rate))))
	var looked sync.WaitGroup
	if o, ok := l.inside[at]; ok {
		looked.Go(func() { o.profile(t, "live.cpu", fmt.Sprintf("/cpu?seconds=%d", max(1, int(l.lasting.Seconds())))) })
	}
	began, spent := time.Now(), spentBy(at)
	l.book(t, at, made)
	rate := float64(len(made)) / time.Since(began).Seconds()
	all.await(t, made)
	spent = spentBy(at) - spent
	looked.Wait()
	l.stamps(t, made)
	d := all.delays(made)
	d.work = append(d.work, milliseconds(spent)/float64(len(d.commit)))
	return d, rate
}

const bookingAtOnce = 16

// book sends bookings at an even rate, whether or not the ones before were answered, as long as 16 connections do.
func (l *broadcast) book(t testing.TB, at *rig.Server, made []booking) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	side := side{l.town, l.town.providers[:l.crowded.providers], l.patients}
	client := rig.NewHTTP(bookingAtOnce)
	defer client.CloseIdleConnections()
	turns := make(chan int, len(made))
	var all sync.WaitGroup
	for range bookingAtOnce {
		all.Go(func() {
			for i := range turns {
				n := l.booked + i
				slot, patient := side.slot(n)
				patient.Server, patient.HTTP = at, client
				b := &made[i]
				b.slot, b.provider, b.sent = slotID(slot), n%l.crowded.providers, time.Now()
				answer, err := patient.Book(ctx, b.slot, uuid.NewString())
				if b.answered = time.Now(); err != nil || answer.Visit == nil {
					t.Errorf("%v: %+v: %v", slot.Start, answer, err)
				}
			}
		})
	}
	beat := time.NewTicker(time.Second / time.Duration(l.rate))
	defer beat.Stop()
	for i := range made {
		<-beat.C
		turns <- i
	}
	close(turns)
	all.Wait()
	l.booked += len(made)
}

const committed = `
SELECT e.position, a.provider_id, a.location_id, a.visit_kind_id, a.starts_at, pg_xact_commit_timestamp(e.xmin)
FROM event_log e JOIN appointments a ON a.organization_id = e.organization_id AND a.id = e.appointment_id
WHERE e.position > $1 AND e.topic = 'appointment.booked' ORDER BY e.position`

// stamps finds out when bookings were committed.
func (l *broadcast) stamps(t testing.TB, made []booking) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	rows, err := l.pool.Query(ctx, committed, l.position)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]time.Time{}
	slot, _ := side{l.town, l.town.providers, l.patients}.slot(0)
	var when time.Time
	_, err = pgx.ForEachRow(rows, []any{&l.position, &slot.Provider, &slot.Location, &slot.VisitKind, &slot.Start, &when}, func() error {
		slot.Start = slot.Start.UTC()
		at[slotID(slot)] = when
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range made {
		when, ok := at[made[i].slot]
		if !ok {
			t.Fatalf("no entry of the log tells of %s", made[i].slot)
		}
		made[i].committed = when
	}
}

const longestDelivery = 30 * time.Second

// await waits until everybody has learned of every booking that concerns them.
func (a audience) await(t testing.TB, made []booking) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		missing := 0
		for _, o := range a {
			if err := o.read(); err != nil {
				t.Fatalf("a watcher lost its stream: %v", err)
			}
			for _, b := range made {
				if _, ok := o.seen[b.slot]; b.provider == o.provider && !ok {
					missing++
				}
			}
		}
		if missing == 0 {
			return
		}
		if time.Since(began) > longestDelivery {
			t.Fatalf("%d deliveries are missing after %s", missing, longestDelivery)
		}
	}
}

func (a audience) delays(made []booking) (d delays) {
	for _, b := range made {
		var last time.Duration
		for _, o := range a {
			if o.provider != b.provider {
				continue
			}
			at := o.seen[b.slot]
			last = max(last, at.Sub(b.committed))
			d.commit = append(d.commit, milliseconds(at.Sub(b.committed)))
			d.sent = append(d.sent, milliseconds(at.Sub(b.sent)))
			d.answered = append(d.answered, milliseconds(at.Sub(b.answered)))
		}
		d.last = append(d.last, milliseconds(last))
	}
	for _, o := range a {
		clear(o.seen)
	}
	return d
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// commitToClient measures both servers in turn. The first window of each counts for nothing.
func commitToClient(t testing.TB, c crowded) (by map[bool]delays, r ratio, rate float64) {
	t.Helper()
	l := newBroadcast(t, c)
	by = map[bool]delays{}
	medians := map[bool][]float64{}
	var rates []float64
	for i := range c.pairs + 1 {
		for _, redis := range []bool{true, false} {
			all := l.audience(t, l.servers[redis], c.watchers, c.providers)
			d, rate := l.window(t, l.servers[redis], all)
			all.leave()
			if i == 0 {
				continue
			}
			sum := by[redis]
			sum.add(d)
			by[redis], rates = sum, append(rates, rate)
			medians[redis] = append(medians[redis], d.commit.percentile(50))
		}
	}
	return by, ratioOf(medians[true], medians[false]), median(rates)
}

func TestCommitToClientIsMeasured(t *testing.T) {
	by, _, _ := commitToClient(t, crowded{watchers: 4, providers: 2, rate: 20, lasting: 500 * time.Millisecond, pairs: 1})
	for redis, d := range by {
		if len(d.commit) != 20 || len(d.last) != 10 {
			t.Errorf("with Redis %v: %d deliveries of %d bookings", redis, len(d.commit), len(d.last))
		}
		if d.commit.percentile(1) <= 0 || d.commit.percentile(50) > d.sent.percentile(50) {
			t.Errorf("with Redis %v: %v after the commit, %v after it was sent", redis, d.commit, d.sent)
		}
	}
}

func benchmarkCommitToClient(b *testing.B, c crowded) {
	b.Helper()
	by, r, rate := commitToClient(b, c)
	const words = `from a booking's commit to the client, %d subscribers, %d on each provider, %.0f bookings/s, %d windows of %s in turn:
  by way of Redis %v
  reading the log %v
  ratio of medians %v`
	x, y := by[true], by[false]
	report(b, r, fmt.Sprintf(words, c.watchers, c.watchers/c.providers, rate, c.pairs, c.lasting, x, y, r))
	b.ReportMetric(x.commit.percentile(50), "p50-ms")
	b.ReportMetric(x.commit.percentile(99), "p99-ms")
}

// From a booking's commit to the screens of all who watch its provider, about 4,000 events a second.
func BenchmarkCommitToClientAt1000Subscribers20OnEachOf50Providers(b *testing.B) {
	benchmarkCommitToClient(b, crowded{watchers: 1000, providers: 50, rate: 200, lasting: 10 * time.Second, pairs: 5})
}

// The same when all watch one provider.
func BenchmarkCommitToClientAt1000SubscribersOfOneProvider(b *testing.B) {
	benchmarkCommitToClient(b, crowded{watchers: 1000, providers: 1, rate: 10, lasting: 10 * time.Second, pairs: 5})
}
