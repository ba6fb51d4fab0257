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
	"github.com/mediconnect/mediconnect/internal/form"
)

// Bounds of bookings with anybody.
const (
	maxProviders = 50 // that are named
	maxOptions   = 50 // that are tried at once
)

// slotOfAny is the slot, without a provider, of whoever is free. It has no way of meeting where the kind's first is meant.
func slotOfAny(a access.Actor, in AnyProvider) (availability.SlotID, error) {
	id := availability.SlotID{Organization: in.VisitKind.Organization, Location: in.Location.ID, VisitKind: in.VisitKind.ID, Start: in.Start.UTC()}
	if in.Modality != nil {
		id.Modality = *in.Modality
	}
	if err := a.Need(access.AppointmentsWrite, id.Organization, "kind of visit", "visitKindId"); err != nil {
		return id, err
	}
	return id, in.check()
}

// check says what is wrong with what is asked for, apart from what there is.
func (in AnyProvider) check() error {
	var check form.Check
	if in.Location.Organization != in.VisitKind.Organization {
		check.Keep(errs.Missing("location", "locationId"))
	}
	check.That(in.Start.Equal(in.Start.Truncate(time.Minute)), "Visits start at whole minutes.", "start")
	check.That(in.Providers == nil || len(in.Providers) > 0 && len(in.Providers) <= maxProviders, "From 1 to 50 providers.", "providerIds")
	for i, p := range in.Providers[:min(len(in.Providers), maxProviders)] {
		if p.Organization != in.VisitKind.Organization {
			check.Keep(errs.Missing("provider", form.At([]string{"providerIds"}, i)...))
		}
	}
	if in.Language != nil {
		check.Language(*in.Language, "language")
	}
	return check.Err()
}

// among are those who have a slot that is asked for.
func (in AnyProvider) among(slot availability.SlotID) availability.Anyone {
	q := availability.Anyone{Slot: slot, Providers: in.Providers}
	if in.Language != nil {
		var check form.Check
		q.Language = check.Language(*in.Language)
	}
	return q
}

// bookAny books with whoever is free: it is decided anew while somebody seems to be and yet nobody can be had.
func (s *Service) bookAny(ctx context.Context, a access.Actor, w BookingWrite, among availability.Anyone) (Booking, error) {
	full := map[uuid.UUID]bool{} // who has no room left: what the store alone knows
	for range decisions {
		chances, err := s.openings.Chances(ctx, among, availability.Asking{Holder: w.Holder})
		if err != nil {
			return Booking{}, errs.At(err, "target", "anyProvider")
		}
		tried := s.options(ctx, a, w, chances, full)
		answer, err := s.store.BookAny(ctx, tried)
		switch {
		case err != nil:
			return Booking{}, err
		case answer.Outcome == Done:
			return tried.done(ctx, a, answer.Option), nil
		case answer.Outcome != NoneFree:
			return s.settled(ctx, a, w.Seat, answer, availability.Asking{Holder: w.Holder})
		case len(chances) == 0:
			return Booking{}, errs.Under(s.unknown(ctx, w.Slot), "target", "anyProvider")
		case len(tried.Options) == 0:
			return Booking{}, s.nobody(ctx, a, chances, availability.For{Patient: w.Holder.Patient, Anyone: &among})
		}
		for i, why := range answer.Refused {
			full[tried.Options[i].Slot.Provider] = why == NoResource
		}
	}
	return Booking{}, errs.TryAgain(nil)
}

