package waitlist

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Answered is what came of an answer.
type Answered struct {
	Offer       Offer
	Appointment *appointment.Appointment // what was booked, or moved; nil: nothing
}

// Answer takes an offer, or declines it; its time then goes to the next one. Taking what was taken answers as the first time, and so does declining.
// Failures: appointment.OfferExpired, and those of booking and moving.
func (s *Service) Answer(ctx context.Context, a access.Actor, in Answer) (Answered, error) {
	o, err := s.ownOffer(ctx, a, in.Offer)
	if err != nil {
		return Answered{}, err
	}
	switch {
	case in.Accept && o.State == OfferAccepted:
		return s.taken(ctx, a, o)
	case !in.Accept && o.State == OfferDeclined:
		return Answered{Offer: o}, nil
	case o.State != OfferOpen:
		return Answered{Offer: o}, appointment.OfferExpired{At: *o.EndedAt}
	case !s.Clock.Now().Before(o.ExpiresAt):
		return Answered{Offer: o}, appointment.OfferExpired{At: o.ExpiresAt}
	case in.Accept:
		return s.take(ctx, a, in, o)
	}
	return s.decline(ctx, a, in, o)
}

// AnswerOffer is Answer for who can say no more than yes or no: an answer that comes twice does the same.
func (s *Service) AnswerOffer(ctx context.Context, a access.Actor, offer clinic.Ref, accept bool) error {
	_, err := s.Answer(ctx, a, Answer{Offer: offer, Accept: accept, Key: "answer " + offer.ID.String() + map[bool]string{true: " yes", false: " no"}[accept]})
	return err
}

func (s *Service) take(ctx context.Context, a access.Actor, in Answer, o Offer) (Answered, error) {
	entries, err := s.Store.Entries(ctx, []clinic.Ref{o.Entry()})
	if err != nil {
		return Answered{}, err
	}
	wanted := o.taking(entries[o.Entry()])
	wanted.Key = in.Key
	booking, err := s.Visits.TakeOffer(ctx, a, wanted)
	if at, ended := over(err); ended {
		return s.tooLate(ctx, a, in, at)
	}
	if err != nil {
		return Answered{Offer: o}, err
	}
	a.Trail.Changed(offerKind, o.ID)
	after, err := s.ownOffer(ctx, a, in.Offer)
	return Answered{Offer: after, Appointment: &booking.Appointment}, err
}

// over says whether taking failed since somebody was faster to answer, and when that was.
func over(err error) (at time.Time, ended bool) {
	if e, ended := errors.AsType[appointment.OfferExpired](err); ended {
		return e.At, true
	}
	e, ended := errors.AsType[appointment.HoldExpired](err) // a `no` at the same time has given the time back
	return e.At, ended
}

// tooLate answers who takes what was answered meanwhile: as the first time, if it was taken.
func (s *Service) tooLate(ctx context.Context, a access.Actor, in Answer, at time.Time) (Answered, error) {
	o, err := s.ownOffer(ctx, a, in.Offer)
	switch {
	case err != nil:
		return Answered{}, err
	case o.State == OfferAccepted:
		return s.taken(ctx, a, o)
	}
	return Answered{Offer: o}, appointment.OfferExpired{At: at}
}

// taking is what taking an offer asks for.
func (o Offer) taking(e Entry) appointment.TakeOffer {
	return appointment.TakeOffer{
		Offer: o.Ref(), Hold: clinic.Ref{Organization: o.OrganizationID, ID: o.HoldID}, Patient: o.PatientID, Moving: e.CurrentRef(),
	}
}

// taken answers again what an offer became.
func (s *Service) taken(ctx context.Context, a access.Actor, o Offer) (Answered, error) {
	ref := clinic.Ref{Organization: o.OrganizationID, ID: o.AppointmentID}
	found, err := s.Visits.Appointments(ctx, a, []clinic.Ref{ref})
	answered := Answered{Offer: o}
	if ap, ok := found[ref]; ok {
		answered.Appointment = &ap
	}
	return answered, err
}

