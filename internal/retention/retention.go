// Package retention is a room: how long patients' data are kept, what keeps them longer, and how they are erased.
package retention

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Reason says why a patient is erased. It outlives the patient's data, and so is never a text.
type Reason string

// The reasons of the contract.
const (
	EnteredInError Reason = "ENTERED_IN_ERROR"
	Other          Reason = "OTHER"
	Requested      Reason = "REQUESTED" // by the person: article 17 of the GDPR
	RetentionOver  Reason = "RETENTION_OVER"
)

// Keeper is what keeps a patient from being erased.
type Keeper string

// The keepers of the contract.
const (
	ByLegalHold   Keeper = "LEGAL_HOLD"
	BySlotHold    Keeper = "SLOT_HOLD"
	ByAppointment Keeper = "UPCOMING_APPOINTMENT"
)

// Kept reports all that keeps a patient. What doesn't is zero.
type Kept struct {
	LegalHold   clinic.Ref // the first that stands
	Appointment clinic.Ref // the next
	HeldUntil   *time.Time // the last of the slots that are held for the patient
}

// By lists the keepers.
func (k Kept) By() (list []Keeper) {
	if k.LegalHold != (clinic.Ref{}) {
		list = append(list, ByLegalHold)
	}
	if k.HeldUntil != nil {
		list = append(list, BySlotHold)
	}
	if k.Appointment != (clinic.Ref{}) {
		list = append(list, ByAppointment)
	}
	return list
}

var sentences = map[Keeper]string{
	ByLegalHold:   "There is a legal hold.",
	BySlotHold:    "A slot is held for the patient.",
	ByAppointment: "The patient has an appointment.",
}

func (k Kept) Error() string {
	var parts []string
	for _, by := range k.By() {
		parts = append(parts, sentences[by])
	}
	return strings.Join(parts, " ")
}

// Offered reports that a time is offered to a patient, who can be erased once it is withdrawn.
type Offered struct{}

func (Offered) Error() string { return "A time is offered to the patient." }

// LegalHold keeps a patient's data until it is released. Its reason stays when the patient is erased later.
type LegalHold struct {
	ID, OrganizationID, PatientID uuid.UUID
	Reason                        access.Private
	PlacedAt                      time.Time
	PlacedBy                      uuid.UUID
	ReleasedAt                    *time.Time
}

// Ref names the hold.
func (h LegalHold) Ref() clinic.Ref { return clinic.Ref{Organization: h.OrganizationID, ID: h.ID} }

// Patient names whose data it keeps.
func (h LegalHold) Patient() clinic.Ref {
	return clinic.Ref{Organization: h.OrganizationID, ID: h.PatientID}
}

// MaxLegalHolds bounds the list of a patient's.
const MaxLegalHolds = 100

// Bounds of a reason, in characters.
const (
	minReason = 10
	maxReason = 500
)

// Erase asks for a patient to be erased.
type Erase struct {
	Patient clinic.Ref
	Reason  Reason
}

// PlaceHold asks for a legal hold.
type PlaceHold struct {
	Patient clinic.Ref
	Reason  access.Private
	Key     string
}

// Placed is a legal hold, and whether it was placed by an earlier request with the same key.
type Placed struct {
	Hold     LegalHold
	Replayed bool
}

// reason reads a text of several lines.
func (in PlaceHold) reason() (access.Private, error) {
	var check form.Check
	written := in.Reason.Reveal()
	cleaned := check.OptionalText(&written, maxReason, "reason")
	check.That(cleaned != nil && utf8.RuneCountInString(*cleaned) >= minReason, "At least 10 characters.", "reason")
	if cleaned == nil {
		return "", check.Err()
	}
	return access.Private(*cleaned), check.Err()
}
