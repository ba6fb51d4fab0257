// Package live is the stream: from the ordered event log to whoever follows it.
package live

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Entry is one committed change.
type Entry struct {
	Position     int64           `json:"position"`
	Organization uuid.UUID       `json:"organization"`
	At           time.Time       `json:"at"`
	Topic        string          `json:"topic"`       // "appointment.booked"
	Provider     uuid.UUID       `json:"provider"`    // whose openings changed; zero when nobody's
	Appointment  uuid.UUID       `json:"appointment"` // zero when none
	Offer        uuid.UUID       `json:"offer"`       // zero when none
	Payload      json.RawMessage `json:"payload"`

	news *news // what was read of the payload, for all who are offered the entry
}

// ProviderRef names the provider.
func (e Entry) ProviderRef() clinic.Ref {
	return clinic.Ref{Organization: e.Organization, ID: e.Provider}
}

// AppointmentRef names the appointment.
func (e Entry) AppointmentRef() clinic.Ref {
	return clinic.Ref{Organization: e.Organization, ID: e.Appointment}
}

// OfferRef names the offer.
func (e Entry) OfferRef() clinic.Ref { return clinic.Ref{Organization: e.Organization, ID: e.Offer} }

// Cursor is a place in one life of the log.
type Cursor struct {
	Epoch    string
	Position int64
	At       time.Time // of the clock that openings were judged by: what time alone has changed since then is still to be told
}

// String makes the cursor opaque.
func (c Cursor) String() string {
	return paging.Cursor(c.Epoch, strconv.FormatInt(c.Position, 10), strconv.FormatInt(c.At.UnixMilli(), 10))
}

// ErrReset reports a cursor of another life of the log, or one older than what is kept: read the state anew.
var ErrReset = errors.New("the cursor is unknown or too old")

// ParseCursor reads a cursor. One that can't be read is ErrReset.
func ParseCursor(text string) (Cursor, error) {
	parts, ok := paging.Parts(text, 3)
	if !ok {
		return Cursor{}, ErrReset
	}
	position, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || position < 0 {
		return Cursor{}, ErrReset
	}
	at, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return Cursor{}, ErrReset
	}
	return Cursor{Epoch: parts[0], Position: position, At: time.UnixMilli(at).UTC()}, nil
}

// Log is the ordered event log.
type Log interface {
	// Head is a place from which everything committed later follows.
	Head(ctx context.Context) (Cursor, error)
	// Read lists at most limit entries after a cursor in the order in which things changed hands, and the cursor that they
	// lead to. No entry that commits later ever comes before one that was read. It fails with ErrReset.
	Read(ctx context.Context, after Cursor, limit int) ([]Entry, Cursor, error)
	// ReadOf is Read of what somebody is interested in, up to a position that was read before. It fails with ErrReset.
	ReadOf(ctx context.Context, of Interest, after Cursor, upto int64, limit int) ([]Entry, Cursor, error)
}
