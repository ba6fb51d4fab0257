package app

import "github.com/mediconnect/mediconnect/internal/appointment"

// BookingSettings say how much an account or a patient may keep from others at a time.
type BookingSettings struct {
	PatientHolds int `env:"MAX_OPEN_HOLDS" envDefault:"3" help:"open holds for a patient, placed by the patient's side; 0: no limit"`
	AccountHolds int `env:"MAX_ACCOUNT_HOLDS" envDefault:"20" help:"open holds of an account, whoever it acts for; 0: no limit"`
	HoldsAnHour  int `env:"MAX_HOLDS_AN_HOUR" envDefault:"30" help:"holds that an account of a patient's side makes within an hour; 0: no limit"`
	Ahead        int `env:"MAX_FUTURE_APPOINTMENTS" envDefault:"10" help:"appointments of a patient that are still to begin, when the patient's side books one more; 0: no limit"`
}

func (s *BookingSettings) check() (faults []fault) {
	for _, limit := range []struct {
		name  string
		value int
	}{
		{"MAX_OPEN_HOLDS", s.PatientHolds}, {"MAX_ACCOUNT_HOLDS", s.AccountHolds},
		{"MAX_HOLDS_AN_HOUR", s.HoldsAnHour}, {"MAX_FUTURE_APPOINTMENTS", s.Ahead},
	} {
		faults = append(faults, wantAtLeast(limit.name, limit.value, 0)...)
		faults = append(faults, wantAtMost(limit.name, limit.value, mostOfALimit)...)
	}
	return faults
}

// mostOfALimit is as many as are counted for one booking.
const mostOfALimit = 1000

func (s *BookingSettings) limits() appointment.Limits { return appointment.Limits(*s) }
