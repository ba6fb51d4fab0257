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

// Explanation says whether a time can be booked and what stands against it.
type Explanation struct {
	Bookable  bool
	BlockedBy []Rule
	Slot      *Slot
}

// Slot is a slot as it stands. One that the provider's hours don't offer, and for callers from elsewhere one that isn't free,
// is errs.NotFound.
func (s *Service) Slot(ctx context.Context, a access.Actor, id SlotID) (Slot, error) {
	v, err := s.Verdict(ctx, id, asking(a), uuid.Nil)
	switch {
	case err != nil:
		return Slot{}, err
	case !v.Exists(), !a.In(id.Organization) && v.Slot.Status != Free:
		return Slot{}, errs.Missing("slot")
	}
	return v.Slot, nil
}

// Explain names every rule that keeps a time out, for the way of meeting that has the fewest against it.
// Callers from outside the organisation learn only that it is not available.
func (s *Service) Explain(ctx context.Context, a access.Actor, id SlotID, patient *clinic.Ref) (Explanation, error) {
	who := asking(a)
	var visits uuid.UUID
	if patient != nil {
		if err := maySee(a, *patient); err != nil {
			return Explanation{}, err
		}
		visits, who.Holder.Patient = patient.ID, patient.ID
	}
	view, err := s.store.View(ctx, id.ProviderRef(), Period{From: id.Start, To: id.Start.Add(time.Minute), Patient: visits})
	if err != nil {
		return Explanation{}, err
	}
	var e Explanation
	for i, m := range view.Rules.ways(id.VisitKind) {
		id.Modality = m
		v := Check(view.Rules, view.Taken, id, s.clock.Now(), who)
		if v.Bookable() {
			return Explanation{Bookable: true, BlockedBy: []Rule{}, Slot: &v.Slot}, nil
		}
		if i == 0 || len(v.Blocked) < len(e.BlockedBy) {
			e.BlockedBy = v.Blocked
		}
	}
	e.BlockedBy = Shown(a, id.Organization, e.BlockedBy)
	return e, nil
}

// ways are how a kind of visit can take place; one that the provider doesn't offer has one way, which has no name.
func (r Rules) ways(kind uuid.UUID) []clinic.Modality {
	if k, offered := r.Kind(kind); offered {
		return k.Modalities
	}
	return []clinic.Modality{""}
}

func maySee(a access.Actor, patient clinic.Ref) error {
	if a.Kind == access.Anonymous || !a.In(patient.Organization) || (!a.Has(access.PatientsRead) && a.PatientID != patient.ID) {
		return errs.Missing("patient", "patientId")
	}
	return nil
}

// Shown narrows broken rules to what a caller may learn: nobody from outside the organisation reads sick leave or visits from
// them.
func Shown(a access.Actor, organization uuid.UUID, blocked []Rule) []Rule {
	if !a.In(organization) && len(blocked) > 0 {
		return []Rule{NotAvailable}
	}
	return blocked
}

// Standing is a verdict with the patient's visit that meets the slot, if any.
type Standing struct {
	Verdict
	PatientVisit uuid.UUID
}

// Verdict checks a slot against everything as it stands. A patient's visits count when patient is not zero.
func (s *Service) Verdict(ctx context.Context, id SlotID, who Asking, patient uuid.UUID) (Standing, error) {
	view, err := s.store.View(ctx, id.ProviderRef(), Period{From: id.Start, To: id.Start.Add(time.Minute), Patient: patient})
	if err != nil {
		return Standing{}, err
	}
	standing := Standing{Verdict: Check(view.Rules, view.Taken, id, s.clock.Now(), who.knowing(view.Taken))}
	bare := Span{Start: id.Start, End: standing.Slot.End}
	for _, v := range view.Taken.Patient {
		if v.Overlaps(bare) && !who.moves(v.Appointment) {
			standing.PatientVisit = v.Appointment
		}
	}
	return standing, nil
}

// knowing adds what the appointment being moved counts for.
func (a Asking) knowing(t Taken) Asking {
	if a.Moving == nil {
		return a
	}
	for _, c := range t.Claims {
		if c.Appointment == a.Moving.Appointment {
			a.Moving = &Moving{Appointment: c.Appointment, Day: c.CountedDay, Windows: c.CountedWindows}
		}
	}
	return a
}

// MaxAlternatives bounds how many alternatives are offered.
const MaxAlternatives = 10

// How far alternatives are looked for, and at how many other providers.
const (
	near       = 7 * day
	far        = 31 * day
	neighbours = 3
)

// Alternatives lists free slots of the same kind and way of meeting, nearest in time first: those of the same provider, then
// those of providers nearby. A patient isn't offered times of visits that the patient has already.
func (s *Service) Alternatives(ctx context.Context, a access.Actor, id SlotID, limit int) ([]Slot, error) {
	if limit < 1 || limit > MaxAlternatives {
		return nil, errs.Invalid("The limit is from 1 to 10.", "limit")
	}
	var found []Slot
	for _, reach := range []time.Duration{near, far} {
		var err error
		if found, err = s.around(ctx, a, id, id.Provider, reach, limit); err != nil || len(found) == limit {
			return found, err
		}
	}
	others, err := s.store.Nearby(ctx, id, neighbours)
	if err != nil {
		return nil, err
	}
	for _, other := range others {
		more, err := s.around(ctx, a, id, other.ID, near, limit-len(found))
		if err != nil {
			return nil, err
		}
		if found = append(found, more...); len(found) == limit {
			break
		}
	}
	return found, nil
}

// around lists a provider's free slots within reach of the slot's start, nearest first.
func (s *Service) around(ctx context.Context, a access.Actor, id SlotID, provider uuid.UUID, reach time.Duration, limit int) ([]Slot, error) {
	now := s.clock.Now()
	from, to := id.Start.Add(-reach), id.Start.Add(reach)
	if from.Before(now) {
		from = now
	}
	if !from.Before(to) {
		from, to = now, now.Add(reach)
	}
	view, err := s.store.View(ctx, clinic.Ref{Organization: id.Organization, ID: provider}, Period{From: from, To: to, Patient: a.PatientID})
	if err != nil {
		return nil, err
	}
	slots := Openings(view.Rules, view.Taken, Query{
		VisitKind: id.VisitKind, Modalities: []clinic.Modality{id.Modality}, From: from, To: to, Now: now, Asking: asking(a),
		Statuses: []Status{Free},
	})
	slots = slices.DeleteFunc(slots, func(o Slot) bool { return o.SlotID == id })
	slices.SortStableFunc(slots, func(x, y Slot) int { return cmp.Compare(x.Start.Sub(id.Start).Abs(), y.Start.Sub(id.Start).Abs()) })
	return slots[:min(limit, len(slots))], nil
}
