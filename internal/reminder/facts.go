package reminder

import (
	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Facts are all that a message may tell: when and where a visit is, and how to answer. Whose it is, whom it is with and what it is for
// are not among them, as nobody knows who reads a screen.
type Facts struct {
	Organization string
	Location     string // its name; needed of visits in person
	Phone        string // the location's, E.164; empty: it has none
	Local        civil.DateTime
	Until        civil.DateTime // of offers: by when to answer, by the same clock
	Was          civil.DateTime // of offers in place of a visit that can't take place: when that is, by its own clock; zero: none
	OrOff        bool           // of those: unless the offer is taken, that visit is cancelled
	TimeZone     string         // IANA name, of Local; needed of visits by video or phone
	Modality     clinic.Modality
	ByClinic     bool // of cancellations: it was the clinic's, not the patient's
	Refusal      Refusal
	Reference    string
	Links        Links
	Language     string // BCP 47, as the patient prefers it; empty: not known
}

// Refusal is how a visit that was asked for came to nothing, of cancellations; empty: it was none such.
type Refusal string

// The refusals.
const (
	Declined Refusal = "DECLINED" // by the clinic
	Lapsed   Refusal = "LAPSED"   // since the clinic hadn't approved it in time
)

// Links are absolute URLs. Empty ones are not offered.
type Links struct{ Confirm, Move, Cancel, Unsubscribe string }
