package appointment

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// refusal reads a slot as it stands now and names everything against it, known included.
func (s *Service) refusal(ctx context.Context, a access.Actor, seat Seat, who availability.Asking, known []availability.Rule) error {
	v, err := s.openings.Verdict(ctx, seat.Slot, who, seat.Holder.Patient)
	if err != nil {
		return err
	}
	if seat.Case.Kind.ID != uuid.Nil && !seat.judged.Done() {
		seat.judged = s.detects.Judge(ctx, a, seat.Case)
	}
	standing := seat.against(v.Verdict)
	seat.judged.Conclude(slices.Concat(known, standing))
	blocked := slices.Concat(known, seat.uncovered(slices.Concat(standing, seat.judged.Broken)))
	slices.Sort(blocked)
	if slices.Contains(blocked, availability.PatientBusy) {
		with := clinic.Ref{Organization: seat.Slot.Organization, ID: v.PatientVisit}
		if err := sawConflict(ctx, a, with, seat.Holder.Patient); err != nil {
			return err
		}
	}
	return s.refused(a, wanted{seat.Slot, wantedFor(who)}, slices.Compact(blocked), v.PatientVisit)
}

// wanted is a slot and whom it was wanted for.
type wanted struct {
	slot availability.SlotID
	whom availability.For
}

// refused chooses the failure that helps most: a slot that somebody has, caps aside, is taken; a patient who is busy has a
// conflict; all else is unavailable, with every rule.
func (s *Service) refused(a access.Actor, w wanted, blocked []availability.Rule, visit uuid.UUID) error {
	switch {
	case len(unshared(blocked)) == 0 && slices.Contains(blocked, availability.ProviderBusy):
		return SlotTaken{Slot: w.slot, For: w.whom}
	case len(blocked) == 1 && blocked[0] == availability.PatientBusy:
		return PatientConflict{With: clinic.Ref{Organization: w.slot.Organization, ID: visit}, For: w.whom}
	}
	return SlotUnavailable{
		Slot: w.slot, For: w.whom, BlockedBy: availability.Shown(a, w.slot.Organization, blocked),
		Overridable: s.detects.Overridable(a, w.slot.Organization, blocked),
	}
}

// capped says whether a rule depends on how many visits there are.
func capped(r availability.Rule) bool {
	return r == availability.DailyCapReached || r == availability.WindowCapReached
}
