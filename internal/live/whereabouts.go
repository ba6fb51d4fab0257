package live

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// whereabouts are the desks at which providers fit after a change of their rules. They are looked up for all who have changed at
// once: an import, or another length of a kind of visit, changes hundreds.
type whereabouts struct {
	mu      sync.Mutex
	changed map[clinic.Ref]int64 // and not looked up since: at which position of the log
	looked  map[clinic.Ref]fitting
}

type fitting struct {
	upto  int64 // the change that it was looked up after
	desks []availability.Desk
}

// mostFitting bounds the desks of one look.
const mostFitting = 10_000

// expect says that a provider has changed.
func (w *whereabouts) expect(provider clinic.Ref, position int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed == nil {
		w.changed = map[clinic.Ref]int64{}
	}
	w.changed[provider] = position
}

// of lists a provider's desks as they were at some time after a change. It fails with errTurned when there are too many.
func (w *whereabouts) of(ctx context.Context, in *availability.Watched, provider clinic.Ref, position int64) ([]availability.Desk, error) {
	if w.looked[provider].upto < position {
		if err := w.look(ctx, in, provider, position); err != nil {
			return nil, err
		}
	}
	found := w.looked[provider]
	delete(w.looked, provider)
	return found.desks, nil
}

// look looks one provider up, and whoever else has changed.
func (w *whereabouts) look(ctx context.Context, in *availability.Watched, provider clinic.Ref, position int64) error {
	asked := w.expected()
	asked[provider] = max(asked[provider], position)
	desks, err := in.Desks(ctx, slices.Collect(maps.Keys(asked)), mostFitting+1)
	if err == nil && len(desks) > mostFitting {
		err = errTurned
	}
	if err != nil {
		return err
	}
	found := make(map[clinic.Ref][]availability.Desk, len(asked))
	for _, d := range desks {
		found[d.Provider] = append(found[d.Provider], d)
	}
	if w.looked == nil {
		w.looked = map[clinic.Ref]fitting{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for p, upto := range asked {
		w.looked[p] = fitting{upto, found[p]}
		if w.changed[p] <= upto {
			delete(w.changed, p)
		}
	}
	return nil
}

func (w *whereabouts) expected() map[clinic.Ref]int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := make(map[clinic.Ref]int64, len(w.changed)+1)
	maps.Copy(asked, w.changed)
	return asked
}
