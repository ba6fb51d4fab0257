package reminder

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
)

// Text acts on a text that somebody sent back, and answers what came of it. The request's id goes into the records of what it changes. It
// fails with errs.Busy; the same text may come again.
func (a *Answers) Text(ctx context.Context, in Inbound, request string) (Answered, error) {
	done, kept, err := a.Store.Replied(ctx, in.ID)
	if done.Heeded = in.OptOut != ""; err != nil || kept {
		return done, err
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
		return a.turned(ctx, answered, effect, in.From)
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
	return AskedMoving, nil
}

// turned has a number get no more texts, or get them again.
func (a *Answers) turned(ctx context.Context, answered Answered, e Effect, number access.Private) (Answered, error) {
	answered.Effect, answered.Response = e, responses[e]
	changed, err := a.Store.OptOut(ctx, answered, number)
	if err == nil && changed {
		a.Heard(ctx, SMS, e)
	}
	return answered, err
}

// meaning says which message a reply is meant for, and what comes of it if that is known already. Told are in order, the latest first. With no
// reference it is the latest one of the only visit that is ahead: of two visits none is guessed.
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
		case !t.Ahead(now) || r.Reference != "" && t.Facts.Reference != r.Reference:
		case meant == nil:
			meant = &told[i]
		case t.Visit != meant.Visit:
			return nil, WhichVisit
		}
	}
	switch {
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
