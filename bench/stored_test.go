package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// stored are two databases in one cluster, with many visits and with few, and the same calls recorded. Nobody books in them:
// each measurement has copies of its own, so that none finds more stored than the one before.
type stored struct {
	*town
	connections int
	few, many   *stock
}

// stock is a database to copy, with so many visits in it.
type stock struct {
	url    string
	visits int
}

func newStored(t testing.TB, connections, providers, many, few, calls int) *stored {
	t.Helper()
	w := newTown(t, providers, 2*providers, connections)
	(side{w, w.providers, w.patients}).record(t, calls)
	if err := w.server.Kill(); err != nil {
		t.Fatal(err)
	}
	w.pool.Close()
	s := &stored{w, connections, &stock{w.url, few}, &stock{w.clone(t, w.url), many}}
	w.stock(t, s.few.url, few)
	w.stock(t, s.many.url, many)
	return s
}

// versus measures what a booking costs in each, in milliseconds. Costs are the inverse of rates, and so the ratio of many's
// to few's is that of few's rate to many's.
func (s *stored) versus(t testing.TB, p plan, setting string) (r ratio, many, few float64) {
	t.Helper()
	fews, manys := p.versus(t, s.copied(t, s.few, setting), s.copied(t, s.many, setting))
	return ratioOf(fews, manys), 1000 * float64(s.connections) / median(manys), 1000 * float64(s.connections) / median(fews)
}

// copied measures in a copy of a database, with a setting of the server's or none.
func (s *stored) copied(t testing.TB, of *stock, setting string) measure {
	t.Helper()
	url := s.clone(t, of.url)
	pool := s.look(t, url)
	if n := s.booked(t, pool); n != of.visits {
		t.Fatalf("%d visits are stored, not %d", n, of.visits)
	}
	return s.pgbench(url, pool, s.connections, setting)
}

// clone copies a database and sees to it that what this wrote is on the disk before anything is measured.
func (w *town) clone(t testing.TB, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	clone, err := w.Clone(ctx, url)
	if err == nil {
		err = w.Rig.Admin(ctx, "CHECKPOINT")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Drop(context.WithoutCancel(t.Context()), clone); err != nil {
			t.Error(err)
		}
	})
	return clone
}

func TestBookingCostByWhatIsStoredIsMeasured(t *testing.T) {
	p := plan{pairs: 1, window: 40, warm: 1}
	s := newStored(t, 2, 10, 2000, 200, p.windows()*p.window)
	for range 2 { // the second finds what the first found
		if r, _, _ := s.versus(t, p, ""); r.median <= 0 {
			t.Errorf("got %v", r)
		}
	}
}

// What a booking costs with a million visits stored against ten thousand: as it is, where much of it is waiting for the disk,
// and without that wait, where the work of the processor shows. The windows are short, so that ten thousand stay about that, and
// the sessions few, so that what each costs is the bookings rather than its first plans.
func BenchmarkBookingCost1000000StoredAgainst10000(b *testing.B) {
	const connections, many, few = 2, 1_000_000, 10_000
	p := plan{pairs: 16, window: 160, warm: 8}
	s := newStored(b, connections, 200, many, few, p.windows()*p.window)
	for _, c := range []struct{ name, setting string }{
		{"Durable", ""}, {"NotWaitingForTheDisk", "synchronous_commit=off"},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, costMany, costFew := s.versus(b, p, c.setting)
			report(b, r, fmt.Sprintf("milliseconds a booking with %d connections, medians of %d windows of %d bookings in turn: %.2f with %d visits stored, %.2f with %d; ratio %v",
				connections, p.pairs, p.window, costMany, many, costFew, few, r))
		})
	}
}
