package appointment

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

// Overridden is what an appointment was booked, or moved, over.
type Overridden struct {
	Rules          []availability.Rule
	Reason         *access.Private // nil: erased
	At             time.Time
	NeededApproval bool // a doctor's
}

// Overrides answers what appointments were booked over: to the staff of their organisation, who are shown them unveiled.
func (s *Service) Overrides(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref][]Overridden, error) {
	return s.store.Overrides(ctx, refs)
}

// override checks what a caller asks to book over; nil is nothing.
func (s *Service) override(a access.Actor, organization uuid.UUID, asked *conflict.Override) (conflict.Override, error) {
	if asked == nil {
		return conflict.Override{}, nil
	}
	return s.detects.Allowed(a, organization, *asked)
}

// plan notes what claiming a seat means, for the provider and for others.
func (s *Seat) plan(rules availability.Rules, plan availability.Plan, kind clinic.VisitKind) {
	s.Plan, s.RulesRevision = plan, rules.Revision
	s.Case.Plan, s.Case.Kind, s.Case.Travels = plan, kind, rules.Travels
	s.Case.Patient, s.Case.Hold, s.Case.Holder = s.Holder.Patient, cmp.Or(s.Hold, s.Kept), s.Holder.Actor
}

// covers says whether a rule is one to be booked over.
func (s Seat) covers(r availability.Rule) bool { return s.Override.Covers(r) }

// uncovered are those of some broken rules that nobody asks to book over.
func (s Seat) uncovered(rules []availability.Rule) []availability.Rule {
	return slices.DeleteFunc(slices.Clone(rules), s.covers)
}

// overridden notes which rules of hours and caps a seat is taken over, of those asked for and broken, and loosens the plan by them.
func (s *Service) overridden(ctx context.Context, seat *Seat, who availability.Asking, against []availability.Rule) error {
	seat.Over, seat.Squeeze = Over{}, false
	if len(seat.Override.Rules) == 0 {
		return nil
	}
	now, err := s.openings.Verdict(ctx, seat.Slot, who, uuid.Nil)
	if err != nil {
		return err
	}
	seat.Over.ID = s.NewID()
	for _, r := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(against, seat.against(now.Verdict))))) {
		if !seat.covers(r) {
			continue
		}
		switch r {
		case availability.ProviderBusy:
			seat.Squeeze = true
		case availability.DailyCapReached:
			seat.Plan.MaxDaily = nil
		case availability.WindowCapReached:
			seat.Plan.Windows = slices.Clone(seat.Plan.Windows)
			for i := range seat.Plan.Windows {
				seat.Plan.Windows[i].Cap = math.MaxInt32
			}
		}
		seat.Over.Rules = append(seat.Over.Rules, r)
	}
	return nil
}

// judge has the detection judge a seat, and says whether it has nothing against it but what is asked to be booked over.
func (s *Service) judge(ctx context.Context, a access.Actor, seat *Seat) bool {
	seat.judged = s.detects.Judge(ctx, a, seat.Case)
	seat.Over.Rules = slices.Concat(seat.Over.Rules, seat.judged.Broken)
	slices.Sort(seat.Over.Rules)
	seat.Over.Waits = conflict.Waits(a, seat.Over.Rules)
	return len(seat.uncovered(seat.judged.Broken)) == 0
}
