package appointment

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
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
	in, err := in.checked()
	if err != nil {
		return Appointment{}, err
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

// declines are the reasons for which the clinic declines.
var declines = []CancellationReason{ClinicRequest, Other, ProviderUnavailable}

// checked is the input with a note that is clean; only who declines says why.
func (in ChangeState) checked() (ChangeState, error) {
	var check form.Check
	check.That(in.Action == Decline || in.Reason == nil, "Only who declines gives a reason.", "reason")
	check.That(in.Action == Decline || in.Note == nil, "Only who declines leaves a note.", "note")
	check.That(in.Reason == nil || slices.Contains(declines, *in.Reason), "The clinic declines for another reason.", "reason")
	in.Note = private(&check, in.Note, maxNote, "note")
	return in, check.Err()
}

func (s *Service) changeOnce(ctx context.Context, a access.Actor, in ChangeState, w Write) (done Appointment, again bool, err error) {
	ap, err := s.visible(ctx, a, in.Appointment, "appointmentId")
	if err != nil {
		return done, false, err
	}
	if w.Actor, err = a.For(ctx, ap.PatientID); err != nil {
		return done, false, err
	}
	sawOne(w.Actor, ap)
	if barred := s.barred(ctx, a, ap, in, w.At); barred != nil {
		first, err := s.recalled(ctx, a, ap.OrganizationID, w, nil, barred)
		return first.Appointment, false, err
	}
	if reached(ap, in.Action) {
		_, err := s.affirmed(ctx, w, ap)
		return ap, false, err
	}
	to, answer, err := s.take(ctx, ap, in, w)
	switch {
	case err != nil:
		return done, false, err
	case answer.Outcome == Done:
		changed(a, to, uuid.Nil)
		return to, false, nil
	case answer.Outcome == StaleAppointment, answer.Outcome == Replayed: // since it was read
		return done, true, nil
	}
	return done, false, keyFailure(answer)
}

// barred names what stands against an action. An earlier answer for its key outranks it.
func (s *Service) barred(ctx context.Context, a access.Actor, ap Appointment, in ChangeState, now time.Time) error {
	switch {
	case !entitled(ap, a, in.Action):
		return errs.Denied("This is the clinic's to do.", "action")
	case reached(ap, in.Action):
		return nil
	case in.ExpectedVersion != nil && *in.ExpectedVersion != ap.Version:
		return StaleVersion{Current: ap}
	case !legal(ap, in.Action, now):
		return s.illegal(ctx, a, ap)
	}
	return nil
}

func (s *Service) take(ctx context.Context, ap Appointment, in ChangeState, w Write) (Appointment, Answer, error) {
	if in.Action == Decline {
		why := Cancellation{Reason: ClinicRequest, Note: in.Note, At: w.At, By: ByClinic}
		if in.Reason != nil {
			why.Reason = *in.Reason
		}
		to := AfterCancel(ap, Decline, why)
		answer, err := s.store.Cancel(ctx, CancelWrite{Write: w, From: ap, To: to, Reserve: s.reserve(ap.OrganizationID)})
		return to, answer, err
	}
	to := After(ap, in.Action, w.At)
	if to.Status == Pending { // an approval was taken back: its period begins anew
		kind, err := s.kind(ctx, ap)
		if err != nil {
			return to, Answer{}, err
		}
		to = to.waiting(kind)
	}
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
