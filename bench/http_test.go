package bench_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

// http sends bookings over GraphQL from so many clients, one after the other on each connection, and answers how many were
// booked a second.
func (w side) http(connections int) measure {
	var next atomic.Int64
	return func(t testing.TB, window time.Duration) float64 {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), window+time.Minute)
		defer cancel()
		before := w.booked(t, w.pool)
		var sent atomic.Int64
		var all sync.WaitGroup
		began := time.Now()
		for range connections {
			all.Go(func() {
				for time.Since(began) < window && !t.Failed() {
					slot, patient := w.slot(int(next.Add(1) - 1))
					answer, err := patient.Book(ctx, slotID(slot), uuid.NewString())
					if err != nil || answer.Visit == nil {
						t.Errorf("%v: %+v: %v", slot.Start, answer, err)
					}
					sent.Add(1)
				}
			})
		}
		all.Wait()
		took := time.Since(began)
		if booked := w.booked(t, w.pool) - before; booked != int(sent.Load()) {
			t.Fatalf("%d requests booked %d visits", sent.Load(), booked)
		}
		return float64(sent.Load()) / took.Seconds()
	}
}

// httpAgainstPgbench measures bookings over HTTP against the statement alone, in one database.
func httpAgainstPgbench(t testing.TB, p plan, connections, providers, patients, calls int) (ratio, float64, float64) {
	t.Helper()
	w := newTown(t, 2*providers, 2*patients, connections)
	over, alone := w.sides()
	alone.record(t, calls)
	as, bs := p.versus(t, over.http(connections), w.pgbench(w.url, w.pool, connections))
	return ratioOf(as, bs), median(as), median(bs)
}

func TestBookingOverHTTPIsMeasured(t *testing.T) {
	r, _, _ := httpAgainstPgbench(t, plan{pairs: 1, window: time.Second}, 4, 10, 20, 10*2*days)
	if r.median <= 0 {
		t.Errorf("got %v", r)
	}
}

// Bookings a second over HTTP and GraphQL, each by a patient with a token, against pgbench running the whole-booking
// statement on the same cluster.
func BenchmarkBookingOverHTTPAgainstPgbench16Connections(b *testing.B) {
	const connections = 16
	p := plan{pairs: 10, window: 4 * time.Second}
	r, over, alone := httpAgainstPgbench(b, p, connections, 100, 1000, 110_000)
	b.Log(fmt.Sprintf("bookings/s with %d connections, medians of %d windows of %v in turn: %.0f over HTTP, %.0f by pgbench; ratio %v",
		connections, p.pairs, p.window, over, alone, r))
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(over, "http-bookings/s")
	b.ReportMetric(alone, "pgbench-bookings/s")
	b.ReportMetric(r.median, "ratio")
	b.ReportMetric(r.low, "ratio-low")
	b.ReportMetric(r.high, "ratio-high")
}
