package appointment

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// SeriesWanted asks how the dates of a series stand.
type SeriesWanted struct {
	Recurrence
	Patient *clinic.Ref // nil: the account's only one, or nobody in particular
}

// Take is how much of a series is to be booked.
type Take string

// The ways of the contract.
const (
	TakeAll  Take = "ALL"  // or nothing
	TakeFree Take = "FREE" // whatever is free
)

// Choice is another slot in place of a date of a series.
type Choice struct {
	Index int
	Slot  availability.SlotID
}

// BookSeries asks for a series.
type BookSeries struct {
	Recurrence
	Patient *clinic.Ref // nil: the account's only one
	Take    Take
	Choices []Choice
	Reason  *access.Private
	Key     string
}

// BookedSeries is what booking a series answers.
type BookedSeries struct {
	Series   Series
	Skipped  []SeriesDate
	Replayed bool
}

// recurring is a series on its way to the store.
type recurring struct {
	SeriesWrite
	dates  []SeriesDate
	reason *access.Private
	limits Limits
	op     conflict.Operation
}

// SeriesOptions tells how each date of a series stands for a patient.
func (s *Service) SeriesOptions(ctx context.Context, a access.Actor, in SeriesWanted) ([]SeriesDate, error) {
	var check form.Check
	in.check(&check)
	if err := check.Err(); err != nil {
		return nil, err
	}
	if err := a.Need(access.AppointmentsWrite, in.First.Organization, "slot", "firstSlotId"); err != nil {
		return nil, err
	}
	w := recurring{SeriesWrite: SeriesWrite{Write: Write{Stamp: s.Stamp(a)}}, op: conflict.Explain}
	if in.Patient != nil || a.ActsForOthers() {
		patient, err := forWhom(ctx, a, in.Patient, in.First.Organization)
		if err != nil {
			return nil, err
		}
		w.Series.PatientID = patient
		if err := sawWhoVisits(ctx, a, in.First.Organization, patient); err != nil {
			return nil, err
		}
	}
	if err := s.recur(ctx, &w, in.Recurrence, nil); err != nil {
		return nil, err
	}
	return w.dates, s.look(ctx, a, &w)
}

// BookSeries books the visits of a series, all or as many as are free, in a single step. Failures: SeriesUnavailable, LimitReached, KeyInUse,
// KeyReused.
func (s *Service) BookSeries(ctx context.Context, a access.Actor, in BookSeries) (BookedSeries, error) {
	w, err := s.seriesDraft(ctx, a, &in)
	if err != nil {
		return BookedSeries{}, err
	}
	for range decisions {
		if err := s.look(ctx, a, &w); err != nil {
			return BookedSeries{}, err
		}
		if len(w.Parts) == 0 || w.All && len(w.Skipped) > 0 {
			return s.seriesBefore(ctx, a, w)
		}
		answer, err := s.store.BookSeries(ctx, w.SeriesWrite)
		switch {
		case err != nil:
			return BookedSeries{}, err
		case answer.Outcome == Done:
			for _, part := range w.Parts {
				part.judged.ConcludeDone()
				changed(a, part.Appointment, uuid.Nil)
			}
			skipped, err := s.left(ctx, a, w, answer.Skipped)
			return BookedSeries{Series: w.Series, Skipped: skipped}, err
		case answer.Outcome == Replayed:
			return s.seriesAgain(ctx, a, w, answer)
		case answer.Outcome == LeftOut:
			dates, err := s.left(ctx, a, w, answer.Skipped)
			if err != nil {
				return BookedSeries{}, err
			}
			return BookedSeries{}, SeriesUnavailable{dates}
		case !answer.Outcome.stale():
			return BookedSeries{}, keyFailure(answer)
		}
		for _, d := range w.dates {
			s.openings.Forget(d.Slot.ProviderRef(), d.Slot.Start)
		}
	}
	return BookedSeries{}, errs.TryAgain(nil)
}

// seriesDraft checks an input and makes the write of it, all but what follows from the rules.
func (s *Service) seriesDraft(ctx context.Context, a access.Actor, in *BookSeries) (recurring, error) {
	w := recurring{op: conflict.Book, limits: s.limits.ofBooking(a)}
	var check form.Check
	in.check(&check)
	in.Reason = private(&check, in.Reason, maxReason, "reason")
	in.choices(&check)
	if err := check.Err(); err != nil {
		return w, err
	}
	once, err := clinic.NewOnce(in.Key, "bookSeries", in)
	if err != nil {
		return w, err
	}
	w.Write, w.reason, w.All = Write{Stamp: s.Stamp(a), Once: &once}, in.Reason, in.Take == TakeAll
	if err := a.Need(access.AppointmentsWrite, in.First.Organization, "slot", "firstSlotId"); err != nil {
		return w, err
	}
	patient, err := forWhom(ctx, a, in.Patient, in.First.Organization)
	if err != nil {
		return w, err
	}
	if w.Actor, err = a.For(ctx, patient); err != nil {
		return w, err
	}
	w.Series = Series{ID: s.NewID(), OrganizationID: in.First.Organization, PatientID: patient, EveryWeeks: in.EveryWeeks}
	return w, s.recur(ctx, &w, in.Recurrence, in.Choices)
}

// choices checks what is chosen in place of dates.
func (in BookSeries) choices(check *form.Check) {
	check.That(len(in.Choices) <= MaxVisits, "At most one for each date.", "choices")
	chosen := map[int]bool{}
	for i, c := range in.Choices[:min(len(in.Choices), MaxVisits)] {
		at := form.At([]string{"choices"}, i)
		check.That(c.Index >= 0 && c.Index < in.Count && !chosen[c.Index], "One of the dates, from 0, each once.", append(at, "index")...)
		check.That(c.Slot.Organization == in.First.Organization && c.Slot.VisitKind == in.First.VisitKind,
			"The slot is for another kind of visit.", append(slices.Clone(at), "slotId")...)
		chosen[c.Index] = true
	}
}

