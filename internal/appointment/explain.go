package appointment

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

// Explain names everything that a booking of a time, for a patient if one is named, would be refused for.
func (s *Service) Explain(ctx context.Context, a access.Actor, id availability.SlotID, patient *clinic.Ref) (availability.Explanation, error) {
	e, err := s.openings.Explain(ctx, a, id, patient, s.detects.Further(a, patient))
	e.Overridable = conflict.Overridable(a, id.Organization, e.BlockedBy)
	return e, err
}
