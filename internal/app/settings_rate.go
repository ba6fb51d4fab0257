package app

// RateSettings say how often callers may ask: executions of root fields a minute, and as many at once.
type RateSettings struct {
	Patient   int `env:"RATE_LIMIT_PATIENT" envDefault:"100" help:"root fields a minute of each patient or caregiver; 0: no limit"`
	Staff     int `env:"RATE_LIMIT_STAFF" envDefault:"600" help:"root fields a minute of each member of staff; 0: no limit"`
	Client    int `env:"RATE_LIMIT_CLIENT" envDefault:"600" help:"root fields a minute of each API client without a contract of its own; 0: no limit"`
	Anonymous int `env:"RATE_LIMIT_ANONYMOUS" envDefault:"600" help:"root fields a minute of each address, of those who haven't signed in or whose token isn't accepted; a whole clinic may share one; 0: no limit"`
}

func (s *RateSettings) check() (faults []fault) {
	for _, limit := range []struct {
		name  string
		value int
	}{
		{"RATE_LIMIT_PATIENT", s.Patient}, {"RATE_LIMIT_STAFF", s.Staff}, {"RATE_LIMIT_CLIENT", s.Client}, {"RATE_LIMIT_ANONYMOUS", s.Anonymous},
	} {
		faults = append(faults, wantAtLeast(limit.name, limit.value, 0)...)
		faults = append(faults, wantAtMost(limit.name, limit.value, mostRate)...)
	}
	return faults
}

// mostRate is what can be counted without rounding.
const mostRate = 1_000_000

// eachMay allows every caller as much.
func eachMay(perMinute int) RateSettings {
	return RateSettings{Patient: perMinute, Staff: perMinute, Client: perMinute, Anonymous: perMinute}
}
