package appointment

import "github.com/mediconnect/mediconnect/internal/access"

// Limits are how much an account or a patient may keep from others at a time. Zero is no limit.
type Limits struct {
	PatientHolds int // open for a patient, when their side places one more
	AccountHolds int // open of an account, whoever it acts for
	HoldsAnHour  int // made by an account of a patient's side within an hour, however soon they ended
	Ahead        int // appointments of a patient that are still to begin, when their side books one more
}

// DefaultLimits are those of a server that isn't told otherwise.
func DefaultLimits() Limits {
	return Limits{PatientHolds: 3, AccountHolds: 20, HoldsAnHour: 30, Ahead: 10}
}

// ofBooking are those of a booking. Whoever acts for the clinic isn't limited: it knows why it books.
func (l Limits) ofBooking(a access.Actor) Limits {
	if !a.ActsForOthers() {
		return Limits{}
	}
	return Limits{Ahead: l.Ahead}
}

// ofHold are those of a hold.
func (l Limits) ofHold(a access.Actor) Limits {
	if !a.ActsForOthers() {
		return Limits{AccountHolds: l.AccountHolds}
	}
	l.Ahead = 0
	return l
}
