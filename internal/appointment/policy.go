package appointment

import (
	"slices"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// side says on whose behalf a cancellation is made. The clinic's own reasons are the clinic's, whoever else speaks for the
// patient.
func side(reason CancellationReason) Side {
	if reason == ClinicRequest || reason == NotApprovedInTime || reason == ProviderUnavailable {
		return ByClinic
	}
	return ByPatient
}

// feeOf is what a cancellation on a side costs now: the clinic's is free, the patient's is free until the policy's time
// before the start and as long as the clinic hasn't approved.
func feeOf(ap Appointment, by Side, p clinic.Policy, now time.Time) *clinic.Money {
	if by == ByClinic || ap.Status == Pending || p.LateCancellationFee == nil || !now.After(ap.Start.Add(-p.FreeCancellationBefore)) {
		return nil
	}
	return p.LateCancellationFee
}

// cancellable are the states from which an appointment can be cancelled, movable those from which it can be moved.
var (
	cancellable = []Status{Arrived, Booked, Pending}
	movable     = []Status{Booked, Pending}
)

// mayCancel names what stands against a cancellation by the caller now, a fee that wasn't accepted aside.
func mayCancel(ap Appointment, a access.Actor, p clinic.Policy, now time.Time) error {
	switch {
	case !slices.Contains(cancellable, ap.Status):
		return InvalidTransition{From: ap.Status, Allowed: open(ap, a, p, now)}
	case !a.IsClinic() && !now.Before(ap.Start):
		return PolicyBroken{Policy: p}
	}
	return nil
}

// mayMove names what stands against a move by the caller now. A patient may move as often as the policy says, until the
// visit starts, and where a late cancellation costs a fee until that fee would be due.
func mayMove(ap Appointment, a access.Actor, p clinic.Policy, now time.Time) error {
	switch {
	case !slices.Contains(movable, ap.Status):
		return InvalidTransition{From: ap.Status, Allowed: open(ap, a, p, now)}
	case a.IsClinic():
		return nil
	case !now.Before(ap.Start), p.MaxReschedules != nil && ap.Reschedules >= *p.MaxReschedules:
		return PolicyBroken{Policy: p}
	}
	if feeOf(ap, ByPatient, p, now) != nil {
		return PolicyBroken{Policy: p, Late: true}
	}
	return nil
}
