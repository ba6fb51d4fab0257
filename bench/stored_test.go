package bench_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// stored are two databases in one cluster, with many visits and with few, and the same calls recorded.
type stored struct {
	*town
	connections int
	few, many   string
	fews, manys *pgxpool.Pool
}

func newStored(t testing.TB, connections, providers, many, few, calls int) *stored {
	t.Helper()
	w := newTown(t, providers, 2*providers, connections)
	(side{w, w.providers, w.patients}).record(t, calls)
	if err := w.server.Kill(); err != nil {
		t.Fatal(err)
	}
	w.pool.Close()
	clone, err := w.Clone(context.Background(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	w.stock(t, w.url, few)
	w.stock(t, clone, many)
	return &stored{w, connections, w.url, clone, w.open(t, w.url, few), w.open(t, clone, many)}
}

// versus measures what a booking costs in each, in milliseconds. Costs are the inverse of rates, and so the ratio of many's
// to few's is that of few's rate to many's.
func (s *stored) versus(t testing.TB, p plan, option string) (r ratio, many, few float64) {
	t.Helper()
	fews, manys := p.versus(t, s.pgbench(s.few+option, s.fews, s.connections), s.pgbench(s.many+option, s.manys, s.connections))
	return ratioOf(fews, manys), 1000 * float64(s.connections) / median(manys), 1000 * float64(s.connections) / median(fews)
}

// open connects to a stocked database and checks that everything is there.
func (w *town) open(t testing.TB, url string, n int) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), url+"&pool_max_conns=2")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if stored := w.booked(t, pool); stored != n {
		t.Fatalf("%d visits are stored, not %d", stored, n)
	}
	return pool
}

func TestBookingCostByWhatIsStoredIsMeasured(t *testing.T) {
	p := plan{pairs: 1, window: 40}
	s := newStored(t, 2, 10, 2000, 200, p.windows()*p.window)
	if r, _, _ := s.versus(t, p, ""); r.median <= 0 {
		t.Errorf("got %v", r)
	}
}

// What a booking costs with a million visits stored against ten thousand: as it is, where much of it is waiting for the disk,
// and without that wait, where the work of the processor shows.
func BenchmarkBookingCost1000000StoredAgainst10000(b *testing.B) {
	const connections, many, few = 8, 1_000_000, 10_000
	p := plan{pairs: 10, window: 1200}
	s := newStored(b, connections, 200, many, few, 2*p.windows()*p.window)
	for name, option := range map[string]string{"Durable": "", "NotWaitingForTheDisk": "&options=-csynchronous_commit%3Doff"} {
		b.Run(name, func(b *testing.B) {
			r, costMany, costFew := s.versus(b, p, option)
			report(b, r, fmt.Sprintf("milliseconds a booking with %d connections, medians of %d windows of %d bookings in turn: %.2f with %d visits stored, %.2f with %d; ratio %v",
				connections, p.pairs, p.window, costMany, many, costFew, few, r))
		})
	}
}
