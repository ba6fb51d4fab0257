package resolvers_test

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

type reminderRoom struct{ *rooms }

func (r *rooms) message() reminder.Message {
	return reminder.Message{
		ID: id(30), OrganizationID: r.organization.ID, AppointmentID: r.visit.ID, PatientID: r.patient.ID, Kind: reminder.Remind, Channel: reminder.SMS, Scheduled: start,
		Expires: start, State: reminder.Failed, Cause: reminder.Landline, Tries: 1,
	}
}

func (r *rooms) deadLetter() reminder.DeadLetter {
	return reminder.DeadLetter{
		ID: id(31), OrganizationID: r.organization.ID, MessageID: id(30), Channel: reminder.SMS, Kind: reminder.Remind, Died: start, Cause: reminder.Landline, Tries: 1,
	}
}

func (r reminderRoom) Funnel(_ context.Context, _ access.Actor, q reminder.FunnelQuery) (reminder.Funnel, error) {
	r.note("Funnel", q)
	return reminder.Funnel{Scheduled: 1}, r.fail
}

func (r reminderRoom) Messages(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]reminder.Message, error) {
	return only(refs, r.message().Ref(), r.message()), nil
}

func (r reminderRoom) Attempts(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref][]reminder.Attempt, error) {
	return only(refs, r.message().Ref(), []reminder.Attempt{{Number: 1, Began: start, Outcome: reminder.AttemptRefused, Cause: reminder.Landline, Code: "21614"}}), nil
}

func (r reminderRoom) OfVisits(_ context.Context, _ access.Actor, visits []clinic.Ref, w paging.Window) (map[clinic.Ref]paging.Page[reminder.Message], error) {
	r.note("OfVisits", w)
	return only(visits, r.visit.Ref(), pageOf(r.message())), r.fail
}

func (r reminderRoom) CountOfVisits(_ context.Context, _ access.Actor, visits []clinic.Ref) (map[clinic.Ref]int, error) {
	r.note("CountOfVisits", nil)
	return only(visits, r.visit.Ref(), 1), r.fail
}

type letterRoom struct{ *rooms }

func (r letterRoom) List(_ context.Context, _ access.Actor, f reminder.DeadLetterFilter, _ paging.Window) (paging.Page[reminder.DeadLetter], error) {
	r.note("DeadLetters", f)
	return pageOf(r.deadLetter()), r.fail
}

func (r letterRoom) Count(_ context.Context, _ access.Actor, f reminder.DeadLetterFilter) (int, error) {
	r.note("CountDeadLetters", f)
	return 1, r.fail
}

func (r letterRoom) Replay(_ context.Context, _ access.Actor, in reminder.ReplayLetters) (reminder.ReplayedLetters, error) {
	r.note("Replay", in)
	return reminder.ReplayedLetters{Outcomes: []reminder.OutcomeCount{{Outcome: reminder.Replayed, Count: 1}}}, r.fail
}

func (r letterRoom) Find(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]reminder.DeadLetter, error) {
	return only(refs, r.deadLetter().Ref(), r.deadLetter()), nil
}
