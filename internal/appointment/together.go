package appointment

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// OfPart is a failure of one part of a change of several appointments.
type OfPart struct {
	Part int // from 0
	Err  error
}

func (e OfPart) Error() string { return e.Err.Error() }

// Unwrap is why the part failed.
func (e OfPart) Unwrap() error { return e.Err }

// refusedParts are failures of several parts, by part; the first of them stands for all.
type refusedParts []OfPart

func (e refusedParts) Error() string { return e[0].Error() }

// Unwrap is the first.
func (e refusedParts) Unwrap() error { return e[0] }

// ofPart names the part that a failure is of.
func ofPart(part int, err error) error {
	if err == nil {
		return nil
	}
	return OfPart{part, err}
}

// shifting is how somebody asks who moves several appointments: the times of all of them count as free to each.
func shifting(moves []MoveWrite, nth int) availability.Asking {
	who := availability.Asking{Holder: moves[nth].Holder, Moving: movingOf(moves[nth].From)}
	for i, m := range moves {
		if i != nth {
			who.Moving.Beside = append(who.Moving.Beside, *movingOf(m.From))
		}
	}
	return who
}

// together tells the case of each seat of the others. Own names each one's appointment.
func (s *Service) together(ctx context.Context, seats []*Seat) error {
	parts := make([]*conflict.Part, len(seats))
	places := map[uuid.UUID]bool{}
	for i, seat := range seats {
		rules, err := s.openings.RulesAt(ctx, seat.Slot.ProviderRef(), seat.Slot.Start)
		if err != nil {
			return ofPart(i, err)
		}
		if plan, offered := availability.PlanOf(rules, seat.Slot); offered { // else it is refused for that
			parts[i] = &conflict.Part{Appointment: seat.Case.Own, Patient: seat.Holder.Patient, Plan: plan}
			places[seat.Slot.Location] = true
		}
	}
	if len(places) > 1 {
		if err := s.situate(ctx, seats, parts); err != nil {
			return err
		}
	}
	for i, seat := range seats {
		seat.Case.Together = nil
		for j, p := range parts {
			if j != i && p != nil {
				seat.Case.Together = append(seat.Case.Together, *p)
			}
		}
	}
	return nil
}

// situate says where on earth each seat is.
func (s *Service) situate(ctx context.Context, seats []*Seat, parts []*conflict.Part) error {
	refs := make([]clinic.Ref, len(seats))
	for i, seat := range seats {
		refs[i] = clinic.Ref{Organization: seat.Slot.Organization, ID: seat.Slot.Location}
	}
	found, err := s.clinic.Locations(ctx, refs)
	for i, seat := range seats {
		seat.Case.Here = found[refs[i]].Position
		if parts[i] != nil {
			parts[i].At = seat.Case.Here
		}
	}
	return err
}

// rearrange decides and writes some moves, all or none; again: on something that has changed.
func (s *Service) rearrange(ctx context.Context, a access.Actor, w TogetherWrite) (answer Answer, again bool, err error) {
	seats := make([]*Seat, len(w.Moves))
	for i := range w.Moves {
		seats[i] = &w.Moves[i].Seat
	}
	if err := s.together(ctx, seats); err != nil {
		return answer, false, err
	}
	var refused refusedParts
	for i := range w.Moves {
		m := &w.Moves[i]
		kind, barred := s.decide(ctx, a, &m.Seat, shifting(w.Moves, i))
		if barred != nil {
			refused = append(refused, OfPart{i, barred})
		}
		m.To = moved(m.From, m.Seat, kind, a, w.At)
	}
	if len(refused) > 0 {
		return answer, false, refused
	}
	answer, err = s.store.MoveTogether(ctx, w)
	switch {
	case err != nil:
		return answer, false, err
	case answer.Outcome == Done:
		for _, m := range w.Moves {
			m.judged.ConcludeDone()
			changed(a, m.To, uuid.Nil)
		}
		return answer, false, nil
	case answer.Outcome.stale():
		for _, m := range w.Moves {
			s.openings.Forget(m.Slot.ProviderRef(), m.Slot.Start)
		}
		return answer, true, nil
	case answer.Outcome == Replayed:
		return answer, false, nil
	case answer.Outcome == StaleAppointment:
		return answer, true, nil
	case answer.Outcome.ofKey():
		return answer, false, keyFailure(answer)
	}
	_, err = s.settled(ctx, a, w.Moves[answer.Part].Seat, answer, shifting(w.Moves, answer.Part))
	return answer, false, ofPart(answer.Part, err)
}

// ofKey says whether it is the key that stands against a change.
func (o Outcome) ofKey() bool { return o == OutcomeInUse || o == OutcomeReused || o == OutcomeLimit }

// place is the move of an appointment into a slot.
func (s *Service) place(a access.Actor, w Write, ap Appointment, slot availability.SlotID) MoveWrite {
	m := MoveWrite{Write: Write{Stamp: w.Stamp}, From: ap}
	m.AuditID = s.NewID()
	m.Seat = Seat{
		Slot: slot, Holder: availability.Holder{Actor: a.ID, Patient: ap.PatientID},
		Claims: [2]uuid.UUID{s.NewID(), s.NewID()}, PatientClaim: s.NewID(),
	}
	m.Case = conflict.Case{Operation: conflict.Move, Own: ap.ID, Was: was(ap), Now: w.At}
	return m
}

// several finds appointments that are told after a change.
func (s *Service) several(ctx context.Context, a access.Actor, refs ...clinic.Ref) ([]Appointment, error) {
	found, err := s.store.Appointments(ctx, refs)
	if err != nil {
		return nil, err
	}
	list := make([]Appointment, len(refs))
	for i, ref := range refs {
		ap, ok := found[ref]
		if !ok {
			return nil, errs.Missing("appointment", "appointmentId")
		}
		by, err := a.For(ctx, ap.PatientID)
		if err != nil {
			return nil, err
		}
		sawOne(by, ap)
		list[i] = ap
	}
	return list, nil
}
