package app

import (
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/flags"
)

// OverrideSettings say whose wishes for flags are taken, in requests of testers.
type OverrideSettings struct {
	From OverrideAudience `env:"FLAG_OVERRIDES" envDefault:"staff" help:"whose feature overrides are taken: staff, none, or, with TEST_KEYS, anybody"`
	Key  LinkKey          `env:"FLAG_OVERRIDE_KEY" help:"secret that feature overrides are signed with: 32 bytes in base64; without it none are taken"`
}

// OverrideAudience is staff, anybody or none.
type OverrideAudience string

// UnmarshalText reads staff, anybody or none.
func (a *OverrideAudience) UnmarshalText(text []byte) error {
	switch *a = OverrideAudience(text); flags.Audience(*a) {
	case flags.Staffs, flags.Anybodies, flags.Nobodys:
		return nil
	}
	return &settingFault{"must be staff, anybody or none"}
}

func (s *OverrideSettings) check() []fault { return nil }

// sandboxed keeps everybody's overrides out of production.
func (s *OverrideSettings) sandboxed(sandbox bool) []fault {
	if flags.Audience(s.From) == flags.Anybodies && !sandbox {
		return []fault{{settingPrefix + "FLAG_OVERRIDES", "may be anybody in a sandbox alone: set " + settingPrefix + "TEST_KEYS"}}
	}
	return nil
}

func (s *OverrideSettings) overrides() flags.Overrides {
	return flags.Overrides{Key: s.Key.bytes, From: flags.Audience(s.From), Clock: clock.System{}}
}
