package conflict

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
)

// Warning is something that speaks against a visit and doesn't keep it out: a visit of the same time, in another organisation, of somebody
// whom the caller acts for there by the same account. Only the patient's side is told, who may know of both.
type Warning struct {
	Organization uuid.UUID // the other one
	Appointment  uuid.UUID
	Patient      uuid.UUID
	availability.Span
}

// Warnings are what speaks against a case that is enforced, at most MaxWarnings. None are told when they can't be read in time.
func (j Judged) Warnings(ctx context.Context, a access.Actor) (found []Warning) {
	defer func() {
		if recover() != nil { // the visit is booked
			found = nil
		}
	}()
	if j.mode != Enforce || !a.ActsForOthers() || a.ID == uuid.Nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, j.of.budget.Enforced)
	defer cancel()
	warnings, err := j.of.store.OverlapsElsewhere(ctx, a.ID, j.in.Plan.Organization, j.in.Plan.Visit())
	if err != nil {
		return nil
	}
	for _, w := range warnings {
		a.Trail.Saw(access.Sight{Organization: w.Organization, Kind: "Appointment", ID: w.Appointment, Patient: w.Patient})
	}
	return warnings
}

// MaxWarnings bounds how many warnings there are of one visit.
const MaxWarnings = 10
