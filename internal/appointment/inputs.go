package appointment

import (
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

// Target is exactly one of a hold, a slot, and whoever is free; the last is for bookings.
type Target struct {
	Hold *clinic.Ref
	Slot *availability.SlotID
	Any  *AnyProvider `json:",omitempty"` // as with BookVisit.Override
}

// AnyProvider asks for whoever of a location's providers is free.
type AnyProvider struct {
	VisitKind clinic.Ref
	Location  clinic.Ref
	Start     time.Time
	Modality  *clinic.Modality // nil: the kind's first
	Providers []clinic.Ref     // only these; nil: all
	Language  *string          // BCP 47
}

// PlaceHold asks for a hold.
type PlaceHold struct {
	Slot    availability.SlotID
	Patient *clinic.Ref
	Moving  *clinic.Ref
	Key     string
}

// BookVisit asks for an appointment.
type BookVisit struct {
	Target      Target
	Patient     *clinic.Ref // nil: the account's only one
	Reason      *access.Private
	Identifiers []clinic.Identifier
	Override    *conflict.Override `json:",omitempty"` // rules that the staff books over; nil: none, as for a program that doesn't know of them
	Key         string
}

// MoveVisit asks for another time.
type MoveVisit struct {
	Appointment     clinic.Ref
	Target          Target
	ExpectedVersion *int
	Override        *conflict.Override `json:",omitempty"` // as with BookVisit
	Key             string
}

// CancelVisit asks for a cancellation, or for a preview of one.
type CancelVisit struct {
	Appointment     clinic.Ref
	Reason          CancellationReason
	Note            *access.Private
	ExpectedVersion *int
	AcceptFee       *int // minor units
	Preview         bool
	Key             *string
}

// ChangeState asks for a transition.
type ChangeState struct {
	Appointment     clinic.Ref
	Action          Action
	Reason          *CancellationReason `json:",omitempty"` // of Decline; nil: ClinicRequest
	Note            *access.Private     `json:",omitempty"` // likewise
	ExpectedVersion *int
	Key             *string
}

// Booking is what a booking or a move answers.
type Booking struct {
	Appointment Appointment
	Replayed    bool
	Released    *availability.SlotID // of a move: the slot that became free
	Warnings    []conflict.Warning
}

// Cancellable is what a cancellation answers: the appointment after it, or before it in a preview, and the fee.
type Cancellable struct {
	Appointment Appointment
	Fee         *clinic.Money
}

// ActionState is one action on an appointment as it stands for a caller.
type ActionState struct {
	Action  Action
	Allowed bool
	Reason  ActionBar // why not; empty when allowed
	Until   *time.Time
	Fee     *clinic.Money
}

// Order of a list of appointments.
type Order string

// The orders of the contract.
const (
	ApprovalDue       Order = "APPROVAL_DUE_ASC" // of what is pending
	StartAscending    Order = "START_ASC"
	StartDescending   Order = "START_DESC"
	UpdatedDescending Order = "UPDATED_DESC"
)

// Filter narrows a list of appointments. Zero fields do not narrow.
type Filter struct {
	Organization uuid.UUID
	Patient      uuid.UUID
	Provider     uuid.UUID
	Location     uuid.UUID
	Statuses     []Status
	From, To     time.Time
	Identifier   *clinic.Identifier
	Series       uuid.UUID
	Meets        []ZonedSpan   // only those that meet the span of their location's zone, be it in part; nil: whenever
	Unequipped   bool          // only those that lack something which their kind needs
	Among        *access.Reach // only those of patients within it; nil: of all
}

// ZonedSpan is a time that is meant for the locations of one zone.
type ZonedSpan struct {
	Zone string // IANA
	availability.Span
}

// ActionBar is why an action is closed, one of the contract's UserErrorCode.
type ActionBar string

// The bars.
const (
	BarWindowPassed ActionBar = "CANCELLATION_WINDOW_PASSED"
	BarForbidden    ActionBar = "FORBIDDEN"
	BarState        ActionBar = "INVALID_TRANSITION"
)
