package appointment

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Service books, moves and cancels.
type Service struct {
	store    Store
	openings *availability.Service
	clinic   Directory
	limits   Limits
	detects  *conflict.Detection // nil: what the database holds, and nothing more, keeps visits out
	waiting  Waiting             // nil: nobody waits for what visits leave
	clinic.Source
}

// Directory looks up what appointments refer to.
type Directory interface {
	VisitKinds(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.VisitKind, error)
	Locations(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.Location, error)
}

// NewService makes the service.
func NewService(store Store, openings *availability.Service, directory Directory, limits Limits, source clinic.Source) *Service {
	return &Service{store: store, openings: openings, clinic: directory, limits: limits, Source: source}
}

// Detecting has the service ask a detection, too.
func (s *Service) Detecting(d *conflict.Detection) *Service {
	s.detects = d
	return s
}

// Waited has the service keep what visits leave for whoever waits.
func (s *Service) Waited(by Waiting) *Service {
	s.waiting = by
	return s
}

// A change that was decided on what has since changed is decided again, so many times.
const decisions = 12

// Bounds of inputs.
const (
	maxReason      = 1000
	maxIdentifiers = 10
)

// Book books a slot or a hold for a patient. Failures: SlotTaken, SlotUnavailable, HoldExpired, PatientConflict, LimitReached,
// KeyInUse, KeyReused.
func (s *Service) Book(ctx context.Context, a access.Actor, in BookVisit) (Booking, error) {
	w, err := s.draft(ctx, a, in)
	if _, off := errors.AsType[errs.FeatureOff](err); off { // it may have been on when it was done
		return s.recalled(ctx, a, w.Slot.Organization, w.Write, nil, err)
	}
	if err != nil {
		return Booking{}, err
	}
	if in.Target.Any != nil {
		return s.bookAny(ctx, a, w, in.Target.Any.among(w.Slot))
	}
	return s.book(ctx, a, w)
}

// book decides and settles a drafted booking.
func (s *Service) book(ctx context.Context, a access.Actor, w BookingWrite) (Booking, error) {
	for range decisions {
		kind, err := s.decide(ctx, a, &w.Seat, availability.Asking{Holder: w.Holder})
		if err != nil {
			return s.recalled(ctx, a, w.Slot.Organization, w.Write, &w.Seat, err)
		}
		w.Appointment = booked(w, kind)
		answer, err := s.store.Book(ctx, w)
		switch {
		case err != nil:
			return Booking{}, err
		case answer.Outcome == Done:
			w.judged.ConcludeDone()
			changed(a, w.Appointment, w.Hold)
			return Booking{Appointment: w.Appointment, Warnings: w.judged.Warnings(ctx, a)}, nil
		case !answer.Outcome.stale():
			return s.settled(ctx, a, w.Seat, answer, availability.Asking{Holder: w.Holder})
		}
		s.openings.Forget(w.Slot.ProviderRef(), w.Slot.Start)
	}
	return Booking{}, errs.TryAgain(nil)
}

// draft checks an input and makes the write of it, all but what follows from the rules.
func (s *Service) draft(ctx context.Context, a access.Actor, in BookVisit) (BookingWrite, error) {
	var w BookingWrite
	var check form.Check
	in.Reason = private(&check, in.Reason, maxReason, "reason")
	check.Keep(mayIdentify(a, in.Identifiers))
	check.That(in.Target.Any == nil || in.Override == nil, "Rules are booked over at a slot.", "override")
	identifiers(&check, in.Identifiers)
	if err := check.Err(); err != nil {
		return w, err
	}
	once, err := clinic.NewOnce(in.Key, "bookAppointment", in)
	if err != nil {
		return w, err
	}
	w.Write = Write{Stamp: s.Stamp(a), Once: &once}
	if w.Seat, err = s.seat(ctx, a, in.Target); err != nil {
		return w, err
	}
	patient, err := forWhom(ctx, a, in.Patient, w.Slot.Organization)
	if err != nil {
		return w, err
	}
	if !w.keptFor(patient) {
		return w, errs.Invalid("The hold is for another patient.", "patientId")
	}
	if w.Actor, err = a.For(ctx, patient); err != nil {
		return w, err
	}
	w.Holder.Patient, w.Limits = patient, s.limits.ofBooking(a)
	w.Identifiers = in.Identifiers
	if w.Override, err = s.override(a, w.Slot.Organization, in.Override); err != nil {
		return w, err
	}
	w.Appointment = Appointment{
		ID: s.NewID(), OrganizationID: w.Slot.Organization, PatientID: patient, Reason: in.Reason, Version: 1,
		CreatedAt: w.At, UpdatedAt: w.At, CreatedBy: a.ID,
	}
	w.Case = conflict.Case{Operation: conflict.Book, Own: w.Appointment.ID, Now: w.At}
	return w, nil
}

