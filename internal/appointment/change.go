package appointment

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Change takes an action other than Cancel and Reschedule. Repeating one whose state is reached answers as the first time.
// Failures: InvalidTransition, StaleVersion, KeyInUse, KeyReused.
func (s *Service) Change(ctx context.Context, a access.Actor, in ChangeState) (Appointment, error) {
	switch in.Action {
	case Cancel:
		return Appointment{}, errs.Invalid("Use cancelAppointment.", "action")
	case Reschedule:
		return Appointment{}, errs.Invalid("Use rescheduleAppointment.", "action")
	}
	once, err := maybeOnce(in.Key, "transitionAppointment", in)
	if err != nil {
		return Appointment{}, err
	}
	w := Write{Stamp: s.Stamp(a), Once: once}
	for range decisions {
		done, again, err := s.changeOnce(ctx, a, in, w)
		if err != nil || !again {
			return done, err
		}
	}
	return Appointment{}, errs.TryAgain(nil)
}

func (s *Service) changeOnce(ctx context.Context, a access.Actor, in ChangeState, w Write) (done Appointment, again bool, err error) {
	ap, err := s.visible(ctx, a, in.Appointment, "appointmentId")
	if err != nil {
		return done, false, err
	}
	if !entitled(ap, a, in.Action) {
		return done, false, errs.Denied("This is the clinic's to do.", "action")
	}
	if reached(ap, in.Action) {
		return ap, false, nil
	}
	if in.ExpectedVersion != nil && *in.ExpectedVersion != ap.Version {
		return done, false, StaleVersion{Current: ap}
	}
	if !legal(ap, in.Action, w.At) {
		return done, false, s.illegal(ctx, a, ap)
	}
	to, answer, err := s.take(ctx, ap, in.Action, w)
	switch {
	case err != nil:
		return done, false, err
	case answer.Outcome == Done:
		return to, false, nil
	case answer.Outcome == StaleAppointment:
		return done, true, nil
	case answer.Outcome == Replayed:
		return ap, false, nil
	}
	return done, false, keyFailure(answer)
}

func (s *Service) take(ctx context.Context, ap Appointment, action Action, w Write) (Appointment, Answer, error) {
	if action == Decline {
		to := cancelled(ap, Decline, Cancellation{Reason: ClinicRequest, At: w.At, By: ByClinic})
		answer, err := s.store.Cancel(ctx, CancelWrite{Write: w, From: ap, To: to})
		return to, answer, err
	}
	to := after(ap, action, w.At)
	answer, err := s.store.Change(ctx, StateWrite{Write: w, From: ap, To: to})
	return to, answer, err
}

func (s *Service) illegal(ctx context.Context, a access.Actor, ap Appointment) error {
	kind, err := s.kind(ctx, ap)
	if err != nil {
		return err
	}
	return InvalidTransition{From: ap.Status, Allowed: open(ap, a, kind.Policy, s.Clock.Now())}
}
