// Package availability is a room: from hours, exceptions and what is taken to the openings that can be booked.
package availability

import (
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// SlotID names a bookable period by what it is, so that it stays the same over the slot's life.
type SlotID struct {
	Organization, Provider, Location, VisitKind uuid.UUID
	Modality                                    clinic.Modality
	Start                                       time.Time // UTC, whole minute
}

// ProviderRef names the slot's provider.
func (s SlotID) ProviderRef() clinic.Ref {
	return clinic.Ref{Organization: s.Organization, ID: s.Provider}
}

// Status is the state of a slot.
type Status string

// The states of the contract.
const (
	Blocked Status = "BLOCKED" // closed, capped, too soon or too far
	Booked  Status = "BOOKED"  // every lane is taken
	Free    Status = "FREE"
	Held    Status = "HELD" // would be free but for holds
)

// Slot is a bookable period as it stands.
type Slot struct {
	SlotID
	End        time.Time
	LocalStart civil.DateTime
	TimeZone   string
	Status     Status
	Remaining  int   // of a free one: lanes free for the whole widened span, bounded by the caps; else 0
	Version    int64 // the day's revision
}

// Rule can keep a time out.
type Rule string

// The rules of the contract, in the stable order in which they are answered.
const (
	BeyondMaximumAdvance    Rule = "BEYOND_MAXIMUM_ADVANCE"
	CaregiverBusy           Rule = "CAREGIVER_BUSY"
	DailyCapReached         Rule = "DAILY_CAP_REACHED"
	DuplicateVisit          Rule = "DUPLICATE_VISIT"
	EstablishedPatientsOnly Rule = "ESTABLISHED_PATIENTS_ONLY"
	InsideMinimumNotice     Rule = "INSIDE_MINIMUM_NOTICE"
	InThePast               Rule = "IN_THE_PAST"
	NewPatientsOnly         Rule = "NEW_PATIENTS_ONLY"
	NotAvailable            Rule = "NOT_AVAILABLE"
	NotEligible             Rule = "NOT_ELIGIBLE"
	NotOnGrid               Rule = "NOT_ON_GRID"
	OutsideHours            Rule = "OUTSIDE_HOURS"
	PatientBusy             Rule = "PATIENT_BUSY"
	PatientTravelTime       Rule = "PATIENT_TRAVEL_TIME"
	PrerequisiteMissing     Rule = "PREREQUISITE_MISSING"
	ProviderBusy            Rule = "PROVIDER_BUSY"
	ProviderClosed          Rule = "PROVIDER_CLOSED"
	ProviderTravelTime      Rule = "PROVIDER_TRAVEL_TIME"
	ResourceBusy            Rule = "RESOURCE_BUSY"
	VisitKindNotOffered     Rule = "VISIT_KIND_NOT_OFFERED"
	WindowCapReached        Rule = "WINDOW_CAP_REACHED"
)

// Rules are what a provider's openings follow from, but for what is taken. They hold for local days in [From, Until].
type Rules struct {
	Organization, Provider uuid.UUID
	Revision               int64 // rises with every change of anything in here
	From, Until            civil.Date
	MaxDaily               *int
	Travels                bool               // there are, or were, hours at several locations: visits may be left where there are none any more
	Kinds                  []clinic.VisitKind // those that the provider offers
	Places                 []Place
}

// Place holds a provider's hours at one location.
type Place struct {
	Location   uuid.UUID
	TimeZone   string
	Zone       *time.Location
	Schedules  []provider.Schedule             // latest first
	DateHours  map[civil.Date][]provider.Hours // present and empty: closed that day
	Exceptions []provider.Exception            // that touch this location, of the provider or of the whole place
}

// Taken is what stands in the way of openings, read in one snapshot.
type Taken struct {
	Claims  []Claim
	Days    map[civil.Date]Day // by local date; absent: revision 0, nothing counted
	Windows map[uuid.UUID]int  // visits and holds counted per capped exception
	Patient []Visit            // the asking patient's visits, bare
}

// Visit is a patient's appointment over its bare span.
type Visit struct {
	Span
	Appointment uuid.UUID
}

// Claim is one lane of the provider kept busy over [Start, End), buffers included.
type Claim struct {
	ID          uuid.UUID
	Lane        int
	Start, End  time.Time
	Appointment uuid.UUID // zero for a hold
	Hold        uuid.UUID // zero for an appointment
	Holder      Holder    // of a hold
	ExpiresAt   time.Time // of a hold; one that expires exactly now no longer blocks

	// What the claim is counted against: a hold's counts don't stand in its own holder's way, nor do a lapsed one's.
	CountedDay     civil.Date // zero: no day
	CountedWindows []uuid.UUID
}

// Holder is whom a hold is kept for: the actor who placed it and, when known, the patient it is for.
type Holder struct{ Actor, Patient uuid.UUID }

// Day is a provider's local day.
type Day struct {
	Revision int64
	Booked   int // visits and holds counted against the daily cap
}

// Span is a half-open interval of instants.
type Span struct{ Start, End time.Time }

// Overlaps says whether two half-open spans share an instant. An empty one shares none.
func (s Span) Overlaps(o Span) bool {
	return !s.IsEmpty() && !o.IsEmpty() && s.Start.Before(o.End) && o.Start.Before(s.End)
}

// Contains says whether an instant lies in the half-open span.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.Start) && t.Before(s.End) }

// IsEmpty says whether the span holds no instant.
func (s Span) IsEmpty() bool { return !s.Start.Before(s.End) }
