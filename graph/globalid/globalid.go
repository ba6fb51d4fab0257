// Package globalid belongs to the door: opaque global ids that say what they name, so that nothing is looked up to read one.
//
// An id is the unpadded base64url of a version byte, a type byte and what names the thing: for most the organisation and the
// thing itself. Each thing has one spelling.
package globalid

import (
	"encoding/base64"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Type is what an id names.
type Type byte

// The types. Numbers are part of ids that clients keep: they are never used again for something else.
const (
	Organization Type = iota + 1
	Location
	VisitKind
	Provider
	ScheduleException
	Specialty
	Patient
	Appointment
	Hold
	Slot
	Viewer
	InsurancePlan
	Match
	AuditEvent
	BreakGlassGrant
	Account
	LegalHold
	APIClient
	APIKey
	Session
	Reminder
	DeadLetter
	Resource
	WaitlistEntry
	WaitlistOffer
	Series
	Closure
	ClosureItem
)

var nouns = map[Type]string{
	Organization: "an organisation", Location: "a location", VisitKind: "a kind of visit", Provider: "a provider",
	ScheduleException: "a schedule exception", Specialty: "a specialty", Patient: "a patient", Appointment: "an appointment",
	Hold: "a hold", Slot: "a slot", Viewer: "a caller", InsurancePlan: "an insurance plan",
	Match: "a match", AuditEvent: "an audit event", BreakGlassGrant: "a grant", Account: "an account", LegalHold: "a legal hold",
	APIClient: "a client", APIKey: "a key", Session: "a session", Reminder: "a reminder", DeadLetter: "a dead letter",
	Resource: "a room or a piece of equipment", WaitlistEntry: "a waitlist entry", WaitlistOffer: "an offer",
	Series:  "a series of appointments",
	Closure: "a closure", ClosureItem: "a displaced appointment",
}

// ID is a decoded id. Ref is set for all; an organisation's ID is its own organisation, a slot's and a match's is its provider.
type ID struct {
	Type   Type
	Ref    clinic.Ref
	Slot   availability.SlotID // of a slot
	Coding clinic.Coding       // of a specialty: system and code
	Match  availability.MatchID
}

const (
	version = 1
	header  = 2
	maxText = 1600
)

// Of makes the id of a thing that its organisation and its own id name.
func Of(t Type, ref clinic.Ref) string {
	b := append(start(t), ref.Organization[:]...)
	if t != Organization {
		b = append(b, ref.ID[:]...)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// OfOrganization makes an organisation's id.
func OfOrganization(id uuid.UUID) string { return Of(Organization, clinic.Ref{Organization: id}) }

func start(t Type) []byte { return append(make([]byte, 0, 96), version, byte(t)) }

// Parse reads an id of any type. It fails with errs.InvalidInput.
func Parse(text string) (ID, error) {
	malformed := errs.Invalid("This is not an id.")
	if len(text) > maxText {
		return ID{}, malformed
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < header || b[0] != version || base64.RawURLEncoding.EncodeToString(b) != text {
		return ID{}, malformed
	}
	id, ok := body(Type(b[1]), b[header:])
	if !ok {
		return ID{}, malformed
	}
	return id, nil
}

// ParseAs reads an id of one type. It fails with errs.InvalidInput.
func ParseAs(t Type, text string) (ID, error) {
	id, err := Parse(text)
	if err == nil && id.Type != t {
		err = errs.Invalid("This is not the id of " + nouns[t] + ".")
	}
	return id, err
}

const size = len(uuid.UUID{})

func body(t Type, b []byte) (ID, bool) {
	id := ID{Type: t}
	if len(b) < size {
		return id, false
	}
	id.Ref.Organization, b = uuid.UUID(b[:size]), b[size:]
	switch t {
	case Organization:
		id.Ref.ID = id.Ref.Organization
		return id, len(b) == 0
	case Specialty:
		return id.specialty(b)
	case Slot:
		return id.slot(b)
	case Match:
		return id.match(b)
	case Location, VisitKind, Provider, ScheduleException, Patient, Appointment, Hold, Viewer, InsurancePlan, AuditEvent, BreakGlassGrant, Account, LegalHold, APIClient, APIKey, Session, Reminder, DeadLetter, Resource, WaitlistEntry, WaitlistOffer, Series, Closure, ClosureItem:
		if len(b) != size {
			return id, false
		}
		id.Ref.ID = uuid.UUID(b)
		return id, true
	}
	return id, false
}
