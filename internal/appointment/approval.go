package appointment

import (
	"context"
	"errors"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// waiting gives a pending appointment that has just become one its time to be approved in: as long as its kind says, and no longer than until it
// starts. Whatever isn't pending waits for nothing. The store reckons it in the same way.
func (ap Appointment) waiting(kind clinic.VisitKind) Appointment {
	ap.ApprovalDueAt = nil
	if ap.Status == Pending {
		due := ap.UpdatedAt.Add(kind.ApprovalWithin)
		if ap.Start.Before(due) {
			due = ap.Start
		}
		ap.ApprovalDueAt = &due
	}
	return ap
}

// whoLapses is who cancels what nobody approved in time, as the record of it says.
var whoLapses = access.Actor{Kind: access.System, Client: "approvals", RequestID: "approvals"}

// Lapse cancels, by the clinic, pending appointments that nobody has approved in time, the one that waited longest first, limit of them at a time. It
// answers how many it dealt with. Whoever approves, moves or cancels one at the same time and is first has it, and so has another process that
// lapses. One that can't be cancelled is passed over until the next time, and the error tells of it.
func (s *Service) Lapse(ctx context.Context, limit int) (n int, err error) {
	var passed []clinic.Ref
	var failed []error
	for ctx.Err() == nil {
		due, err := s.store.DueApprovals(ctx, s.Clock.Now(), passed, limit)
		if err != nil || len(due) == 0 {
			return n, errors.Join(append(failed, err)...)
		}
		found, err := s.store.Appointments(ctx, due)
		if err != nil {
			return n, errors.Join(append(failed, err)...)
		}
		before := n
		for _, ref := range due {
			if err := s.lapseOne(ctx, found[ref]); err != nil {
				passed, failed = append(passed, ref), append(failed, err)
				continue
			}
			n++
		}
		if n == before {
			break // nothing goes: the next time is soon
		}
	}
	return n, errors.Join(append(failed, ctx.Err())...)
}

func (s *Service) lapseOne(ctx context.Context, ap Appointment) error {
	w := CancelWrite{Write: Write{Stamp: s.Stamp(whoLapses)}, From: ap, Reserve: s.reserve(ap.OrganizationID)}
	if ap.Status != Pending || ap.ApprovalDueAt == nil || w.At.Before(*ap.ApprovalDueAt) {
		return nil // it has changed since it was found
	}
	w.To = AfterCancel(ap, Cancel, Cancellation{Reason: NotApprovedInTime, At: w.At, By: ByClinic})
	answer, err := s.store.Cancel(ctx, w)
	if err == nil && answer.Outcome != Done && answer.Outcome != StaleAppointment {
		return errs.TryAgain(nil)
	}
	return err
}
