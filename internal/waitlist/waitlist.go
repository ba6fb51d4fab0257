// Package waitlist is a room: patients who wait for an opening, and to whom of them what is freed is offered.
package waitlist

import (
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Status is the state of an entry.
type Status string

// The states of the contract.
const (
	Active    Status = "ACTIVE"
	Expired   Status = "EXPIRED" // what it waited for can't come any more
	Fulfilled Status = "FULFILLED"
	Left      Status = "LEFT"
	Offered   Status = "OFFERED"
)

// Statuses in the contract's order.
var Statuses = []Status{Active, Expired, Fulfilled, Left, Offered}

// Entry is a patient's wish for an opening, or for an earlier one than they have.
type Entry struct {
	ID, OrganizationID, PatientID uuid.UUID
	Status                        Status
	Priority                      int // higher goes first
	VisitKindID                   uuid.UUID
	Wanted                        availability.Search
	MinimumNotice                 time.Duration // before the start that an offer has to come
	Current                       uuid.UUID     // the visit that would be moved forward; zero: none
	JoinedAt                      time.Time
	JoinedBy                      uuid.UUID
	EndedAt                       *time.Time
	Closure                       uuid.UUID // that has them wait, in place of a visit that it displaces; zero: the patient joined
}

// Ref names the entry.
func (e Entry) Ref() clinic.Ref { return clinic.Ref{Organization: e.OrganizationID, ID: e.ID} }

// Patient names whose it is.
func (e Entry) Patient() clinic.Ref {
	return clinic.Ref{Organization: e.OrganizationID, ID: e.PatientID}
}

// CurrentRef names the visit that would be moved forward; nil: there is none.
func (e Entry) CurrentRef() *clinic.Ref {
	if e.Current == uuid.Nil {
		return nil
	}
	return &clinic.Ref{Organization: e.OrganizationID, ID: e.Current}
}

// OfferState is the state of an offer.
type OfferState string

// The states of the contract.
const (
	OfferAccepted  OfferState = "ACCEPTED"
	OfferDeclined  OfferState = "DECLINED"
	OfferExpired   OfferState = "EXPIRED"
	OfferOpen      OfferState = "OPEN"
	OfferWithdrawn OfferState = "WITHDRAWN"
)

// Offer is a time that is held for a patient who waits.
type Offer struct {
	ID, OrganizationID, EntryID, PatientID uuid.UUID
	Version                                int
	State                                  OfferState
	HoldID                                 uuid.UUID
	Slot                                   availability.SlotID
	End                                    time.Time
	LocalStart                             civil.DateTime
	TimeZone                               string
	AppointmentID                          uuid.UUID // what it became; zero: nothing
	OfferedAt, ToldAt, ExpiresAt           time.Time // ToldAt is later than OfferedAt in the patient's quiet hours
	EndedAt                                *time.Time
	Wave                                   int
	PassedOver                             []appointment.PassedOver
	Otherwise                              string // what becomes of the visit that can't take place, unless it is taken; empty: it can
}

// Ref names the offer.
func (o Offer) Ref() clinic.Ref { return clinic.Ref{Organization: o.OrganizationID, ID: o.ID} }

// Entry names whose it is.
func (o Offer) Entry() clinic.Ref { return clinic.Ref{Organization: o.OrganizationID, ID: o.EntryID} }

// StateAt is the state as it shows at a time: who comes too late finds it over, also before a worker has said so.
func (o Offer) StateAt(now time.Time) OfferState {
	if o.State == OfferOpen && !now.Before(o.ExpiresAt) {
		return OfferExpired
	}
	return o.State
}

// Rules are how an organisation's waitlist goes.
type Rules struct {
	Organization  uuid.UUID
	AnswerWithin  time.Duration
	OffersADay    int  // to a patient, within 24 hours
	ShowsPosition bool // to patients
}

// DefaultRules are those of an organisation that has set none.
func DefaultRules(organization uuid.UUID) Rules {
	return Rules{Organization: organization, AnswerWithin: 30 * time.Minute, OffersADay: 3}
}

// Bounds.
const (
	MinAnswerWithin = 5 * time.Minute
	MaxAnswerWithin = 24 * time.Hour
	MaxOffersADay   = 20
	MaxEntries      = 10 // that a patient waits with at a time
	MaxPriority     = 100
	MaxNotice       = 30 * 24 * time.Hour

	defaultNotice = 2 * time.Hour
	leastAnswer   = 5 * time.Minute  // however soon the visit would be
	keptFor       = 30 * time.Second // what is freed, until somebody is found for it
	grace         = 30 * time.Second // of an offer's hold, until the next one has it
)

// Reason is why somebody who came before wasn't offered a time.
type Reason string

// The reasons.
const (
	HasOffer   Reason = "HAS_OFFER"   // another time is offered to them
	HadIt      Reason = "HAD_IT"      // they have declined this time, or let it go
	Fatigue    Reason = "FATIGUE"     // they had as many offers today as a patient gets
	QuietHours Reason = "QUIET_HOURS" // they can't be asked before it is too late
	TooSoon    Reason = "TOO_SOON"    // for the notice that they need
	NotFitting Reason = "NOT_FITTING" // it isn't what they want, or they have another visit then
	Refused    Reason = "REFUSED"     // a rule for bookings keeps it from them
)
