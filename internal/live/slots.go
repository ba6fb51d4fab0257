package live

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Scope is which openings somebody watches. One of its parts is given.
type Scope struct {
	Providers []clinic.Ref
	Locations []clinic.Ref
	Search    *availability.Search
}

// The most that a scope may name, or be about.
const (
	mostProviders = 20
	mostLocations = 5
	mostDesks     = 500
)

// Check says what is wrong with a scope, at its fields.
func (s Scope) Check() error {
	switch {
	case s.Providers != nil && len(s.Providers) == 0:
		return errs.Invalid("Name at least one provider.", "providerIds")
	case len(s.Providers) > mostProviders:
		return errs.Invalid("At most 20 providers.", "providerIds")
	case s.Locations != nil && len(s.Locations) == 0:
		return errs.Invalid("Name at least one location.", "locationIds")
	case len(s.Locations) > mostLocations:
		return errs.Invalid("At most 5 locations.", "locationIds")
	}
	return nil
}

// Searches prepares searches that are followed.
type Searches interface {
	// Watch fails with errs.InvalidInput and errs.NotFound at the parts of the search.
	Watch(ctx context.Context, a access.Actor, q availability.Search) (*availability.Watched, error)
	WatchPlaces(locations []clinic.Ref) *availability.Watched
}

// Slots makes a stream of the openings of a scope, as the caller may see them. Faults are at the scope's fields. What the scope
// names exists for the caller.
func (s Streams) Slots(ctx context.Context, a access.Actor, scope Scope, after *string) (Stream, error) {
	if err := scope.Check(); err != nil {
		return nil, err
	}
	w := &watch{boards: s.Boards, clock: s.Clock, actor: a, scope: scope, found: s.Clock.Now()}
	of := Interest{Providers: scope.Providers}
	if scope.Providers == nil {
		if err := w.begin(ctx, s.Search); err != nil {
			return nil, err
		}
		of = Interest{Providers: w.members(), Schedules: true}
	}
	f, err := begin(s, of, after, w, 1)
	if err != nil {
		return nil, err
	}
	w.joined.Store(f.joined.Position)
	w.came = s.Boards.stamp()
	w.providers, w.floor, w.began, w.widen = of.Providers, max(f.joined.Position, f.after.Position), f.after.At, f.seat.Widen
	w.stands = func() time.Time { return f.stands.At }
	return f, nil
}

// watch tells of slots.
type watch struct {
	boards *Boards
	clock  clock.Clock
	actor  access.Actor
	scope  Scope
	widen  func(...clinic.Ref)
	stands func() time.Time // what time had changed until then was told

	narrowed  *availability.Watched      // nil: to providers alone
	providers []clinic.Ref               // that are followed
	desks     map[clinic.Ref][]uuid.UUID // locations that fit
	left      map[clinic.Ref][]uuid.UUID // that have fitted
	changes   whereabouts

	began  time.Time            // what happened before was told
	joined atomic.Int64         // where the log is followed live from; entries may come before it is known
	found  time.Time            // when the desks were found
	floor  int64                // whatever is read holds everything up to there
	came   int64                // and is read after this moment's stamp
	told   int64                // the last moment by which any day had been read that was told
	rules  map[clinic.Ref]int64 // where they last changed
	waking bool
	rest   heap
}

// heap is what is still to be told of the things at hand.
type heap struct {
	slots   []availability.Slot
	removed []availability.SlotID
}

// mostTold bounds the slots and ids of an event, mostTurned those that are told of one provider's other rules.
const (
	mostTold   = 200
	mostTurned = 2000
)

// early is how long before the desks were found something may have happened that is told as if it had happened later: a transaction
// takes seconds, and clocks differ.
const early = time.Minute

func (w *watch) note(pending *Pending[clinic.Ref, *moved], e Entry) {
	if e.Provider == uuid.Nil {
		return
	}
	if e.read() != nil {
		pending.GiveUp()
		return
	}
	n := e.news
	if e.Topic != ScheduleTopic && len(n.Days) == 0 && len(n.Spans) == 0 || e.Topic == ScheduleTopic && w.elsewhere(e) {
		return
	}
	fits := true
	pending.Put(e.ProviderRef(), e.Position, func(m **moved) {
		if *m == nil {
			*m = &moved{}
		}
		fits = (*m).add(e)
		if r := (*m).rules; r != nil && e.Topic == ScheduleTopic {
			r.early = r.early || e.Position <= w.joined.Load() || !e.At.After(w.found.Add(early))
			if w.narrowed != nil {
				w.changes.expect(e.ProviderRef(), e.Position)
			}
		}
	})
	if !fits {
		pending.GiveUp()
	}
}

// elsewhere says of an entry about other rules than before whether it is about no place of the scope's.
func (w *watch) elsewhere(e Entry) bool {
	if w.narrowed == nil {
		return false
	}
	if of := w.narrowed.Organization(); of != uuid.Nil && of != e.Organization {
		return true
	}
	if w.scope.Locations == nil {
		return false
	}
	if at := e.news.Location; at != nil {
		return !slices.Contains(w.scope.Locations, clinic.Ref{Organization: e.Organization, ID: *at})
	}
	return !slices.ContainsFunc(w.scope.Locations, func(l clinic.Ref) bool { return l.Organization == e.Organization })
}

