package appointment

import (
	"time"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// SlotTaken reports that somebody else has the slot. It is not worth retrying; alternatives are.
type SlotTaken struct {
	Slot availability.SlotID
	For  availability.For
}

func (SlotTaken) Error() string { return "This time has just been taken." }

// SlotUnavailable reports the rules that keep a slot out that nobody took.
type SlotUnavailable struct {
	Slot      availability.SlotID
	For       availability.For
	BlockedBy []availability.Rule

	Overridable []availability.Rule // of BlockedBy: what the caller may ask to book over
}

func (SlotUnavailable) Error() string { return "This time can't be booked." }

// HoldExpired reports a hold that ended before it was used.
type HoldExpired struct {
	Slot availability.SlotID
	For  availability.For
	At   time.Time
}

func (HoldExpired) Error() string { return "The hold on this time has ended." }

// OfferExpired reports an offer that had ended, at that time, before it was answered.
type OfferExpired struct{ At time.Time }

func (OfferExpired) Error() string { return "The offer has ended." }

// PatientConflict reports that the patient has another visit at that time.
type PatientConflict struct {
	With clinic.Ref
	For  availability.For
}

func (PatientConflict) Error() string { return "The patient has another appointment at that time." }

// wantedFor is whom a slot is asked for.
func wantedFor(who availability.Asking) availability.For {
	f := availability.For{Patient: who.Holder.Patient}
	if who.Moving != nil {
		f.Moving = who.Moving.Appointment
	}
	return f
}

// LimitReached reports that the account or the patient has as much as they may.
type LimitReached = errs.LimitReached

// KeyInUse and KeyReused are the failures of idempotency keys.
type (
	KeyInUse  = errs.KeyInUse
	KeyReused = errs.KeyReused
)

// StaleVersion reports that the appointment changed since the version that the caller saw.
type StaleVersion struct{ Current Appointment }

func (StaleVersion) Error() string { return "The appointment has changed since you read it." }

// InvalidTransition reports an action that does not follow from the present state, with those that do.
type InvalidTransition struct {
	From    Status
	Allowed []Action
}

func (InvalidTransition) Error() string {
	return "This can't be done in the appointment's present state."
}

// PolicyBroken reports that the policy forbids it now (Fee nil), or asks for a fee that was not accepted.
type PolicyBroken struct {
	Policy clinic.Policy
	Fee    *clinic.Money
	Late   bool // a move that a cancellation and a new booking can still stand in for
}

func (e PolicyBroken) Error() string {
	switch {
	case e.Fee != nil:
		return "This costs a fee that has to be accepted first."
	case e.Late:
		return "It is too late to move this appointment. Cancel it and book another."
	}
	return "The clinic's policy doesn't allow this now."
}
