package availability

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Store reads what openings follow from. It is the read side as a whole: another one may answer from memory, fed by the
// event log.
type Store interface {
	// Rules reads a provider's rules for local days in [from, until]. errs.NotFound when there is no such provider.
	Rules(ctx context.Context, provider clinic.Ref, from, until civil.Date) (Rules, error)
	// View reads rules and what is taken in one snapshot, in a bounded number of statements. errs.NotFound when there is no
	// such provider, and at "patientId" when there is no such patient.
	View(ctx context.Context, provider clinic.Ref, p Period) (View, error)
	// Nearby lists other providers of the organisation that offer the slot's kind of visit and have hours of any sort at a
	// location, nearest location first.
	Nearby(ctx context.Context, slot SlotID, limit int) ([]clinic.Ref, error)
	// Snapshot has everything that read asks for come from one moment.
	Snapshot(ctx context.Context, read func(context.Context, Snapshot) error) error
	// StreamCursor is a place in the event log from which whatever is read afterwards misses nothing: both what is written
	// after it, and what comes of time passing after now.
	StreamCursor(ctx context.Context, now time.Time) (string, error)
}

// Snapshot is the read side at one moment. Each method takes a bounded number of statements, however much it answers.
type Snapshot interface {
	// Desks lists desks in no order, at most so many.
	Desks(ctx context.Context, w Wanted, limit int) ([]Desk, error)
	// Views reads rules and what is taken of those providers that exist.
	Views(ctx context.Context, providers []clinic.Ref, p Period) (map[clinic.Ref]View, error)
}

// Period is the part of a provider's time that a view is about.
type Period struct {
	From, To time.Time   // visits that start in [From, To)
	Patient  uuid.UUID   // whose other visits to read; zero for nobody's
	Moving   clinic.Ref  // appointment whose claim to read wherever it lies: a window that it counts for may reach into the period
	Beside   []uuid.UUID // appointments that leave their places with Moving, whose claims to read, too
	Holder   clinic.Ref  // actor whose own holds to tell from others', in their organisation; zero for nobody's
	Holders  bool        // tell whose every hold is; the providers are one organisation's
	Known    *Rules      // rules that were read for this period: they stand for what would be read of the same revision; nil: none
}

// Reach is what the period's slots can depend on.
func (p Period) Reach() Reach { return ReachOf(p.From, p.To) }

// View is what was read in one snapshot.
type View struct {
	Rules Rules
	Taken Taken
}
