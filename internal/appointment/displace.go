package appointment

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Displace asks for a visit to be brought away from where a closure displaces it.
type Displace struct {
	Closure uuid.UUID
	Visit   clinic.Ref
	Was     availability.SlotID  // where it stood
	To      *availability.SlotID // nil: it is cancelled
	Why     string               // it is cancelled, as the closure's item says
}

// Standing finds a visit for who acts for the clinic by themselves. It fails with errs.NotFound.
func (s *Service) Standing(ctx context.Context, visit clinic.Ref) (Appointment, error) {
	return s.appointment(ctx, visit)
}

// Displace moves a visit, or cancels it as the clinic does when a provider can't be there; in the same transaction the closure's item says so. What
// it leaves is closed, and kept for nobody. Not done: the visit doesn't stand there any more, or was dealt with before. Failures are those of Move,
// each of a time that can't be had.
func (s *Service) Displace(ctx context.Context, a access.Actor, in Displace) (done bool, err error) {
	w := Write{Stamp: s.Stamp(a)}
	for range decisions {
		ap, err := s.appointment(ctx, in.Visit)
		if err != nil || !ap.movableFrom(in.Was, w.At) {
			return false, err
		}
		again := false
		if in.To == nil {
			again, err = s.callOff(ctx, w, ap, in)
		} else {
			again, err = s.displaceOnce(ctx, a, w, ap, in)
		}
		if err != nil || !again {
			return err == nil, err
		}
	}
	return false, errs.TryAgain(nil)
}

// movableFrom says whether a visit stands at a time still, and can be moved.
func (ap Appointment) movableFrom(was availability.SlotID, now time.Time) bool {
	return ap.Slot() == was && slices.Contains(movable, ap.Status) && now.Before(ap.Start)
}

func (s *Service) displaceOnce(ctx context.Context, a access.Actor, w Write, ap Appointment, in Displace) (again bool, err error) {
	seat := Seat{
		Slot: *in.To, Displaced: in.Closure, Holder: availability.Holder{Actor: a.ID, Patient: ap.PatientID},
		Claims: [2]uuid.UUID{s.NewID(), s.NewID()}, PatientClaim: s.NewID(),
		Case: conflict.Case{Operation: conflict.Move, Own: ap.ID, Was: was(ap), Now: w.At},
	}
	who := availability.Asking{Holder: seat.Holder, Moving: movingOf(ap)}
	kind, err := s.decide(ctx, a, &seat, who)
	if err != nil {
		return false, err
	}
	_, again, err = s.settleMove(ctx, a, MoveWrite{Write: w, Seat: seat, From: ap, To: moved(ap, seat, kind, a, w.At)}, who)
	if again {
		s.openings.Forget(seat.Slot.ProviderRef(), seat.Slot.Start)
	}
	return again, err
}

func (s *Service) callOff(ctx context.Context, w Write, ap Appointment, in Displace) (again bool, err error) {
	to := AfterCancel(ap, Cancel, Cancellation{Reason: ProviderUnavailable, At: w.At, By: ByClinic})
	answer, err := s.store.Cancel(ctx, CancelWrite{Write: w, From: ap, To: to, Displaced: in.Closure, Why: in.Why})
	switch {
	case err != nil:
		return false, err
	case answer.Outcome == Done:
		return false, nil
	case answer.Outcome == StaleAppointment:
		return true, nil
	}
	return false, keyFailure(answer)
}
