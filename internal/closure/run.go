package closure

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// The bounds of a run.
const (
	atOnce    = 20               // closures that are looked at in a turn
	listed    = 200              // visits that are listed in a transaction
	lease     = 15 * time.Second // of an item: longer than it takes to bring a visit elsewhere
	lookAgain = 2 * time.Second  // after a closure whose items others have, or that rest
	rest      = 2 * time.Second  // of an item that couldn't be dealt with, for each time that it couldn't
	mostTries = 10               // of an item
	turn      = time.Minute      // after which it is looked again whether somebody can be asked who has another offer
)

// Rebooker is who rebooks, as the record of it says.
var Rebooker = uuid.MustParse("636c6f73-7572-4573-8000-000000000001")

// onBehalf is the system as it acts for a clinic that has closed.
func onBehalf(organization uuid.UUID) access.Actor {
	return access.Actor{
		Kind: access.System, ID: Rebooker, Client: "closures", Organization: organization, Role: access.FrontDesk,
		Scopes: []string{access.AppointmentsRead, access.AppointmentsWrite},
	}
}

// Rebook goes on with closures that run, for at most limit visits, and answers how many there were. It may be called by several processes, and
// stopped anywhere.
func (s *Service) Rebook(ctx context.Context, limit int) (int, error) {
	due, err := s.Store.Due(ctx, s.Clock.Now(), atOnce)
	if err != nil {
		return 0, err
	}
	done := 0
	var failed []error
	for _, ref := range due {
		n, err := s.goOn(ctx, ref, limit-done)
		if done, failed = done+n, append(failed, err); done >= limit || ctx.Err() != nil {
			break
		}
	}
	return done, errors.Join(failed...)
}

// goOn lists what is still to be listed of a closure, and deals with those that wait.
func (s *Service) goOn(ctx context.Context, ref clinic.Ref, limit int) (done int, err error) {
	found, err := s.Store.Closures(ctx, []clinic.Ref{ref})
	c := found[ref]
	if err != nil || c.State != Running {
		return 0, err
	}
	if !c.Listed {
		f, err := s.affected(ctx, c.Scope, c)
		if err == nil {
			err = s.Store.AddItems(ctx, c, f, s.Clock.Now(), s.NewID, listed)
		}
		if err != nil {
			return 0, err
		}
	}
	for ; done < limit && ctx.Err() == nil; done++ {
		now := s.Clock.Now()
		i, ok, err := s.Store.Take(ctx, ref, now, now.Add(lease))
		switch {
		case err != nil:
			return done, err
		case !ok && c.Listed:
			return done, s.Store.Rest(ctx, ref, now, now.Add(lookAgain))
		case !ok:
			return done, nil
		}
		if err := s.deal(ctx, c, i); err != nil {
			return done, err
		}
	}
	return done, nil
}

// deal deals with an item. What goes wrong with it is tried again after a while, and given up in the end, so that those behind it have their turn.
func (s *Service) deal(ctx context.Context, c Closure, i Item) error {
	err := s.bring(ctx, c, i)
	switch {
	case err == nil, ctx.Err() != nil:
		return nil
	case i.Tries >= mostTries:
		return errors.Join(err, s.Store.Settle(ctx, i, Failed, "", s.Clock.Now()))
	}
	later := s.Store.PutOff(ctx, i, s.Clock.Now().Add(time.Duration(i.Tries)*rest))
	if errs.Of(err) == errs.Busy {
		return later
	}
	return errors.Join(err, later)
}

// bring brings a visit to another time or, if there is none, does what is to be done otherwise.
func (s *Service) bring(ctx context.Context, c Closure, i Item) error {
	now := s.Clock.Now()
	ap, err := s.Visits.Standing(ctx, i.Visit())
	switch {
	case err != nil:
		return err
	case ap.Status == appointment.Arrived, ap.Status == appointment.CheckedIn:
		return s.Store.Settle(ctx, i, Kept, Arrived, now)
	case !i.stood(ap.Slot()), ap.Status != appointment.Booked && ap.Status != appointment.Pending:
		return s.Store.Settle(ctx, i, Gone, Changed, now)
	case !now.Before(ap.Start):
		return s.Store.Settle(ctx, i, Kept, Begun, now)
	}
	why, err := s.rebook(ctx, c, i, ap)
	if err != nil || why == "" {
		return err
	}
	if c.Rebook.Otherwise == KeepIt {
		return s.Store.Settle(ctx, i, Kept, why, s.Clock.Now())
	}
	return s.displace(ctx, i, appointment.Displace{Closure: c.ID, Visit: i.Visit(), Was: ap.Slot(), Why: string(why)})
}

// rebook moves a visit or asks its patient, or says why neither can be done; empty: it is.
func (s *Service) rebook(ctx context.Context, c Closure, i Item, ap appointment.Appointment) (Cause, error) {
	if i.Cause != "" { // the patient was asked
		return i.Cause, nil
	}
	take := func(ctx context.Context, to availability.SlotID) error {
		return s.displace(ctx, i, appointment.Displace{Closure: c.ID, Visit: i.Visit(), Was: ap.Slot(), To: &to})
	}
	if c.Rebook.Mode == Offer {
		span, ok, err := s.Offers.Asked(ctx, ap, c.Rebook.AnswerWithin)
		if err != nil || !ok {
			return TooSoon, err
		}
		take = s.asking(waitlist.Ask{Closure: c.ID, Visit: ap, Span: span, Otherwise: string(c.Rebook.Otherwise)})
	}
	done, err := s.elsewhere(ctx, c, i, ap, take)
	if err == nil && !done {
		return NoAlternative, nil
	}
	if errors.Is(err, errAskedElse) {
		err = s.Store.Await(ctx, i, s.Clock.Now().Add(turn))
	}
	return "", err
}

// errAskedElse reports a patient who has another offer: they are asked one thing at a time.
var errAskedElse = errors.New("the patient has another offer")

// asking has a patient asked whether they want a time.
func (s *Service) asking(ask waitlist.Ask) taking {
	return func(ctx context.Context, to availability.SlotID) error {
		ask.Slot = to
		answer, err := s.Offers.AskDisplaced(ctx, ask)
		switch {
		case err != nil || answer.Outcome == appointment.Done:
			return err
		case answer.Outcome == appointment.NotWaiting:
			return errAskedElse
		case answer.Outcome == appointment.StaleAppointment:
			return errs.TryAgain(nil)
		}
		return appointment.SlotTaken{}
	}
}

// displace has a visit moved or cancelled. One that has changed meanwhile is looked at again.
func (s *Service) displace(ctx context.Context, i Item, d appointment.Displace) error {
	done, err := s.Visits.Displace(ctx, onBehalf(i.OrganizationID), d)
	if err == nil && !done {
		err = errs.TryAgain(nil)
	}
	return err
}
