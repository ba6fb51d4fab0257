package availability

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// MaxAlternatives bounds how many alternatives are offered.
const MaxAlternatives = 10

// CheckLimit says what is wrong with a number of alternatives.
func CheckLimit(limit int) error {
	if limit < 1 || limit > MaxAlternatives {
		return errs.Invalid("The limit is from 1 to 10.", "limit")
	}
	return nil
}

// How far alternatives are looked for, and at how many other providers.
const (
	near       = 7 * day
	far        = 31 * day
	neighbours = 3
)

// For is whom a slot is wanted for: a patient, perhaps to move an appointment there, perhaps with whoever has it.
type For struct {
	Patient, Moving uuid.UUID // zero: the caller's own or nobody, none
	Anyone          *Anyone   // nil: with the slot's provider, if possible
}

// Alternatives lists free slots of the same kind and way of meeting, nearest in time first: those of the same provider, then
// those of providers nearby. They can be booked by whoever was refused: times of other visits of the patient are left out, and
// so is the one that is being moved away from.
func (s *Service) Alternatives(ctx context.Context, a access.Actor, id SlotID, whom For, limit int) ([]Slot, error) {
	if err := CheckLimit(limit); err != nil {
		return nil, err
	}
	w := wish{id, whom.asking(a)}
	if whom.Anyone != nil {
		return s.anyones(ctx, w, *whom.Anyone, limit)
	}
	var found []Slot
	for _, reach := range []time.Duration{near, far} {
		slots, err := s.around(ctx, w, id.Provider, reach)
		if found = first(limit, slots); err != nil || len(found) == limit {
			return found, err
		}
	}
	others, err := s.store.Nearby(ctx, id, neighbours)
	if err != nil {
		return nil, err
	}
	for _, other := range others {
		more, err := s.around(ctx, w, other.ID, near)
		if err != nil {
			return nil, err
		}
		if found = append(found, first(limit-len(found), more)...); len(found) == limit {
			break
		}
	}
	return found, nil
}

func first(n int, slots []Slot) []Slot { return slots[:min(n, len(slots))] }

// wish is a slot that somebody did not get.
type wish struct {
	SlotID
	who Asking
}

// around lists a provider's free slots within reach of the slot's start, nearest first.
func (s *Service) around(ctx context.Context, w wish, provider uuid.UUID, reach time.Duration) ([]Slot, error) {
	now := s.clock.Now()
	period := w.period(now, reach)
	view, err := s.store.View(ctx, clinic.Ref{Organization: w.Organization, ID: provider}, period)
	if err != nil {
		return nil, err
	}
	return w.free(view, period, now, uuid.Nil), nil
}

// period is the time within reach of the slot's start that is still to come.
func (w wish) period(now time.Time, reach time.Duration) Period {
	from, to := w.Start.Add(-reach), w.Start.Add(reach)
	if from.Before(now) {
		from = now
	}
	if !from.Before(to) {
		from, to = now, now.Add(reach)
	}
	return Period{
		From: from, To: to, Patient: w.who.Holder.Patient, Moving: w.who.moving(w.Organization), Holder: w.who.holder(w.Organization),
	}
}

// free lists a provider's free slots of a period, at a location unless it is zero, nearest first.
func (w wish) free(view View, p Period, now time.Time, location uuid.UUID) []Slot {
	slots := Openings(view.Rules, view.Taken, Query{
		VisitKind: w.VisitKind, Location: location, Modalities: []clinic.Modality{w.Modality}, From: p.From, To: p.To, Now: now,
		Asking: w.who.knowing(view.Taken), Statuses: []Status{Free},
	})
	slots = slices.DeleteFunc(slots, func(o Slot) bool { return o.SlotID == w.SlotID || w.leaves(o.Start, view.Taken) })
	slices.SortStableFunc(slots, func(x, y Slot) int { return cmp.Compare(x.Start.Sub(w.Start).Abs(), y.Start.Sub(w.Start).Abs()) })
	return slots
}

func (f For) asking(a access.Actor) Asking {
	who := asking(a)
	if f.Patient != uuid.Nil {
		who.Holder.Patient = f.Patient
	}
	if f.Moving != uuid.Nil {
		who.Moving = &Moving{Appointment: f.Moving}
	}
	return who
}

// leaves says whether an appointment is being moved away from a start, and from the provider whose time was read.
func (w wish) leaves(start time.Time, t Taken) bool {
	return w.who.Moving != nil &&
		slices.ContainsFunc(t.Claims, func(c Claim) bool { return w.who.moves(c.Appointment) }) &&
		slices.ContainsFunc(t.Patient, func(v Visit) bool { return w.who.moves(v.Appointment) && v.Start.Equal(start) })
}
