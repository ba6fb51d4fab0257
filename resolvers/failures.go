package resolvers

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// failures sorts why a change was refused: what a client can act on is data, the members of the mutation's union U; the rest
// stays an error. slotPath is where the input names the slot.
func failures[U any](err error, slotPath ...string) ([]U, error) {
	if err == nil {
		return nil, nil
	}
	for _, member := range members(err, append([]string{"input"}, slotPath...)) {
		if u, ok := member.(U); ok {
			return []U{u}, nil
		}
	}
	return nil, err
}

// members are the error types that an error may be told as, the most telling first.
func members(err error, slotPath []string) []any {
	if e, ok := errors.AsType[appointment.OfPart](err); ok {
		return partMembers(e)
	}
	if found := slotMembers(err, slotPath); found != nil {
		return found
	}
	for _, of := range kindsOfMembers {
		if found := of(err); found != nil {
			return found
		}
	}
	return plainMembers(err)
}

var kindsOfMembers = []func(error) []any{
	stateMembers, offerMembers, actingMembers, keptMembers, partnerMembers, peopleMembers, choiceMembers, keyMembers, sessionMembers, limitMembers, featureMembers,
}

// partMembers are of a change of two appointments: the path names the one that it is of.
func partMembers(e appointment.OfPart) []any {
	path := input([]string{"firstAppointmentId", "secondAppointmentId"}[e.Part])
	found := members(e.Err, path)
	for _, member := range found {
		switch m := member.(type) {
		case *model.StaleVersionError:
			m.Path = path
		case *model.InvalidTransitionError:
			m.Path = path
		case *model.PatientConflictError:
			m.Path = path
		}
	}
	return found
}

func input(field string) []string { return []string{"input", field} }

// slotMembers are of times that can't be had.
func slotMembers(err error, slotPath []string) []any {
	if e, ok := errors.AsType[appointment.SlotTaken](err); ok {
		return []any{&model.SlotTakenError{Code: model.UserErrorCodeSlotTaken, Message: e.Error(), Path: slotPath, SlotID: e.Slot, For: e.For}}
	}
	if e, ok := errors.AsType[appointment.SlotUnavailable](err); ok {
		return []any{&model.SlotUnavailableError{
			Code: model.UserErrorCodeSlotUnavailable, Message: e.Error(), Path: slotPath, SlotID: e.Slot, For: e.For, BlockedBy: e.BlockedBy,
			Overridable: e.Overridable,
		}}
	}
	if e, ok := errors.AsType[appointment.SeriesUnavailable](err); ok {
		return []any{&model.SeriesUnavailableError{
			Code: model.UserErrorCodeSlotUnavailable, Message: e.Error(), Path: slotPath, Dates: pointers(e.Dates),
		}}
	}
	if e, ok := errors.AsType[appointment.HoldExpired](err); ok {
		return []any{&model.HoldExpiredError{
			Code: model.UserErrorCodeHoldExpired, Message: e.Error(), Path: slotPath, SlotID: e.Slot, For: e.For, ExpiredAt: e.At,
		}}
	}
	if e, ok := errors.AsType[appointment.PatientConflict](err); ok {
		path := input("patientId")
		if e.For.Moving != uuid.Nil { // the input of a move names no patient
			path = slotPath
		}
		return []any{&model.PatientConflictError{Code: model.UserErrorCodePatientConflict, Message: e.Error(), Path: path, With: e.With}}
	}
	return nil
}

// stateMembers are of changes to an appointment that its state, its version or the policy forbids.
func stateMembers(err error) []any {
	if e, ok := errors.AsType[appointment.StaleVersion](err); ok {
		return []any{&model.StaleVersionError{
			Code: model.UserErrorCodeStaleVersion, Message: e.Error(), Path: input("expectedVersion"), Current: &e.Current,
		}}
	}
	if e, ok := errors.AsType[appointment.InvalidTransition](err); ok {
		return []any{&model.InvalidTransitionError{
			Code: model.UserErrorCodeInvalidTransition, Message: e.Error(), Path: input("appointmentId"), From: e.From, Allowed: e.Allowed,
		}}
	}
	if e, ok := errors.AsType[appointment.PolicyBroken](err); ok {
		return []any{&model.PolicyError{
			Code: model.UserErrorCodeCancellationWindowPassed, Message: e.Error(), Path: input("appointmentId"), Policy: &e.Policy, Fee: e.Fee,
		}}
	}
	return nil
}

// limitMembers tell what there may be no more of. A union without the type of its own tells the code.
func limitMembers(err error) []any {
	e, ok := errors.AsType[errs.LimitReached](err)
	if !ok {
		return nil
	}
	path := []string{"input"}
	switch e.Limit {
	case errs.FutureAppointments, errs.PatientHolds, errs.WaitlistEntries:
		path = input("patientId")
	case errs.IdempotencyKeys:
		path = input("idempotencyKey")
	}
	return []any{
		&model.LimitReachedError{
			Code: model.UserErrorCodeLimitReached, Message: e.Error(), Path: path,
			Reached: model.LimitKind(e.Limit), Limit: e.Most, InUse: e.InUse, RetryAt: e.RetryAt,
		},
		&model.GenericError{Code: model.UserErrorCodeLimitReached, Message: e.Error(), Path: path},
	}
}

// featureMembers tell of what isn't rolled out to the caller. A union without the type of its own tells the code.
func featureMembers(err error) []any {
	e, ok := errors.AsType[errs.FeatureOff](err)
	if !ok {
		return nil
	}
	return []any{
		&model.FeatureDisabledError{Code: model.UserErrorCodeFeatureDisabled, Message: e.Error(), Path: []string{"input"}, Feature: e.Feature},
		&model.GenericError{Code: model.UserErrorCodeFeatureDisabled, Message: e.Error(), Path: []string{"input"}},
	}
}

func keyMembers(err error) []any {
	if e, ok := errors.AsType[errs.KeyInUse](err); ok {
		return []any{&model.IdempotencyError{
			Code: model.UserErrorCodeIdempotencyKeyInUse, Message: e.Error(), Path: input("idempotencyKey"), Retryable: true,
		}}
	}
	if e, ok := errors.AsType[errs.KeyReused](err); ok {
		reused := &model.IdempotencyError{Code: model.UserErrorCodeIdempotencyKeyReused, Message: e.Error(), Path: input("idempotencyKey")}
		if !e.FirstUsedAt.IsZero() {
			reused.FirstUsedAt = &e.FirstUsedAt
		}
		return []any{reused}
	}
	return nil
}

var plainCodes = map[errs.Kind]model.UserErrorCode{
	errs.InvalidInput: model.UserErrorCodeInvalidInput,
	errs.NotFound:     model.UserErrorCodeNotFound,
	errs.Forbidden:    model.UserErrorCodeForbidden,
	errs.Busy:         model.UserErrorCodeServiceBusy,
}

func plainMembers(err error) []any {
	if errors.Is(err, context.DeadlineExceeded) {
		err = errs.Under(errs.TryAgain(err), "input")
	}
	e, ok := errors.AsType[*errs.Error](err)
	if !ok {
		return nil
	}
	code, expected := plainCodes[e.Kind]
	if !expected {
		return nil
	}
	generic := &model.GenericError{Code: code, Message: e.Message, Path: e.Path, Retryable: e.Kind == errs.Busy}
	if e.Kind == errs.InvalidInput {
		return []any{&model.InvalidInputError{Code: code, Message: e.Message, Path: e.Path}, generic}
	}
	return []any{generic}
}
