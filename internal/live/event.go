package live

import (
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// Event is something that a subscriber is told. Each has its place in the stream: everything before it has been told.
type Event interface {
	// Cursor continues the stream after the event.
	Cursor() string
	// OccurredAt is when it was written; of what time alone changes, when it was found out.
	OccurredAt() time.Time
}

// Place is an event's place in the stream.
type Place struct {
	At   Cursor
	When time.Time
}

// Cursor implements Event.
func (p Place) Cursor() string { return p.At.String() }

// OccurredAt implements Event.
func (p Place) OccurredAt() time.Time { return p.When }

// StreamReady says that everything after the cursor that was asked for has been told. On a quiet stream it comes again from time
// to time, with a younger cursor.
type StreamReady struct{ Place }

// StreamReset says that the stream can't be continued from where the subscriber stood. It is the last event.
type StreamReset struct {
	Place
	Reason string
}

// SlotsChanged tells the new state of slots, and which are gone, or no longer to be seen.
type SlotsChanged struct {
	Place
	Slots   []availability.Slot
	Removed []availability.SlotID
}

// AppointmentChanged tells the new state of an appointment, as the subscriber may see it.
type AppointmentChanged struct {
	Place
	Appointment appointment.Appointment
	To          access.Actor // the subscriber, with what was found out and seen for this event
}

// WaitlistOfferChanged tells the new state of an offer.
type WaitlistOfferChanged struct {
	Place
	Offer waitlist.Offer
	To    access.Actor // the subscriber, with what was found out and seen for this event
}
