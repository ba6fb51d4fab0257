// Package clinic is a room: organisations, their locations and the kinds of visit they offer.
package clinic

import (
	"time"

	"github.com/google/uuid"
)

// Organization is a clinic group or practice: the tenant that owns everything else.
type Organization struct {
	ID   uuid.UUID
	Name string
}

// Identifier names a thing in another system, as in FHIR's Identifier (https://hl7.org/fhir/R4/datatypes.html#Identifier).
type Identifier struct {
	System string // absolute URL
	Value  string
}

// Coding is a code from a code system (https://hl7.org/fhir/R4/datatypes.html#Coding).
type Coding struct {
	System  string // absolute URL
	Code    string
	Display *string
}

// GeoPoint is a point on WGS 84, in degrees.
type GeoPoint struct{ Latitude, Longitude float64 }

// Location is a place where visits happen, or a virtual room.
type Location struct {
	ID             uuid.UUID
	OrganizationID uuid.UUID
	Identifier     Identifier
	Name           string
	TimeZone       string // IANA name
	StepFreeAccess *bool
	Phone          *string // E.164
	Position       *GeoPoint
	AddressLines   []string
	PostalCode     *string
	Country        *string // ISO 3166 alpha-2
	DistanceMeters *int    // over the ground, from the middle of the circle that it was found in; nil when read otherwise
}

// Modality is how a visit takes place.
type Modality string

// The modalities of the contract.
const (
	Home     Modality = "HOME"
	InPerson Modality = "IN_PERSON"
	Phone    Modality = "PHONE"
	Video    Modality = "VIDEO"
)

// Modalities in the contract's order.
var Modalities = []Modality{Home, InPerson, Phone, Video}

// OnSite says whether the patient and the provider meet at a wall-clock time of a place, so that a change of a zone's rules
// moves the instant and not the clock.
func (m Modality) OnSite() bool { return m == Home || m == InPerson }

// GridAnchor is where the grid of starts begins.
type GridAnchor string

// The anchors: the local midnight, or the start of each opening window.
const (
	GridDay    GridAnchor = "DAY"
	GridWindow GridAnchor = "WINDOW"
)

// VisitKind is a kind of visit with its length and rules.
type VisitKind struct {
	ID               uuid.UUID
	OrganizationID   uuid.UUID
	Key              string
	Name             string
	Duration         time.Duration // whole minutes, 1 min to 24 h
	BufferBefore     time.Duration // whole minutes, 0 to 12 h
	BufferAfter      time.Duration
	SlotStep         time.Duration // whole minutes, 1 min to 24 h
	GridAnchor       GridAnchor
	Instructions     *string
	RequiresApproval bool
	ApprovalWithin   time.Duration // what waits for approval longer than that lapses; 15 min to 60 days
	Modalities       []Modality
	Policy           Policy
	Requires         Requirements
}

// Policy holds the rules for booking, moving and cancelling.
type Policy struct {
	FreeCancellationBefore time.Duration
	MinimumNotice          time.Duration
	MaximumAdvance         time.Duration
	HoldDuration           time.Duration
	MaxReschedules         *int
	LateCancellationFee    *Money
}

// Money is an amount in the currency's minor unit (ISO 4217).
type Money struct {
	MinorUnits int
	Currency   string
}

// MaxOccupied bounds how long one visit can keep a provider busy, buffers included. Reads of claims rely on it.
const MaxOccupied = 48 * time.Hour

// MaxBuffer bounds how far before its start, and how long after its end, a visit keeps its provider busy.
const MaxBuffer = 12 * time.Hour

// Ref names a thing of an organisation.
type Ref struct{ Organization, ID uuid.UUID }
