package waitlist

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// search is what a candidate is looking for, now: with the notice that they need, before the visit that would be moved forward and, if a time is
// kept, within that. nil: nothing can fit. Over: nor will anything ever, since the period is over or that visit doesn't stand any more.
func (c Candidate) search(now time.Time, k *Kept) (q *availability.Search, over bool) {
	wanted := c.Wanted
	if c.Entry.Current != uuid.Nil && c.Current == nil || wanted.To != nil && !now.Before(*wanted.To) {
		return nil, true
	}
	from, to := now.Add(c.MinimumNotice), now.Add(availability.MaxSearch)
	later := func(t time.Time) {
		if from.Before(t) {
			from = t
		}
	}
	sooner := func(t time.Time) {
		if t.Before(to) {
			to = t
		}
	}
	if wanted.From != nil {
		later(*wanted.From)
		to = from.Add(availability.MaxSearch)
	}
	if wanted.To != nil {
		sooner(*wanted.To)
	}
	if c.Current != nil {
		sooner(*c.Current)
		wanted.Moving = c.CurrentRef()
	}
	if k != nil {
		later(k.Start)
		sooner(k.End)
		wanted.Providers = []clinic.Ref{{Organization: c.OrganizationID, ID: k.Provider}}
	}
	if !from.Before(to) {
		return nil, false
	}
	wanted.From, wanted.To = &from, &to
	return &wanted, false
}

// fitting is the first opening that a candidate wants, hasn't been offered before and can be told of in time, or says why the last one isn't.
func (m *matching) fitting(ctx context.Context, c Candidate, q availability.Search) (found chance, why Reason, err error) {
	by := onBehalf(c.OrganizationID)
	if m.kept == nil {
		by.ID = uuid.Nil // what is kept already isn't open
	}
	slots, err := m.Openings.OpeningsFor(ctx, by, q, c.PatientID, openingsEach)
	if kind := errs.Of(err); kind == errs.InvalidInput || kind == errs.NotFound { // what was asked for isn't there any more
		return found, NotFitting, nil
	}
	if err != nil || len(slots) == 0 {
		return found, NotFitting, err
	}
	contacts, err := m.Contacts.Contacts(ctx, []clinic.Ref{c.Entry.Patient()})
	if err != nil {
		return found, "", err
	}
	why = NotFitting
	for _, slot := range slots {
		switch {
		case m.kept != nil && (slot.Location != m.kept.Location || slot.Start.Before(m.kept.Start) || slot.End.After(m.kept.End)):
		case c.had(slot):
			why = HadIt
		default:
			found.slot = slot
			if found.told, found.until, why = timing(contacts[c.Entry.Patient()].Contact, m.rules, slot, c, m.Clock.Now()); why == "" {
				return found, "", nil
			}
		}
	}
	return found, why, nil
}

// had says whether a time was offered to the candidate before.
func (c Candidate) had(slot availability.Slot) bool {
	return slices.ContainsFunc(c.Had, func(h Had) bool { return h.Provider == slot.Provider && h.Start.Equal(slot.Start) })
}

// timing says when a patient is told of an offer, and until when they can answer. In quiet hours, by their own clock, they are told when these end, if
// that leaves them time.
func timing(to reminder.Contact, r Rules, slot availability.Slot, c Candidate, now time.Time) (told, until time.Time, reason Reason) {
	if to.Erased {
		return told, until, gone
	}
	told = toldAt(to, slot.TimeZone, now)
	until = told.Add(r.AnswerWithin)
	if slot.Start.Before(until) {
		until = slot.Start
	}
	switch {
	case !slot.Start.Before(told.Add(c.MinimumNotice)) && until.Sub(told) >= min(leastAnswer, r.AnswerWithin):
		return told, until, ""
	case told.After(now):
		return told, until, QuietHours
	}
	return told, until, TooSoon
}

// toldAt is when a patient can be told something: not in their quiet hours, by their own clock or, if that isn't known, the visit's.
func toldAt(to reminder.Contact, visits string, now time.Time) time.Time {
	zone, err := clock.Zone(to.TimeZone)
	if err != nil || to.TimeZone == "" {
		zone, _ = clock.Zone(visits)
	}
	return to.Quiet.Later(now, zone).UTC()
}
