package bench_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// http sends bookings over GraphQL from so many clients, one after the other on each connection.
func (w side) http(connections int) measure {
	var next int
	return func(t testing.TB, bookings int) float64 {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		before := w.booked(t, w.pool)
		turns := make(chan int)
		var all sync.WaitGroup
		began := time.Now()
		for range connections {
			all.Go(func() {
				for n := range turns {
					slot, patient := w.slot(n)
					answer, err := patient.Book(ctx, slotID(slot), uuid.NewString())
					if err != nil || answer.Visit == nil {
						t.Errorf("%v: %+v: %v", slot.Start, answer, err)
					}
				}
			})
		}
		for range bookings {
			turns <- next
			next++
		}
		close(turns)
		all.Wait()
		took := time.Since(began)
		if booked := w.booked(t, w.pool) - before; booked != bookings {
			t.Fatalf("%d requests booked %d visits", bookings, booked)
		}
		return float64(bookings) / took.Seconds()
	}
}

// httpAgainstPgbench measures bookings over HTTP against the statement alone, in one database.
func httpAgainstPgbench(t testing.TB, p plan, connections, providers, patients int) (ratio, float64, float64) {
	t.Helper()
	w := newTown(t, 2*providers, 2*patients, connections)
	over, alone := w.sides()
	alone.record(t, p.windows()*p.window)
	as, bs := p.versus(t, over.http(connections), w.pgbench(w.url, w.pool, connections, ""))
	return ratioOf(as, bs), median(as), median(bs)
}

func TestBookingOverHTTPIsMeasured(t *testing.T) {
	r, _, _ := httpAgainstPgbench(t, plan{pairs: 1, window: 40, warm: 1}, 4, 10, 20)
	if r.median <= 0 {
		t.Errorf("got %v", r)
	}
}

// Bookings a second over HTTP and GraphQL, each by a patient with a token, against pgbench running the whole-booking
// statement on the same cluster.
func BenchmarkBookingOverHTTPAgainstPgbench16Connections(b *testing.B) {
	const connections = 16
	p := plan{pairs: 10, window: 2400, warm: 1}
	r, over, alone := httpAgainstPgbench(b, p, connections, 100, 1000)
	report(b, r, fmt.Sprintf("bookings/s with %d connections, medians of %d windows of %d bookings in turn: %.0f over HTTP, %.0f by pgbench; ratio %v",
		connections, p.pairs, p.window, over, alone, r))
	b.ReportMetric(over, "http-bookings/s")
	b.ReportMetric(alone, "pgbench-bookings/s")
}
