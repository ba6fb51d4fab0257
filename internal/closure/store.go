package closure

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Store keeps closures and their items. Any method may fail with errs.Busy.
type Store interface {
	// Close keeps a closure with the exceptions that close the period, or answers the id of the one that the key made before: in one transaction, after
	// which nobody books into it by the rules of before. What the scope names exists. It fails with errs.KeyInUse, errs.KeyReused, errs.LimitReached,
	// and with errs.InvalidInput at "scope" for an organisation of more than MaxLocations.
	Close(ctx context.Context, by clinic.Stamp, once clinic.Once, c Closure, newID func() uuid.UUID) (uuid.UUID, error)
	// SetState pauses a closure that runs, or has one go on that is paused. Not done: it is another by now.
	SetState(ctx context.Context, by clinic.Stamp, closure clinic.Ref, from, to State) (done bool, err error)
	// Zones lists the zones of an organisation's locations.
	Zones(ctx context.Context, organization uuid.UUID) ([]string, error)

	// Closures and Items answer those that exist.
	Closures(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Closure, error)
	Items(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Item, error)
	// List pages by time, then id; Count stops at paging.MaxCount.
	List(ctx context.Context, f Filter, w paging.Window) (paging.Page[Closure], error)
	Count(ctx context.Context, f Filter) (int, error)
	// ListItems pages by the visits' starts as they were, then id; CountItems stops at paging.MaxCount. No outcomes: all.
	ListItems(ctx context.Context, closure clinic.Ref, outcomes []Outcome, w paging.Window) (paging.Page[Item], error)
	CountItems(ctx context.Context, closure clinic.Ref, outcomes []Outcome) (int, error)

	Run
}

// Run is how closures are gone through. Whatever is called twice, or by two at once, does it once.
type Run interface {
	// Due lists closures that run and may have something to do, of all organisations, the longest first.
	Due(ctx context.Context, now time.Time, limit int) ([]clinic.Ref, error)
	// AddItems lists the next visits of those that f asks for, by start, at most limit, and notes when these are all.
	AddItems(ctx context.Context, c Closure, f appointment.Filter, now time.Time, newID func() uuid.UUID, limit int) error
	// Take takes the first item that waits, of a closure that runs, until a time. Not ok: there is none.
	Take(ctx context.Context, closure clinic.Ref, now, until time.Time) (i Item, ok bool, err error)
	// Settle notes what became of an item that waits. A visit that still stands, and about which its patient was asked, is told of and reminded of again.
	Settle(ctx context.Context, i Item, as Outcome, why Cause, now time.Time) error
	// PutOff has an item that waits rest until a time; Await does so for nothing that went wrong with it.
	PutOff(ctx context.Context, i Item, until time.Time) error
	Await(ctx context.Context, i Item, until time.Time) error
	// Rest ends a closure of which no item waits or is offered, or has it looked at again at a time.
	Rest(ctx context.Context, closure clinic.Ref, now, until time.Time) error
}