func (s *Service) decline(ctx context.Context, a access.Actor, in Answer, o Offer) (Answered, error) {
	once, err := clinic.NewOnce(in.Key, "answerWaitlistOffer", in)
	if err != nil {
		return Answered{}, err
	}
	by := s.Stamp(a)
	if by.Actor, err = a.For(ctx, o.PatientID); err != nil {
		return Answered{}, err
	}
	answer, err := s.Store.EndOffer(ctx, OfferEnd{Stamp: by, Once: &once, Offer: o, State: OfferDeclined, Entry: Active, Reserve: s.Keeps(o.OrganizationID)})
	if err != nil {
		return Answered{}, err
	}
	after, err := s.ownOffer(ctx, a, in.Offer)
	switch {
	case err != nil:
		return Answered{}, err
	case answer.Outcome == appointment.Done, answer.Outcome == appointment.Replayed, after.State == OfferDeclined:
		a.Trail.Changed(offerKind, o.ID)
		return Answered{Offer: after}, nil
	case answer.Outcome == appointment.OfferEnded:
		return Answered{Offer: after}, appointment.OfferExpired{At: answer.At}
	case answer.Outcome == appointment.OutcomeInUse:
		return Answered{}, errs.KeyInUse{}
	case answer.Outcome == appointment.OutcomeReused:
		return Answered{}, errs.KeyReused{FirstUsedAt: answer.At}
	case answer.Outcome == appointment.OutcomeLimit:
		return Answered{}, answer.Reached
	}
	return Answered{}, errs.TryAgain(nil)
}

// What entries and offers are called in the record of who saw what.
const (
	entryKind = "WaitlistEntry"
	offerKind = "WaitlistOffer"
)

// own finds an entry that the caller may change.
func (s *Service) own(ctx context.Context, a access.Actor, ref clinic.Ref, path ...string) (Entry, error) {
	if err := a.Need(access.WaitlistWrite, ref.Organization, "entry", path...); err != nil {
		return Entry{}, err
	}
	found, err := s.Entries(ctx, a, []clinic.Ref{ref})
	e, ok := found[ref]
	if err == nil && !ok {
		err = errs.Missing("entry", path...)
	}
	return e, err
}

// ownOffer finds an offer that the caller may answer.
func (s *Service) ownOffer(ctx context.Context, a access.Actor, ref clinic.Ref) (Offer, error) {
	if err := a.Need(access.WaitlistWrite, ref.Organization, "offer", "offerId"); err != nil {
		return Offer{}, err
	}
	found, err := s.Offers(ctx, a, []clinic.Ref{ref})
	o, ok := found[ref]
	if err == nil && !ok {
		err = errs.Missing("offer", "offerId")
	}
	return o, err
}

// open is the offer of an entry that is open; nil: none is.
func (s *Service) open(ctx context.Context, e Entry) (*Offer, error) {
	page, err := s.Store.ListOffers(ctx, e.Ref(), paging.Window{Size: 1, Backward: true})
	if err != nil || len(page.Items) == 0 || page.Items[0].State != OfferOpen {
		return nil, err
	}
	return &page.Items[0], nil
}

// ofPatient is something of a patient's.
type ofPatient interface{ whose() uuid.UUID }

func (e Entry) whose() uuid.UUID { return e.PatientID }
func (o Offer) whose() uuid.UUID { return o.PatientID }

// seen keeps those of some things that are of patients whom the caller may see, and notes that they are told of them. One that isn't there is
// looked at as somebody's, so that it takes as long.
func seen[T ofPatient](ctx context.Context, a access.Actor, refs []clinic.Ref, all map[clinic.Ref]T, kind string) (map[clinic.Ref]T, error) {
	people := make([]uuid.UUID, len(refs))
	for i, ref := range refs {
		people[i] = ref.ID
		if v, there := all[ref]; there {
			people[i] = v.whose()
		}
	}
	see, err := a.Sees(ctx, people...)
	if err != nil {
		return nil, err
	}
	for ref, v := range all {
		who := v.whose()
		if !a.In(ref.Organization) || !see.Of(who) {
			delete(all, ref)
			continue
		}
		a.Trail.Saw(access.Sight{Organization: ref.Organization, Kind: kind, ID: ref.ID, Patient: who, Grant: see.Under(who)})
	}
	return all, nil
}
