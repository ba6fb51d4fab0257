package waitlist

import (
	"context"
	"errors"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// matching is one turn's search for somebody.
type matching struct {
	*Service
	turn   Turn
	kept   *Kept // nil: the turn looks through the list
	rules  Rules
	on     bool
	passed []appointment.PassedOver

	refused bool // the last candidate was, by a rule or as somebody has the time
}

func (s *Service) matching(ctx context.Context, t Turn, k *Kept) (*matching, error) {
	rules, err := s.Store.Rules(ctx, t.Organization)
	return &matching{Service: s, turn: t, kept: k, rules: rules, on: s.Flag(t.Organization, access.Actor{}).Enabled}, err
}

// try offers a candidate what is kept. Done: it is offered. Otherwise it is noted why not.
func (m *matching) try(ctx context.Context, c Candidate) (done bool, err error) {
	reason, err := m.offer(ctx, c)
	if err != nil || reason == "" {
		return reason == "" && err == nil, err
	}
	if m.refused = reason == Refused; m.refused {
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

// chance is a time that a candidate can be offered, with when they are told, and until when they can answer.
type chance struct {
	slot        availability.Slot
	told, until time.Time
}

// chance is the first time that a candidate can be offered, or says why there is none.
func (m *matching) chance(ctx context.Context, c Candidate) (found chance, why Reason, err error) {
	now := m.Clock.Now()
	q, over := c.search(now, m.kept)
	switch {
	case over:
		_, err := m.end(ctx, m.Stamp(onBehalf(c.OrganizationID)), c.Entry, Expired)
		return found, gone, err
	case c.Open:
		return found, HasOffer, nil
	case c.OfferedADay >= m.rules.OffersADay:
		return found, Fatigue, nil
	case q == nil:
		return found, TooSoon, nil
	}
	if found.slot, why, err = m.fitting(ctx, c, *q); err != nil || why != "" {
		return found, why, err
	}
	contacts, err := m.Contacts.Contacts(ctx, []clinic.Ref{c.Entry.Patient()})
	if err != nil {
		return found, "", err
	}
	found.told, found.until, why = timing(contacts[c.Entry.Patient()].Contact, m.rules, found.slot, c, now)
	return found, why, nil
}

// offer says why a candidate isn't offered what is kept; empty: they are.
func (m *matching) offer(ctx context.Context, c Candidate) (Reason, error) {
	found, why, err := m.chance(ctx, c)
	if err != nil || why != "" {
		return why, err
	}
	return settled(m.Visits.Offer(ctx, onBehalf(c.OrganizationID), appointment.OfferVisit{
		Slot: found.slot.SlotID, Patient: c.PatientID, Moving: c.CurrentRef(), Kept: m.kept.ID, HeldUntil: found.until.Add(grace),
		Offered: appointment.Offered{ID: m.NewID(), Entry: c.ID, At: found.told, Until: found.until, Wave: m.turn.Wave, PassedOver: m.passed},
	}))
}

// keep keeps the first time that is open for a candidate, if there is one.
func (m *matching) keep(ctx context.Context, c Candidate) error {
	found, why, err := m.chance(ctx, c)
	r := m.Keeps(c.OrganizationID)
	if err != nil || why != "" || r == nil {
		return err
	}
	_, err = settled(m.Visits.Keep(ctx, onBehalf(c.OrganizationID), found.slot.SlotID, *r))
	return err // who has it meanwhile was faster
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
