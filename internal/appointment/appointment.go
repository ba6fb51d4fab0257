// Package appointment is a room: holding, booking, moving and cancelling visits.
package appointment

import (
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Status maps one to one onto FHIR Appointment.status (https://hl7.org/fhir/R4/valueset-appointmentstatus.html).
type Status string

// The states of the contract.
const (
	Arrived        Status = "ARRIVED"
	Booked         Status = "BOOKED"
	Cancelled      Status = "CANCELLED"
	CheckedIn      Status = "CHECKED_IN"
	EnteredInError Status = "ENTERED_IN_ERROR"
	Fulfilled      Status = "FULFILLED"
	NoShow         Status = "NO_SHOW"
	Pending        Status = "PENDING"
	Waitlisted     Status = "WAITLISTED"
)

// Action is what can be done with an appointment.
type Action string

// The actions of the contract.
const (
	Approve    Action = "APPROVE"
	Arrive     Action = "ARRIVE"
	Cancel     Action = "CANCEL"
	CheckIn    Action = "CHECK_IN"
	Complete   Action = "COMPLETE"
	Confirm    Action = "CONFIRM"
	Decline    Action = "DECLINE"
	MarkNoShow Action = "MARK_NO_SHOW"
	Reschedule Action = "RESCHEDULE"
	Undo       Action = "UNDO"
)

// Actions in the contract's order.
var Actions = []Action{Approve, Arrive, Cancel, CheckIn, Complete, Confirm, Decline, MarkNoShow, Reschedule, Undo}

// CancellationReason is a coded reason.
type CancellationReason string

// The reasons of the contract. ClinicRequest, NotApprovedInTime and ProviderUnavailable are the clinic's.
const (
	ClinicRequest       CancellationReason = "CLINIC_REQUEST"
	FeelingBetter       CancellationReason = "FEELING_BETTER"
	NotApprovedInTime   CancellationReason = "NOT_APPROVED_IN_TIME" // it lapsed; nobody gives this reason
	Other               CancellationReason = "OTHER"
	ProviderUnavailable CancellationReason = "PROVIDER_UNAVAILABLE"
	ScheduleConflict    CancellationReason = "SCHEDULE_CONFLICT"
	Transport           CancellationReason = "TRANSPORT"
)

// Side says which side cancelled.
type Side string

// The sides of the contract.
const (
	ByClinic  Side = "CLINIC"
	ByPatient Side = "PATIENT"
)

// Cancellation is how an appointment was cancelled.
type Cancellation struct {
	Reason CancellationReason
	Note   *access.Private
	At     time.Time
	By     Side
	Fee    *clinic.Money
}

// Appointment is a booked visit. LocalStart and TimeZone are what the patient was told; Start is the instant it meant under
// the zone data TZDB.
type Appointment struct {
	ID, OrganizationID                             uuid.UUID
	ProviderID, LocationID, VisitKindID, PatientID uuid.UUID
	Version                                        int
	Status                                         Status
	Modality                                       clinic.Modality
	Start, End                                     time.Time
	LocalStart                                     civil.DateTime
	TimeZone, TZDB                                 string
	Reason                                         *access.Private
	CreatedAt, UpdatedAt                           time.Time
	CreatedBy                                      uuid.UUID
	ConfirmedAt                                    *time.Time
	Reschedules                                    int
	Cancellation                                   *Cancellation
	LastAction                                     Action // the last transition; empty when none
	PriorStatus                                    Status // before it
	PriorConfirmedAt                               *time.Time
	ApprovalDueAt                                  *time.Time // a pending one lapses then; nil: none
	AwaitsDoctor                                   bool       // a pending one: somebody else asked for what takes a doctor's word
	SeriesID                                       uuid.UUID  // zero: of none
	SeriesAt                                       int        // which one of its series, from 0
}

// Ref names the appointment.
func (a Appointment) Ref() clinic.Ref { return clinic.Ref{Organization: a.OrganizationID, ID: a.ID} }

// Slot names the slot that the appointment stands in.
func (a Appointment) Slot() availability.SlotID {
	return availability.SlotID{
		Organization: a.OrganizationID, Provider: a.ProviderID, Location: a.LocationID, VisitKind: a.VisitKindID,
		Modality: a.Modality, Start: a.Start,
	}
}

// Hold keeps a slot for one caller for a short time.
type Hold struct {
	ID, OrganizationID uuid.UUID
	Slot               availability.SlotID
	Actor              uuid.UUID
	Patient            uuid.UUID // zero when not known yet
	Moving             uuid.UUID // the appointment being moved; zero when none
	ExpiresAt          time.Time
	Extended           bool
	State              HoldState
	EndedAt            *time.Time
}

// HoldState is where a hold stands.
type HoldState string

// The states of a hold.
const (
	HoldActive   HoldState = "ACTIVE"
	HoldBooked   HoldState = "BOOKED"
	HoldLapsed   HoldState = "LAPSED"
	HoldReleased HoldState = "RELEASED"
)
