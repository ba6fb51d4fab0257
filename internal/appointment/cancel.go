package appointment

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

const maxNote = 1000

// Cancel cancels under the policy, or says in a preview what that would do. A cancelled appointment answers as the first
// time. Failures: InvalidTransition, PolicyBroken, StaleVersion, KeyInUse, KeyReused.
func (s *Service) Cancel(ctx context.Context, a access.Actor, in CancelVisit) (Cancellable, error) {
	var check form.Check
	in.Note = private(&check, in.Note, maxNote, "note")
	if err := check.Err(); err != nil {
		return Cancellable{}, err
	}
	once, err := maybeOnce(in.Key, "cancelAppointment", in)
	if err != nil {
		return Cancellable{}, err
	}
	w := CancelWrite{Write: Write{Stamp: s.Stamp(a), Once: once}, Reserve: s.reserve(in.Appointment.Organization)}
	for range decisions {
		done, again, err := s.cancelOnce(ctx, a, in, w)
		if err != nil || !again {
			return done, err
		}
	}
	return Cancellable{}, errs.TryAgain(nil)
}

func (s *Service) cancelOnce(ctx context.Context, a access.Actor, in CancelVisit, w CancelWrite) (done Cancellable, again bool, err error) {
	ap, err := s.visible(ctx, a, in.Appointment, "appointmentId")
	if err != nil {
		return done, false, err
	}
	if w.Actor, err = a.For(ctx, ap.PatientID); err != nil {
		return done, false, err
	}
	sawOne(w.Actor, ap)
	if ap.Status == Cancelled {
		if !in.Preview {
			_, err = s.affirmed(ctx, w.Write, ap)
		}
		return Cancellable{Appointment: ap, Fee: ap.Cancellation.Fee}, false, err
	}
	kind, err := s.kind(ctx, ap)
	if err != nil {
		return done, false, err
	}
	by := side(in.Reason)
	fee := feeOf(ap, by, kind.Policy, w.At)
	if err := s.checkCancel(ap, a, in, kind.Policy, fee); err != nil {
		return done, false, err
	}
	if in.Preview {
		return Cancellable{Appointment: ap, Fee: fee}, false, nil
	}
	w.From, w.To = ap, AfterCancel(ap, Cancel, Cancellation{Reason: in.Reason, Note: in.Note, At: w.At, By: by, Fee: fee})
	answer, err := s.store.Cancel(ctx, w)
	switch {
	case err != nil:
		return done, false, err
	case answer.Outcome == Done:
		changed(a, w.To, uuid.Nil)
		return Cancellable{Appointment: w.To, Fee: fee}, false, nil
	case answer.Outcome == StaleAppointment, answer.Outcome == Replayed:
		return done, true, nil
	}
	return done, false, keyFailure(answer)
}

func (s *Service) checkCancel(ap Appointment, a access.Actor, in CancelVisit, p clinic.Policy, fee *clinic.Money) error {
	switch {
	case in.Reason == NotApprovedInTime:
		return errs.Invalid("Nobody gives this reason: it is that of visits that lapse.", "reason")
	case side(in.Reason) == ByClinic && !a.IsStaff():
		return errs.Denied("This reason is for the clinic's staff.", "reason")
	case in.ExpectedVersion != nil && *in.ExpectedVersion != ap.Version:
		return StaleVersion{Current: ap}
	}
	if err := mayCancel(ap, a, p, s.Clock.Now()); err != nil {
		return err
	}
	if fee != nil && !in.Preview && (in.AcceptFee == nil || *in.AcceptFee < fee.MinorUnits) {
		return PolicyBroken{Policy: p, Fee: fee}
	}
	return nil
}

// AfterCancel is the appointment after a cancellation, or after the clinic declined it.
func AfterCancel(ap Appointment, action Action, c Cancellation) Appointment {
	to := ap
	to.Version++
	to.UpdatedAt, to.Status, to.Cancellation = c.At, Cancelled, &c
	to.LastAction, to.PriorStatus, to.PriorConfirmedAt = action, ap.Status, ap.ConfirmedAt
	to.ApprovalDueAt = nil
	return to
}

// maybeOnce is the once of an optional key.
func maybeOnce(key *string, operation string, input any) (*clinic.Once, error) {
	if key == nil {
		return nil, nil
	}
	once, err := clinic.NewOnce(*key, operation, input)
	return &once, err
}
