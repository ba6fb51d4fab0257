package appointment

import (
	"slices"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// step is a change of state.
type step struct {
	from    []Status
	to      Status
	patient bool                                  // open to the patient too
	since   func(ap Appointment) (from time.Time) // open from then on; nil: at any time
}

// steps are the transitions, but for Undo, Cancel and Reschedule. Decline frees the slot as a cancellation does.
var steps = map[Action]step{
	Approve:    {from: []Status{Pending}, to: Booked},
	Decline:    {from: []Status{Pending}, to: Cancelled},
	Confirm:    {from: []Status{Booked}, to: Booked, patient: true},
	Arrive:     {from: []Status{Booked}, to: Arrived, since: visitDay},
	CheckIn:    {from: []Status{Booked, Arrived}, to: CheckedIn, since: visitDay},
	Complete:   {from: []Status{Booked, Arrived, CheckedIn}, to: Fulfilled, since: visitStart},
	MarkNoShow: {from: []Status{Booked}, to: NoShow, since: visitStart},
}

func visitStart(ap Appointment) time.Time { return ap.Start }

// visitDay is the midnight that begins the visit's local day.
func visitDay(ap Appointment) time.Time {
	zone, err := clock.Zone(ap.TimeZone)
	if err != nil {
		return ap.Start
	}
	return clock.Instant(civil.DateTime{Date: ap.LocalStart.Date}, zone)
}

// reached says whether an action's state is reached already, so that repeating it answers as the first time did.
func reached(ap Appointment, action Action) bool {
	switch action {
	case Cancel:
		return ap.Status == Cancelled
	case Decline:
		return ap.Status == Cancelled && ap.LastAction == Decline
	case Confirm:
		return ap.Status == Booked && ap.ConfirmedAt != nil
	case Approve, Undo:
		return ap.LastAction == action
	}
	return ap.Status == steps[action].to
}

// legal says whether an action follows from the appointment's state, for anybody, now.
func legal(ap Appointment, action Action, now time.Time) bool {
	switch action {
	case Cancel:
		return slices.Contains(cancellable, ap.Status)
	case Reschedule:
		return slices.Contains(movable, ap.Status)
	case Undo:
		return ap.PriorStatus != "" && ap.Status != Cancelled
	case Approve: // from the very instant that it is due it has lapsed, whoever comes first
		return ap.Status == Pending && (ap.ApprovalDueAt == nil || now.Before(*ap.ApprovalDueAt))
	}
	s := steps[action]
	if action == Confirm && ap.ConfirmedAt != nil {
		return false
	}
	return slices.Contains(s.from, ap.Status) && (s.since == nil || !now.Before(s.since(ap)))
}

// entitled says whether the caller may ever take an action.
func entitled(ap Appointment, a access.Actor, action Action) bool {
	switch {
	case !a.Has(access.AppointmentsWrite), ap.Veiled():
		return false
	case action == Approve && ap.AwaitsDoctor:
		return a.IsClinic() && a.Has(access.ConflictsClinical)
	case a.IsClinic(), action == Cancel, action == Reschedule, steps[action].patient:
		return true
	}
	return action == Undo && (ap.LastAction == Confirm || ap.LastAction == Undo)
}

// open lists the actions that the caller can take now.
func open(ap Appointment, a access.Actor, p clinic.Policy, now time.Time) []Action {
	list := []Action{}
	for _, action := range Actions {
		if !entitled(ap, a, action) || !legal(ap, action, now) {
			continue
		}
		if action == Reschedule && mayMove(ap, a, p, now) != nil || action == Cancel && mayCancel(ap, a, p, now) != nil {
			continue
		}
		list = append(list, action)
	}
	return list
}

// After is the appointment once an action other than Cancel, Decline and Reschedule is taken. What is pending again has yet to be waiting.
func After(ap Appointment, action Action, now time.Time) Appointment {
	to := ap
	to.Version++
	to.UpdatedAt, to.LastAction = now, action
	if action == Undo {
		to.Status, to.ConfirmedAt, to.PriorStatus, to.PriorConfirmedAt = ap.PriorStatus, ap.PriorConfirmedAt, "", nil
		return to
	}
	to.Status, to.PriorStatus, to.PriorConfirmedAt = steps[action].to, ap.Status, ap.ConfirmedAt
	if action == Confirm {
		to.ConfirmedAt = &now
	}
	to.ApprovalDueAt = nil
	return to
}
