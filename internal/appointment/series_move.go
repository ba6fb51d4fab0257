package appointment

import (
	"context"
	"errors"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// MoveSeries asks for another time for an appointment of a series and those after it.
type MoveSeries struct {
	Appointment     clinic.Ref
	Slot            availability.SlotID
	ExpectedVersion *int
	Key             string
}

// ChangedVisits are the appointments that a change of a series was about, in its order.
type ChangedVisits struct {
	Appointments []Appointment
	Replayed     bool
	Fee          *clinic.Money // of a cancellation, for all of them
}

// MoveSeries moves an appointment to a slot, and those after it in its series by as much of the wall clock, to the same provider, location and way
// of meeting, in a single step. Those that can't be moved any more stay. Failures: SeriesUnavailable, and those of Move that aren't about the slot.
func (s *Service) MoveSeries(ctx context.Context, a access.Actor, in MoveSeries) (ChangedVisits, error) {
	once, err := clinic.NewOnce(in.Key, "rescheduleSeries", in)
	if err != nil {
		return ChangedVisits{}, err
	}
	if err := a.Need(access.AppointmentsWrite, in.Appointment.Organization, "appointment", "appointmentId"); err != nil {
		return ChangedVisits{}, err
	}
	if in.Slot.Organization != in.Appointment.Organization {
		return ChangedVisits{}, errs.Missing("slot", "slotId")
	}
	w := Write{Stamp: s.Stamp(a), Once: &once}
	for range decisions {
		done, again, err := s.moveSeriesOnce(ctx, a, in, w)
		if err != nil || !again {
			return done, err
		}
	}
	return ChangedVisits{}, errs.TryAgain(nil)
}

func (s *Service) moveSeriesOnce(ctx context.Context, a access.Actor, in MoveSeries, w Write) (done ChangedVisits, again bool, err error) {
	later, by, err := s.thisAndLater(ctx, a, in.Appointment)
	if err != nil {
		return done, false, err
	}
	w.Actor = by
	var answer Answer
	moves, barred := s.shift(ctx, a, in, w, later)
	if barred == nil {
		barred = s.inTheWay(ctx, a, moves)
	}
	if barred == nil {
		answer, again, barred = s.rearrange(ctx, a, TogetherWrite{Write: w, Moves: moves})
	}
	switch {
	case again:
		return done, true, nil
	case barred != nil:
		done, err = s.changedBefore(ctx, a, in.Appointment.Organization, w, s.unavailable(ctx, a, moves, barred))
		return done, false, err
	case answer.Outcome == Replayed:
		done, err = s.changedAgain(ctx, a, in.Appointment.Organization, answer)
		return done, false, err
	}
	for _, m := range moves {
		done.Appointments = append(done.Appointments, m.To)
	}
	return done, false, nil
}

// thisAndLater lists an appointment that the caller may change and those after it in its series that still stand, and is the caller acting for
// their patient.
func (s *Service) thisAndLater(ctx context.Context, a access.Actor, ref clinic.Ref) ([]Appointment, access.Actor, error) {
	this, err := s.visible(ctx, a, ref, "appointmentId")
	if err != nil {
		return nil, a, err
	}
	if this.SeriesID == uuid.Nil {
		return nil, a, errs.Invalid("This appointment isn't part of a series.", "appointmentId")
	}
	by, err := a.For(ctx, this.PatientID)
	if err != nil {
		return nil, a, err
	}
	all, err := s.store.VisitsOf(ctx, clinic.Ref{Organization: ref.Organization, ID: this.SeriesID})
	if err != nil {
		return nil, by, err
	}
	now := s.Clock.Now()
	later := slices.DeleteFunc(all, func(ap Appointment) bool {
		gone := !slices.Contains(movable, ap.Status) || !ap.Start.After(now)
		return ap.SeriesAt < this.SeriesAt || ap.ID != this.ID && gone
	})
	for _, ap := range later {
		sawOne(by, ap)
	}
	return later, by, nil
}

// shift makes the move of each appointment. It fails for the first that mustn't be moved.
func (s *Service) shift(ctx context.Context, a access.Actor, in MoveSeries, w Write, later []Appointment) ([]MoveWrite, error) {
	if first := later[0]; in.ExpectedVersion != nil && *in.ExpectedVersion != first.Version {
		return nil, StaleVersion{Current: first}
	}
	if in.Slot.VisitKind != later[0].VisitKindID {
		return nil, errs.Invalid("The slot is for another kind of visit.", "slotId")
	}
	kind, err := s.kind(ctx, later[0])
	if err != nil {
		return nil, err
	}
	zones, err := s.zones(ctx, in.Slot)
	if err != nil {
		return nil, errs.At(err, "slotId")
	}
	zone := zones[in.Slot.Location]
	by := clock.Local(in.Slot.Start, zone).In(time.UTC).Sub(later[0].LocalStart.In(time.UTC))
	var moves []MoveWrite
	for i, ap := range later {
		if err := mayMove(ap, a, kind.Policy, s.Clock.Now()); err != nil {
			return nil, err
		}
		slot := in.Slot
		if i > 0 {
			slot.Start = clock.Instant(civil.DateTimeOf(ap.LocalStart.In(time.UTC).Add(by)), zone)
		}
		moves = append(moves, s.place(a, w, ap, slot))
	}
	return moves, nil
}

// inTheWay looks at what stands against each move now.
func (s *Service) inTheWay(ctx context.Context, a access.Actor, moves []MoveWrite) error {
	var refused refusedParts
	for i := range moves {
		_, blocked, err := s.standing(ctx, a, &moves[i].Seat, shifting(moves, i))
		if err != nil {
			return errs.At(err, "slotId")
		}
		if len(blocked) > 0 {
			refused = append(refused, OfPart{i, SlotUnavailable{Slot: moves[i].Slot, BlockedBy: blocked}})
		}
	}
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// unavailable tells a refusal of some moves by their dates, if it is about slots.
func (s *Service) unavailable(ctx context.Context, a access.Actor, moves []MoveWrite, barred error) error {
	parts, several := errors.AsType[refusedParts](barred)
	if of, one := errors.AsType[OfPart](barred); !several && one {
		parts = refusedParts{of}
	}
	var dates []SeriesDate
	for _, part := range parts {
		rules, ok := rulesOf(part.Err)
		if !ok {
			return part.Err
		}
		m := moves[part.Part]
		zones, err := s.zones(ctx, m.Slot)
		if err != nil {
			return err
		}
		date := dated(m.From.SeriesAt, m.Slot, zones[m.Slot.Location], availability.For{Patient: m.From.PatientID, Moving: m.From.ID})
		date.BlockedBy = availability.Shown(a, m.Slot.Organization, rules)
		dates = append(dates, date)
	}
	if len(dates) == 0 {
		return barred
	}
	return SeriesUnavailable{dates}
}

// changedBefore answers a change of several appointments that is barred as its key was answered before, else with the bar.
func (s *Service) changedBefore(ctx context.Context, a access.Actor, organization uuid.UUID, w Write, barred error) (ChangedVisits, error) {
	if w.Once == nil {
		return ChangedVisits{}, barred
	}
	answer, err := s.store.Recall(ctx, organization, w, nil)
	switch {
	case err != nil:
		return ChangedVisits{}, err
	case answer.Outcome == Replayed:
		return s.changedAgain(ctx, a, organization, answer)
	case answer.Outcome == Done:
		return ChangedVisits{}, barred
	}
	return ChangedVisits{}, keyFailure(answer)
}

// changedAgain answers a change of several appointments again: with all of them as they are now.
func (s *Service) changedAgain(ctx context.Context, a access.Actor, organization uuid.UUID, answer Answer) (ChangedVisits, error) {
	refs := make([]clinic.Ref, len(answer.Appointments))
	for i, id := range answer.Appointments {
		refs[i] = clinic.Ref{Organization: organization, ID: id}
	}
	list, err := s.several(ctx, a, refs...)
	return ChangedVisits{Appointments: list, Replayed: true}, err
}