func (w *watch) more() bool { return len(w.rest.slots)+len(w.rest.removed) > 0 }

func (w *watch) anew() { w.rest = heap{} }

func (w *watch) awake() bool {
	awake := w.waking
	w.waking = false
	return awake
}

func (w *watch) tell(ctx context.Context, things []Told[clinic.Ref, *moved], at Place) (Event, error) {
	if !w.more() {
		for _, t := range things {
			if err := w.find(ctx, t.Thing, *t.Value); err != nil {
				return nil, err
			}
		}
	}
	if !w.more() {
		return nil, nil
	}
	slots := w.rest.slots[:min(mostTold, len(w.rest.slots))]
	removed := w.rest.removed[:min(mostTold-len(slots), len(w.rest.removed))]
	w.rest = heap{w.rest.slots[len(slots):], w.rest.removed[len(removed):]}
	return SlotsChanged{at, slots, removed}, nil
}

// find gathers what is to be told of a provider.
func (w *watch) find(ctx context.Context, provider clinic.Ref, m moved) error {
	now := w.clock.Now()
	found := map[availability.SlotID]*availability.Slot{} // nil: gone
	var order []availability.SlotID
	put := func(id availability.SlotID, s *availability.Slot) {
		if _, ok := found[id]; !ok {
			order = append(order, id)
		}
		found[id] = s
	}
	need := asOf{max(w.floor, m.last), w.came}
	if m.rules != nil {
		upto, err := w.turned(ctx, provider, &m, need, now, put)
		if err != nil {
			return err
		}
		need.upto = max(need.upto, upto)
	}
	if err := w.changed(ctx, provider, m.Moved, need, now, put); err != nil {
		return err
	}
	for _, id := range order {
		if s := found[id]; s != nil {
			w.rest.slots = append(w.rest.slots, *s)
		} else {
			w.rest.removed = append(w.rest.removed, id)
		}
	}
	return nil
}

// changed gathers the slots that something that moved may have changed.
func (w *watch) changed(ctx context.Context, provider clinic.Ref, m availability.Moved, need asOf, now time.Time, put putter) error {
	slots, moment, err := w.boards.changed(ctx, provider, m, need, now, w.asking(provider))
	if err != nil {
		return err
	}
	w.told = max(w.told, moment)
	for i := range slots {
		w.put(&slots[i], now, put)
	}
	return nil
}

type putter = func(availability.SlotID, *availability.Slot)

// put tells a slot as far as the caller may know of it.
func (w *watch) put(s *availability.Slot, now time.Time, put putter) {
	switch {
	case !w.concerns(*s):
	case w.shows(*s, now):
		put(s.SlotID, s)
	default:
		put(s.SlotID, nil)
	}
}

// concerns says whether a slot can ever be the scope's.
func (w *watch) concerns(s availability.Slot) bool {
	switch {
	case w.scope.Locations != nil:
		return slices.Contains(w.scope.Locations, clinic.Ref{Organization: s.Organization, ID: s.Location})
	case w.scope.Search != nil:
		return w.narrowed.MayFit(s) && (slices.Contains(w.desks[s.ProviderRef()], s.Location) || w.hadLeft(s))
	}
	return true
}

// hadLeft says whether a slot is of a desk that has fitted, or may have.
func (w *watch) hadLeft(s availability.Slot) bool {
	return slices.Contains(w.left[s.ProviderRef()], s.Location)
}

// shows says whether the caller may see a slot of the scope as it is now.
func (w *watch) shows(s availability.Slot, now time.Time) bool {
	if w.scope.Search != nil {
		return s.Status == availability.Free && w.narrowed.Fits(s, now) && slices.Contains(w.desks[s.ProviderRef()], s.Location)
	}
	return s.Status == availability.Free || availability.SeesAll(w.actor, s.Organization)
}

func (w *watch) asking(provider clinic.Ref) asker {
	who := asker{Asking: availability.AskingOf(w.actor, provider)}
	if w.narrowed != nil && w.narrowed.Moving.ID != uuid.Nil {
		who.Moving, who.moving = w.narrowed.Asking.Moving, w.narrowed.Moving
		who.holder = clinic.Ref{Organization: w.actor.Organization, ID: w.actor.ID}
	}
	return who
}

func (w *watch) pass(ctx context.Context, pending *Pending[clinic.Ref, *moved], from, to time.Time) (time.Time, error) {
	times, err := w.boards.passing(ctx, w.providers, w.ahead(), func(p clinic.Ref) int64 { return max(w.floor, w.rules[p]) }, to)
	if err != nil {
		return time.Time{}, err
	}
	var next time.Time
	for p, t := range times {
		if crossed := t.Between(from, to); crossed != nil {
			pending.Put(p, afterAll, func(m **moved) {
				if *m == nil {
					*m = &moved{}
				}
				(*m).Starts = append((*m).Starts, crossed...)
			})
		}
		if at := t.Next(to); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next, nil
}

func (w *watch) ahead() time.Duration {
	if w.narrowed == nil {
		return 0
	}
	return w.narrowed.Ahead()
}
