package appointment

import (
	"cmp"
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// CancelSeries cancels an appointment and those after it in its series, as Cancel does each, in a single step, or says in a preview what that would
// do. Fees are accepted in sum. Those that can't be cancelled any more stay as they are. Failures: those of Cancel.
func (s *Service) CancelSeries(ctx context.Context, a access.Actor, in CancelVisit) (ChangedVisits, error) {
	var check form.Check
	in.Note = private(&check, in.Note, maxNote, "note")
	if err := check.Err(); err != nil {
		return ChangedVisits{}, err
	}
	once, err := maybeOnce(in.Key, "cancelSeries", in)
	if err != nil {
		return ChangedVisits{}, err
	}
	w := Write{Stamp: s.Stamp(a), Once: once}
	for range decisions {
		done, again, err := s.cancelSeriesOnce(ctx, a, in, w)
		if err != nil || !again {
			return done, err
		}
	}
	return ChangedVisits{}, errs.TryAgain(nil)
}

func (s *Service) cancelSeriesOnce(ctx context.Context, a access.Actor, in CancelVisit, w Write) (done ChangedVisits, again bool, err error) {
	later, by, err := s.thisAndLater(ctx, a, in.Appointment)
	if err != nil {
		return done, false, err
	}
	w.Actor = by
	organization := in.Appointment.Organization
	all, fee, barred := s.cancelling(ctx, a, in, w, later)
	switch {
	case barred != nil:
		done, err = s.changedBefore(ctx, a, organization, w, barred)
		return done, false, err
	case in.Preview:
		return ChangedVisits{Appointments: later, Fee: fee}, false, nil
	}
	answer, err := s.store.CancelTogether(ctx, w, all)
	switch {
	case err != nil:
		return done, false, err
	case answer.Outcome == Done:
		for _, one := range all {
			changed(a, one.To, uuid.Nil)
			done.Appointments = append(done.Appointments, one.To)
		}
		done.Fee = fee
		return done, false, nil
	case answer.Outcome == Replayed:
		done, err = s.changedAgain(ctx, a, organization, answer)
		return done, false, err
	case answer.Outcome == StaleAppointment, answer.Outcome.stale():
		return done, true, nil
	}
	return done, false, keyFailure(answer)
}

// cancelling makes the cancellation of each appointment, and the fee for all. It fails for the first that mustn't be cancelled.
func (s *Service) cancelling(ctx context.Context, a access.Actor, in CancelVisit, w Write, later []Appointment) (all []CancelWrite, sum *clinic.Money, err error) {
	kind, err := s.kind(ctx, later[0])
	if err != nil {
		return nil, nil, err
	}
	by := side(in.Reason)
	for i, ap := range later {
		one := in
		one.Preview = true // fees are looked at in sum
		if i > 0 {
			one.ExpectedVersion = nil
		}
		fee := feeOf(ap, by, kind.Policy, w.At)
		if err := s.checkCancel(ap, a, one, kind.Policy, fee); err != nil {
			return nil, nil, err
		}
		c := CancelWrite{Write: Write{Stamp: w.Stamp}, From: ap, Reserve: s.reserve(ap.OrganizationID)}
		c.AuditID = s.NewID()
		c.To = AfterCancel(ap, Cancel, Cancellation{Reason: in.Reason, Note: in.Note, At: w.At, By: by, Fee: fee})
		all, sum = append(all, c), plus(sum, fee)
	}
	if sum != nil && !in.Preview && (in.AcceptFee == nil || *in.AcceptFee < sum.MinorUnits) {
		return nil, nil, PolicyBroken{Policy: kind.Policy, Fee: sum}
	}
	return all, sum, nil
}

// plus adds fees of one kind of visit, and so of one currency; nil is none.
func plus(sum, fee *clinic.Money) *clinic.Money {
	if sum == nil || fee == nil {
		return cmp.Or(sum, fee)
	}
	return &clinic.Money{MinorUnits: sum.MinorUnits + fee.MinorUnits, Currency: fee.Currency}
}
