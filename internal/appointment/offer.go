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
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Waiting is those who wait for what visits leave.
type Waiting interface {
	// Keeps answers the hold that keeps what a visit of an organisation leaves, until somebody is found for it; nil: nothing is kept.
	Keeps(organization uuid.UUID) *Reserve
}

// Reserve is a hold for nobody in particular, of whoever finds somebody.
type Reserve struct {
	Hold, Holder uuid.UUID
	ExpiresAt    time.Time
}

// Offered is what is kept of an offer, besides its hold.
type Offered struct {
	ID, Entry  uuid.UUID
	At         time.Time // when the patient is told
	Until      time.Time // when they have to have answered; the hold lasts longer
	Wave       int       // the how-manieth offer of this time, from 1
	PassedOver []PassedOver
	Displaced  *Displacing // nil: the patient waits by themselves
}

// Displacing is a closure's question whether a patient wants a time in place of one that can't take place.
type Displacing struct {
	Closure   uuid.UUID
	Was       availability.SlotID // where the visit stood
	Local     civil.DateTime      // its start, by its own clock
	Otherwise string              // what becomes of it unless the patient does
}

// PassedOver is somebody who came before, and why it wasn't them.
type PassedOver struct {
	Entry  uuid.UUID `json:"entry"`
	Reason string    `json:"reason"`
}

// OfferVisit asks for a time to be held for a patient who waits.
type OfferVisit struct {
	Slot      availability.SlotID
	Patient   uuid.UUID
	Moving    *clinic.Ref // the visit that would be moved there
	Kept      uuid.UUID   // the hold that keeps the time so far; zero: it is free
	HeldUntil time.Time
	Offered   Offered
}

// TakeOffer asks for what was offered: a visit, or with Moving that this one is moved, unless it doesn't stand any more.
type TakeOffer struct {
	Offer, Hold clinic.Ref
	Patient     uuid.UUID
	Moving      *clinic.Ref
	Key         string
}

// reserve is how what a visit leaves is kept.
func (s *Service) reserve(organization uuid.UUID) *Reserve {
	if s.waiting == nil {
		return nil
	}
	return s.waiting.Keeps(organization)
}

// Offer holds a time for a patient who waits, and has it told. The answer's Outcome is Done, NotWaiting, or why the time can't be had. Other
// failures: those of Hold.
func (s *Service) Offer(ctx context.Context, a access.Actor, in OfferVisit) (Answer, error) {
	w := OfferWrite{Offered: in.Offered, HoldWrite: s.keeping(a, in.Slot, in.Patient, Reserve{Hold: s.NewID(), Holder: a.ID, ExpiresAt: in.HeldUntil})}
	w.Kept = in.Kept
	who, err := s.offeredTo(ctx, in, &w)
	if err != nil {
		return Answer{}, err
	}
	for range decisions {
		if _, err := s.decide(ctx, a, &w.Seat, who); err != nil {
			return Answer{}, err
		}
		answer, err := s.store.PlaceOffer(ctx, w)
		if err != nil || !answer.Outcome.stale() {
			return answer, err
		}
		s.openings.Forget(w.Slot.ProviderRef(), w.Slot.Start)
	}
	return Answer{}, errs.TryAgain(nil)
}

// keeping is the write of a hold of the waitlist's own; without a patient it is for nobody in particular.
func (s *Service) keeping(a access.Actor, slot availability.SlotID, patient uuid.UUID, r Reserve) HoldWrite {
	w := HoldWrite{
		Write: Write{Stamp: s.Stamp(a), Once: &clinic.Once{Key: r.Hold.String(), Operation: "keepSlot"}},
		Seat: Seat{
			Slot: slot, Holder: availability.Holder{Actor: r.Holder, Patient: patient}, Claims: [2]uuid.UUID{s.NewID(), s.NewID()}, PatientClaim: s.NewID(),
		},
		NewHold: Hold{ID: r.Hold, OrganizationID: slot.Organization, Slot: slot, Actor: r.Holder, Patient: patient, State: HoldActive, ExpiresAt: r.ExpiresAt},
	}
	w.Case = conflict.Case{Operation: conflict.Hold, Now: w.At}
	return w
}

// Keep keeps a time that is open for whoever of those who wait is found. The answer's Outcome is Done, or why it can't be had. Other failures:
// those of Hold.
func (s *Service) Keep(ctx context.Context, a access.Actor, slot availability.SlotID, r Reserve) (Answer, error) {
	w := s.keeping(a, slot, uuid.Nil, r)
	for range decisions {
		if _, err := s.decide(ctx, a, &w.Seat, availability.Asking{Holder: w.Holder}); err != nil {
			return Answer{}, err
		}
		answer, err := s.store.Keep(ctx, w)
		if err != nil || !answer.Outcome.stale() {
			return answer, err
		}
		s.openings.Forget(slot.ProviderRef(), slot.Start)
	}
	return Answer{}, errs.TryAgain(nil)
}

