package resilience

import (
	"strings"
	"time"
)

// The law of retries.
const (
	leastDelay = time.Second
	mostDelay  = 300 * time.Second
	spread     = time.Second
	mostWait   = time.Hour // that a vendor may ask for
)

// Delay is how long to wait after a failed attempt before the next: min(300 s, 1 s·2ⁿ) + U(0, 1 s), where n is how many attempts failed
// before this one, and random is in [0, 1).
func Delay(n int, random float64) time.Duration {
	delay := leastDelay
	for ; n > 0 && delay < mostDelay; n-- {
		delay *= 2
	}
	return min(delay, mostDelay) + time.Duration(random*float64(spread))
}

// RetryAfter reads the header of that name (RFC 9110, section 10.2.3): seconds, or a date of HTTP in any of its three forms. It is an hour
// at the most, and 0 for a date that is past. What can't be read is as if it weren't there.
func RetryAfter(header string, now time.Time) (time.Duration, bool) {
	header = strings.TrimSpace(header)
	if seconds, ok := digits(header); ok {
		return seconds, true
	}
	for _, form := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if at, err := time.Parse(form, header); err == nil {
			return min(max(at.Sub(now), 0), mostWait), true
		}
	}
	return 0, false
}

func digits(text string) (seconds time.Duration, ok bool) {
	for _, d := range []byte(text) {
		if d < '0' || d > '9' {
			return 0, false
		}
		seconds = min(seconds*10+time.Duration(d-'0')*time.Second, mostWait)
	}
	return seconds, text != ""
}
