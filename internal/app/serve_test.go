package app

import (
	"runtime/debug"
	"testing"
)

func TestWhoeverRunsItDecidesHowOftenIsCollected(t *testing.T) {
	before, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() { debug.SetGCPercent(before); debug.SetMemoryLimit(limit) }()
	for _, c := range []struct {
		environ []string
		want    int
	}{{[]string{"HOME=/", "GOGC=100"}, 100}, {[]string{"GOMEMLIMIT=1GiB"}, 100}, {[]string{"HOME=/", "NOGOGC=100"}, heapGrowth}} {
		debug.SetGCPercent(100)
		if collectSeldom(c.environ); debug.SetGCPercent(100) != c.want {
			t.Errorf("%v: not %d %%", c.environ, c.want)
		}
	}
}
