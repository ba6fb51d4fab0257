package audit

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/paging"
)

// Recording stores events. It may fail with errs.Busy.
type Recording interface {
	// Record stores events of one clinic together, for good when it returns.
	Record(ctx context.Context, organization uuid.UUID, events []Event) error
}

// Reading is where events are read.
type Reading interface {
	// List pages a clinic's events, the newest first; the key of its window is the position. It fails with errs.InvalidInput
	// at "after" or "before".
	List(ctx context.Context, f Filter, w paging.Window) (paging.Page[Event], error)
	// Count stops at paging.MaxCount.
	Count(ctx context.Context, f Filter) (int, error)
	// Find answers those of a clinic's events that exist.
	Find(ctx context.Context, organization uuid.UUID, ids []uuid.UUID) ([]Event, error)
}

// Chains is where chains are kept.
type Chains interface {
	// Released is the life of the event log and the position up to which no lower one can still appear.
	Released(ctx context.Context) (epoch string, position int64, err error)
	// Unsealed lists the clinics with events in (after, upTo]; with after below 0 those whose newest event is in no chain.
	Unsealed(ctx context.Context, after, upTo int64) ([]uuid.UUID, error)
	// Seal links a clinic's next events, up to a position and at most limit, and answers how many. It waits for whoever does
	// the same.
	Seal(ctx context.Context, organization uuid.UUID, key Key, upTo int64, limit int) (int, error)
	// Heads tells how long the chains of all clinics are.
	Heads(ctx context.Context) (map[uuid.UUID]int64, error)
	// Links pages a clinic's chain by ordinal.
	Links(ctx context.Context, organization uuid.UUID, after int64, limit int) ([]Link, error)
	// LinksAt answers those of a clinic's links that exist, by ordinal.
	LinksAt(ctx context.Context, organization uuid.UUID, ordinals []int64) (map[int64]Link, error)
	// Events pages a clinic's events by position.
	Events(ctx context.Context, organization uuid.UUID, after int64, limit int) ([]Event, error)
	// Pruned is where a clinic's chain begins: after the last link that was dropped, or the zero head.
	Pruned(ctx context.Context, organization uuid.UUID) (Head, error)
	// Tenants lists the clinics that have events or a chain.
	Tenants(ctx context.Context) ([]uuid.UUID, error)
	// Ripe is the last link of a chain's beginning, of at most limit links, whose events were all before an instant; the zero
	// head when there is none.
	Ripe(ctx context.Context, organization uuid.UUID, before time.Time, limit int) (Head, error)
	// Prune drops a chain and its events up to a head, and notes it.
	Prune(ctx context.Context, organization uuid.UUID, upTo Head, at time.Time) error
}

// Keys are the secrets that chains are made with, outside the database.
type Keys interface {
	// ChainKey is the one that a clinic's chain goes on with.
	ChainKey(ctx context.Context, organization uuid.UUID) (id int, key []byte, err error)
	// ChainKeyOf is one that a part of it was made with.
	ChainKeyOf(ctx context.Context, organization uuid.UUID, id int) (key []byte, err error)
}

// Anchor is where a chain stood at an instant, told outside the database.
type Anchor struct {
	Organization uuid.UUID
	Ordinal      int64
	Position     int64
	Event        uuid.UUID
	Hash         []byte
	At           time.Time
	Epoch        string // the life of the database
	Pruned       bool   // the chain's beginning was dropped up to here
}

// Anchors keep heads where nobody who rules the database can change them.
type Anchors interface {
	// Append keeps anchors for good.
	Append(ctx context.Context, anchors []Anchor) error
	// Each tells all anchors in the order in which they were kept. It fails with *Broken where they were tampered with, after
	// having told those before.
	Each(ctx context.Context, tell func(Anchor) error) error
}

// Broken reports anchors that aren't as they were kept.
type Broken struct {
	Line int
	What string
}

func (b *Broken) Error() string { return b.What }
