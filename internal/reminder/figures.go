package reminder

import "time"

// Figures are how messages of all organisations stand, for operators. They name nobody.
type Figures struct {
	At      time.Time
	Waiting map[Stage]Wait       // those that are due, or being sent
	Hour    map[Stage]Went       // those whose time was within an hour, up to OnTime ago: whether they are on time is known by now
	Ended   map[Stage]int        // that ended within the last hour as Expired, Failed or Unknown
	Dead    map[ChannelKind]Wait // letters that were not replayed
	News    Wait                 // notices of changed visits that nobody has planned yet
	Replans Wait                 // those of visits that are planned anew
	Marks   Wait                 // organisations and kinds of visit whose rules changed, with visits that have no notice yet
}

// Stage is where messages of a channel stand.
type Stage struct {
	Channel ChannelKind
	State   State
}

// Wait is how many wait, and for how long the longest has.
type Wait struct {
	Count  int
	Oldest time.Duration
}

// Went is how many there were, and how many of them were delivered within OnTime.
type Went struct{ Count, OnTime int }

// Oldest is how long the message of a channel has been due that waits the longest to be sent, queued or not.
func (f Figures) Oldest(c ChannelKind) time.Duration {
	return max(f.Waiting[Stage{c, Scheduled}].Oldest, f.Waiting[Stage{c, Queued}].Oldest)
}

// OnTimeShare is the share of a channel's messages, of those that its vendor took, that were delivered within OnTime of their time. Not ok:
// there are none.
func (f Figures) OnTimeShare(c ChannelKind) (share float64, ok bool) {
	taken, onTime := 0, 0
	for _, s := range []State{Sent, Delivered, Failed, Unknown} {
		went := f.Hour[Stage{c, s}]
		taken, onTime = taken+went.Count, onTime+went.OnTime
	}
	if taken == 0 {
		return 0, false
	}
	return float64(onTime) / float64(taken), true
}
