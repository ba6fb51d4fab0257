// Package conflict is a room: what else stands against a visit than the provider's hours and bookings, and how new rules about that are
// tried before they count.
package conflict

import (
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Case is a visit that somebody wants, as it would be.
type Case struct {
	Operation Operation
	Plan      availability.Plan
	Kind      clinic.VisitKind
	Travels   bool      // the provider sees patients at several locations
	Patient   uuid.UUID // zero: nobody in particular
	Own       uuid.UUID // the appointment that it would become, or that is moved: it stands in nobody's way
	Was       *Was      // of one that is moved
	Hold      uuid.UUID // that is booked from; zero: none
	Holder    uuid.UUID // whose holds give way
	Now       time.Time
	AsItWas   bool // visits and holds that were made after Now don't count

	Together []Part           // what changes with it, where it would be: of these, nothing counts that stands in the store
	Here     *clinic.GeoPoint // where its location is, if something changes with it; nil: not known
}

// Part is another visit that changes together with one, as it would be.
type Part struct {
	Appointment uuid.UUID
	Patient     uuid.UUID
	Plan        availability.Plan
	At          *clinic.GeoPoint // nil: not known
}

// Was is where an appointment stood that is moved.
type Was struct {
	VisitKind uuid.UUID
	Span      availability.Span
}

// OnSite says whether it brings patient and provider to the location.
func (c Case) OnSite() bool { return c.Plan.Modality == clinic.InPerson }

// NewSince is the instant after which whoever had a visit is established with the organisation.
func (c Case) NewSince() time.Time { return c.Plan.Start.AddDate(-clinic.NewAfterYears, 0, 0) }

// AgeMatters says whether the patient's birth date decides anything.
func (c Case) AgeMatters() bool {
	return c.Patient != uuid.Nil && (c.Kind.Requires.MinimumAge != nil || c.Kind.Requires.MaximumAge != nil)
}

// Needs are the pools that the visit takes one each of.
func (c Case) Needs() []string {
	if !c.OnSite() {
		return nil
	}
	return c.Kind.Requires.Needs
}

// Operation is what is done with a visit.
type Operation string

// The operations of the contract.
const (
	Book    Operation = "BOOK"
	Explain Operation = "EXPLAIN" // which nobody counts
	Hold    Operation = "HOLD"
	Move    Operation = "MOVE"
)

// Facts are what the rules follow from, read at one moment. What a kind's rules don't ask for is zero.
type Facts struct {
	Travel            clinic.TravelRules
	Here              *clinic.GeoPoint // nil: not known
	ProviderElsewhere []Elsewhere      // their visits, and others' holds, in person at other locations within clinic.MaxWay
	PatientElsewhere  []Elsewhere
	Alike             []time.Time // starts of the patient's other visits of the kind within its RepeatAfter
	Established       bool
	Before            []uuid.UUID // kinds of the prerequisites that there is a visit of in time
	After             []Dependent // visits that count on where the appointment stood, and on no other
	Caregivers        []uuid.UUID // accounts that act for a patient who has none of their own
	InTheirCare       []Cared     // visits at the same time that some of these have to attend
	Born              *civil.Date // nil: not known
	NoneFree          bool        // of some pool that is needed
}

// Elsewhere is a visit at another location.
type Elsewhere struct {
	Location uuid.UUID
	At       *clinic.GeoPoint // nil: not known
	availability.Span
}

// Dependent is a visit with a prerequisite.
type Dependent struct {
	Start  time.Time
	Within time.Duration
}

// Cared is a visit with those who can attend it: accounts.
type Cared struct {
	availability.Span
	Caregivers []uuid.UUID
}