// options are seats with those who are free, decided. What is against the others is added to their chances.
func (s *Service) options(ctx context.Context, a access.Actor, w BookingWrite, chances []availability.Chance, full map[uuid.UUID]bool) AnyWrite {
	to := AnyWrite{BookingWrite: w}
	if len(chances) > 0 {
		to.Slot.Modality = chances[0].Slot.Modality
	}
	var of []int
	var cases []conflict.Case
	for i, c := range chances {
		to.Among = append(to.Among, c.Rules.Provider)
		if full[c.Rules.Provider] {
			chances[i].Blocked = append(chances[i].Blocked, availability.ResourceBusy)
		}
		plan, planned := availability.PlanOf(c.Rules, c.Slot.SlotID)
		kind, offered := c.Rules.Kind(c.Slot.VisitKind)
		if len(chances[i].Blocked) > 0 || !planned || !offered || len(of) == maxOptions {
			continue
		}
		seat := w.Seat
		seat.Slot = c.Slot.SlotID
		seat.plan(c.Rules, plan, kind)
		of, cases, to.Options = append(of, i), append(cases, seat.Case), append(to.Options, seat)
	}
	judged := s.detects.JudgeAll(ctx, a, cases)
	kept := to.Options[:0]
	for n, seat := range to.Options {
		seat.judged = judged[n]
		chances[of[n]].Blocked = append(chances[of[n]].Blocked, judged[n].Broken...)
		if len(judged[n].Broken) == 0 {
			kept = append(kept, seat)
		}
	}
	to.Options = kept
	if len(kept) > 0 {
		kind := kept[0].Case.Kind
		to.BookingWrite.Seat = kept[0]
		to.Appointment = booked(to.BookingWrite, kind)
	}
	return to
}

// done is the appointment with whoever was chosen.
func (w AnyWrite) done(ctx context.Context, a access.Actor, option int) Booking {
	seat := w.Options[option]
	seat.judged.ConcludeDone()
	ap := w.Appointment.in(seat)
	changed(a, ap, uuid.Nil)
	return Booking{Appointment: ap, Warnings: seat.judged.Warnings(ctx, a)}
}

// nobody says why nobody can be had: that somebody has just been taken, else the rules against the one who has the fewest. Nobody may book over
// them, as it isn't known who would be chosen.
func (s *Service) nobody(ctx context.Context, a access.Actor, chances []availability.Chance, whom availability.For) error {
	best := slices.MinFunc(chances, func(x, y availability.Chance) int {
		return slices.Compare(standingOf(x.Blocked), standingOf(y.Blocked))
	})
	if slices.Contains(best.Blocked, availability.PatientBusy) {
		with := clinic.Ref{Organization: best.Slot.Organization, ID: best.PatientVisit}
		if err := sawConflict(ctx, a, with, whom.Patient); err != nil {
			return err
		}
		if len(unshared(best.Blocked)) == 1 { // whoever else is free
			return PatientConflict{With: with, For: whom}
		}
	}
	slices.Sort(best.Blocked)
	err := s.refused(a, wanted{best.Slot.SlotID, whom}, slices.Compact(best.Blocked), best.PatientVisit)
	if e, unavailable := err.(SlotUnavailable); unavailable {
		e.Overridable = nil
		return e
	}
	return err
}

// unknown says why there is nobody to look at.
func (s *Service) unknown(ctx context.Context, slot availability.SlotID) error {
	kind := clinic.Ref{Organization: slot.Organization, ID: slot.VisitKind}
	kinds, err := s.clinic.VisitKinds(ctx, []clinic.Ref{kind})
	if err != nil {
		return err
	}
	at := clinic.Ref{Organization: slot.Organization, ID: slot.Location}
	places, err := s.clinic.Locations(ctx, []clinic.Ref{at})
	if err != nil {
		return err
	}
	if _, offered := kinds[kind]; !offered {
		return errs.Missing("kind of visit", "visitKindId")
	}
	if _, there := places[at]; !there {
		return errs.Missing("location", "locationId")
	}
	return &errs.Error{Kind: errs.NotFound, Message: "Nobody who fits sees patients there for this kind of visit."}
}

// standingOf orders refusals by how near they are to a booking: by how many rules besides who else has the time stand against it; where there are
// none, what somebody has comes first.
func standingOf(blocked []availability.Rule) []int {
	others, spare := len(unshared(blocked)), 0
	if others == 0 && !slices.Contains(blocked, availability.ProviderBusy) {
		spare = 1
	}
	return []int{others, spare, len(blocked)}
}

// unshared are the rules that have nothing to do with who else has the time.
func unshared(blocked []availability.Rule) []availability.Rule {
	return slices.DeleteFunc(slices.Clone(blocked), func(r availability.Rule) bool { return r == availability.ProviderBusy || capped(r) })
}
