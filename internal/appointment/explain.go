package appointment

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Alternatives are free slots of the same kind that can be booked by whoever was refused one, as availability.Service finds them, without those
// that the detection has something against.
func (s *Service) Alternatives(ctx context.Context, a access.Actor, id availability.SlotID, whom availability.For, limit int) ([]availability.Slot, error) {
	if err := availability.CheckLimit(limit); err != nil {
		return nil, err
	}
	found, err := s.openings.Alternatives(ctx, a, id, whom, availability.MaxAlternatives)
	if err != nil {
		return nil, err
	}
	within, cancel := s.detects.Bounded(ctx)
	defer cancel()
	kept := make([]availability.Slot, 0, limit)
	for _, slot := range found {
		if len(kept) == limit {
			break
		}
		rules, err := s.openings.RulesAt(ctx, slot.ProviderRef(), slot.Start)
		if err != nil {
			return nil, err
		}
		if s.detects.Lets(within, a, rules, slot.SlotID, whom) {
			kept = append(kept, slot)
		}
	}
	return kept, nil
}

// Explain names everything that a booking of a time, for a patient if one is named, would be refused for.
func (s *Service) Explain(ctx context.Context, a access.Actor, id availability.SlotID, patient *clinic.Ref) (availability.Explanation, error) {
	e, err := s.openings.Explain(ctx, a, id, patient, s.detects.Further(a, patient))
	e.Overridable = s.detects.Overridable(a, id.Organization, e.BlockedBy)
	return e, err
}
