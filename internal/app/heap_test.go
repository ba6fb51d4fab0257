package app

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestWhoeverRunsItDecidesHowOftenIsCollected(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	for _, c := range []struct {
		environ []string
		decided bool
	}{{[]string{"HOME=/", "GOGC=100"}, true}, {[]string{"GOMEMLIMIT=1GiB"}, true}, {[]string{"HOME=/", "NOGOGC=100"}, false}} {
		debug.SetGCPercent(100)
		stop := collectSeldom(c.environ)
		if got := debug.SetGCPercent(100); (got == 100) != c.decided {
			t.Errorf("%v: %d %%", c.environ, got)
		}
		stop()
	}
}

func TestRoomForGarbageDoesNotGrowWithWhatIsAlive(t *testing.T) {
	for alive, want := range map[uint64]int{0: 1600, 6 << 20: 1600, 12 << 20: 800, 96 << 20: 100, 192 << 20: 50, 1 << 30: 50} {
		if got := growth(alive); got != want {
			t.Errorf("%d alive: %d %%, want %d", alive, got, want)
		}
	}
}

func TestAfterACollectionTheNextIsPlannedAnew(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer collectSeldom(nil)()
	debug.SetGCPercent(101)
	for range 2 {
		kept := make([]byte, 48<<20)
		runtime.GC()
		tick := time.NewTicker(time.Millisecond)
		for began := time.Now(); ; <-tick.C {
			if got := debug.SetGCPercent(101); got != 101 && got <= 200 {
				break
			}
			if time.Since(began) > 10*time.Second {
				t.Fatal("nothing was planned within 10 seconds")
			}
		}
		tick.Stop()
		runtime.KeepAlive(kept)
	}
}