// offeredTo is how the patient asks whom a time is offered: the visit that would be moved there doesn't stand in its way.
func (s *Service) offeredTo(ctx context.Context, in OfferVisit, w *OfferWrite) (availability.Asking, error) {
	who := availability.Asking{Holder: w.Holder}
	if in.Moving == nil {
		return who, nil
	}
	ap, err := s.appointment(ctx, *in.Moving)
	if err != nil {
		return who, err
	}
	if d := in.Offered.Displaced; d != nil && !ap.movableFrom(d.Was, w.At) {
		return who, errs.TryAgain(nil)
	}
	who.Moving, w.NewHold.Moving = movingOf(ap), ap.ID
	w.Case.Own, w.Case.Was = ap.ID, was(ap)
	return who, nil
}

// TakeOffer books what was offered, or moves the patient's visit there: in the same transaction the offer ends. The caller has been found to act
// for the patient. It counts towards no limit, and is none of the patient's own moves. Failures: those of Book and Move, with OfferExpired.
func (s *Service) TakeOffer(ctx context.Context, a access.Actor, in TakeOffer) (Booking, error) {
	once, err := clinic.NewOnce(in.Key, "answerWaitlistOffer", in)
	if err != nil {
		return Booking{}, err
	}
	found, err := s.store.Holds(ctx, []clinic.Ref{in.Hold})
	if err != nil {
		return Booking{}, err
	}
	hold, ok := found[in.Hold]
	if !ok {
		return Booking{}, OfferExpired{At: s.Clock.Now()}
	}
	w := Write{Stamp: s.Stamp(a), Once: &once}
	if w.Actor, err = a.For(ctx, in.Patient); err != nil {
		return Booking{}, err
	}
	seat := s.offeredSeat(a, in, hold)
	if in.Moving != nil {
		done, stands, err := s.moveThere(ctx, a, MoveWrite{Write: w, Seat: seat, Reserve: s.reserve(in.Offer.Organization)}, *in.Moving)
		if err != nil || stands {
			return done, err
		}
	}
	b := BookingWrite{Write: w, Seat: seat, Appointment: Appointment{
		ID: s.NewID(), OrganizationID: in.Offer.Organization, PatientID: in.Patient, Version: 1, CreatedAt: w.At, UpdatedAt: w.At, CreatedBy: a.ID,
	}}
	b.Case = conflict.Case{Operation: conflict.Book, Own: b.Appointment.ID, Now: w.At}
	return s.book(ctx, a, b)
}

func (s *Service) offeredSeat(a access.Actor, in TakeOffer, hold Hold) Seat {
	return Seat{
		Slot: hold.Slot, Hold: hold.ID, Offer: in.Offer.ID, Holder: availability.Holder{Actor: a.ID, Patient: in.Patient},
		Claims: [2]uuid.UUID{s.NewID(), s.NewID()}, PatientClaim: s.NewID(),
	}
}

// OfferStands says whether a rule keeps what was offered from being taken now, as one does when hours have changed.
func (s *Service) OfferStands(ctx context.Context, a access.Actor, in TakeOffer) (bool, error) {
	found, err := s.store.Holds(ctx, []clinic.Ref{in.Hold})
	hold, ok := found[in.Hold]
	if err != nil || !ok {
		return err == nil, err
	}
	seat := s.offeredSeat(a, in, hold)
	seat.Case = conflict.Case{Operation: conflict.Book, Now: s.Clock.Now()}
	who := availability.Asking{Holder: seat.Holder}
	if in.Moving != nil {
		ap, err := s.appointment(ctx, *in.Moving)
		if err != nil {
			return true, err
		}
		who.Moving, seat.Case = movingOf(ap), conflict.Case{Operation: conflict.Move, Own: ap.ID, Was: was(ap), Now: seat.Case.Now}
	}
	s.openings.Forget(hold.Slot.ProviderRef(), hold.Slot.Start)
	_, err = s.decide(ctx, a, &seat, who)
	if errors.As(err, &SlotUnavailable{}) {
		return false, nil
	}
	return true, err
}

// moveThere moves a visit to what was offered, unless it doesn't stand any more.
func (s *Service) moveThere(ctx context.Context, a access.Actor, w MoveWrite, visit clinic.Ref) (done Booking, stands bool, err error) {
	for range decisions {
		ap, err := s.appointment(ctx, visit)
		if err != nil || !slices.Contains(movable, ap.Status) || !w.At.Before(ap.Start) {
			return done, false, err
		}
		sawOne(w.Actor, ap)
		w.Case = conflict.Case{Operation: conflict.Move, Own: ap.ID, Was: was(ap), Now: w.At}
		who := availability.Asking{Holder: w.Holder, Moving: movingOf(ap)}
		kind, barred := s.decide(ctx, a, &w.Seat, who)
		if barred != nil {
			done, err = s.recalled(ctx, a, ap.OrganizationID, w.Write, nil, barred)
			return done, true, err
		}
		w.From, w.To = ap, moved(ap, w.Seat, kind, a, w.At)
		done, again, err := s.settleMove(ctx, a, w, who)
		if err != nil || !again {
			return done, true, err
		}
		s.openings.Forget(w.Slot.ProviderRef(), w.Slot.Start)
	}
	return done, true, errs.TryAgain(nil)
}