// seat finds the slot that a target names.
func (s *Service) seat(ctx context.Context, a access.Actor, t Target) (Seat, error) {
	seat := Seat{
		Holder: availability.Holder{Actor: a.ID}, Claims: [2]uuid.UUID{s.NewID(), s.NewID()}, PatientClaim: s.NewID(),
	}
	switch {
	case t.Any != nil && t.Hold == nil && t.Slot == nil:
		var err error
		seat.Slot, err = slotOfAny(a, *t.Any)
		return seat, errs.Under(err, "target", "anyProvider")
	case (t.Hold == nil) == (t.Slot == nil) || t.Any != nil:
		return seat, errs.Invalid("Name either a hold or a slot.", "target")
	case t.Slot != nil:
		seat.Slot = *t.Slot
		return seat, a.Need(access.AppointmentsWrite, seat.Slot.Organization, "slot", "target", "slotId")
	}
	h, err := s.hold(ctx, a, *t.Hold, "target", "holdId")
	seat.Slot, seat.Hold, seat.heldFor = h.Slot, h.ID, h.Patient
	return seat, err
}

// keptFor says whether a seat may be taken for a patient: a hold for somebody is for nobody else.
func (s Seat) keptFor(patient uuid.UUID) bool { return s.heldFor == uuid.Nil || s.heldFor == patient }

// decide plans what claiming a seat means under the rules, or names what they have against it.
func (s *Service) decide(ctx context.Context, a access.Actor, seat *Seat, who availability.Asking) (clinic.VisitKind, error) {
	for fresh := range 2 {
		seat.judged = conflict.Judged{}
		rules, err := s.openings.RulesAt(ctx, seat.Slot.ProviderRef(), seat.Slot.Start)
		if err != nil {
			return clinic.VisitKind{}, errs.At(err, seat.path()...)
		}
		verdict := availability.Check(rules, availability.Taken{}, seat.Slot, s.Clock.Now(), who)
		against := seat.against(verdict)
		if who.Moving != nil { // it may be counted already: the store knows
			against = slices.DeleteFunc(against, capped)
		}
		plan, planned := availability.PlanOf(rules, seat.Slot)
		kind, offered := rules.Kind(seat.Slot.VisitKind)
		if planned && offered {
			seat.plan(rules, plan, kind)
			if err := s.overridden(ctx, seat, who, against); err != nil {
				return kind, err
			}
			if against = seat.uncovered(against); len(against) == 0 && s.judge(ctx, a, seat) {
				return kind, nil
			}
		}
		s.openings.Forget(seat.Slot.ProviderRef(), seat.Slot.Start)
		if fresh == 1 {
			return clinic.VisitKind{}, s.refusal(ctx, a, *seat, who, against)
		}
	}
	return clinic.VisitKind{}, errs.TryAgain(nil)
}

// against lists the rules that keep a seat out. A hold was placed in time and on the grid: neither bars its use.
func (s Seat) against(v availability.Verdict) []availability.Rule {
	if s.Hold == uuid.Nil {
		return v.Blocked
	}
	var rules []availability.Rule
	for _, r := range v.Blocked {
		if r != availability.InsideMinimumNotice && r != availability.NotOnGrid && r != availability.BeyondMaximumAdvance {
			rules = append(rules, r)
		}
	}
	return rules
}

func (s Seat) path() []string {
	if s.Hold != uuid.Nil {
		return []string{"target", "holdId"}
	}
	return []string{"target", "slotId"}
}

// booked completes an appointment from its write's plan.
func booked(w BookingWrite, kind clinic.VisitKind) Appointment {
	ap := w.Appointment
	ap.Status = Booked
	ap.AwaitsDoctor = w.Over.Waits
	if kind.RequiresApproval || ap.AwaitsDoctor {
		ap.Status = Pending
	}
	return ap.in(w.Seat).waiting(kind)
}

// in places an appointment in a seat.
func (ap Appointment) in(s Seat) Appointment {
	ap.ProviderID, ap.LocationID, ap.VisitKindID = s.Slot.Provider, s.Slot.Location, s.Slot.VisitKind
	ap.Modality, ap.Start, ap.End = s.Slot.Modality, s.Slot.Start, s.Plan.End
	ap.LocalStart, ap.TimeZone, ap.TZDB = s.Plan.LocalStart, s.Plan.TimeZone, clock.ZoneVersion()
	return ap
}

