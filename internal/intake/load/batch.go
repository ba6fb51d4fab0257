package load

import (
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Batch is some providers with everything about them: hours, patients of their own, visits and what these left behind.
type Batch struct {
	Organization uuid.UUID
	Staff        []Staff
	People       []Person
	Visits       []Visit
	Steps        []Step // in the order in which they were taken
	Days         []Day
	Windows      []Window
}

// Staff is a provider as put, with hours as set.
type Staff struct {
	provider.Provider
	Put        clinic.Stamp
	Plans      []uuid.UUID
	Desks      []Desk
	Exceptions []Exception
}

// Revision is that of the provider's hours once all of them are set.
func (s Staff) Revision() int { return 1 + len(s.Desks) + len(s.Exceptions) }

// Desk is a provider's weekly hours at a location.
type Desk struct {
	Location uuid.UUID
	provider.Schedule
	Set clinic.Stamp
}

// Exception is time off, or extra hours.
type Exception struct {
	provider.Exception
	Added clinic.Stamp
}

// Plan is an insurance plan of no real carrier.
type Plan struct {
	ID            uuid.UUID
	Carrier, Name string
}

// Person is a patient as registered.
type Person struct {
	patient.Patient
	Registered clinic.Stamp
}

// Visit is an appointment as it stands, with its claims.
type Visit struct {
	appointment.Appointment
	Plan                availability.Plan
	Lane                int
	Claim, PatientClaim uuid.UUID
	ClaimState          string // of both claims
}

// Step is the booking of a visit, or what was done with it later.
type Step struct {
	clinic.Stamp
	Visit   int                             // its index in the batch
	Action  appointment.Action              // empty: the booking
	Days    map[civil.Date]availability.Day // the provider's days after a booking or a cancellation
	Windows map[uuid.UUID]int               // the same of capped windows
}

// Day is a day row of a provider or a patient.
type Day struct {
	Party uuid.UUID
	Date  civil.Date
	availability.Day
}

// Window is what a capped window counts.
type Window struct {
	Exception, Provider uuid.UUID
	Booked              int
}

// The states of claims.
const (
	active = "ACTIVE"
	freed  = "FREED"
	past   = "PAST"
)

// over is how long after their end the background work takes claims out of the way.
const over = clinic.MaxBuffer + time.Hour
