package reminder

import (
	"context"
	"errors"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Effect is what came of an answer: a stable code.
type Effect string

// The effects.
const (
	AskedCancelling  Effect = "ASKED_TO_CANCEL" // a fee or a rule stands in the way: the clinic has to be asked
	AskedMoving      Effect = "ASKED_TO_RESCHEDULE"
	CancelledByReply Effect = "CANCELLED"
	ConfirmedByReply Effect = "CONFIRMED"
	FeeNotAccepted   Effect = "FEE_NOT_ACCEPTED" // of a link, whose page asks
	HelpGiven        Effect = "HELP"
	NotConfirmed     Effect = "NOT_CONFIRMED" // the visit's state doesn't allow it
	NotUnderstood    Effect = "NOT_UNDERSTOOD"
	NoVisit          Effect = "NO_VISIT" // there is none, or the reference names none
	OfferDeclined    Effect = "OFFER_DECLINED"
	OfferOver        Effect = "OFFER_OVER" // it has ended, or can't be had any more
	OfferTaken       Effect = "OFFER_TAKEN"
	Resumed          Effect = "RESUMED"
	Stopped          Effect = "STOPPED"
	VisitMoved       Effect = "VISIT_MOVED" // since the message that was answered
	WhichVisit       Effect = "WHICH_VISIT" // there are several
)

// Told is a message that was sent, with the visit that it tells as that stands now.
type Told struct {
	Message, Visit, Patient clinic.Ref // of one organisation
	Channel                 ChannelKind
	At                      time.Time // when it left
	Start                   time.Time // of the visit
	Version                 int       // of the visit, as it stands
	Stands                  bool      // it may still take place, unless it has begun
	Pending                 bool      // once the clinic approves it
	Asked                   bool      // it can't, and the patient is asked whether another time suits
	Cancelled, Confirmed    bool
	Withdrawn               bool       // it was cancelled for the patient, and no message of it has that for an answer
	Moved                   bool       // since the message was planned
	OptedOut                bool       // whoever it was for wants no more by its channel
	AnswerBy                *time.Time // of an offer, which Visit names; nil: it is a visit
	Facts                   Facts
}

// Ahead says whether the visit may still take place.
func (t Told) Ahead(now time.Time) bool {
	return t.Stands && now.Before(t.Start) && (t.AnswerBy == nil || now.Before(*t.AnswerBy))
}

// Answered is an answer and what came of it.
type Answered struct {
	ID       string     // the vendor's, of a text; empty: a link was used
	Message  clinic.Ref // that was answered; zero: none is known
	Effect   Effect
	Response Response // that the message gets; empty: none
	At       time.Time
	Heeded   bool  // the carrier has answered by itself
	Facts    Facts // of the message, as far as there is one
}

// AnswerStore is what is kept of answers.
type AnswerStore interface {
	// Replied answers what came of a text that was dealt with before. Not ok: none is kept by that name.
	Replied(ctx context.Context, id string) (a Answered, ok bool, err error)
	// ToldTo lists messages that left for a number after a time, of all organisations, the latest first, at most 50.
	ToldTo(ctx context.Context, number access.Private, after time.Time) ([]Told, error)
	// ToldBy reads one message. Not ok: there is none, or it is an erased patient's.
	ToldBy(ctx context.Context, message clinic.Ref) (t Told, ok bool, err error)
	// Keep keeps what came of an answer, once, and the response with its message.
	Keep(ctx context.Context, a Answered) error
	// OptOut has a number get no more texts from anybody, or get them again, and keeps the answer: all of it, or nothing. One that is
	// kept already changes nothing. Changed says whether the number was heard of for the first time.
	OptOut(ctx context.Context, a Answered, number access.Private) (changed bool, err error)
	// Unsubscribe has the address that a mail was sent to get no more from anybody.
	Unsubscribe(ctx context.Context, message clinic.Ref, at time.Time) (changed bool, err error)
}

// Visits is how answers change visits: under the rules for patients.
type Visits interface {
	Change(ctx context.Context, a access.Actor, in appointment.ChangeState) (appointment.Appointment, error)
	Cancel(ctx context.Context, a access.Actor, in appointment.CancelVisit) (appointment.Cancellable, error)
}

// Offers is how offers are answered, for the patient whom the caller acts for. It fails as booking does, and with appointment.OfferExpired.
type Offers interface {
	AnswerOffer(ctx context.Context, a access.Actor, offer clinic.Ref, accept bool) error
}

// Wishes is by which channels patients want to be told, as they are shown and as clinics see it. The request's id goes into the record of the
// change. Both fail with errs.NotFound for whoever is gone.
type Wishes interface {
	Refuse(ctx context.Context, patient clinic.Ref, channel ChannelKind, request string) error
	Resume(ctx context.Context, patient clinic.Ref, channel ChannelKind, request string) error
}

// Answers acts on what patients answer. Whatever is answered twice is done once.
type Answers struct {
	Store  AnswerStore
	Visits Visits
	Offers Offers
	Wishes Wishes
	Source clinic.Source
	// Heard is told of each number and address that wants no more, or wants them again; not of whose it is.
	Heard func(ctx context.Context, c ChannelKind, e Effect)
}

// answerable is how long after a message left a text answers it.
const answerable = 7 * 24 * time.Hour

// Who changes a visit, as the record of it says: the system, for the patient whose phone or mailbox it is.
const (
	byText = "sms reply"
	byLink = "message link"
)

// onBehalf is the system as it acts for a patient: what they may do, and no more.
func (t Told) onBehalf(client, request string) access.Actor {
	return access.Actor{
		Kind: access.System, Client: client, Organization: t.Visit.Organization, Role: access.PatientRole, RequestID: request,
		Scopes: []string{access.AppointmentsRead, access.AppointmentsWrite, access.WaitlistRead, access.WaitlistWrite}, PatientID: t.Patient.ID, Trail: &access.Trail{},
	}
}

// confirm confirms a visit as it was read.
func (a *Answers) confirm(ctx context.Context, t Told, by access.Actor) (Effect, error) {
	if t.AnswerBy != nil {
		return a.answer(ctx, t, by, true)
	}
	_, err := a.Visits.Change(ctx, by, appointment.ChangeState{Appointment: t.Visit, Action: appointment.Confirm, ExpectedVersion: &t.Version})
	return effect(err, ConfirmedByReply, NotConfirmed)
}

// cancel cancels a visit as it was read, for a fee up to what was accepted; nil: none was.
func (a *Answers) cancel(ctx context.Context, t Told, by access.Actor, fee *int) (Effect, error) {
	if t.AnswerBy != nil {
		return a.answer(ctx, t, by, false)
	}
	_, err := a.Visits.Cancel(ctx, by, appointment.CancelVisit{Appointment: t.Visit, Reason: appointment.Other, ExpectedVersion: &t.Version, AcceptFee: fee})
	return effect(err, CancelledByReply, AskedCancelling)
}

// answer takes an offer, or declines it. What nobody can have any more is over, whatever stands against it.
func (a *Answers) answer(ctx context.Context, t Told, by access.Actor, accept bool) (Effect, error) {
	err := a.Offers.AnswerOffer(ctx, by, t.Visit, accept)
	switch {
	case err == nil && accept:
		return OfferTaken, nil
	case err == nil:
		return OfferDeclined, nil
	}
	_, ended := errors.AsType[appointment.OfferExpired](err)
	_, taken := errors.AsType[appointment.SlotTaken](err)
	_, barred := errors.AsType[appointment.SlotUnavailable](err)
	_, busy := errors.AsType[appointment.PatientConflict](err)
	if k := errs.Of(err); ended || taken || barred || busy || k == errs.NotFound || k == errs.Forbidden {
		return OfferOver, nil
	}
	return "", err
}

// effect is what came of a change. What may pass by itself, and what nobody foresaw, stays an error: the same answer comes again.
func effect(err error, done, refused Effect) (Effect, error) {
	if err == nil {
		return done, nil
	}
	if _, stale := errors.AsType[appointment.StaleVersion](err); stale {
		return VisitMoved, nil
	}
	_, state := errors.AsType[appointment.InvalidTransition](err)
	broken, policy := errors.AsType[appointment.PolicyBroken](err)
	switch {
	case policy && broken.Fee != nil:
		return FeeNotAccepted, nil
	case state, policy:
		return refused, nil
	}
	if k := errs.Of(err); k == errs.NotFound || k == errs.Forbidden {
		return NoVisit, nil
	}
	return "", err
}

// responses are what messages get of effects.
var responses = map[Effect]Response{
	AskedCancelling: AskedToCancel, AskedMoving: AskedToReschedule, CancelledByReply: AskedToCancel, ConfirmedByReply: Confirmed, OfferTaken: Confirmed, Stopped: AskedNoMore,
}
