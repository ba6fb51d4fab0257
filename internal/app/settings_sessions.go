package app

import (
	"cmp"
	"time"
)

// SessionSettings say how long people stay signed in.
type SessionSettings struct {
	SigningKeyLife time.Duration `env:"SIGNING_KEY_LIFE" envDefault:"720h" help:"how long a key signs access tokens before the next one does; from 24h to 8760h"`
}

const (
	usualKeyLife    = 30 * 24 * time.Hour
	shortestKeyLife = 24 * time.Hour
	longestKeyLife  = 365 * 24 * time.Hour
)

func (s SessionSettings) check() (faults []fault) {
	faults = append(faults, wantAtLeast("SIGNING_KEY_LIFE", s.SigningKeyLife, shortestKeyLife)...)
	return append(faults, wantAtMost("SIGNING_KEY_LIFE", s.SigningKeyLife, longestKeyLife)...)
}

func (s SessionSettings) signingKeyLife() time.Duration {
	return cmp.Or(s.SigningKeyLife, usualKeyLife)
}
