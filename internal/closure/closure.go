// Package closure is a room: periods that are closed in one step, and what becomes of the visits in them.
package closure

import (
	"strconv"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Scope is what is closed: a provider wherever they are, a location, or with neither the whole organisation.
type Scope struct{ Organization, Provider, Location uuid.UUID }

// Mode is how those affected come to another time.
type Mode string

// The modes of the contract.
const (
	Book  Mode = "BOOK"  // their visits are moved
	None  Mode = "NONE"  // the staff looks after them
	Offer Mode = "OFFER" // they are asked first
)

// Otherwise is what becomes of a visit for which there is no other time.
type Otherwise string

// The choices of the contract.
const (
	CancelIt Otherwise = "CANCEL"
	KeepIt   Otherwise = "KEEP" // it stands until somebody moves it
)

// State is where a closure's rebooking is.
type State string

// The states of the contract.
const (
	Done    State = "DONE"
	Paused  State = "PAUSED"
	Running State = "RUNNING"
)

// Rebook says how visits are rebooked.
type Rebook struct {
	Mode         Mode
	Within       time.Duration // after a visit's start, in which another time is looked for
	SameProvider bool          // with no other
	Otherwise    Otherwise
	AnswerWithin time.Duration // of those who are asked; zero: nobody is
}

// Closure is a closed period, by the wall clock of each place, and the rebooking of whoever had a visit in it.
type Closure struct {
	ID uuid.UUID
	Scope
	From, To   civil.DateTime
	Reason     *string // the staff's; nil: none
	Rebook     Rebook
	State      State
	Listed     bool // whether all of its items are there
	CreatedAt  time.Time
	CreatedBy  uuid.UUID
	FinishedAt *time.Time
	Progress   Progress
}

// Ref names the closure.
func (c Closure) Ref() clinic.Ref { return clinic.Ref{Organization: c.Organization, ID: c.ID} }

// Key is the key of a closure in a list: its time, then the id.
func (c Closure) Key() []string {
	return []string{strconv.FormatInt(c.CreatedAt.UnixMicro(), 10), c.ID.String()}
}

// KeyParts is how many values the key of a closure, or of an item, in a list has.
const KeyParts = 2

// Exceptions are those to the hours that close the period: one, or of an organisation one for each of its locations.
func (c Closure) Exceptions(newID func() uuid.UUID, locations []uuid.UUID) []provider.Exception {
	e := provider.Exception{
		ID: newID(), OrganizationID: c.Organization, ProviderID: c.Provider, LocationID: c.Location, From: c.From, To: c.To, Effect: provider.Closed, Capacity: 1, Reason: c.Reason,
	}
	if c.Provider != uuid.Nil || c.Location != uuid.Nil {
		return []provider.Exception{e}
	}
	list := make([]provider.Exception, len(locations))
	for i, l := range locations {
		e.ID, e.LocationID = newID(), l
		list[i] = e
	}
	return list
}

// Progress is how many visits came to what, counted from the items.
type Progress struct{ Affected, Waiting, Offered, Moved, Cancelled, Kept, Gone, Failed int }

// Outcome is what became of an affected visit.
type Outcome string

// The outcomes of the contract.
const (
	Cancelled Outcome = "CANCELLED"
	Failed    Outcome = "FAILED"
	Gone      Outcome = "GONE"
	Kept      Outcome = "KEPT"
	Moved     Outcome = "MOVED"
	Offered   Outcome = "OFFERED" // the patient is asked
	Waiting   Outcome = "WAITING"
)

// Outcomes in the contract's order.
var Outcomes = []Outcome{Cancelled, Failed, Gone, Kept, Moved, Offered, Waiting}

// Cause is why a visit was cancelled, kept or left alone.
type Cause string

// The causes of the contract.
const (
	Arrived       Cause = "ARRIVED"
	Begun         Cause = "BEGUN"
	Changed       Cause = "CHANGED"
	Declined      Cause = "DECLINED" // by the patient, who was asked
	NoAlternative Cause = "NO_ALTERNATIVE"
	TooSoon       Cause = "TOO_SOON" // for the patient to be asked
	Unanswered    Cause = "UNANSWERED"
)

// Item is an affected visit as it stood, and what became of it.
type Item struct {
	ID, OrganizationID, ClosureID, AppointmentID uuid.UUID
	Version                                      int
	ProviderID, LocationID                       uuid.UUID
	Start, End                                   time.Time
	Outcome                                      Outcome
	Cause                                        Cause     // empty: none is needed
	NewProviderID                                uuid.UUID // of a moved one; zero otherwise
	NewStart                                     *time.Time
	OfferID                                      uuid.UUID // the last that was made; zero: none
	Tries                                        int       // of one that waits
	SettledAt                                    *time.Time
}

// Ref names the item.
func (i Item) Ref() clinic.Ref { return clinic.Ref{Organization: i.OrganizationID, ID: i.ID} }

// Visit names the visit.
func (i Item) Visit() clinic.Ref {
	return clinic.Ref{Organization: i.OrganizationID, ID: i.AppointmentID}
}

// People names whom it was with and, of one that was moved, whom it is with.
func (i Item) People() []clinic.Ref {
	refs := []clinic.Ref{{Organization: i.OrganizationID, ID: i.ProviderID}}
	if i.NewProviderID != uuid.Nil {
		refs = append(refs, clinic.Ref{Organization: i.OrganizationID, ID: i.NewProviderID})
	}
	return refs
}

// Key is the key of an item in a closure's list: its visit's start, as it was, then its own id.
func (i Item) Key() []string {
	return []string{strconv.FormatInt(i.Start.UnixMicro(), 10), i.ID.String()}
}

// stood says whether a visit stands where the item found it.
func (i Item) stood(at availability.SlotID) bool {
	return at.Provider == i.ProviderID && at.Location == i.LocationID && at.Start.Equal(i.Start)
}

// Bounds.
const (
	MaxDays      = 31  // of a period
	MaxLocations = 200 // of an organisation that is closed in one step

	defaultWithin = 14 * 24 * time.Hour
	defaultAnswer = 4 * time.Hour
)

// reaches is how far after a visit another time may be looked for.
var reaches = form.Span{Least: time.Hour, Most: 90 * 24 * time.Hour, Unit: time.Minute}

// answers is how long who is asked may have to answer.
var answers = form.Span{Least: 5 * time.Minute, Most: 24 * time.Hour, Unit: time.Minute}
