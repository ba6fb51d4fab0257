package clinic

import (
	"time"

	"github.com/google/uuid"
)

// CreateOrganization asks for a tenant.
type CreateOrganization struct {
	Name string
	Key  string // idempotency key
}

// PutLocation asks for a location to be created, or replaced when the organisation has one with this identifier.
type PutLocation struct {
	Organization        uuid.UUID // zero: the caller's own
	Identifier          Identifier
	Name                string
	TimeZone            string // IANA name
	AddressLines        []string
	PostalCode          *string
	Country             *string // ISO 3166 alpha-2
	Latitude, Longitude *float64
	StepFreeAccess      *bool
	Phone               *string // E.164
}

// PutVisitKind asks for a kind of visit to be created, or replaced when the organisation has one with this key. Fields
// left out take the defaults that the contract names.
type PutVisitKind struct {
	Organization           uuid.UUID // zero: the caller's own
	Key                    string
	Name                   string
	Duration               time.Duration
	BufferBefore           *time.Duration
	BufferAfter            *time.Duration
	SlotStep               *time.Duration
	GridAnchor             *GridAnchor
	Instructions           *string
	RequiresApproval       *bool
	ApprovalWithin         *time.Duration
	Modalities             []Modality
	MinimumNotice          *time.Duration
	MaximumAdvance         *time.Duration
	HoldDuration           *time.Duration
	FreeCancellationBefore *time.Duration
	LateFeeMinorUnits      *int
	Currency               *string // ISO 4217
	MaxReschedules         *int
	Needs                  []string // pools of resources
	RepeatAfter            *time.Duration
	Prerequisites          []PutPrerequisite
	Patients               *PatientStanding
	MinimumAge, MaximumAge *int // years
}

// PutPrerequisite asks that patients have a visit of another kind before.
type PutPrerequisite struct {
	VisitKind Ref
	Within    time.Duration
}
