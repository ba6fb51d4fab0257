package app

import (
	"cmp"
	"time"

	"github.com/mediconnect/mediconnect/internal/live"
)

// EventSettings say how much of the event log is kept: how long a client may be away and miss nothing.
type EventSettings struct {
	Retention time.Duration `env:"EVENT_RETENTION" envDefault:"24h" help:"how long entries of the event log are kept: streams continue after that long; from 1h to 720h"`
	Limit     int64         `env:"EVENT_LIMIT" envDefault:"5000000" help:"how many positions of the event log are kept, however young they are (records of who saw what take some, too); at least 10000"`
}

const (
	usualEventRetention    = 24 * time.Hour
	usualEventLimit        = 5_000_000
	shortestEventRetention = time.Hour
	longestEventRetention  = 30 * 24 * time.Hour
	leastEventLimit        = 10_000
)

func (s *EventSettings) check() (faults []fault) {
	faults = append(faults, wantAtLeast("EVENT_RETENTION", s.Retention, shortestEventRetention)...)
	faults = append(faults, wantAtMost("EVENT_RETENTION", s.Retention, longestEventRetention)...)
	return append(faults, wantAtLeast("EVENT_LIMIT", s.Limit, leastEventLimit)...)
}

// keep is the same, with the defaults where nothing is set.
func (s EventSettings) keep() live.Keep {
	return live.Keep{For: cmp.Or(s.Retention, usualEventRetention), Positions: cmp.Or(s.Limit, usualEventLimit)}
}
