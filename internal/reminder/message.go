// Package reminder is a room: what patients are told of their visits, by which channel, and what became of it.
package reminder

import (
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// ChannelKind is a way to reach people.
type ChannelKind string

// The channels of the contract. A push message is shown by the app, which reads it from the API.
const (
	Email ChannelKind = "EMAIL"
	Push  ChannelKind = "PUSH"
	SMS   ChannelKind = "SMS"
	Voice ChannelKind = "VOICE"
)

// Kind is what a message is about.
type Kind string

// The kinds. Whatever was in flight when a visit was moved or cancelled is set right by the change or cancellation that follows it.
const (
	Confirmation Kind = "CONFIRMATION"
	Change       Kind = "CHANGE"
	Cancellation Kind = "CANCELLATION"
	Offer        Kind = "OFFER" // a time that is held for a patient who waits
	Remind       Kind = "REMINDER"
	Request      Kind = "REQUEST" // the clinic has yet to approve the visit; a confirmation, or a cancellation, follows
)

// State is where a message stands.
type State string

// The states of the contract.
const (
	Scheduled  State = "SCHEDULED"  // planned
	Queued     State = "QUEUED"     // handed to the queue, or due again there
	Sending    State = "SENDING"    // a worker has it to itself; or the answer to it is lost and being asked for
	Sent       State = "SENT"       // the vendor has taken it
	Delivered  State = "DELIVERED"  // the vendor reports that it arrived
	Failed     State = "FAILED"     // for good, by this channel
	Unknown    State = "UNKNOWN"    // it may have been sent, and nobody can say; it is not sent again
	Expired    State = "EXPIRED"    // it made no sense any more
	Suppressed State = "SUPPRESSED" // not sent on purpose
	Cancelled  State = "CANCELLED"  // withdrawn, since the visit changed
)

// Cause is why a message was not sent, or not yet: a stable code.
type Cause string

// Causes that suppress a message, or end it.
const (
	NoAddress          Cause = "NO_ADDRESS"          // the patient gave none for the channel
	BadAddress         Cause = "BAD_ADDRESS"         // it can't be one, or the vendor says that there is none such
	Landline           Cause = "LANDLINE"            // it takes no text messages
	OptedOut           Cause = "OPTED_OUT"           // by STOP, or by an unsubscribing
	NoConsent          Cause = "NO_CONSENT"          // the patient doesn't want the channel
	MissingValue       Cause = "MISSING_VALUE"       // the text has a gap that nothing fills
	TooLong            Cause = "TOO_LONG"            // the text is longer than the channel takes
	PatientErased      Cause = "PATIENT_ERASED"      // nothing is left to reach them by
	ReachedOtherwise   Cause = "REACHED_OTHERWISE"   // another channel has told it
	VisitChanged       Cause = "VISIT_CHANGED"       // moved or cancelled meanwhile
	PlannedAnew        Cause = "PLANNED_ANEW"        // of a reminder: rules, or what the patient wants, changed, and another one may have been planned
	TooLate            Cause = "TOO_LATE"            // the visit, or 6 hours, passed before it could be sent
	VendorUnavailable  Cause = "VENDOR_UNAVAILABLE"  // it can't be reached, or answers with failures
	VendorRefused      Cause = "VENDOR_REFUSED"      // a request that is wrong by itself
	VendorBusy         Cause = "VENDOR_BUSY"         // too many requests
	Unauthorized       Cause = "VENDOR_UNAUTHORIZED" // our credentials are refused
	AnswerLost         Cause = "ANSWER_LOST"         // it left, and no answer came
	NotDelivered       Cause = "NOT_DELIVERED"       // the vendor took it and couldn't deliver it
	LimitReached       Cause = "LIMIT_REACHED"       // too many messages to one address, or texts of one organisation
	NotDue             Cause = "NOT_DUE"             // it came too soon
	Quiet              Cause = "QUIET_HOURS"         // it comes late, and waits until its patient's quiet hours end
	ChannelUnavailable Cause = "CHANNEL_NOT_SET_UP"  // this installation has no such channel
)

// Message is one thing that a patient is told by one channel: what FHIR calls a Communication, before and after it is sent.
type Message struct {
	ID, OrganizationID       uuid.UUID
	AppointmentID, PatientID uuid.UUID
	Version                  int // of the visit that it tells
	Kind                     Kind
	Rule                     string // which of the clinic's rules planned it; of what is told at once, the version of the visit that it tells
	Channel                  ChannelKind
	Place                    int  // in the patient's order of channels, from 0
	Again                    bool // of one that is planned: only if it was before, and was taken back
	Both                     bool // the visit is so near that each channel is used, whatever comes of the others
	Scheduled                time.Time
	Expires                  time.Time  // when it makes no sense any more
	Due                      *time.Time // when it is tried next; nil: never, or not before another channel has failed
	State                    State
	Cause                    Cause  // empty: none
	Generation               int    // of its task in the queue, from 0
	Episode                  int    // of attempts, from 0
	Attempts                 int    // in this episode
	Tries                    int    // attempts in all
	Claims                   int    // how often a worker has had it to itself; fences what those say of it
	Reference                string // short, in the text; by which the vendor's list is searched
	VendorID                 string // what the vendor calls it
	Trace                    string // W3C traceparent of what caused it
	QueuedAt, SendingAt      *time.Time
	LeftAt                   *time.Time // the last attempt had left by then, and its answer is lost; nil: nobody says so
	SentAt, DeliveredAt      *time.Time
	EndedAt                  *time.Time // of states that nothing follows, but for late news from the vendor
	Response                 Response   // empty: none
	RespondedAt              *time.Time
}

// Ref names the message.
func (m Message) Ref() clinic.Ref { return clinic.Ref{Organization: m.OrganizationID, ID: m.ID} }

// Visit names what the message tells of.
func (m Message) Visit() clinic.Ref {
	return clinic.Ref{Organization: m.OrganizationID, ID: m.AppointmentID}
}

// Unsent says whether a message has ended without being sent.
func (m Message) Unsent() bool {
	return m.State == Suppressed || m.State == Cancelled || m.State == Expired || m.State == Failed
}

// Patient names whom it is for.
func (m Message) Patient() clinic.Ref {
	return clinic.Ref{Organization: m.OrganizationID, ID: m.PatientID}
}

// Response is a patient's answer.
type Response string

// The answers of the contract.
const (
	AskedToCancel     Response = "ASKED_TO_CANCEL"
	AskedToReschedule Response = "ASKED_TO_RESCHEDULE"
	Confirmed         Response = "CONFIRMED"
	AskedNoMore       Response = "OPTED_OUT"
)

// Letter is a message in words, on its way to a channel. It says when and where, and nothing about health.
type Letter struct {
	Message   clinic.Ref
	Kind      Kind
	To        access.Private // an E.164 number, or an e-mail address
	Language  string         // BCP 47, of the words
	Subject   string         // of e-mails
	Text      string         // plain; of SMS all there is
	HTML      string         // of e-mails
	Reference string         // is part of the text
	Trace     string         // W3C traceparent; empty: none
	Expires   time.Time      // when it makes no sense any more, so that the vendor drops it too; zero: it keeps
	// Unsubscribe is a link of e-mails that ends them with one request (RFC 8058); empty: none.
	Unsubscribe string
}