// settled turns an answer that is not Done into what the caller is told.
func (s *Service) settled(ctx context.Context, a access.Actor, seat Seat, answer Answer, who availability.Asking) (Booking, error) {
	switch answer.Outcome {
	case Replayed:
		ap, err := s.shown(ctx, a, clinic.Ref{Organization: seat.Slot.Organization, ID: answer.Appointment})
		return Booking{Appointment: ap, Replayed: true, Released: answer.Released}, err
	case LaneTaken: // the rules had nothing against it, so nothing needs to be read anew
		seat.judged.Conclude([]availability.Rule{availability.ProviderBusy})
		return Booking{}, SlotTaken{Slot: seat.Slot, For: wantedFor(who)}
	case NoResource:
		return Booking{}, s.refusal(ctx, a, seat, who, []availability.Rule{availability.ResourceBusy})
	case DailyCap:
		return Booking{}, s.refusal(ctx, a, seat, who, []availability.Rule{availability.DailyCapReached})
	case WindowCap:
		return Booking{}, s.refusal(ctx, a, seat, who, []availability.Rule{availability.WindowCapReached})
	case PatientBusy:
		with := clinic.Ref{Organization: seat.Slot.Organization, ID: answer.With}
		if err := sawConflict(ctx, a, with, seat.Holder.Patient); err != nil {
			return Booking{}, err
		}
		seat.judged.Conclude([]availability.Rule{availability.PatientBusy})
		return Booking{}, PatientConflict{With: with, For: wantedFor(who)}
	case HoldEnded:
		return Booking{}, HoldExpired{Slot: seat.Slot, For: wantedFor(who), At: answer.At}
	case OfferEnded:
		return Booking{}, OfferExpired{At: answer.At}
	}
	return Booking{}, keyFailure(answer)
}

// recalled answers a change that is barred as its key, or the same booking, was answered before, else with the bar.
func (s *Service) recalled(ctx context.Context, a access.Actor, organization uuid.UUID, w Write, booking *Seat, barred error) (Booking, error) {
	if w.Once == nil {
		return Booking{}, barred
	}
	answer, err := s.store.Recall(ctx, organization, w, booking)
	switch {
	case err != nil:
		return Booking{}, err
	case answer.Outcome == Replayed:
		ap, err := s.shown(ctx, a, clinic.Ref{Organization: organization, ID: answer.Appointment})
		return Booking{Appointment: ap, Replayed: true, Released: answer.Released}, err
	case answer.Outcome == Done:
		return Booking{}, barred
	}
	return Booking{}, keyFailure(answer)
}

// affirmed answers a change whose state the appointment has reached already.
func (s *Service) affirmed(ctx context.Context, w Write, ap Appointment) (Answer, error) {
	answer, err := s.store.Affirm(ctx, w, ap)
	if err != nil || answer.Outcome == Done || answer.Outcome == Replayed {
		return answer, err
	}
	return answer, keyFailure(answer)
}

func keyFailure(answer Answer) error {
	switch answer.Outcome {
	case OutcomeInUse:
		return KeyInUse{}
	case OutcomeReused:
		return KeyReused{FirstUsedAt: answer.At}
	case OutcomeLimit:
		return answer.Reached
	}
	return errs.TryAgain(nil)
}

// shown finds an appointment that the caller is told of.
func (s *Service) shown(ctx context.Context, a access.Actor, ref clinic.Ref) (Appointment, error) {
	ap, err := s.appointment(ctx, ref)
	if err != nil {
		return ap, err
	}
	by, err := a.For(ctx, ap.PatientID)
	sawOne(by, ap)
	return ap, err
}

func (s *Service) appointment(ctx context.Context, ref clinic.Ref) (Appointment, error) {
	found, err := s.store.Appointments(ctx, []clinic.Ref{ref})
	if err != nil {
		return Appointment{}, err
	}
	ap, ok := found[ref]
	if !ok {
		return Appointment{}, errs.Missing("appointment", "appointmentId")
	}
	return ap, nil
}

func private(check *form.Check, p *access.Private, limit int, path ...string) *access.Private {
	if p == nil {
		return nil
	}
	text := p.Reveal()
	cleaned := check.OptionalText(&text, limit, path...)
	if cleaned == nil {
		return nil
	}
	out := access.Private(*cleaned)
	return &out
}
