package app

import (
	"log/slog"
	"os"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/flags"
)

// FlagSettings say what decides the program's switches.
type FlagSettings struct {
	URL       WebURL   `env:"UNLEASH_URL" help:"Unleash's API, e.g. https://unleash.example.org/api; while it is away flags stay as they were; without it they are as UNLEASH_BOOTSTRAP says"`
	Token     Secret   `env:"UNLEASH_TOKEN" help:"client token of Unleash's, which names the environment; needed with UNLEASH_URL"`
	State     string   `env:"UNLEASH_STATE" help:"folder that the last state of the flags is kept in, for starts while Unleash is away; made if it isn't there; needed with UNLEASH_URL"`
	Bootstrap FlagList `env:"UNLEASH_BOOTSTRAP" help:"file of flags that hold before anything else is known, as Unleash's /api/client/features answers; default: every switch is off"`
}

// FlagList is a list of flags that was read from a file; nil: there is none.
type FlagList struct{ text []byte }

// UnmarshalText reads the file of a path.
func (l *FlagList) UnmarshalText(path []byte) error {
	if len(path) == 0 {
		return nil
	}
	text, err := os.ReadFile(string(path))
	if err != nil {
		return &settingFault{"must be the path of a file that can be read"}
	}
	if _, err := flags.Read(text); err != nil {
		return &settingFault{"is the path of a file that isn't a list of flags as Unleash's /api/client/features answers"}
	}
	l.text = text
	return nil
}

func (s *FlagSettings) check() (faults []fault) {
	if s.URL.url == nil {
		return nil
	}
	for _, r := range []rule{
		{"UNLEASH_URL", "must be https:// unless it is on this machine", safe(s.URL.url)},
		{"UNLEASH_URL", "must hold no user: UNLEASH_TOKEN is for that", s.URL.url.User == nil},
		{"UNLEASH_TOKEN", "must be set with " + settingPrefix + "UNLEASH_URL", s.Token != ""},
		{"UNLEASH_STATE", "must be set with " + settingPrefix + "UNLEASH_URL: without it a start while Unleash is away would take flags back", s.State != ""},
	} {
		if !r.holds {
			faults = append(faults, fault{settingPrefix + r.name, r.text})
		}
	}
	return faults
}

// open makes the flags, which nothing of Unleash's keeps from being made.
func (s *FlagSettings) open(log *slog.Logger) (*flags.Flags, error) {
	return flags.New(s.options(log))
}

func (s *FlagSettings) options(log *slog.Logger) flags.Options {
	return flags.Options{
		URL: s.URL.url, Token: s.Token.Reveal(), Dir: s.State, Bootstrap: s.Bootstrap.text, Instance: newID().String(), Clock: clock.System{}, Log: log,
	}
}
