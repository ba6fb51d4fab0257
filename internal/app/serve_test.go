package app

import (
	"runtime/debug"
	"testing"
)

func TestWhoeverSetsGOGCDecidesHowOftenIsCollected(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	for _, c := range []struct {
		environ []string
		want    int
	}{{[]string{"HOME=/", "GOGC=100"}, 100}, {[]string{"HOME=/", "NOGOGC=100"}, heapGrowth}} {
		debug.SetGCPercent(100)
		if collectSeldom(c.environ); debug.SetGCPercent(100) != c.want {
			t.Errorf("%v: not %d %%", c.environ, c.want)
		}
	}
}
