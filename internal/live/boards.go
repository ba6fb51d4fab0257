package live

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
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
	store  Openings
	hub    *Hub
	stamps atomic.Int64

	mu    sync.Mutex
	days  *lru.Cache[boardOf, *board]
	turns *lru.Cache[clinic.Ref, *turnBoard]

	loading turn // of times
	times   *lru.Cache[timesOf, timetable]
}

// asOf is how young a reading has to be. Two that hold the same positions may differ, since each may hold more. So the moment counts,
// too: what somebody was told elsewhere before they came here is in whatever is read from then on, and in nothing that was read before.
type asOf struct {
	upto  int64 // of the log: everything up to there is in it
	stamp int64 // of the moment after which it was begun
}

// and is what holds both.
func (a asOf) and(b asOf) asOf { return asOf{max(a.upto, b.upto), max(a.stamp, b.stamp)} }

// stamp marks a moment: later ones have higher stamps.
func (b *Boards) stamp() int64 { return b.stamps.Add(1) }

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
	slots      []availability.Slot
	from, till time.Time // when the slots are so
}

// reading is a view, and how young it is.
type reading struct {
	at   asOf  // upto -1: nothing was read
	done int64 // the stamp of when it had been read: what begins afterwards is younger
	availability.View
}

var unread = asOf{upto: -1}

// renew reads unless what was read is young enough.
func (r *reading) renew(ctx context.Context, b *Boards, provider clinic.Ref, p availability.Period, need asOf) (bool, error) {
	if r.at.upto >= need.upto && r.at.stamp >= need.stamp {
		return false, nil
	}
	at := asOf{max(need.upto, b.hub.At().Position), b.stamp()}
	p.Holders = true
	if r.at != unread {
		p.Known = &r.Rules
	}
	v, err := b.store.View(ctx, provider, p)
	if err != nil && errs.Of(err) != errs.NotFound {
		return false, err
	}
	r.at, r.done, r.View = at, b.stamp(), v
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
		found = &board{turn: newTurn(), reading: reading{at: unread}}
		b.days.Add(of, found)
	}
	b.mu.Unlock()
	return found, found.take(ctx)
}

// day lists the slots that start on a day of UTC, whatever their state, in order, as who is asking sees them, in a state that is
// young enough, with the moment by which it had been read. What is answered is shared: it isn't to be changed.
func (b *Boards) day(ctx context.Context, of boardOf, need asOf, now time.Time, who asker) ([]availability.Slot, availability.Rules, int64, error) {
	if who.moving.ID != uuid.Nil {
		start := of.day.In(time.UTC)
		period := availability.Span{Start: start, End: start.Add(24 * time.Hour)}
		v, err := b.alone(ctx, of.provider, period, who)
		return availability.SlotsOf(v, period, now, who.Asking), v.Rules, b.stamp(), err
	}
	found, err := b.kept(ctx, of)
	if err != nil {
		return nil, availability.Rules{}, 0, err
	}
	defer found.give()
	if t, ok := b.turns.Peek(of.provider); ok {
		need = need.and(t.youngest()) // a longer period was read since
	}
	start := of.day.In(time.UTC)
	period := availability.Span{Start: start, End: start.Add(24 * time.Hour)}
	fresh, err := found.renew(ctx, b, of.provider, availability.Period{From: period.Start, To: period.End}, need)
	if err != nil {
		return nil, availability.Rules{}, 0, err
	}
	if fresh {
		found.till = time.Time{}
	}
	if who.Owns(found.Taken, now) {
		return availability.SlotsOf(found.View, period, now, who.Asking), found.Rules, found.done, nil
	}
	if now.Before(found.from) || !now.Before(found.till) {
		found.slots = availability.SlotsOf(found.View, period, now, availability.Asking{})
		found.from, found.till = now, availability.Lasting(found.View, found.slots, now)
	}
	return found.slots, found.Rules, found.done, nil
}

// changed lists the slots that what has moved may have changed, with the last moment by which any of them had been read.
func (b *Boards) changed(
	ctx context.Context, provider clinic.Ref, m availability.Moved, need asOf, now time.Time, who asker,
) (list []availability.Slot, last int64, err error) {
	todo := m.RoughDays()
	seen := map[civil.Date]bool{}
	for len(todo) > 0 {
		d := todo[0]
		todo = todo[1:]
		if seen[d] {
			continue
		}
		seen[d] = true
		slots, rules, moment, err := b.day(ctx, boardOf{provider, d}, need, now, who)
		if err != nil {
			return nil, 0, err
		}
		last = max(last, moment)
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
	return list, last, nil
}
