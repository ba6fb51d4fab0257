package rig

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Visit is an appointment, or a hold, as a client sees it.
type Visit struct {
	ID      string
	Version int
	Status  string
	Start   time.Time
}

// Refusal is an expected failure of a mutation.
type Refusal struct {
	Type         string `json:"__typename"`
	Code         string
	Message      string
	Retryable    bool
	BlockedBy    []string
	Alternatives []Slot
}

// Answer is what a mutation was answered: a visit or a refusal.
type Answer struct {
	Visit    *Visit
	Replayed bool
	Errors   []Refusal
}

// Code is the refusal's code, or "DONE".
func (a Answer) Code() string {
	if len(a.Errors) == 0 {
		return "DONE"
	}
	return a.Errors[0].Code
}

const (
	visit    = `{ id version status start }`
	refusals = `errors { __typename ... on UserError { code message retryable }
		... on SlotTakenError { alternatives { id version start remaining status } }
		... on SlotUnavailableError { blockedBy alternatives { id version start remaining status } } } } }`
	plain = `errors { __typename ... on UserError { code message retryable } } } }`

	book       = `mutation($in: BookAppointmentInput!) { done: bookAppointment(input: $in) { visit: appointment ` + visit + ` replayed ` + refusals
	reschedule = `mutation($in: RescheduleAppointmentInput!) { done: rescheduleAppointment(input: $in) { visit: appointment ` + visit + refusals
	cancel     = `mutation($in: CancelAppointmentInput!) { done: cancelAppointment(input: $in) { visit: appointment ` + visit + plain
	hold       = `mutation($in: HoldSlotInput!) { done: holdSlot(input: $in) { visit: hold { id } ` + refusals
	release    = `mutation($in: ReleaseHoldInput!) { done: releaseHold(input: $in) { ` + plain
)

// Book books a slot for the patient.
func (p Patient) Book(ctx context.Context, slot, key string) (Answer, error) {
	return p.change(ctx, book, object{"target": object{"slotId": slot}, "idempotencyKey": key})
}

// BookBecause books a slot for the patient, who says why.
func (p Patient) BookBecause(ctx context.Context, slot, reason, key string) (Answer, error) {
	return p.change(ctx, book, object{"target": object{"slotId": slot}, "reason": reason, "idempotencyKey": key})
}

// BookHold books from a hold.
func (p Patient) BookHold(ctx context.Context, id, key string) (Answer, error) {
	return p.change(ctx, book, object{"target": object{"holdId": id}, "idempotencyKey": key})
}

// Move moves a visit to a slot.
func (p Patient) Move(ctx context.Context, id, slot, key string) (Answer, error) {
	return p.change(ctx, reschedule, object{"appointmentId": id, "target": object{"slotId": slot}, "idempotencyKey": key})
}

// Cancel cancels a visit.
func (p Patient) Cancel(ctx context.Context, id, key string) (Answer, error) {
	return p.change(ctx, cancel, object{"appointmentId": id, "reason": "OTHER", "idempotencyKey": key})
}

// Hold sets a slot aside.
func (p Patient) Hold(ctx context.Context, slot, key string) (Answer, error) {
	return p.change(ctx, hold, object{"slotId": slot, "idempotencyKey": key})
}

// Release gives a hold back.
func (p Patient) Release(ctx context.Context, id string) (Answer, error) {
	return p.change(ctx, release, object{"holdId": id})
}

func (p Patient) change(ctx context.Context, document string, in object) (Answer, error) {
	var data struct{ Done Answer }
	err := p.Ask(ctx, document, object{"in": in}, &data)
	return data.Done, err
}

// Insist sends a change again, the same each time, while it goes unanswered or is told to come again later: as
// docs/consistency.md asks of a client, but with shorter waits. It counts how often it sent it.
func Insist(ctx context.Context, change func(context.Context) (Answer, error)) (a Answer, sent int, err error) {
	for {
		a, err = change(ctx)
		sent++
		if !again(a, err) || ctx.Err() != nil {
			return a, sent, err
		}
		pause := time.NewTimer(time.Duration(min(sent, 10))*20*time.Millisecond + rand.N(50*time.Millisecond))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return a, sent, errors.Join(ctx.Err(), err)
		}
	}
}

func again(a Answer, err error) bool {
	var top *TopError
	if errors.As(err, &top) {
		return top.Code == "SERVICE_BUSY"
	}
	if err != nil {
		return errors.Is(err, ErrUnanswered)
	}
	return len(a.Errors) > 0 && a.Errors[0].Retryable
}
