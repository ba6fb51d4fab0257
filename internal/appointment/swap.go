package appointment

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// SwapVisits asks for two appointments to take each other's place. A version that is nil isn't checked.
type SwapVisits struct {
	Appointments [2]clinic.Ref
	Expected     [2]*int
	Key          string
}

// Swapped are two appointments that took each other's place.
type Swapped struct {
	Appointments [2]Appointment
	Replayed     bool
}

// swapPaths are where an input names the two.
var swapPaths = [2]string{"firstAppointmentId", "secondAppointmentId"}

// Swap gives each of two appointments the other's time, provider, location and way of meeting, in a single step; each stays the kind of visit
// that it is. It is the clinic's to do. Failures: OfPart with those of Move, KeyInUse, KeyReused.
func (s *Service) Swap(ctx context.Context, a access.Actor, in SwapVisits) (Swapped, error) {
	once, err := clinic.NewOnce(in.Key, "swapAppointments", in)
	if err != nil {
		return Swapped{}, err
	}
	switch {
	case !a.IsClinic():
		return Swapped{}, errs.Denied("This is the clinic's to do.")
	case in.Appointments[0] == in.Appointments[1]:
		return Swapped{}, errs.Invalid("An appointment can't be swapped with itself.", swapPaths[1])
	}
	w := Write{Stamp: s.Stamp(a), Once: &once}
	for range decisions {
		done, again, err := s.swapOnce(ctx, a, in, w)
		if err != nil || !again {
			return done, err
		}
	}
	return Swapped{}, errs.TryAgain(nil)
}

func (s *Service) swapOnce(ctx context.Context, a access.Actor, in SwapVisits, w Write) (done Swapped, again bool, err error) {
	moves, barred, err := s.swap(ctx, a, in, w)
	if err != nil {
		return done, false, err
	}
	var answer Answer
	if barred == nil {
		answer, again, barred = s.rearrange(ctx, a, TogetherWrite{Write: w, Moves: moves, Swap: true})
	}
	switch {
	case again:
		return done, true, nil
	case barred != nil:
		done, err = s.swappedBefore(ctx, a, in, w, barred)
		return done, false, err
	case answer.Outcome == Replayed:
		done, err = s.swapped(ctx, a, in)
		return done, false, err
	}
	return Swapped{Appointments: [2]Appointment{moves[0].To, moves[1].To}}, false, nil
}

// swap reads two appointments and makes each the move into the other's place. barred is a refusal that an earlier answer for the key outranks.
func (s *Service) swap(ctx context.Context, a access.Actor, in SwapVisits, w Write) (moves []MoveWrite, barred, err error) {
	var both [2]Appointment
	for i, ref := range in.Appointments {
		if both[i], err = s.visible(ctx, a, ref, swapPaths[i]); err != nil {
			return nil, nil, err
		}
	}
	if both[0].OrganizationID != both[1].OrganizationID {
		return nil, nil, errs.Missing("appointment", swapPaths[1])
	}
	for i, ap := range both {
		by := w
		if by.Actor, err = a.For(ctx, ap.PatientID); err != nil {
			return nil, nil, err
		}
		sawOne(by.Actor, ap)
		kind, err := s.kind(ctx, ap)
		if err != nil {
			return nil, nil, err
		}
		if barred == nil && in.Expected[i] != nil && *in.Expected[i] != ap.Version {
			barred = OfPart{i, StaleVersion{Current: ap}}
		}
		if barred == nil {
			barred = ofPart(i, mayMove(ap, a, kind.Policy, s.Clock.Now()))
		}
		moves = append(moves, s.place(a, by, ap, placeOf(both[1-i], ap)))
	}
	return moves, barred, nil
}

// placeOf is where one appointment stands, as a slot for another.
func placeOf(there, ap Appointment) availability.SlotID {
	slot := there.Slot()
	slot.VisitKind = ap.VisitKindID
	return slot
}

// swappedBefore answers a swap that is barred as its key was answered before, else with the bar.
func (s *Service) swappedBefore(ctx context.Context, a access.Actor, in SwapVisits, w Write, barred error) (Swapped, error) {
	answer, err := s.store.Recall(ctx, in.Appointments[0].Organization, w, nil)
	switch {
	case err != nil:
		return Swapped{}, err
	case answer.Outcome == Replayed:
		return s.swapped(ctx, a, in)
	case answer.Outcome == Done:
		return Swapped{}, barred
	}
	return Swapped{}, keyFailure(answer)
}

// swapped answers a swap again: the two as they are now.
func (s *Service) swapped(ctx context.Context, a access.Actor, in SwapVisits) (Swapped, error) {
	list, err := s.several(ctx, a, in.Appointments[:]...)
	if err != nil {
		return Swapped{}, err
	}
	return Swapped{Appointments: [2]Appointment(list), Replayed: true}, nil
}
