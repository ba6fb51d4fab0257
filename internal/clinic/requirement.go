package clinic

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Requirements are what a visit of a kind asks for besides a time with the provider. The zero value asks for nothing.
type Requirements struct {
	Needs                  []string        // pools of resources, one of each, sorted; for visits in person
	RepeatAfter            time.Duration   // from start to start of two visits of a patient; zero: at any time
	Prerequisites          []Prerequisite  // sorted by kind
	Patients               PatientStanding // empty reads as AllPatients
	MinimumAge, MaximumAge *int            // whole years on the day of the visit, both inclusive
}

// Prerequisite is a visit of another kind that a patient must have before: it ends by the start of the one that asks for it, and starts at
// most Within before that.
type Prerequisite struct {
	VisitKind uuid.UUID
	Within    time.Duration
}

// PatientStanding says which patients a kind of visit is for.
type PatientStanding string

// The standings of the contract. A patient is established with an organisation if they had a visit there, or will have by then, within the
// three years before, and new otherwise: the rule of CPT (American Medical Association, Evaluation and Management guidelines).
const (
	AllPatients         PatientStanding = "ALL"
	EstablishedPatients PatientStanding = "ESTABLISHED"
	NewPatients         PatientStanding = "NEW"
)

// NewAfterYears is how long an established patient stays one after the last visit.
const NewAfterYears = 3

// Same says whether two requirements ask for the same.
func (r Requirements) Same(o Requirements) bool {
	return slices.Equal(r.Needs, o.Needs) && r.RepeatAfter == o.RepeatAfter && slices.Equal(r.Prerequisites, o.Prerequisites) &&
		r.standing() == o.standing() && Equal(r.MinimumAge, o.MinimumAge) && Equal(r.MaximumAge, o.MaximumAge)
}

func (r Requirements) standing() PatientStanding {
	if r.Patients == "" {
		return AllPatients
	}
	return r.Patients
}

// ResourceKind is what a resource is, as FHIR has it: a room is a Location, equipment a Device.
type ResourceKind string

// The kinds of the contract.
const (
	Equipment ResourceKind = "EQUIPMENT"
	Room      ResourceKind = "ROOM"
)

// Resource is a room, or a piece of equipment, that one visit at a time has.
type Resource struct {
	ID, OrganizationID uuid.UUID
	Location           uuid.UUID
	Identifier         Identifier
	Kind               ResourceKind
	Pool               string // those of a location that stand in for each other; a key such as "ultrasound"
	Name               string
	Retired            bool // it keeps what it has, and gets nothing new
}

// TravelRules say how long people take from one location of an organisation to another, and of whom that is asked.
type TravelRules struct {
	Organization uuid.UUID
	Patients     bool
	Providers    bool
	Speed        int           // km/h, as the crow flies
	Margin       time.Duration // for every way: whole minutes
	Routes       []Route       // known better
}

// Route is how long one way takes.
type Route struct {
	From, To uuid.UUID // locations
	Takes    time.Duration
}

// DefaultTravel are the rules of an organisation that has set none: 40 km/h as the crow flies, and 10 minutes to leave and to arrive.
func DefaultTravel(organization uuid.UUID) TravelRules {
	return TravelRules{Organization: organization, Patients: true, Providers: true, Speed: 40, Margin: 10 * time.Minute}
}

// MaxWay is the longest way that is looked at: visits that are further apart in time are never too close.
const MaxWay = 8 * time.Hour
