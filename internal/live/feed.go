package live

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Feed brings the log to a process's hub: over the bus while that carries it, else by reading. Whatever is missing is read.
type Feed struct {
	hub   *Hub
	log   Log
	bus   Bus // nil: there is none
	key   Key
	clock clock.Clock

	wake chan struct{}
	mu   sync.Mutex
	pen  []Batch   // that came too early: something before them is missing
	told time.Time // when the bus last brought what follows on what the hub has
	read time.Time // when the log was last read to its end

	failed bool // the last try to read
}

// NewFeed makes a feed of a hub that nobody else moves. Without a bus it only reads. now is the machine's clock.
func NewFeed(hub *Hub, log Log, bus Bus, key Key, now clock.Clock) *Feed {
	return &Feed{hub: hub, log: log, bus: bus, key: key, clock: now, wake: make(chan struct{}, 1)}
}

// How often a feed does what.
const (
	readEvery    = 50 * time.Millisecond  // without a bus
	unheardEvery = time.Second            // while nobody listens
	standInEvery = 100 * time.Millisecond // for a bus that has fallen silent
	missingEvery = 5 * time.Millisecond   // while something is missing
	failingEvery = 500 * time.Millisecond // while the log can't be read
	silentAfter  = 500 * time.Millisecond
	verifyEvery  = 2 * time.Second // whatever the bus says
	reopenAfter  = 3 * time.Second // of silence: the connection may be stuck
	mostPenned   = 256
	staleAfter   = 5 * time.Second // without news
)

// Run feeds the hub until ctx ends. Whatever fails, it goes on.
func (f *Feed) Run(ctx context.Context) {
	var all sync.WaitGroup
	if f.bus != nil {
		all.Go(func() { f.listen(ctx) })
	}
	for ctx.Err() == nil {
		if f.due() {
			f.failed = !f.catchUp(ctx)
		}
		f.rest(ctx)
	}
	all.Wait()
}

// rest waits for the next look, or until something is missing or somebody listens.
func (f *Feed) rest(ctx context.Context) {
	timer := time.NewTimer(f.pause())
	defer timer.Stop()
	select {
	case <-f.wake:
	case <-f.hub.Wanted():
	case <-timer.C:
	case <-ctx.Done():
	}
}

// due says whether the log is to be read.
func (f *Feed) due() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	return !f.carried(now) || len(f.pen) > 0 || !clock.Fresh(f.read, now, verifyEvery)
}

// carried says whether the bus carries the log.
func (f *Feed) carried(now time.Time) bool { return clock.Fresh(f.told, now, silentAfter) }

func (f *Feed) pause() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.failed:
		return failingEvery
	case len(f.pen) > 0:
		return missingEvery
	case !f.read.IsZero() && f.hub.Listeners() == 0:
		return unheardEvery
	case f.bus == nil || f.read.IsZero():
		return readEvery
	}
	return standInEvery
}

// catchUp reads what the hub lacks, to the log's end, and answers whether it could.
func (f *Feed) catchUp(ctx context.Context) bool {
	at := f.hub.At()
	for {
		if at.Epoch == "" {
			return f.begin(ctx)
		}
		entries, next, err := f.log.Read(ctx, at, batch)
		if errors.Is(err, ErrReset) {
			return f.begin(ctx)
		}
		if err != nil {
			return false
		}
		f.hub.Advance(Batch{Epoch: at.Epoch, After: at.Position, Upto: next.Position, Entries: entries})
		if at = next; len(entries) < batch {
			break
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = f.clock.Now()
	f.release()
	return true
}

// begin puts the hub at the log's end, which everybody who listens is told.
func (f *Feed) begin(ctx context.Context) bool {
	head, err := f.log.Head(ctx)
	if err != nil {
		return false
	}
	f.hub.Begin(head)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read, f.pen = f.clock.Now(), nil
	return true
}

// release hands on what came too early, as far as it follows now.
func (f *Feed) release() {
	for moved := true; moved; {
		moved = false
		waiting := f.pen[:0]
		for _, b := range f.pen {
			if at, ok := f.hub.Advance(b); ok {
				f.told, moved = f.clock.Now(), true
			} else if b.Epoch == at.Epoch {
				waiting = append(waiting, b)
			}
		}
		clear(f.pen[len(waiting):])
		f.pen = waiting
	}
}

func (f *Feed) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = f.bus.Listen(ctx, reopenAfter, f.hear)
		f.lose()
		_ = rest(ctx, tryAgain)
	}
}

// lose notes that the bus carries nothing any more.
func (f *Feed) lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = time.Time{}
	f.stir()
}

// hear takes a message. What isn't signed by another process of the service, or of another life of the log, is nothing.
func (f *Feed) hear(message []byte) {
	b, ok := f.key.open(message)
	if !ok {
		return
	}
	at, ok := f.hub.Advance(b)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case ok:
		f.told = f.clock.Now()
	case b.Epoch == at.Epoch:
		if len(f.pen) == mostPenned {
			f.pen = append(f.pen[:0], f.pen[1:]...)
		}
		f.pen = append(f.pen, b)
		f.stir()
	}
}

func (f *Feed) stir() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// State is how well a process follows the log.
type State struct {
	Carried   bool          // by the bus; else the log is read
	Behind    int64         // positions that are known to be missing
	Age       time.Duration // since the hub was last known to have everything; negative: never
	Listeners int
}

// Stale says that the hub may be far behind.
func (s State) Stale() bool { return s.Age < 0 || s.Age > staleAfter }

// State tells how well the feed follows.
func (f *Feed) State() State {
	s := State{Age: -1, Listeners: f.hub.Listeners()}
	at := f.hub.At()
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	s.Carried = f.carried(now)
	for _, b := range f.pen {
		s.Behind = max(s.Behind, b.Upto-at.Position)
	}
	for _, news := range []time.Time{f.told, f.read} {
		if age := max(now.Sub(news), 0); !news.IsZero() && (s.Age < 0 || age < s.Age) {
			s.Age = age
		}
	}
	return s
}
