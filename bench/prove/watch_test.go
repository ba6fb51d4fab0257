package prove_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// watcher follows the event log while things happen and keeps a mirror of every provider from it alone.
type watcher struct {
	mu       sync.Mutex
	moved    *sync.Cond
	mirrors  map[uuid.UUID]*live.Mirror
	position int64
	entries  int
	failure  error
}

func watch(t *testing.T, log live.Log) *watcher {
	t.Helper()
	start, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{mirrors: map[uuid.UUID]*live.Mirror{}, position: start.Position}
	w.moved = sync.NewCond(&w.mu)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := live.Follow(ctx, log, start, 20*time.Millisecond, w.see)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.failure = err
		w.moved.Broadcast()
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return w
}

func (w *watcher) see(e live.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.moved.Broadcast()
	if e.Position <= w.position {
		return errors.New("a position came after a higher one")
	}
	w.position = e.Position
	w.entries++
	if e.Provider == uuid.Nil {
		return nil
	}
	if w.mirrors[e.Provider] == nil {
		w.mirrors[e.Provider] = live.NewMirror(availability.Taken{})
	}
	return w.mirrors[e.Provider].Apply(e)
}

// await returns when everything up to a position was seen.
func (w *watcher) await(position int64) error {
	give := time.AfterFunc(30*time.Second, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.failure = errors.Join(w.failure, errors.New("the watcher doesn't get there"))
		w.moved.Broadcast()
	})
	defer give.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.position < position && w.failure == nil {
		w.moved.Wait()
	}
	return w.failure
}

const lastEntry = `SELECT max(position) FROM event_log`

// mirrored compares the openings that follow from the log alone with those that the API lists, for some days from the
// proof's day.
func (p *proof) mirrored(providers []string, days int) {
	p.t.Helper()
	var last int64
	if err := p.pool.QueryRow(p.t.Context(), lastEntry).Scan(&last); err != nil {
		p.t.Fatal(err)
	}
	if err := p.watcher.await(last); err != nil {
		p.t.Fatalf("the watcher ended at %d of %d: %v", p.watcher.position, last, err)
	}
	total := 0
	for _, id := range providers {
		listed := p.openings(id, days)
		told := p.toldByLog(id, days)
		same := slices.EqualFunc(listed, told, func(l rig.Slot, s availability.Slot) bool {
			return l.Start.Equal(s.Start) && l.Remaining == s.Remaining && l.Version == s.Version
		})
		if !same {
			p.t.Errorf("the log tells %d openings, the database %d, or they differ", len(told), len(listed))
		}
		total += len(told)
	}
	p.t.Logf("the watcher saw %d entries and ended with the database's %d openings of %d providers", p.watcher.entries, total, len(providers))
}

func (p *proof) toldByLog(provider string, days int) []availability.Slot {
	p.t.Helper()
	ref, err := p.Ref(provider)
	if err != nil {
		p.t.Fatal(err)
	}
	kind, err := p.Ref(p.VisitKind)
	if err != nil {
		p.t.Fatal(err)
	}
	q := availability.Query{
		VisitKind: kind.ID, From: p.Day, To: p.Day.AddDate(0, 0, days), Now: time.Now(), Statuses: []availability.Status{availability.Free},
	}
	view, err := postgres.NewAvailabilityStore(p.db).View(p.t.Context(), ref, availability.Period{From: q.From, To: q.To})
	if err != nil {
		p.t.Fatal(err)
	}
	p.watcher.mu.Lock()
	defer p.watcher.mu.Unlock()
	mirror := p.watcher.mirrors[ref.ID]
	if mirror == nil {
		mirror = live.NewMirror(availability.Taken{})
	}
	return availability.Openings(view.Rules, mirror.Taken(), q)
}
