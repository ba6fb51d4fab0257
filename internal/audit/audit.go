// Package audit is a room: who saw or changed which patient's data, sealed so that nobody can take it back unnoticed.
package audit

import (
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Effect says whether data was shown or changed.
type Effect string

// The effects of the contract.
const (
	Read  Effect = "READ"
	Write Effect = "WRITE"
)

// Outcome says how it went.
type Outcome string

// The outcomes of the contract.
const (
	Done     Outcome = "DONE"
	Denied   Outcome = "DENIED"    // for want of a right
	NotFound Outcome = "NOT_FOUND" // there is none, or none for this caller
)

// Event is one record. It is never changed.
type Event struct {
	Organization uuid.UUID // zero: the platform itself, and whoever belongs to no clinic
	ID           uuid.UUID
	Position     int64 // in the one order of all events of all clinics; given when it is stored
	At           time.Time
	ActorKind    access.Kind
	Actor        uuid.UUID // zero: nobody known
	Client       string
	Action       string // "appointment.book", "patient.read"; of a refusal the contract's coordinate
	EntityKind   string // as the contract names its type; empty when the request named nothing
	Entity       uuid.UUID
	Request      string
	Effect       Effect
	Outcome      Outcome
	Patient      uuid.UUID // zero when it is about nobody in particular
	Purpose      access.Purpose
	Grant        uuid.UUID // the emergency that it was done under; zero when none
	Fields       []string
	Flags        string // JSON
	Times        int    // more than one when alike events were counted
}

// NoFlags is an event's Flags when no feature flag was in effect.
const NoFlags = "[]"

// Ref names the event.
func (e Event) Ref() clinic.Ref { return clinic.Ref{Organization: e.Organization, ID: e.ID} }

// EntityRef names what it is about.
func (e Event) EntityRef() clinic.Ref { return clinic.Ref{Organization: e.Organization, ID: e.Entity} }

// TrailKind is the entity kind of events that tell of reading this record itself.
const TrailKind = "AuditTrail"

// reading names the actions of reading.
var reading = map[string]string{
	"Appointment": "appointment.read", "Patient": "patient.read", "SlotHold": "hold.read", "BreakGlassGrant": "breakGlass.read", "LegalHold": "legalHold.read", "Reminder": "reminder.read", "AppointmentSeries": "series.read", "PatientSearch": "patient.search",
	"WaitlistEntry": "waitlist.read", "WaitlistOffer": "waitlist.readOffer",
	TrailKind: "audit.read",
}

// ActionOf names the reading of a kind of thing.
func ActionOf(kind string) string {
	if action, ok := reading[kind]; ok {
		return action
	}
	return kind + ".read"
}
