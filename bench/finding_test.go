package bench_test

import (
	"fmt"
	"testing"
)

// alone measures a question at one size.
func (q question) alone(t testing.TB, w *care, p plan) *asked {
	t.Helper()
	a := &asked{w: w, q: q}
	for range p.windows() {
		a.measure(t, p.window)
	}
	return a
}

// growth measures a question at two sizes in turn.
func (q question) growth(t testing.TB, large, small *care, p plan) (r ratio, l, s *asked) {
	t.Helper()
	l, s = &asked{w: large, q: q}, &asked{w: small, q: q}
	as, bs := p.versus(t, l.measure, s.measure)
	return ratioOf(as, bs), l, s
}

func TestFindingCareIsMeasured(t *testing.T) {
	p := plan{pairs: 2, window: 4, warm: 1}
	r := newRig(t)
	large, small := newCare(t, r, size{60, 600}), newCare(t, r, size{20, 200})
	for _, q := range finding {
		if a := q.alone(t, small, p); len(a.all(p)) != 8 || a.mean(p) <= 0 {
			t.Errorf("%s: %v with %v %s", q.name, a.all(p), a.mean(p), q.counted)
		}
		if r, l, s := q.growth(t, large, small, p); r.median <= 0 || len(l.all(p)) != 8 || len(s.all(p)) != 8 {
			t.Errorf("%s: %v of %v and %v", q.name, r, l.all(p), s.all(p))
		}
	}
	plansAreTold(t, large)
}

// What somebody waits who looks for care, with a chain's sites and an appointment book of three months.
func BenchmarkFindingCareAt1705Providers100000Appointments(b *testing.B) {
	w := newCare(b, newRig(b), size{1705, 100_000})
	for _, q := range finding {
		b.Run(q.name, func(b *testing.B) {
			a := q.alone(b, w, q.plan)
			all := a.all(q.plan)
			keep(b, fmt.Sprintf("%s, %s, %d requests one after the other: %v; %.1f %s", q.told, w.size, len(all), all, a.mean(q.plan), q.counted))
			percentiles(b, all)
		})
	}
}

// How that grows: the same at six times the providers and ten times the appointments, asked in turn.
func BenchmarkFindingCareAt10000Providers1000000AppointmentsAgainst1705With100000(b *testing.B) {
	r := newRig(b)
	small, large := newCare(b, r, size{1705, 100_000}), newCare(b, r, size{10_000, 1_000_000})
	for _, q := range finding {
		b.Run(q.name, func(b *testing.B) {
			r, l, s := q.growth(b, large, small, q.plan)
			report(b, r, fmt.Sprintf("%s, %d requests each, medians of %d windows in turn: ratio %v\n  %s: %v; %.1f %s\n  %s: %v; %.1f %s",
				q.told, len(l.all(q.plan)), q.plan.pairs, r, large.size, l.all(q.plan), l.mean(q.plan), q.counted, small.size, s.all(q.plan), s.mean(q.plan), q.counted))
			percentiles(b, l.all(q.plan))
		})
	}
	b.Run("Plans", func(b *testing.B) {
		text, plans := large.explain(b, 12)
		keepPlans(b, text)
		for _, fault := range refused(plans) {
			b.Error(fault)
		}
	})
}

func percentiles(b *testing.B, l latencies) {
	b.Helper()
	b.ReportMetric(l.percentile(50), "p50-ms")
	b.ReportMetric(l.percentile(95), "p95-ms")
	b.ReportMetric(l.percentile(99), "p99-ms")
}
