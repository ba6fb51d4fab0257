package reminder

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Seen is what the page behind a message's link shows.
type Seen struct {
	Told
	By  access.Actor  // who is shown it, with the trail of that
	Fee *clinic.Money // that cancelling costs now; nil: nothing
	// Cancellable says whether the visit can be cancelled without the clinic.
	Cancellable bool
}

// See reads a message for whoever has its link, and changes nothing. It fails with errs.NotFound and errs.Busy.
func (a *Answers) See(ctx context.Context, message clinic.Ref, request string) (Seen, error) {
	t, ok, err := a.Store.ToldBy(ctx, message)
	if err == nil && !ok {
		err = errs.Missing("message")
	}
	seen := Seen{Told: t}
	if err != nil {
		return seen, err
	}
	seen.By = t.onBehalf(byLink, request)
	seen.By.Trail.Saw(access.Sight{Organization: t.Visit.Organization, Kind: "Appointment", ID: t.Visit.ID, Patient: t.Patient.ID})
	if !t.Ahead(a.Source.Clock.Now()) || t.AnswerBy != nil {
		return seen, nil
	}
	could, err := a.Visits.Cancel(ctx, seen.By, appointment.CancelVisit{Appointment: t.Visit, Reason: appointment.Other, Preview: true})
	verdict, err := effect(err, CancelledByReply, AskedCancelling)
	seen.Fee, seen.Cancellable = could.Fee, verdict == CancelledByReply
	return seen, err
}

// Pressed is a button on that page.
type Pressed struct {
	Message clinic.Ref
	Wish    Wish
	Version int  // of the visit, as the page showed it
	Fee     *int // that was accepted, in minor units; nil: none
	Request string
}

// Press does what a button says, under the rules for patients. It fails with errs.NotFound and errs.Busy.
func (a *Answers) Press(ctx context.Context, p Pressed) (Answered, error) {
	t, ok, err := a.Store.ToldBy(ctx, p.Message)
	if err == nil && !ok {
		err = errs.Missing("message")
	}
	if err != nil {
		return Answered{}, err
	}
	answered := Answered{Message: t.Message, Facts: t.Facts, At: a.Source.Clock.Now()}
	t.Version = p.Version
	by := t.onBehalf(byLink, p.Request)
	switch {
	case !t.Ahead(answered.At) && !(t.Cancelled && p.Wish == WishCancel): // cancelling again answers as before
		answered.Effect = NoVisit
	case p.Wish == WishCancel:
		answered.Effect, err = a.cancel(ctx, t, by, p.Fee)
	case p.Wish == WishConfirm:
		answered.Effect, err = a.confirm(ctx, t, by)
	case t.AnswerBy != nil:
		answered.Effect = NoVisit
	default:
		answered.Effect = AskedMoving
	}
	if answered.Response = responses[answered.Effect]; err != nil || answered.Response == "" {
		return answered, err
	}
	return answered, a.Store.Keep(ctx, answered)
}

// Unsubscribe has the address that a mail went to get no more mails like it, from anybody: the vendor reports it, or a link says so.
func (a *Answers) Unsubscribe(ctx context.Context, message clinic.Ref) error {
	changed, err := a.Store.Unsubscribe(ctx, message, a.Source.Clock.Now())
	if err != nil {
		return err
	}
	if changed {
		a.Heard(ctx, Email, Stopped)
	}
	t, ok, err := a.Store.ToldBy(ctx, message)
	if err != nil || !ok {
		return err
	}
	return a.noted(ctx, []clinic.Ref{t.Patient}, Email, Stopped, "mail "+message.ID.String())
}
