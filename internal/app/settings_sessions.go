package app

import (
	"cmp"
	"time"

	"github.com/mediconnect/mediconnect/internal/identity"
)

// SessionSettings say how long people stay signed in.
type SessionSettings struct {
	StaffIdle        time.Duration `env:"SESSION_IDLE_STAFF" envDefault:"15m" help:"a session of staff or an administrator ends after so long without a request; from 1m to 12h"`
	StaffAbsolute    time.Duration `env:"SESSION_STAFF" envDefault:"12h" help:"it ends after so long, whatever happens; from 10m to 168h"`
	PatientsIdle     time.Duration `env:"SESSION_IDLE_PATIENTS" envDefault:"720h" help:"a session of a patient or caregiver ends after so long without a request; from 1m to 8760h"`
	PatientsAbsolute time.Duration `env:"SESSION_PATIENTS" envDefault:"2160h" help:"it ends after so long, whatever happens; from 10m to 8760h"`
	SigningKeyLife   time.Duration `env:"SIGNING_KEY_LIFE" envDefault:"720h" help:"how long a key signs access tokens before the next one does; from 24h to 8760h"`
}

const (
	usualKeyLife    = 30 * 24 * time.Hour
	shortestKeyLife = 24 * time.Hour
	aYear           = 365 * 24 * time.Hour
)

func (s SessionSettings) check() (faults []fault) {
	for _, limit := range []struct {
		name               string
		value, least, most time.Duration
	}{
		{"SESSION_IDLE_STAFF", s.StaffIdle, time.Minute, 12 * time.Hour}, {"SESSION_STAFF", s.StaffAbsolute, 10 * time.Minute, 7 * 24 * time.Hour},
		{"SESSION_IDLE_PATIENTS", s.PatientsIdle, time.Minute, aYear}, {"SESSION_PATIENTS", s.PatientsAbsolute, 10 * time.Minute, aYear},
		{"SIGNING_KEY_LIFE", s.SigningKeyLife, shortestKeyLife, aYear},
	} {
		faults = append(faults, wantAtLeast(limit.name, limit.value, limit.least)...)
		faults = append(faults, wantAtMost(limit.name, limit.value, limit.most)...)
	}
	return faults
}

func (s SessionSettings) signingKeyLife() time.Duration {
	return cmp.Or(s.SigningKeyLife, usualKeyLife)
}

// limits are the same, with what is usual where nothing is set.
func (s SessionSettings) limits() identity.Limits {
	usual := identity.UsualLimits()
	return identity.Limits{
		Staff:    identity.Lives{Idle: cmp.Or(s.StaffIdle, usual.Staff.Idle), Absolute: cmp.Or(s.StaffAbsolute, usual.Staff.Absolute)},
		Patients: identity.Lives{Idle: cmp.Or(s.PatientsIdle, usual.Patients.Idle), Absolute: cmp.Or(s.PatientsAbsolute, usual.Patients.Absolute)},
	}
}
