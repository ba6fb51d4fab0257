package appointment

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Hold keeps a slot for the caller for the kind's hold duration. The caller's earlier hold that it would meet is given back.
// Failures: SlotTaken, SlotUnavailable, LimitReached, KeyInUse, KeyReused.
func (s *Service) Hold(ctx context.Context, a access.Actor, in PlaceHold) (Hold, error) {
	w, err := s.holdDraft(ctx, a, in)
	if err != nil {
		return Hold{}, err
	}
	who, err := s.movingFor(ctx, a, in.Moving, &w.Seat)
	if err != nil {
		return Hold{}, err
	}
	for range decisions {
		kind, err := s.decide(ctx, a, &w.Seat, who)
		if errs.Of(err) == errs.NotFound {
			err = errs.Rename(err, "slotId") // a hold's input has no target
		}
		if err != nil {
			return s.recalledHold(ctx, a, w, err)
		}
		w.NewHold.ExpiresAt = w.At.Add(kind.Policy.HoldDuration)
		answer, err := s.store.PlaceHold(ctx, w)
		switch {
		case err != nil:
			return Hold{}, err
		case answer.Outcome == Done:
			w.judged.ConcludeDone()
			a.Trail.Changed(holdKind, w.NewHold.ID)
			return w.NewHold, nil
		case answer.Outcome == Replayed:
			return s.hold(ctx, a, clinic.Ref{Organization: w.Slot.Organization, ID: answer.Hold}, "slotId")
		case !answer.Outcome.stale():
			_, err := s.settled(ctx, a, w.Seat, answer, who)
			return Hold{}, err
		}
		s.openings.Forget(w.Slot.ProviderRef(), w.Slot.Start)
	}
	return Hold{}, errs.TryAgain(nil)
}

// recalledHold answers a hold that is barred as its key was answered before, else with the bar.
func (s *Service) recalledHold(ctx context.Context, a access.Actor, w HoldWrite, barred error) (Hold, error) {
	answer, err := s.store.Recall(ctx, w.Slot.Organization, w.Write, nil)
	switch {
	case err != nil:
		return Hold{}, err
	case answer.Outcome == Replayed:
		return s.hold(ctx, a, clinic.Ref{Organization: w.Slot.Organization, ID: answer.Hold}, "slotId")
	case answer.Outcome == Done:
		return Hold{}, barred
	}
	return Hold{}, keyFailure(answer)
}

func (s *Service) holdDraft(ctx context.Context, a access.Actor, in PlaceHold) (HoldWrite, error) {
	var w HoldWrite
	once, err := clinic.NewOnce(in.Key, "holdSlot", in)
	if err != nil {
		return w, err
	}
	w.Write, w.Limits = Write{Stamp: s.Stamp(a), Once: &once}, s.limits.ofHold(a)
	if w.Seat, err = s.seat(ctx, a, Target{Slot: &in.Slot}); err != nil {
		return w, errs.Rename(err, "slotId")
	}
	if in.Patient != nil || a.ActsForOthers() { // the clinic may hold for somebody whom it doesn't know yet
		if w.Holder.Patient, err = forWhom(ctx, a, in.Patient, in.Slot.Organization); err != nil {
			return w, err
		}
		if w.Actor, err = a.For(ctx, w.Holder.Patient); err != nil {
			return w, err
		}
	}
	w.NewHold = Hold{
		ID: s.NewID(), OrganizationID: in.Slot.Organization, Slot: in.Slot, Actor: a.ID, Patient: w.Holder.Patient, State: HoldActive,
	}
	w.Case = conflict.Case{Operation: conflict.Hold, Now: w.At}
	if in.Moving != nil {
		w.NewHold.Moving = in.Moving.ID
	}
	return w, nil
}

// movingFor is how somebody asks who moves an appointment: its own time counts as free.
func (s *Service) movingFor(ctx context.Context, a access.Actor, moving *clinic.Ref, seat *Seat) (availability.Asking, error) {
	who := availability.Asking{Holder: seat.Holder}
	if moving == nil {
		return who, nil
	}
	ap, err := s.visible(ctx, a, *moving, "reschedulingAppointmentId")
	if err != nil {
		return who, err
	}
	who.Moving = movingOf(ap)
	seat.Case.Own, seat.Case.Was = ap.ID, was(ap)
	return who, nil
}

// Extend keeps a hold longer, once, by the kind's hold duration. Failures: HoldExpired.
func (s *Service) Extend(ctx context.Context, a access.Actor, ref clinic.Ref) (Hold, error) {
	h, err := s.hold(ctx, a, ref, "holdId")
	if err != nil {
		return h, err
	}
	kindRef := clinic.Ref{Organization: ref.Organization, ID: h.Slot.VisitKind}
	kinds, err := s.clinic.VisitKinds(ctx, []clinic.Ref{kindRef})
	if err != nil {
		return h, err
	}
	answer, err := s.store.ExtendHold(ctx, HoldChange{
		Stamp: s.Stamp(a), Hold: ref, Patient: h.Patient, ExpiresAt: h.ExpiresAt.Add(kinds[kindRef].Policy.HoldDuration),
	})
	if err != nil {
		return h, err
	}
	if answer.Outcome == HoldEnded {
		return h, h.expired(answer.At)
	}
	if !h.Extended { // else it stood so already
		a.Trail.Changed(holdKind, ref.ID)
	}
	return s.hold(ctx, a, ref, "holdId")
}

func (h Hold) expired(at time.Time) error {
	return HoldExpired{Slot: h.Slot, For: availability.For{Patient: h.Patient, Moving: h.Moving}, At: at}
}

// Release gives a hold back and answers the slot that it kept. Failures: HoldExpired.
func (s *Service) Release(ctx context.Context, a access.Actor, ref clinic.Ref) (availability.SlotID, error) {
	h, err := s.hold(ctx, a, ref, "holdId")
	if err != nil {
		return h.Slot, err
	}
	answer, err := s.store.ReleaseHold(ctx, HoldChange{Stamp: s.Stamp(a), Hold: ref, Patient: h.Patient})
	switch {
	case err != nil:
	case answer.Outcome == HoldEnded:
		err = h.expired(answer.At)
	case h.State == HoldActive: // else it stood so already
		a.Trail.Changed(holdKind, ref.ID)
	}
	return h.Slot, err
}

// Holds answers those of the caller's own holds that are asked for.
func (s *Service) Holds(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Hold, error) {
	found, err := s.store.Holds(ctx, refs)
	for ref, h := range found {
		if h.Actor != a.ID || !a.In(ref.Organization) {
			delete(found, ref)
			continue
		}
		a.Trail.Saw(access.Sight{Organization: ref.Organization, Kind: holdKind, ID: ref.ID, Patient: h.Patient})
	}
	return found, err
}

// hold finds one of the caller's own holds.
func (s *Service) hold(ctx context.Context, a access.Actor, ref clinic.Ref, path ...string) (Hold, error) {
	if err := a.Need(access.AppointmentsWrite, ref.Organization, "hold", path...); err != nil {
		return Hold{}, err
	}
	found, err := s.Holds(ctx, a, []clinic.Ref{ref})
	if err != nil {
		return Hold{}, err
	}
	h, ok := found[ref]
	if !ok || a.ID == uuid.Nil {
		return Hold{}, errs.Missing("hold", path...)
	}
	return h, nil
}
