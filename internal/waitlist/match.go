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

// look looks whether there is an opening for any who wait, in their order, some of them at a time.
func (s *Service) look(ctx context.Context, t Turn) error {
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
		for i := range list {
			done, err := m.try(ctx, list[i])
			if err != nil {
				return err
			}
			if q.After = list[i].ID; done {
				m.pass(list[i], HasOffer)
			}
		}
		if len(list) < candidates {
			return s.Store.EndTurn(ctx, t.from(uuid.Nil), now.Add(lookAgain))
		}
	}
	if !m.on {
		return s.Store.EndTurn(ctx, t.from(uuid.Nil), now.Add(lookAgain))
	}
	return s.Store.EndTurn(ctx, t.from(q.After), now)
}

// matching is one turn's search for somebody.
type matching struct {
	*Service
	turn   Turn
	kept   *Kept // nil: any opening
	rules  Rules
	on     bool
	passed []appointment.PassedOver

	refused bool // the last candidate was, by a rule or as somebody has the time
}

func (s *Service) matching(ctx context.Context, t Turn, k *Kept) (*matching, error) {
	rules, err := s.Store.Rules(ctx, t.Organization)
	return &matching{Service: s, turn: t, kept: k, rules: rules, on: s.Flag(t.Organization, access.Actor{}).Enabled}, err
}

// try offers a candidate the first time that fits. Done: it is offered. Otherwise it is noted why not.
func (m *matching) try(ctx context.Context, c Candidate) (done bool, err error) {
	reason, err := m.offer(ctx, c)
	if err != nil || reason == "" {
		return reason == "" && err == nil, err
	}
	if m.refused = reason == Refused; m.kept != nil && m.refused {
		return false, nil // it is noted once it is clear that it wasn't for another process
	}
	m.pass(c, reason)
	return false, nil
}

// pass notes that somebody's turn went by.
func (m *matching) pass(c Candidate, why Reason) {
	if len(m.passed) < mostPassed && why != gone {
		m.passed = append(m.passed, appointment.PassedOver{Entry: c.ID, Reason: string(why)})
	}
}

// gone is of an entry that has ended.
const gone Reason = "GONE"

// offer says why a candidate isn't offered anything; empty: they are.
func (m *matching) offer(ctx context.Context, c Candidate) (Reason, error) {
	now := m.Clock.Now()
	q, over := c.search(now, m.kept)
	switch {
	case over:
		_, err := m.end(ctx, m.Stamp(onBehalf(c.OrganizationID)), c.Entry, Expired)
		return gone, err
	case c.Open:
		return HasOffer, nil
	case c.OfferedADay >= m.rules.OffersADay:
		return Fatigue, nil
	case q == nil:
		return TooSoon, nil
	}
	slot, reason, err := m.fitting(ctx, c, *q)
	if err != nil || reason != "" {
		return reason, err
	}
	found, err := m.Contacts.Contacts(ctx, []clinic.Ref{c.Entry.Patient()})
	if err != nil {
		return "", err
	}
	told, until, reason := timing(found[c.Entry.Patient()].Contact, m.rules, slot, c, now)
	if reason != "" {
		return reason, nil
	}
	in := appointment.OfferVisit{
		Slot: slot.SlotID, Patient: c.PatientID, Moving: c.CurrentRef(), HeldUntil: until.Add(grace),
		Offered: appointment.Offered{ID: m.NewID(), Entry: c.ID, At: told, Until: until, Wave: m.turn.Wave, PassedOver: m.passed},
	}
	if m.kept != nil {
		in.Kept = m.kept.ID
	}
	return settled(m.Visits.Offer(ctx, onBehalf(c.OrganizationID), in))
}

// settled is why an offer wasn't made; empty: it was.
func settled(answer appointment.Answer, err error) (Reason, error) {
	if err != nil {
		if kind := errs.Of(err); kind == errs.Busy || kind == errs.Internal && !refusal(err) {
			return "", err
		}
		return Refused, nil
	}
	switch answer.Outcome {
	case appointment.Done:
		return "", nil
	case appointment.NotWaiting:
		return HasOffer, nil
	}
	return Refused, nil
}

// refusal says whether a failure is one of a time that can't be had.
func refusal(err error) bool {
	return errors.As(err, &appointment.SlotTaken{}) || errors.As(err, &appointment.SlotUnavailable{}) || errors.As(err, &appointment.PatientConflict{})
}