// recur notes the dates of a series.
func (s *Service) recur(ctx context.Context, w *recurring, r Recurrence, choices []Choice) error {
	asked := []availability.SlotID{r.First}
	for _, c := range choices {
		asked = append(asked, c.Slot)
	}
	zones, err := s.zones(ctx, asked...)
	if err != nil {
		return errs.At(err, "firstSlotId")
	}
	slots := r.slots(zones[r.First.Location])
	for _, c := range choices {
		slots[c.Index] = c.Slot
	}
	for i, slot := range slots {
		w.dates = append(w.dates, dated(i, slot, zones[slot.Location], availability.For{Patient: w.Series.PatientID}))
	}
	return nil
}

// look sees how each date stands, and makes a part of each that can be had, judged with those before it.
func (s *Service) look(ctx context.Context, a access.Actor, w *recurring) error {
	w.Parts, w.Skipped = nil, nil
	var together []conflict.Part
	for i := range w.dates {
		d := &w.dates[i]
		part := s.partOf(a, w, *d, together)
		who := availability.Asking{Holder: part.Holder}
		slot, blocked, err := s.standing(ctx, a, &part.Seat, who)
		if err != nil {
			return errs.At(err, "firstSlotId")
		}
		if len(blocked) == 0 {
			if blocked, err = s.decidePart(ctx, a, &part, who); err != nil {
				return err
			}
		}
		d.BlockedBy, d.Free = blocked, &slot
		if len(blocked) > 0 {
			d.Free = nil
			w.Skipped = append(w.Skipped, SkippedDate{Index: d.Index, Slot: d.Slot, BlockedBy: blocked})
			continue
		}
		d.BlockedBy = []availability.Rule{}
		w.Parts = append(w.Parts, part)
		together = append(together, conflict.Part{Appointment: part.Appointment.ID, Patient: part.Holder.Patient, Plan: part.Plan})
	}
	return nil
}

func (s *Service) partOf(a access.Actor, w *recurring, d SeriesDate, together []conflict.Part) SeriesPart {
	var p SeriesPart
	p.Write = Write{Stamp: w.Stamp}
	p.AuditID, p.Index, p.Limits = s.NewID(), d.Index, w.limits
	p.Seat = Seat{
		Slot: d.Slot, Holder: availability.Holder{Actor: a.ID, Patient: w.Series.PatientID},
		Claims: [2]uuid.UUID{s.NewID(), s.NewID()}, PatientClaim: s.NewID(),
	}
	p.Appointment = Appointment{
		ID: s.NewID(), OrganizationID: d.Slot.Organization, PatientID: w.Series.PatientID, Reason: w.reason, Version: 1,
		CreatedAt: w.At, UpdatedAt: w.At, CreatedBy: a.ID, SeriesID: w.Series.ID, SeriesAt: d.Index,
	}
	p.Case = conflict.Case{Operation: w.op, Own: p.Appointment.ID, Now: w.At, Together: slices.Clone(together)}
	return p
}

// decidePart plans a part, or says which rules have something against it.
func (s *Service) decidePart(ctx context.Context, a access.Actor, p *SeriesPart, who availability.Asking) ([]availability.Rule, error) {
	kind, err := s.decide(ctx, a, &p.Seat, who)
	if rules, ok := rulesOf(err); ok {
		return rules, nil
	}
	if err != nil {
		return nil, err
	}
	p.Appointment = booked(p.BookingWrite, kind)
	return nil, nil
}

// left are the dates that were left out.
func (s *Service) left(ctx context.Context, a access.Actor, w recurring, skipped []SkippedDate) ([]SeriesDate, error) {
	slots := make([]availability.SlotID, len(skipped))
	for i, d := range skipped {
		slots[i] = d.Slot
	}
	zones, err := s.zones(ctx, slots...)
	if err != nil {
		return nil, err
	}
	dates := make([]SeriesDate, len(skipped))
	for i, d := range skipped {
		dates[i] = dated(d.Index, d.Slot, zones[d.Slot.Location], availability.For{Patient: w.Series.PatientID})
		dates[i].BlockedBy = availability.Shown(a, d.Slot.Organization, d.BlockedBy)
	}
	slices.SortFunc(dates, func(x, y SeriesDate) int { return x.Index - y.Index })
	return dates, nil
}

// seriesBefore answers a series that can't be booked as its key was answered before, else with the dates that can't be had.
func (s *Service) seriesBefore(ctx context.Context, a access.Actor, w recurring) (BookedSeries, error) {
	answer, err := s.store.Recall(ctx, w.Series.OrganizationID, w.Write, nil)
	switch {
	case err != nil:
		return BookedSeries{}, err
	case answer.Outcome == Replayed:
		return s.seriesAgain(ctx, a, w, answer)
	case answer.Outcome != Done:
		return BookedSeries{}, keyFailure(answer)
	}
	dates, err := s.left(ctx, a, w, w.Skipped)
	if err != nil {
		return BookedSeries{}, err
	}
	return BookedSeries{}, SeriesUnavailable{dates}
}

func (s *Service) seriesAgain(ctx context.Context, a access.Actor, w recurring, answer Answer) (BookedSeries, error) {
	ref := clinic.Ref{Organization: w.Series.OrganizationID, ID: answer.Series}
	found, err := s.Series(ctx, a, []clinic.Ref{ref})
	if err != nil {
		return BookedSeries{}, err
	}
	skipped, err := s.left(ctx, a, w, answer.Skipped)
	return BookedSeries{Series: found[ref], Skipped: skipped, Replayed: true}, err
}
