package bench_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// plan is how often two things are measured in turn: A B A B, so that what else the machine does falls on both. A window is so
// many bookings long.
type plan struct {
	pairs  int
	window int
	warm   int // windows of each that go before, and count for nothing: caches fill, and the log gets its full pages
}

// windows is how many of each there are.
func (p plan) windows() int { return p.warm + p.pairs }

// measure makes so many bookings and answers how many a second they were.
type measure func(t testing.TB, bookings int) float64

// versus measures a and b in turn.
func (p plan) versus(t testing.TB, a, b measure) (as, bs []float64) {
	t.Helper()
	for range p.warm {
		a(t, p.window)
		b(t, p.window)
	}
	for range p.pairs {
		as = append(as, a(t, p.window))
		bs = append(bs, b(t, p.window))
	}
	return as, bs
}

// ratio is the median of a/b over the pairs of windows, within bounds that hold it with 95 % confidence.
type ratio struct{ median, low, high float64 }

const resamples = 10_000

// ratioOf takes the pairs by chance, with repetition, as many as there are, again and again (a bootstrap), and cuts 2.5 % of
// the medians off at each end.
func ratioOf(a, b []float64) ratio {
	each := make([]float64, len(a))
	for i := range a {
		each[i] = a[i] / b[i]
	}
	rng := rand.New(rand.NewPCG(1, 2))
	medians := make([]float64, resamples)
	for i := range medians {
		sample := make([]float64, len(each))
		for j := range sample {
			sample[j] = each[rng.IntN(len(each))]
		}
		medians[i] = median(sample)
	}
	slices.Sort(medians)
	return ratio{median(each), medians[resamples*25/1000], medians[resamples*975/1000]}
}

func (r ratio) String() string {
	return fmt.Sprintf("%.2f (95 %%: %.2f to %.2f)", r.median, r.low, r.high)
}

// median is the middle value, or the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

func TestAMedianIsInTheMiddle(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 100, 1, 2}, 3},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("of %v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestARatioIsThatOfItsPairs(t *testing.T) {
	a, b := []float64{10, 20, 30, 40, 50}, []float64{20, 40, 60, 80, 100}
	if r := ratioOf(a, b); r != (ratio{0.5, 0.5, 0.5}) {
		t.Errorf("got %v", r)
	}
	a[4] = 1000
	if r := ratioOf(a, b); r.median != 0.5 || r.low != 0.5 || r.high < 0.5 {
		t.Errorf("with an outlier: %v", r)
	}
}
