package conflict

import (
	"maps"
	"slices"
	"sort"
	"sync"
	"time"
)

// latencies are the upper bounds of the buckets that times are counted in: from 100 µs on, each a quarter more than the one before, so that
// a time that is read off them is at most a quarter too long. What took longer than the last is counted there.
var latencies = sync.OnceValue(func() (bounds []time.Duration) {
	for bound := 100 * time.Microsecond; bound < 10*time.Second; bound = (bound + bound/4).Truncate(time.Microsecond) {
		bounds = append(bounds, bound)
	}
	return bounds
})

// BucketOf is the upper bound of the bucket that a time is counted in.
func BucketOf(took time.Duration) time.Duration {
	i := sort.Search(len(latencies()), func(i int) bool { return latencies()[i] >= took })
	return latencies()[min(i, len(latencies())-1)]
}

// Latencies tell how long the full detection took.
type Latencies struct {
	P50, P95, P99 time.Duration // upper bounds: at most a quarter too long
	Longest       time.Duration
}

// P50Milliseconds is P50 as the contract tells it.
func (l Latencies) P50Milliseconds() float64 { return milliseconds(l.P50) }

// P95Milliseconds is P95 as the contract tells it.
func (l Latencies) P95Milliseconds() float64 { return milliseconds(l.P95) }

// P99Milliseconds is P99 as the contract tells it.
func (l Latencies) P99Milliseconds() float64 { return milliseconds(l.P99) }

// MaximumMilliseconds is the longest as the contract tells it.
func (l Latencies) MaximumMilliseconds() float64 { return milliseconds(l.Longest) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// latenciesOf reads them off counts by bucket; nil: nothing was counted.
func latenciesOf(counts map[time.Duration]int64, longest time.Duration) *Latencies {
	bounds := slices.Sorted(maps.Keys(counts))
	var all int64
	for _, n := range counts {
		all += n
	}
	if all == 0 {
		return nil
	}
	at := func(percent int64) time.Duration {
		rank, below := (all*percent+99)/100, int64(0)
		for _, bound := range bounds {
			if below += counts[bound]; below >= rank {
				return min(bound, longest)
			}
		}
		return longest
	}
	return &Latencies{P50: at(50), P95: at(95), P99: at(99), Longest: longest}
}

// TookBounds are the upper bounds of the buckets of Took, in seconds.
var TookBounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}

// Took is how long the full detection took since the process began.
type Took struct {
	Buckets [11]int64 // by TookBounds
	Count   int64     // of all, also of those beyond
	Seconds float64   // in sum
}

func (t *Took) add(took time.Duration) {
	t.Count++
	t.Seconds += took.Seconds()
	if i := sort.SearchFloat64s(TookBounds, took.Seconds()); i < len(t.Buckets) {
		t.Buckets[i]++
	}
}
