// Package errs is a foundation: the kinds of failure that every floor tells apart.
package errs

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what a caller can do about a failure.
type Kind int

// The kinds of failure. The zero kind is Internal, so an error nobody classified is never shown as anything better.
const (
	Internal Kind = iota
	InvalidInput
	NotFound
	Unauthenticated
	Forbidden
	Busy // the same request may succeed later
)

// Error is a failure with a kind, a sentence for a person and, for bad input, the path of the field.
type Error struct {
	Kind    Kind
	Message string
	Path    []string
	Cause   error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// Invalid reports bad input at a path such as "input", "slotId".
func Invalid(message string, path ...string) *Error {
	return &Error{Kind: InvalidInput, Message: message, Path: path}
}

// Missing reports that the named thing does not exist for this caller. It never says whether it exists for another.
func Missing(what string, path ...string) *Error {
	return &Error{Kind: NotFound, Message: "No such " + what + ".", Path: path}
}

// Denied reports that the caller may not do this.
func Denied(message string, path ...string) *Error {
	return &Error{Kind: Forbidden, Message: message, Path: path}
}

// SignIn reports that an anonymous caller asked for something that needs a token.
func SignIn(message string) *Error { return &Error{Kind: Unauthenticated, Message: message} }

// TryAgain reports that the service could not do it now and that the same request may succeed later.
func TryAgain(cause error) *Error {
	return &Error{Kind: Busy, Message: "The service is busy. The same request may succeed in a moment.", Cause: cause}
}

// Of returns the kind of the first classified error in the chain, else Internal.
func Of(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Under returns err with its path moved below a prefix, so that a service can name fields without knowing its caller's input.
func Under(err error, prefix ...string) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || len(prefix) == 0 {
		return err
	}
	moved := *e
	moved.Path = append(append([]string{}, prefix...), e.Path...)
	return &moved
}

// Rename puts a classified failure at another path; nil stays nil.
func Rename(err error, path ...string) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	renamed := *e
	renamed.Path = path
	return &renamed
}

// At names the field of a classified failure that doesn't name one yet.
func At(err error, path ...string) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || len(e.Path) > 0 {
		return err
	}
	named := *e
	named.Path = path
	return &named
}

// Bug wraps an unexpected failure with the step that met it.
func Bug(step string, err error) error { return fmt.Errorf("%s: %w", step, err) }

// KeyInUse reports that a request with the same idempotency key is running. The same request may succeed later.
type KeyInUse struct{}

func (KeyInUse) Error() string { return "A request with this idempotency key is still running." }

// KeyReused reports that an idempotency key was used with another input.
type KeyReused struct{ FirstUsedAt time.Time }

func (KeyReused) Error() string { return "This idempotency key was used with another input." }

// Limit names what somebody may have only so much of at a time.
type Limit string

// The limits of the contract.
const (
	AccountHolds       Limit = "ACCOUNT_HOLDS"
	FutureAppointments Limit = "FUTURE_APPOINTMENTS"
	HoldsAnHour        Limit = "HOLDS_AN_HOUR"
	IdempotencyKeys    Limit = "IDEMPOTENCY_KEYS"
	PatientHolds       Limit = "PATIENT_HOLDS"
	WaitlistEntries    Limit = "WAITLIST_ENTRIES"
)

// LimitReached reports that there is as much of something as there may be.
type LimitReached struct {
	Limit   Limit
	Most    int
	InUse   int
	RetryAt time.Time // when there is less again by time alone
}

func (e LimitReached) Error() string {
	switch e.Limit {
	case AccountHolds:
		return "This account holds as many times as it may. Book or release one of them first."
	case FutureAppointments:
		return "The patient has as many appointments ahead as may be booked. Cancel one of them first, or ask the clinic."
	case HoldsAnHour:
		return "This account has held times too often within an hour."
	case IdempotencyKeys:
		return "This account has used too many idempotency keys within a day."
	case WaitlistEntries:
		return "The patient waits for as much as a patient may. Leave one of the waitlists first."
	}
	return "As many times are held for the patient as may be. Book or release one of them first."
}
