package clock

import (
	"testing"
	"time"
)

func TestFresh(t *testing.T) {
	at := time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		age  time.Duration
		want bool
	}{{-time.Hour, false}, {-time.Microsecond, false}, {0, true}, {time.Second - time.Microsecond, true}, {time.Second, false}} {
		if got := Fresh(at, at.Add(c.age), time.Second); got != c.want {
			t.Errorf("after %v it is %v", c.age, got)
		}
	}
}
