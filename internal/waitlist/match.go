package waitlist

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Contacts is how patients are reached.
type Contacts interface {
	// Contacts answers those that exist; of the erased it says that.
	Contacts(ctx context.Context, patients []clinic.Ref) (map[clinic.Ref]reminder.Recipient, error)
}

// The bounds of a turn.
const (
	candidates   = 50  // read at a time
	mostTried    = 500 // for one time that is kept
	mostLooked   = 200 // of a list, before others have their turn
	mostPassed   = 500 // that are noted of an offer
	lookAgain    = 15 * time.Minute
	tryAgain     = 10 * time.Second // where something failed
	openingsEach = 24
)

// Match takes turns that are due, at most limit, and answers how many. One that fails comes again. It may be called by several processes, and
// stopped anywhere.
func (s *Service) Match(ctx context.Context, limit int) (int, error) {
	turns, err := s.Store.Turns(ctx, s.Clock.Now(), limit)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, t := range turns {
		if ctx.Err() != nil {
			break
		}
		failed = append(failed, s.turn(ctx, t))
	}
	return len(turns), errors.Join(failed...)
}

func (s *Service) turn(ctx context.Context, t Turn) error {
	switch t.Kind {
	case TurnOffer:
		return s.lapse(ctx, t)
	case TurnFreed:
		return s.find(ctx, t)
	}
	return s.look(ctx, t)
}

// lapse ends an offer that nobody has answered; its time goes to the next one.
func (s *Service) lapse(ctx context.Context, t Turn) error {
	found, err := s.Store.Offers(ctx, []clinic.Ref{t.Ref()})
	if err != nil {
		return err
	}
	o, ok := found[t.Ref()]
	switch {
	case !ok || o.State != OfferOpen:
		return s.Store.EndTurn(ctx, t, time.Time{})
	case s.Clock.Now().Before(o.ExpiresAt):
		return s.Store.EndTurn(ctx, t, o.ExpiresAt)
	}
	by := s.Stamp(onBehalf(t.Organization))
	_, err = s.Store.EndOffer(ctx, OfferEnd{Stamp: by, Offer: o, State: OfferExpired, Entry: Active, Reserve: s.Keeps(t.Organization)})
	return err
}

// find finds the first who wants a time that is kept. If nobody does, it is everybody's again.
func (s *Service) find(ctx context.Context, t Turn) error {
	now := s.Clock.Now()
	k, ok, err := s.Store.Kept(ctx, t, now)
	if err != nil || !ok {
		return err
	}
	m, err := s.matching(ctx, t, &k)
	if err != nil {
		return err
	}
	q := Wish{Organization: t.Organization, Provider: k.Provider, From: k.Start, To: k.End, Now: now}
	for tried := 0; m.on && tried < mostTried; tried += candidates {
		list, err := s.Store.Candidates(ctx, q, candidates)
		if err != nil {
			return err
		}
		for i := range list {
			done, err := m.try(ctx, list[i])
			if err != nil || done {
				return err
			}
			if m.refused {
				if _, ok, err := s.Store.Kept(ctx, t, s.Clock.Now()); err != nil || !ok { // another process has offered it meanwhile
					return err
				}
				m.refused = false
				m.pass(list[i], Refused)
			}
		}
		if len(list) < candidates {
			break
		}
		q.After = list[len(list)-1].ID
	}
	return s.Store.Release(ctx, s.Stamp(onBehalf(t.Organization)), k)
}

// look ends offers that can't be taken any more, and looks whether there is an opening for any who wait. What is found is kept: whose it becomes is
// found as for what is freed, so that there is one order.
func (s *Service) look(ctx context.Context, t Turn) error {
	next := s.Clock.Now().Add(lookAgain)
	failed := s.withdraw(ctx, t.Organization)
	if failed != nil {
		next = s.Clock.Now().Add(tryAgain)
	}
	return errors.Join(failed, s.lookOn(ctx, t, next))
}

// lookOn looks through those who wait, in their order, some of them at a time; once it has been through, it comes again at a time.
func (s *Service) lookOn(ctx context.Context, t Turn, next time.Time) error {
	now := s.Clock.Now()
	m, err := s.matching(ctx, t, nil)
	if err != nil {
		return err
	}
	q := Wish{Organization: t.Organization, Now: now, After: t.After}
	for looked := 0; m.on && looked < mostLooked; looked += candidates {
		list, err := s.Store.Candidates(ctx, q, candidates)
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := m.keep(ctx, c); err != nil {
				return err
			}
			q.After = c.ID
		}
		if len(list) < candidates {
			return s.Store.EndTurn(ctx, t.from(uuid.Nil), next)
		}
	}
	if !m.on {
		return s.Store.EndTurn(ctx, t.from(uuid.Nil), next)
	}
	return s.Store.EndTurn(ctx, t.from(q.After), now)
}
