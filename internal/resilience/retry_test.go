package resilience

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
)

func TestDelaysKeepToTheLaw(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 40 {
		least := time.Duration(min(300, math.Pow(2, float64(n)))) * time.Second
		tenths := [10]int{}
		for range 1000 {
			over := Delay(n, random.Float64()) - least
			if over < 0 || over >= time.Second {
				t.Fatalf("after %d failures, %s more than %s", n, over, least)
			}
			tenths[over/(time.Second/10)]++
		}
		if most := slices.Max(tenths[:]); most > 150 {
			t.Errorf("after %d failures, %d of 1,000 come within a tenth of a second", n, most)
		}
	}
	if got := Delay(-1, 0); got != time.Second {
		t.Errorf("Delay(-1) is %s", got)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"0": 0, "1": time.Second, "120": 2 * time.Minute, " 7 ": 7 * time.Second, "3600": time.Hour, "3601": time.Hour,
		"99999999999999999999999999": time.Hour, "007": 7 * time.Second,
		"Mon, 01 Mar 2027 09:00:30 GMT": 30 * time.Second, "Monday, 01-Mar-27 09:00:30 GMT": 30 * time.Second,
		"Mon Mar  1 09:00:30 2027": 30 * time.Second, "Mon, 01 Mar 2027 08:00:00 GMT": 0, "Tue, 01 Mar 2050 09:00:30 GMT": time.Hour,
	} {
		if got, ok := RetryAfter(header, now); !ok || got != want {
			t.Errorf("%q is %s, %v; want %s", header, got, ok, want)
		}
	}
	for _, header := range []string{"", " ", "-1", "+1", "1.5", "1e3", "soon", "0x10", "12 s", "١", "2027-03-01T09:00:30Z", "Mon, 01 Mar 2027 09:00:30 CET", "Mon, 32 Mar 2027 09:00:30 GMT"} {
		if got, ok := RetryAfter(header, now); ok {
			t.Errorf("%q is %s", header, got)
		}
	}
}

func TestRetriesAreATenthOfTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(clock.Uptime)
		again := 0
		for range 600 { // a minute with a hundred first calls a second, half of which want to be made again at once
			for i := range 10 {
				b.Called()
				if i%2 > 0 {
					continue
				}
				if after, ok := b.Take(); ok {
					again++
					b.Called()
				} else if after < 5*time.Second || after >= 15*time.Second {
					t.Fatalf("told to come back after %s", after)
				}
			}
			<-time.After(100 * time.Millisecond)
		}
		if again > 600 || again < 500 {
			t.Errorf("6,000 calls and %d retries", again)
		}
		for again = 0; again < 1000; again++ { // what was an hour ago counts no more
			b.Called()
		}
		<-time.After(time.Hour)
		for again = 0; again < 1000; again++ {
			if _, ok := b.Take(); !ok {
				break
			}
		}
		if again != budgetFloor {
			t.Errorf("%d retries at once after a quiet hour", again)
		}
		<-time.After(time.Hour)
		again = 0
		for range 600 { // nothing else is called any more
			if _, ok := b.Take(); ok {
				again++
			}
			<-time.After(100 * time.Millisecond)
		}
		if again < 60 || again > 70 {
			t.Errorf("%d retries in a quiet minute", again)
		}
	})
}

// However many calls fail at once, what is made again comes bit by bit, and all of it comes.
func TestAThousandFailuresAtOnceDoNotComeBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(clock.Uptime)
		due := make([]time.Duration, 1000)
		for i := range due {
			b.Called()
			due[i] = Delay(0, rand.Float64())
		}
		seconds := map[time.Duration]int{}
		for at := time.Duration(0); len(due) > 0; at += 100 * time.Millisecond {
			due = slices.DeleteFunc(due, func(when time.Duration) bool {
				if when > at {
					return false
				}
				after, ok := b.Take()
				if ok {
					seconds[at/time.Second]++
					b.Called()
				}
				return ok || after == 0
			})
			for i, when := range due {
				if when <= at {
					due[i] = at + 5*time.Second + rand.N(10*time.Second)
				}
			}
			<-time.After(100 * time.Millisecond)
			if at > 20*time.Minute {
				t.Fatalf("%d wait after 20 minutes", len(due))
			}
		}
		for second, n := range seconds {
			if n > 150 {
				t.Errorf("%d of 1,000 come in second %d", n, second)
			}
		}
	})
}
