package appointment

import (
	"errors"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Actions tells for every action whether the caller can take it now, why not, until when, and what it costs: a client needs
// no copy of the policy.
func (s *Service) Actions(a access.Actor, ap Appointment, kind clinic.VisitKind) []ActionState {
	now := s.Clock.Now()
	list := make([]ActionState, len(Actions))
	for i, action := range Actions {
		list[i] = stateOf(ap, a, action, kind.Policy, now)
	}
	return list
}

func stateOf(ap Appointment, a access.Actor, action Action, p clinic.Policy, now time.Time) ActionState {
	state := ActionState{Action: action}
	switch {
	case !entitled(ap, a, action):
		state.Reason = BarForbidden
		return state
	case !legal(ap, action, now):
		state.Reason = BarState
		return state
	}
	var against error
	switch action {
	case Approve:
		state.Until = ap.ApprovalDueAt
	case Cancel:
		against = mayCancel(ap, a, p, now)
		state.Fee = feeOf(ap, ByPatient, p, now)
		state.Until = untilStart(ap, a)
	case Reschedule:
		against = mayMove(ap, a, p, now)
		state.Until = moveUntil(ap, a, p)
	}
	if _, broken := errors.AsType[PolicyBroken](against); broken {
		state.Reason, state.Until = BarWindowPassed, nil
		return state
	}
	state.Allowed = true
	return state
}

func untilStart(ap Appointment, a access.Actor) *time.Time {
	if a.IsClinic() {
		return nil
	}
	return &ap.Start
}

func moveUntil(ap Appointment, a access.Actor, p clinic.Policy) *time.Time {
	until := untilStart(ap, a)
	if until == nil || p.LateCancellationFee == nil || ap.Status == Pending {
		return until
	}
	late := ap.Start.Add(-p.FreeCancellationBefore)
	return &late
}
