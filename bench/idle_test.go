package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

// weight is what one idle subscriber costs a server, in bytes and goroutines.
type weight struct{ rss, heap, spans, stacks, goroutines float64 }

func (w weight) String() string {
	return fmt.Sprintf("RSS %.1f KiB (heap %.1f in spans of %.1f, stacks %.1f), %.2f goroutines", w.rss/1024, w.heap/1024, w.spans/1024, w.stacks/1024, w.goroutines)
}

// weigh has n subscribers come to a server, each over a socket of its own, and looks at what it holds before and with them.
func (w *town) weigh(t testing.TB, stock bool, n int, environ ...string) weight {
	t.Helper()
	s, inside := w.observed(t, stock, append(environ, fmt.Sprintf("MEDICONNECT_STREAMS_PER_ADDRESS=%d", n+2*dialing))...)
	few := w.audience(t, s, dialing, len(w.providers)) // so that what is made for the first ones isn't counted
	defer few.leave()
	before := inside.figures(t)
	all := w.audience(t, s, n, len(w.providers))
	defer all.leave()
	with := inside.figures(t)
	inside.profile(t, fmt.Sprintf("idle-%t.heap", stock), "/profile/heap")
	inside.profile(t, fmt.Sprintf("idle-%t.goroutines", stock), "/profile/goroutine?debug=1")
	for _, o := range all {
		if err := o.read(); err != nil {
			t.Fatalf("a subscriber has gone: %v", err)
		}
	}
	each := func(before, with int) float64 { return float64(with-before) / float64(n) }
	defer func() { _ = s.Kill() }()
	return weight{
		rss: each(before.RSS, with.RSS), heap: each(before.Heap, with.Heap), spans: each(before.Spans, with.Spans), stacks: each(before.Stacks, with.Stacks),
		goroutines: each(before.Goroutines, with.Goroutines),
	}
}

// idle weighs subscribers of the program and of gqlgen's own transport in turn.
func idle(t testing.TB, n, providers, pairs int) (ours, stock []weight) {
	t.Helper()
	w := newTown(t, providers, 0, 20)
	redis := "MEDICONNECT_REDIS_URL=" + redistest.NewURL(t)
	for range pairs {
		ours = append(ours, w.weigh(t, false, n, redis))
		stock = append(stock, w.weigh(t, true, n))
	}
	return ours, stock
}

func TestIdleSubscribersAreWeighed(t *testing.T) {
	ours, stock := idle(t, 200, 2, 1)
	for whose, w := range map[string]weight{"ours": ours[0], "gqlgen's": stock[0]} {
		if w.goroutines < 1 || w.heap <= 0 || w.stacks <= 0 {
			t.Errorf("%s: %v", whose, w)
		}
	}
	if ours[0].goroutines > 2.1 {
		t.Errorf("%v", ours[0])
	}
}

// What 10,000 subscribers to whom nothing is told cost the program, each over a socket of its own, against gqlgen's own transport.
func BenchmarkIdleSubscribers10000AgainstStockGqlgen(b *testing.B) {
	began := time.Now()
	ours, stock := idle(b, 10_000, 50, 2)
	rss := func(all []weight) (list []float64) {
		for _, w := range all {
			list = append(list, w.rss)
		}
		return list
	}
	r := ratioOf(rss(ours), rss(stock))
	report(b, r, fmt.Sprintf("one of 10,000 idle subscribers, two runs in turn within %s: %v, %v; with gqlgen's own transport: %v, %v; ratio %v",
		time.Since(began).Round(time.Second), ours[0], ours[1], stock[0], stock[1], r))
	b.ReportMetric(ours[0].rss/1024, "KiB/subscriber")
	b.ReportMetric(ours[0].goroutines, "goroutines/subscriber")
}
