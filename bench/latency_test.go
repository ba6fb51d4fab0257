package bench_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// latencies are how long requests took, in milliseconds.
type latencies []float64

// percentile is the shortest time within which so many of a hundred requests were answered.
func (l latencies) percentile(p float64) float64 {
	sorted := slices.Sorted(slices.Values(l))
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}

func (l latencies) String() string {
	return fmt.Sprintf("p50 %.1f, p95 %.1f, p99 %.1f ms", l.percentile(50), l.percentile(95), l.percentile(99))
}

func TestAPercentileIsOneOfTheTimes(t *testing.T) {
	var l latencies
	for n := 200; n > 0; n-- {
		l = append(l, float64(n))
	}
	if got := l.String(); got != "p50 100.0, p95 190.0, p99 198.0 ms" {
		t.Errorf("got %s", got)
	}
	if got := (latencies{7}).String(); got != "p50 7.0, p95 7.0, p99 7.0 ms" {
		t.Errorf("of one: %s", got)
	}
}
