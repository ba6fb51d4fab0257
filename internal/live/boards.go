package live

import (
	"context"
	"slices"
	"sync"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Openings is what slots are read from.
type Openings interface {
	// View reads rules and what is taken in one snapshot. It fails with errs.NotFound.
	View(ctx context.Context, provider clinic.Ref, p availability.Period) (availability.View, error)
	// Former lists the rules that a provider had from a revision on, in order, but for those that hold. At most so many.
	Former(ctx context.Context, provider clinic.Ref, revision int64, limit int) ([]availability.Former, error)
	// Snapshot has everything that read asks for come from one moment.
	Snapshot(ctx context.Context, read func(context.Context, availability.Snapshot) error) error
}

// How much is kept for those who come after the first.
const (
	keptDays  = 2000
	keptTurns = 64
	keptTimes = 10_000
)

// Boards read providers' slots once for all who watch them: after a change, whoever comes first reads, and the others see what was
// read. Slots of a day of UTC are always read together, so that nobody is told an older state of one after a younger.
type Boards struct {
	store Openings
	hub   *Hub

	mu    sync.Mutex
	days  *lru.Cache[boardOf, *board]
	turns *lru.Cache[clinic.Ref, *turnBoard]

	loading turn // of times
	times   *lru.Cache[timesOf, timetable]
}

type boardOf struct {
	provider clinic.Ref
	day      civil.Date
}

// NewBoards makes the boards of a process.
func NewBoards(store Openings, hub *Hub) *Boards {
	b := &Boards{store: store, hub: hub, loading: newTurn()}
	b.days, _ = lru.New[boardOf, *board](keptDays)
	b.turns, _ = lru.New[clinic.Ref, *turnBoard](keptTurns)
	b.times, _ = lru.New[timesOf, timetable](keptTimes)
	return b
}

// turn is a lock that is waited for no longer than one likes.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

// board is what was read of a provider's day, with the slots as anybody sees them.
type board struct {
	turn
	reading
	slots    []availability.Slot
	at, till time.Time // when the slots are so
}

// reading is a view that holds everything up to a position of the log.
type reading struct {
	upto int64 // -1: nothing was read
	availability.View
}

// renew reads unless what was read holds everything up to a position.
func (r *reading) renew(ctx context.Context, b *Boards, provider clinic.Ref, p availability.Period, need int64) (bool, error) {
	if r.upto >= need {
		return false, nil
	}
	upto := max(need, b.hub.At().Position)
	p.Holders = true
	v, err := b.store.View(ctx, provider, p)
	if err != nil && errs.Of(err) != errs.NotFound {
		return false, err
	}
	r.upto, r.View = upto, v
	return true, nil
}

// asker is who looks at slots.
type asker struct {
	availability.Asking
	moving clinic.Ref // what they are moving is read for them alone; zero: nothing
	holder clinic.Ref // named by their organisation; zero: nobody
}

// alone reads for somebody for whom nothing is shared.
func (b *Boards) alone(ctx context.Context, provider clinic.Ref, period availability.Span, who asker) (availability.View, error) {
	v, err := b.store.View(ctx, provider, availability.Period{From: period.Start, To: period.End, Moving: who.moving, Holder: who.holder})
	if errs.Of(err) == errs.NotFound {
		err = nil
	}
	return v, err
}

// kept is the board of a day, the caller having its turn.
func (b *Boards) kept(ctx context.Context, of boardOf) (*board, error) {
	b.mu.Lock()
	found, ok := b.days.Get(of)
	if !ok {
		found = &board{turn: newTurn(), reading: reading{upto: -1}}
		b.days.Add(of, found)
	}
	b.mu.Unlock()
	return found, found.take(ctx)
}

// day lists the slots that start on a day of UTC, whatever their state, in order, as who is asking sees them, in a state that holds
// everything up to a position. What is answered is shared: it isn't to be changed.
func (b *Boards) day(ctx context.Context, of boardOf, need int64, now time.Time, who asker) ([]availability.Slot, availability.Rules, error) {
	if who.moving.ID != uuid.Nil {
		start := of.day.In(time.UTC)
		period := availability.Span{Start: start, End: start.Add(24 * time.Hour)}
		v, err := b.alone(ctx, of.provider, period, who)
		return availability.SlotsOf(v, period, now, who.Asking), v.Rules, err
	}
	found, err := b.kept(ctx, of)
	if err != nil {
		return nil, availability.Rules{}, err
	}
	defer found.give()
	if t, ok := b.turns.Peek(of.provider); ok {
		need = max(need, t.upto.Load()) // a longer period was read since
	}
	start := of.day.In(time.UTC)
	period := availability.Span{Start: start, End: start.Add(24 * time.Hour)}
	fresh, err := found.renew(ctx, b, of.provider, availability.Period{From: period.Start, To: period.End}, need)
	if err != nil {
		return nil, availability.Rules{}, err
	}
	if fresh {
		found.till = time.Time{}
	}
	if who.Owns(found.Taken, now) {
		return availability.SlotsOf(found.View, period, now, who.Asking), found.Rules, nil
	}
	if now.Before(found.at) || !now.Before(found.till) {
		found.slots = availability.SlotsOf(found.View, period, now, availability.Asking{})
		found.at, found.till = now, availability.Lasting(found.View, found.slots, now)
	}
	return found.slots, found.Rules, nil
}

// changed lists the slots that what has moved may have changed, with the position up to which everything is in it.
func (b *Boards) changed(ctx context.Context, provider clinic.Ref, m availability.Moved, need int64, now time.Time, who asker) ([]availability.Slot, error) {
	todo := m.RoughDays()
	seen := map[civil.Date]bool{}
	var list []availability.Slot
	for len(todo) > 0 {
		d := todo[0]
		todo = todo[1:]
		if seen[d] {
			continue
		}
		seen[d] = true
		slots, rules, err := b.day(ctx, boardOf{provider, d}, need, now, who)
		if err != nil {
			return nil, err
		}
		touched := m.Under(rules)
		for _, s := range slots {
			if touched.Has(s) {
				list = append(list, s)
			}
		}
		for other, part := range touched.Days() {
			if !seen[other] && !slices.Contains(todo, other) && rules.MayOpen(part) {
				todo = append(todo, other)
			}
		}
	}
	return list, nil
}
