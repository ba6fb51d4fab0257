package reminder

import "time"

// Timing is how long things take.
type Timing struct {
	Horizon  time.Duration // before they are due, messages are handed to the queue
	Claim    time.Duration // a worker has a message to itself; longer than a vendor's time-out
	Ask      time.Duration // between questions about one that may have been taken
	Certain  time.Duration // after it left at the latest, what the vendor's list lacks was not taken
	GiveUp   time.Duration // after it left, without an answer, nobody knows
	HandOver time.Duration // after it was due, while its vendor isn't asked, the other channel is used; not before a vendor has failed as long
	Pause    time.Duration // between an episode of attempts and the next; doubled each time
	MaxPause time.Duration
	Missing  time.Duration // after it was due, what the queue had is looked for
	Stuck    time.Duration // after it was due, a task that isn't coming is replaced
}

// UsualTiming is how long things take unless told otherwise. Whatever is unclear is settled, or given up and told, within 5 minutes.
func UsualTiming() Timing {
	return Timing{
		Horizon: 10 * time.Minute, Claim: time.Minute, Ask: 15 * time.Second, Certain: 2 * time.Minute, GiveUp: 270 * time.Second,
		HandOver: 2 * time.Minute, Pause: 5 * time.Minute, MaxPause: time.Hour, Missing: time.Minute, Stuck: 5 * time.Minute,
	}
}

// pause is how long a message rests before an episode of attempts; the first one comes at once.
func (t Timing) pause(episode int) time.Duration {
	if episode == 0 {
		return 0
	}
	p := t.Pause
	for range episode - 1 {
		if p *= 2; p >= t.MaxPause {
			return t.MaxPause
		}
	}
	return p
}
