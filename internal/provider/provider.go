// Package provider is a room: people and resources that see patients, and when they can be seen.
package provider

import (
	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Provider is a person or resource that sees patients.
type Provider struct {
	ID                   uuid.UUID
	OrganizationID       uuid.UUID
	Identifier           clinic.Identifier
	Name                 string
	Specialties          []clinic.Coding
	Languages            []string // BCP 47
	VisitKindIDs         []uuid.UUID
	PlanIDs              []uuid.UUID // insurance plans accepted
	MaxDailyAppointments *int        // per local day of the start; nil for no cap
}

// Weekday numbers days as ISO 8601 does: Monday is 1, Sunday is 7.
type Weekday int

// Hours is an opening window on a local day, in minutes of the wall clock.
type Hours struct {
	From       int // 0 to 1439
	To         int // 1 to 2880; above 1440 it runs into the next day
	Capacity   int // visits at the same time, at least 1
	VisitKinds []uuid.UUID
	Modalities []clinic.Modality
}

// WeeklyHours is an opening window that returns each week.
type WeeklyHours struct {
	Weekday Weekday
	Hours
}

// Schedule is one call's weekly hours of a provider at a location. A later schedule replaces earlier ones on the days it covers.
type Schedule struct {
	ID             uuid.UUID // version 7: later schedules have larger ids
	EffectiveFrom  civil.Date
	EffectiveUntil *civil.Date // inclusive; nil for no end
	Weekly         []WeeklyHours
}

// Covers says whether the schedule speaks for a local day.
func (s Schedule) Covers(d civil.Date) bool {
	return !d.Before(s.EffectiveFrom) && (s.EffectiveUntil == nil || !d.After(*s.EffectiveUntil))
}

// Effect is what an exception does to the weekly hours.
type Effect string

// The effects of the contract.
const (
	Closed Effect = "CLOSED"
	Open   Effect = "OPEN"
)

// Exception closes or opens a period, wall clock of the location.
type Exception struct {
	ID              uuid.UUID
	OrganizationID  uuid.UUID
	ProviderID      uuid.UUID // zero: every provider at the location
	LocationID      uuid.UUID // zero: every location of the provider
	From, To        civil.DateTime
	Effect          Effect
	Capacity        int  // of an open one, at least 1
	MaxAppointments *int // visits that may start in an open one, per provider; nil for no cap
	Reason          *string
	Repeat          *Repeat `json:",omitempty"` // nil for one that stands alone; keys remember inputs as JSON, and many have none
}

// Repeat says that an exception is one of several that were added as one: the same wall clock every so many weeks.
type Repeat struct {
	EveryWeeks int
	Until      civil.Date   // inclusive; none begins after it
	Dates      []civil.Date // on which those that stand begin, in order
}
