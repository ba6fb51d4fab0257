package reminder

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Text acts on a text that somebody sent back, and answers what came of it. The request's id goes into the records of what it changes. It
// fails with errs.Busy; the same text may come again.
func (a *Answers) Text(ctx context.Context, in Inbound, request string) (Answered, error) {
	done, kept, err := a.Store.Replied(ctx, in.ID)
	if done.Heeded = in.OptOut != ""; err != nil {
		return done, err
	}
	if kept {
		return a.turnedAgain(ctx, done, in.From)
	}
	now := a.Source.Clock.Now()
	told, err := a.Store.ToldTo(ctx, in.From, now.Add(-answerable))
	if err != nil {
		return done, err
	}
	reply := ReadReply(in.Body, in.OptOut)
	answered := Answered{ID: in.ID, At: now, Heeded: in.OptOut != ""}
	meant, effect := meaning(told, reply, now)
	if len(told) > 0 {
		answered.Facts = told[0].Facts // at least its language
		answered.Facts.Reference = ""
	}
	if meant != nil {
		answered.Message, answered.Facts = meant.Message, meant.Facts
	}
	if effect == Stopped || effect == Resumed {
		return a.turned(ctx, answered, effect, in.From, told)
	}
	if effect == "" {
		effect, err = a.act(ctx, *meant, reply.Wish, meant.onBehalf(byText, request))
	}
	if err != nil {
		return answered, err
	}
	answered.Effect, answered.Response = effect, responses[effect]
	return answered, a.Store.Keep(ctx, answered)
}

// noted has patients' preferences say what a reply said: of all of them, though one fails.
func (a *Answers) noted(ctx context.Context, patients []clinic.Ref, c ChannelKind, e Effect, request string) error {
	say := a.Wishes.Refuse
	if e == Resumed {
		say = a.Wishes.Resume
	}
	var failed []error
	for _, patient := range patients {
		if err := say(ctx, patient, c, request); errs.Of(err) != errs.NotFound {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// patientsOf are those whom the messages were for, each once: several may share a phone.
func patientsOf(told []Told) (patients []clinic.Ref) {
	for _, t := range told {
		if !slices.Contains(patients, t.Patient) {
			patients = append(patients, t.Patient)
		}
	}
	return patients
}

func (a *Answers) act(ctx context.Context, t Told, w Wish, by access.Actor) (Effect, error) {
	switch w {
	case WishConfirm:
		return a.confirm(ctx, t, by)
	case WishCancel:
		e, err := a.cancel(ctx, t, by, nil)
		if e == FeeNotAccepted {
			e = AskedCancelling // a text has no room for what it costs and a yes to it
		}
		return e, err
	}
	if t.AnswerBy != nil {
		return NotUnderstood, nil
	}
	return AskedMoving, nil
}

// turned has a number get no more texts, or get them again. That holds whatever comes of the preferences, which follow it.
func (a *Answers) turned(ctx context.Context, answered Answered, e Effect, number access.Private, told []Told) (Answered, error) {
	answered.Effect, answered.Response = e, responses[e]
	changed, err := a.Store.OptOut(ctx, answered, number)
	if err != nil {
		return answered, err
	}
	if changed {
		a.Heard(ctx, SMS, e)
	}
	return answered, a.noted(ctx, patientsOf(told), SMS, e, answered.ID)
}

// turnedAgain is turned of a text that was dealt with before, as far as preferences may be missing: not if another one has said otherwise since.
func (a *Answers) turnedAgain(ctx context.Context, done Answered, number access.Private) (Answered, error) {
	if done.Effect != Stopped && done.Effect != Resumed {
		return done, nil
	}
	told, err := a.Store.ToldTo(ctx, number, a.Source.Clock.Now().Add(-answerable))
	if err != nil || len(told) == 0 || told[0].OptedOut != (done.Effect == Stopped) {
		return done, err
	}
	return done, a.noted(ctx, patientsOf(told), SMS, done.Effect, done.ID)
}

// meaning says which message a reply is meant for, and what comes of it if that is known already. Told are in order, the latest first. With no
// reference it is the latest one of the only visit that is ahead: of two visits none is guessed. One that can't take place isn't meant, but what is offered instead.
func meaning(told []Told, r Reply, now time.Time) (meant *Told, e Effect) {
	switch r.Wish {
	case WishStop:
		return latest(told), Stopped
	case WishStart:
		return latest(told), Resumed
	case WishHelp:
		return latest(told), HelpGiven
	case WishUnclear:
		return nil, NotUnderstood
	}
	for i, t := range told {
		switch {
		case !t.Ahead(now) || r.Reference != "" && t.Facts.Reference != r.Reference || r.Reference == "" && t.Asked:
		case meant == nil:
			meant = &told[i]
		case t.Visit != meant.Visit:
			return nil, WhichVisit
		}
	}
	switch {
	case meant == nil && r.Wish == WishCancel:
		return withdrawn(told, r, now)
	case meant == nil:
		return nil, NoVisit
	case meant.Moved:
		return meant, VisitMoved
	}
	return meant, ""
}

func latest(told []Told) *Told {
	if len(told) == 0 {
		return nil
	}
	return &told[0]
}

// withdrawn answers who asks to cancel a visit that is cancelled for them already: the same text may have done so, and that wasn't kept.
func withdrawn(told []Told, r Reply, now time.Time) (meant *Told, e Effect) {
	for i, t := range told {
		if t.Withdrawn && now.Before(t.Start) && (r.Reference == "" || t.Facts.Reference == r.Reference) {
			return &told[i], CancelledByReply
		}
	}
	return nil, NoVisit
}
