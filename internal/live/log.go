// Package live is the stream: from the ordered event log to whoever follows it.
package live

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/paging"
)

// Entry is one committed change.
type Entry struct {
	Position     int64
	Organization uuid.UUID
	At           time.Time
	Topic        string    // "appointment.booked"
	Provider     uuid.UUID // whose openings changed; zero when nobody's
	Appointment  uuid.UUID // zero when none
	Payload      json.RawMessage
}

// Cursor is a place in one life of the log.
type Cursor struct {
	Epoch    string
	Position int64
}

// String makes the cursor opaque.
func (c Cursor) String() string { return paging.Cursor(c.Epoch, strconv.FormatInt(c.Position, 10)) }

// ErrReset reports a cursor of another life of the log, or one older than what is kept: read the state anew.
var ErrReset = errors.New("the cursor is unknown or too old")

// ParseCursor reads a cursor. One that can't be read is ErrReset.
func ParseCursor(text string) (Cursor, error) {
	parts, ok := paging.Parts(text, 2)
	if !ok {
		return Cursor{}, ErrReset
	}
	position, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || position < 0 {
		return Cursor{}, ErrReset
	}
	return Cursor{Epoch: parts[0], Position: position}, nil
}

// Log is the ordered event log.
type Log interface {
	// Head is a place from which everything committed later follows.
	Head(ctx context.Context) (Cursor, error)
	// Read lists at most limit entries after a cursor in the order in which things changed hands, and the cursor that they
	// lead to. No entry that commits later ever comes before one that was read. It fails with ErrReset.
	Read(ctx context.Context, after Cursor, limit int) ([]Entry, Cursor, error)
}
