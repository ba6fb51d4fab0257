package app

import (
	"time"

	"github.com/mediconnect/mediconnect/internal/conflict"
)

// ConflictSettings say how long the full detection of conflicts may take, and what it may do before it is switched off.
type ConflictSettings struct {
	Budget     time.Duration `env:"CONFLICT_BUDGET" envDefault:"500ms" help:"longest time that a request waits for the full detection of conflicts; from 1ms to 2s"`
	Shadow     time.Duration `env:"CONFLICT_SHADOW_BUDGET" envDefault:"2s" help:"longest time that it takes in the shadow, where nobody waits, for up to 16 cases together; from 1ms to 4s"`
	Window     time.Duration `env:"CONFLICT_WINDOW" envDefault:"1m" help:"what its guard looks back over; from 10s to 1h"`
	Cases      int           `env:"CONFLICT_CASES" envDefault:"20" help:"cases, or people, that there are at least in it before a share of them counts; from 1 to 10000"`
	MaxFailed  int           `env:"CONFLICT_MAX_FAILED" envDefault:"5" help:"percent of the cases that may fail: more switch the detection off; 100: no limit"`
	MaxSlow    int           `env:"CONFLICT_MAX_SLOW" envDefault:"10" help:"percent that may take longer than MEDICONNECT_CONFLICT_SLOW_AFTER; 100: no limit"`
	SlowAfter  time.Duration `env:"CONFLICT_SLOW_AFTER" envDefault:"100ms" help:"what is slow; from 1ms to 4s"`
	MaxRefused int           `env:"CONFLICT_MAX_REFUSED" envDefault:"20" help:"percent of the people whom the basic detection lets be that the full one may refuse; 100: no limit"`
}

func (s *ConflictSettings) check() (faults []fault) {
	for _, limit := range []struct {
		name               string
		value, least, most time.Duration
	}{
		{"CONFLICT_BUDGET", s.Budget, time.Millisecond, 2 * time.Second}, {"CONFLICT_SHADOW_BUDGET", s.Shadow, time.Millisecond, 4 * time.Second},
		{"CONFLICT_WINDOW", s.Window, 10 * time.Second, time.Hour}, {"CONFLICT_SLOW_AFTER", s.SlowAfter, time.Millisecond, 4 * time.Second},
	} {
		faults = append(faults, wantAtLeast(limit.name, limit.value, limit.least)...)
		faults = append(faults, wantAtMost(limit.name, limit.value, limit.most)...)
	}
	for _, limit := range []struct {
		name               string
		value, least, most int
	}{
		{"CONFLICT_CASES", s.Cases, 1, 10_000}, {"CONFLICT_MAX_FAILED", s.MaxFailed, 0, 100}, {"CONFLICT_MAX_SLOW", s.MaxSlow, 0, 100},
		{"CONFLICT_MAX_REFUSED", s.MaxRefused, 0, 100},
	} {
		faults = append(faults, wantAtLeast(limit.name, limit.value, limit.least)...)
		faults = append(faults, wantAtMost(limit.name, limit.value, limit.most)...)
	}
	return faults
}

// Conflicts are the bounds of the full detection.
type Conflicts struct {
	Budget conflict.Budget
	Limits conflict.Limits
}

func (s *ConflictSettings) bounds() *Conflicts {
	return &Conflicts{
		Budget: conflict.Budget{Enforced: s.Budget, Beside: s.Shadow},
		Limits: conflict.Limits{Window: s.Window, Cases: s.Cases, Failed: s.MaxFailed, Slow: s.MaxSlow, SlowAfter: s.SlowAfter, Refused: s.MaxRefused},
	}
}

// conflicts are those of a server that isn't told otherwise, or others.
func (f Frame) conflicts() Conflicts {
	if f.Conflicts == nil {
		return Conflicts{conflict.DefaultBudget(), conflict.DefaultLimits()}
	}
	return *f.Conflicts
}
