package appointment

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Move takes another slot and frees the present one in a single step. Moving to the slot that the appointment stands in
// answers it as it is. Failures: those of Book, with StaleVersion, InvalidTransition and PolicyBroken.
func (s *Service) Move(ctx context.Context, a access.Actor, in MoveVisit) (Booking, error) {
	once, err := clinic.NewOnce(in.Key, "rescheduleAppointment", in)
	if err != nil {
		return Booking{}, err
	}
	if err := a.Need(access.AppointmentsWrite, in.Appointment.Organization, "appointment", "appointmentId"); err != nil {
		return Booking{}, err
	}
	if in.Target.Any != nil {
		return Booking{}, errs.Invalid("An appointment is moved to a slot or a hold.", "target", "anyProvider")
	}
	seat, err := s.seat(ctx, a, in.Target)
	if err != nil {
		return Booking{}, err
	}
	if seat.Slot.Organization != in.Appointment.Organization {
		return Booking{}, errs.Missing("slot", seat.path()...)
	}
	w := MoveWrite{Write: Write{Stamp: s.Stamp(a), Once: &once}, Seat: seat, Reserve: s.reserve(seat.Slot.Organization)}
	w.Override, err = s.override(a, seat.Slot.Organization, in.Override)
	if _, off := errors.AsType[errs.FeatureOff](err); off { // it may have been on when it was done
		return s.recalled(ctx, a, seat.Slot.Organization, w.Write, nil, err)
	}
	if err != nil {
		return Booking{}, err
	}
	for range decisions {
		done, again, err := s.moveOnce(ctx, a, in, w)
		if err != nil || !again {
			return done, err
		}
		s.openings.Forget(seat.Slot.ProviderRef(), seat.Slot.Start)
	}
	return Booking{}, errs.TryAgain(nil)
}

func (s *Service) moveOnce(ctx context.Context, a access.Actor, in MoveVisit, w MoveWrite) (done Booking, again bool, err error) {
	ap, err := s.visible(ctx, a, in.Appointment, "appointmentId")
	if err != nil {
		return done, false, err
	}
	if w.Actor, err = a.For(ctx, ap.PatientID); err != nil {
		return done, false, err
	}
	sawOne(w.Actor, ap)
	if ap.Slot() == w.Slot && slices.Contains(movable, ap.Status) {
		first, err := s.affirmed(ctx, w.Write, ap)
		return Booking{Appointment: ap, Replayed: true, Released: first.Released}, false, err
	}
	w.Holder.Patient = ap.PatientID
	kind, barred, err := s.movable(ctx, a, ap, in, w.Seat)
	if err != nil {
		return done, false, err
	}
	w.Case = conflict.Case{Operation: conflict.Move, Own: ap.ID, Was: was(ap), Now: w.At}
	who := availability.Asking{Holder: w.Holder, Moving: movingOf(ap)}
	if barred == nil {
		kind, barred = s.decide(ctx, a, &w.Seat, who)
	}
	if barred != nil {
		done, err = s.recalled(ctx, a, ap.OrganizationID, w.Write, nil, barred)
		return done, false, err
	}
	w.From, w.To = ap, moved(ap, w.Seat, kind, a, w.At)
	return s.settleMove(ctx, a, w, who)
}

// settleMove has the store settle a decided move.
func (s *Service) settleMove(ctx context.Context, a access.Actor, w MoveWrite, who availability.Asking) (done Booking, again bool, err error) {
	answer, err := s.store.Move(ctx, w)
	switch {
	case err != nil:
		return done, false, err
	case answer.Outcome == Done:
		w.judged.ConcludeDone()
		changed(a, w.To, w.Hold)
		released := w.From.Slot()
		return Booking{Appointment: w.To, Released: &released, Warnings: w.judged.Warnings(ctx, a)}, false, nil
	case answer.Outcome.stale(), answer.Outcome == StaleAppointment:
		return done, true, nil
	}
	done, err = s.settled(ctx, a, w.Seat, answer, who)
	return done, false, err
}

// movable checks everything about a move but the new slot. barred is a refusal that an earlier answer for the key outranks.
func (s *Service) movable(ctx context.Context, a access.Actor, ap Appointment, in MoveVisit, seat Seat) (kind clinic.VisitKind, barred, err error) {
	if kind, err = s.kind(ctx, ap); err != nil {
		return kind, nil, err
	}
	switch {
	case !seat.keptFor(ap.PatientID):
		return kind, nil, errs.Invalid("The hold is for another patient.", seat.path()...)
	case seat.Slot.VisitKind != ap.VisitKindID:
		return kind, nil, errs.Invalid("The slot is for another kind of visit.", seat.path()...)
	case in.ExpectedVersion != nil && *in.ExpectedVersion != ap.Version:
		return kind, StaleVersion{Current: ap}, nil
	}
	return kind, mayMove(ap, a, kind.Policy, s.Clock.Now()), nil
}

// moved is the appointment after a move. A kind that waits for approval waits again when a patient moves it.
func moved(ap Appointment, seat Seat, kind clinic.VisitKind, a access.Actor, now time.Time) Appointment {
	to := ap.in(seat)
	to.Version++
	to.UpdatedAt, to.ConfirmedAt = now, nil
	to.LastAction, to.PriorStatus, to.PriorConfirmedAt = "", "", nil
	if !a.IsClinic() && seat.Offer == uuid.Nil { // what the clinic has offered is the clinic's move
		to.Reschedules++
		if kind.RequiresApproval {
			to.Status = Pending
		}
	}
	// What took a doctor's word still does, wherever somebody else puts it.
	to.AwaitsDoctor = seat.Over.Waits || ap.AwaitsDoctor && ap.Status == Pending && !a.Has(access.ConflictsClinical)
	if to.AwaitsDoctor {
		to.Status = Pending
	}
	return to.waiting(kind)
}

// was is where an appointment stands that is moved.
func was(ap Appointment) *conflict.Was {
	return &conflict.Was{VisitKind: ap.VisitKindID, Span: availability.Span{Start: ap.Start, End: ap.End}}
}

func movingOf(ap Appointment) *availability.Moving {
	return &availability.Moving{Appointment: ap.ID}
}

func (s *Service) kind(ctx context.Context, ap Appointment) (clinic.VisitKind, error) {
	ref := clinic.Ref{Organization: ap.OrganizationID, ID: ap.VisitKindID}
	found, err := s.clinic.VisitKinds(ctx, []clinic.Ref{ref})
	if err != nil {
		return clinic.VisitKind{}, err
	}
	return found[ref], nil
}
