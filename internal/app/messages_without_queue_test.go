package app

import (
	"testing"
	"time"
)

// standing is a queue that has been as it is since a time.
type standing struct {
	since time.Time
	ok    bool
}

func (s standing) Reachable() (time.Time, bool) { return s.since, s.ok }

// A worker that begins anew every few seconds while the queue is away still sends what has been due for long.
func TestMessagesAreSentWithoutTheQueueAfterAMinuteWhoeverHasSeenThatItIsAway(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		away time.Duration
		ok   bool
		late time.Duration
		is   bool
	}{
		{"it is there", time.Hour, true, 0, false},
		{"nobody has looked for long enough", 4 * time.Second, false, 0, false},
		{"it is away for a while", 5 * time.Second, false, time.Minute, true},
		{"it is away for almost a minute", 59 * time.Second, false, time.Minute, true},
		{"it is away for a minute", time.Minute, false, 0, true},
	} {
		if late, is := withoutQueue(standing{now.Add(-c.away), c.ok}, now); late != c.late || is != c.is {
			t.Errorf("%s: those due for %s, %v; want %s, %v", c.name, late, is, c.late, c.is)
		}
	}
}
