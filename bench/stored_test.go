package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// bigAgainstSmall measures what a booking costs with many visits stored against few: two databases in one cluster, the same
// statement with the same calls.
func bigAgainstSmall(t testing.TB, p plan, connections, providers, big, small, calls int) (ratio, float64, float64) {
	t.Helper()
	w := newTown(t, providers, 2*providers, connections)
	(side{w, w.providers, w.patients}).record(t, calls)
	if err := w.server.Kill(); err != nil {
		t.Fatal(err)
	}
	w.pool.Close()
	bigURL, err := w.Clone(context.Background(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	w.stock(t, w.url, small)
	w.stock(t, bigURL, big)
	few, many := w.pgbench(w.url, w.open(t, w.url, small), connections), w.pgbench(bigURL, w.open(t, bigURL, big), connections)
	fews, manys := p.versus(t, few, many) // rates: cost is the inverse, and so the ratio of costs is few's rate over many's
	return ratioOf(fews, manys), 1000 * float64(connections) / median(manys), 1000 * float64(connections) / median(fews)
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
	r, _, _ := bigAgainstSmall(t, plan{pairs: 1, window: time.Second}, 2, 10, 2000, 200, 4000)
	if r.median <= 0 {
		t.Errorf("got %v", r)
	}
}

// What a booking costs with a million visits stored against ten thousand.
func BenchmarkBookingCost1000000StoredAgainst10000(b *testing.B) {
	const connections, big, small = 8, 1_000_000, 10_000
	p := plan{pairs: 10, window: 4 * time.Second}
	r, many, few := bigAgainstSmall(b, p, connections, 200, big, small, 60_000)
	b.Log(fmt.Sprintf("milliseconds a booking with %d connections, medians of %d windows of %v in turn: %.2f with %d visits stored, %.2f with %d; ratio %v",
		connections, p.pairs, p.window, many, big, few, small, r))
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(many, "ms/booking-1000000")
	b.ReportMetric(few, "ms/booking-10000")
	b.ReportMetric(r.median, "ratio")
	b.ReportMetric(r.low, "ratio-low")
	b.ReportMetric(r.high, "ratio-high")
}
