package live

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// begin finds the desks of a scope that doesn't name its providers.
func (w *watch) begin(ctx context.Context, searches Searches) (err error) {
	field := "locationIds"
	if w.scope.Search == nil {
		w.narrowed = searches.WatchPlaces(w.scope.Locations)
	} else {
		field = "search"
		if w.narrowed, err = searches.Watch(ctx, w.actor, *w.scope.Search); err != nil {
			return errs.Under(err, field)
		}
	}
	desks, err := w.narrowed.Desks(ctx, nil, mostDesks+1)
	if err != nil {
		return err
	}
	if len(desks) > mostDesks {
		return errs.Invalid("This is about more than 500 providers. Narrow it, by a kind of visit, a specialty or a place.", field)
	}
	w.desks, w.left = map[clinic.Ref][]uuid.UUID{}, map[clinic.Ref][]uuid.UUID{}
	w.join(desks)
	return nil
}

func (w *watch) join(desks []availability.Desk) {
	for _, d := range desks {
		w.desks[d.Provider] = append(w.desks[d.Provider], d.Location)
	}
}

func (w *watch) members() []clinic.Ref {
	list := make([]clinic.Ref, 0, len(w.desks))
	for p := range w.desks {
		list = append(list, p)
	}
	return list
}

// turned gathers what other rules have made of a provider's slots, and adds to what has moved. It answers the position up to which
// everything is in it.
func (w *watch) turned(ctx context.Context, provider clinic.Ref, m *moved, need asOf, now time.Time, put putter) (int64, error) {
	if w.narrowed != nil {
		follows, err := w.refollow(ctx, provider, m.last, m.rules)
		if err != nil || !follows {
			return need.upto, err
		}
		need.upto = max(need.upto, w.floor)
	}
	if w.rules == nil {
		w.rules = map[clinic.Ref]int64{}
	}
	w.rules[provider], w.waking = m.last, true
	need.stamp = max(need.stamp, w.told)
	turn, err := w.boards.turned(ctx, provider, *m.rules, w.began, need, now, w.asking(provider))
	if err != nil {
		return 0, err
	}
	m.Starts = slices.Concat(m.Starts, availability.Crossed(turn.is, turn.former, w.stands(), now))
	if len(turn.Slots)+len(turn.Gone) > mostTurned {
		return 0, errTurned
	}
	for i := range turn.Slots {
		w.put(&turn.Slots[i], now, put)
	}
	for _, s := range turn.Gone {
		if w.concerns(s) {
			put(s.SlotID, nil)
		}
	}
	w.floor = max(w.floor, turn.upto)
	return turn.upto, nil
}

// refollow looks again whether a provider belongs to the scope, and follows one who does from now on. It is false when nothing of
// theirs was ever told, nor is to be. What it finds out is noted for whoever tells the same again.
func (w *watch) refollow(ctx context.Context, provider clinic.Ref, position int64, t *turned) (bool, error) {
	desks, err := w.changes.of(ctx, w.narrowed, provider, position)
	if err != nil {
		return false, err
	}
	before, known := w.desks[provider]
	if w.scope.Search != nil && t.early { // nobody knows where they have fitted
		places, err := w.narrowed.Places(ctx, provider, mostDesks)
		if err != nil {
			return false, err
		}
		for _, d := range places {
			w.leave(provider, d.Location)
		}
		t.new = true
	}
	if len(desks) == 0 && !known && len(w.left[provider]) == 0 {
		return false, nil
	}
	if len(desks) > 0 && !known {
		if len(w.providers) >= 2*mostDesks {
			return false, errTurned
		}
		w.widen(provider) // before anything is read: what comes later is offered, and what came before is to be in what is read
		w.floor = max(w.floor, w.boards.hub.At().Position)
		w.providers = append(slices.Clip(w.providers), provider)
	}
	if known || len(desks) > 0 {
		w.desks[provider] = nil
		w.join(desks)
	}
	if w.scope.Search != nil && !sameDesks(before, w.desks[provider]) {
		w.leave(provider, before...)
		t.new = true // all there is may be news, and what there was gone
	}
	return true, nil
}

// leave notes where a provider has fitted, or may have.
func (w *watch) leave(provider clinic.Ref, locations ...uuid.UUID) {
	for _, at := range locations {
		if !slices.Contains(w.left[provider], at) {
			w.left[provider] = append(w.left[provider], at)
		}
	}
}

func sameDesks(a, b []uuid.UUID) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(at uuid.UUID) bool { return !slices.Contains(b, at) })
}
