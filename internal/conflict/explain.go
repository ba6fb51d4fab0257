package conflict

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// CaseOf is the case of somebody who asks for a slot under a provider's rules; false when the provider doesn't offer it.
func CaseOf(r availability.Rules, id availability.SlotID) (Case, bool) {
	plan, planned := availability.PlanOf(r, id)
	kind, offered := r.Kind(id.VisitKind)
	return Case{Plan: plan, Kind: kind, Travels: r.Travels}, planned && offered
}

// Further is what an explanation of a time asks the detection: whatever booking it for the patient would be refused for. Resources are
// looked at in every mode, since they are claimed in every mode. A detection that fails has nothing against anything.
func (d *Detection) Further(a access.Actor, patient *clinic.Ref) availability.Further {
	whom := availability.For{}
	if patient != nil {
		whom.Patient = patient.ID
	}
	return d.further(a, whom)
}

// Bounded bounds how long several slots are looked at, as long as one: beyond, the detection has nothing against the rest.
func (d *Detection) Bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if d == nil {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d.budget.Enforced)
}

// Lets says of slots that are free whether the detection, too, lets them be for whom they are wanted.
func (d *Detection) Lets(ctx context.Context, a access.Actor, r availability.Rules, id availability.SlotID, whom availability.For) bool {
	broken, _ := d.further(a, whom)(ctx, r, id)
	return len(broken) == 0
}

func (d *Detection) further(a access.Actor, whom availability.For) availability.Further {
	return func(ctx context.Context, r availability.Rules, id availability.SlotID) ([]availability.Rule, error) {
		c, offered := CaseOf(r, id)
		if d == nil || !offered {
			return nil, nil
		}
		c.Operation, c.Holder, c.Now = Explain, a.ID, d.clock.Now()
		c.Patient, c.Own = whom.Patient, whom.Moving
		j := d.Judge(ctx, a, c)
		if j.mode == Enforce || len(c.Needs()) == 0 {
			return j.Broken, nil
		}
		c.Patient = uuid.Nil
		if v := d.full(ctx, d.budget.Enforced, c)[0]; slices.Contains(v.broken, availability.ResourceBusy) {
			return []availability.Rule{availability.ResourceBusy}, nil
		}
		return nil, nil
	}
}
