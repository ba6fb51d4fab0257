package provider

import (
	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// PutProvider asks for a provider to be created, or replaced when the organisation has one with this identifier.
type PutProvider struct {
	Organization         uuid.UUID // zero: the caller's own
	Identifier           clinic.Identifier
	Name                 string
	Specialties          []clinic.Coding
	Languages            []string       // BCP 47
	AcceptedPlans        []AcceptedPlan // nil for none
	VisitKinds           []clinic.Ref
	MaxDailyAppointments *int // nil for no cap
}

// AcceptedPlan is an insurance plan by its names.
type AcceptedPlan struct{ Carrier, Name string }

// TimeOfDay is a wall-clock time in seconds from midnight: 0 to 86,400, where the last is 24:00.
type TimeOfDay int

// At is a time of day on a whole minute.
func At(hour, minute int) TimeOfDay { return TimeOfDay(hour*3600 + minute*60) }

// Opening asks for an opening window on a local day. At or before From, To is a time of the next day.
type Opening struct {
	From, To   TimeOfDay
	Capacity   int               // visits at the same time
	VisitKinds []clinic.Ref      // nil for all that the provider offers
	Modalities []clinic.Modality // nil for all that the kind allows
}

// WeeklyOpening asks for an opening window that returns each week.
type WeeklyOpening struct {
	Weekday Weekday
	Opening
}

// SetSchedule asks for the weekly hours of a provider at a location. No hours close the provider there.
type SetSchedule struct {
	Provider, Location clinic.Ref
	EffectiveFrom      civil.Date
	EffectiveUntil     *civil.Date // inclusive; nil for no end
	Hours              []WeeklyOpening
}

// SetDateHours asks for the hours of one local date. Empty hours close it; nil hours bring the weekly ones back.
type SetDateHours struct {
	Provider, Location clinic.Ref
	Date               civil.Date
	Hours              []Opening
}

// AddException asks for time off, or for extra hours. It needs a provider, a location or both.
type AddException struct {
	Provider        *clinic.Ref    // nil: every provider at the location
	Location        *clinic.Ref    // nil: every location of the provider
	From, To        civil.DateTime // wall clock of the location, To exclusive
	Effect          Effect
	Capacity        *int // of open ones; default 1
	MaxAppointments *int // of open ones; nil for no cap
	Reason          *string
	Repeat          *AddRepeat // nil for once
	Key             string     // idempotency key
}

// AddRepeat asks for an exception again every so many weeks, by the same wall clock.
type AddRepeat struct {
	EveryWeeks int
	Until      civil.Date   // inclusive; none begins after it
	Except     []civil.Date // on which it would begin and doesn't
}

// Part is how much of an exception that repeats is meant.
type Part string

// The parts of the contract. Of one that stands alone each is the same.
const (
	AllTimes     Part = "ALL"
	This         Part = "THIS"
	ThisAndLater Part = "THIS_AND_LATER"
)

// OpenWindow is a window of a published timetable. The key tells it from the others of the same provider and location:
// putting it again replaces it.
type OpenWindow struct {
	Key             string
	From, To        civil.DateTime // wall clock of the location, To exclusive
	Capacity        int
	MaxAppointments *int // nil for no cap
}

// SpecialtyRef names a specialty that an organisation's providers have.
type SpecialtyRef struct {
	Organization uuid.UUID
	System, Code string
}
