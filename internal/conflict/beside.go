package conflict

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Bulkhead is how much is done at once of what no request waits for.
type Bulkhead struct {
	Workers int           // and so the most connections to the database
	Batch   int           // cases of an organisation that are judged together at most
	Gather  time.Duration // that a case leaves others to come to it, unless there is a batch of them before
	Queue   int           // cases that may wait
	Longest time.Duration // that one may have waited to be worth doing
	Drain   time.Duration // that what waits is still done for once the process ends; the rest is skipped
}

// DefaultBulkhead are two workers, who leave requests nearly all connections. The time for a batch is enough for cases that are just not slow.
func DefaultBulkhead() Bulkhead {
	return Bulkhead{Workers: 2, Batch: 16, Gather: 100 * time.Millisecond, Queue: 1000, Longest: time.Second, Drain: 2 * time.Second}
}

// Beside does what no request waits for: it judges in the shadow, and keeps comparisons for the report. Whoever hands it a case goes on at
// once, whatever becomes of that. The zero value does nothing.
type Beside struct {
	bulkhead Bulkhead
	store    TallyStore
	source   clinic.Source // whose clock nobody sets

	more     chan struct{} // a signal that there is a case
	full     chan struct{} // one that there is a batch
	gatherer sync.Mutex    // whoever gathers does so alone: two would share what comes
	flushing sync.Mutex
	mu       sync.Mutex
	queue    []job // the oldest first
	state    BesideState
	tally    tally
}

// job is a case that is judged, or else skipped, once.
type job struct {
	Comparison
	by    *Detection
	since time.Time
}

func (j job) with(other job) bool {
	return j.by == other.by && j.Plan.Organization == other.Plan.Organization
}

// BesideState is how the work beside stands. What only grows does so since the process began.
type BesideState struct {
	Waiting, Running int
	Full             int64 // cases that were skipped as too many waited
	Late             int64 // cases that were skipped as they had waited for too long
	Panicked         int64
	Lost             int64 // counts and disagreements that were not kept, as there were too many or the database will not have them
	Seen             map[Seen]int64
	Took             map[Mode]Took
}

// Seen is what cases are counted by.
type Seen struct {
	Mode    Mode
	Verdict Verdict
}

// NewBeside makes it. Run does its work.
func NewBeside(b Bulkhead, store TallyStore, source clinic.Source) *Beside {
	return &Beside{bulkhead: b, store: store, source: source, more: make(chan struct{}, 1), full: make(chan struct{}, 1), tally: newTally()}
}

// Do has a detection judge a case soon. When too many wait, or it has waited for too long, it skips that, the former at once.
func (b *Beside) Do(by *Detection, c Comparison) {
	if j := (job{Comparison: c, by: by}); !b.put(j) {
		b.skip(j)
	}
}

func (b *Beside) put(j job) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) >= b.bulkhead.Queue {
		b.state.Full++
		return false
	}
	j.since = b.source.Clock.Now()
	b.queue = append(b.queue, j)
	signal(b.more)
	if len(b.queue) == b.bulkhead.Batch { // one more says nothing new
		signal(b.full)
	}
	return true
}

// signal never waits: one that nobody has heard yet says it already.
func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

func (b *Beside) skip(j job) { b.safely(func() { j.by.skip(j.Comparison) }) }

// safely lets nothing that goes wrong get any further.
func (b *Beside) safely(do func()) {
	defer func() {
		if recover() != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.state.Panicked++
		}
	}()
	do()
}

// Run works until ctx ends, and then a bounded time on what waits. What doesn't end is left behind.
func (b *Beside) Run(ctx context.Context) {
	draining, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var workers sync.WaitGroup
	for range b.bulkhead.Workers {
		workers.Go(func() { b.work(ctx, draining) })
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		workers.Wait()
	}()
	<-ctx.Done()
	last, cancel := context.WithTimeout(draining, b.bulkhead.Drain)
	defer cancel()
	select {
	case <-done:
	case <-last.Done():
	}
	stop()
	b.skipThose(func(job) bool { return true })
}

// work judges until ctx ends and nothing waits, or draining ends.
func (b *Beside) work(ctx, draining context.Context) {
	for draining.Err() == nil {
		batch := b.gather(ctx)
		if len(batch) > 0 {
			b.safely(func() { batch[0].by.shadow(comparisons(batch)) })
			b.judged(len(batch))
		} else if ctx.Err() != nil {
			return
		}
	}
}

// gather waits for a case, and then, within a bound, for a batch of them. Once ctx has ended it takes what there is.
func (b *Beside) gather(ctx context.Context) []job {
	b.gatherer.Lock()
	defer b.gatherer.Unlock()
	select {
	case <-b.more:
	case <-ctx.Done():
	}
	enough, cancel := context.WithTimeout(ctx, b.bulkhead.Gather)
	defer cancel()
	select {
	case <-b.full:
	case <-enough.Done():
	}
	return b.take()
}

// take takes the oldest case with those that can be judged together with it.
func (b *Beside) take() (batch []job) {
	b.SkipLate()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = slices.DeleteFunc(b.queue, func(j job) bool {
		if len(batch) > 0 && (len(batch) >= b.bulkhead.Batch || !j.with(batch[0])) {
			return false
		}
		batch = append(batch, j)
		return true
	})
	if len(b.queue) > 0 {
		signal(b.more)
	}
	if len(b.queue) >= b.bulkhead.Batch {
		signal(b.full)
	}
	b.state.Running += len(batch)
	return batch
}

func comparisons(batch []job) []Comparison {
	cases := make([]Comparison, len(batch))
	for i, j := range batch {
		cases[i] = j.Comparison
	}
	return cases
}

func (b *Beside) judged(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.Running -= n
}

// SkipEvery is how often SkipLate is called.
const SkipEvery = 250 * time.Millisecond

// SkipLate skips the cases that have waited for too long. It is called now and then, so that none waits for workers who hang.
func (b *Beside) SkipLate() {
	now := b.source.Clock.Now()
	b.skipThose(func(j job) bool { return now.Sub(j.since) > b.bulkhead.Longest })
}

// skipThose skips the oldest cases for as long as these are such.
func (b *Beside) skipThose(late func(job) bool) {
	b.mu.Lock()
	n := 0
	for n < len(b.queue) && late(b.queue[n]) {
		n++
	}
	skipped := slices.Clone(b.queue[:n])
	b.queue = slices.Delete(b.queue, 0, n)
	b.state.Late += int64(n)
	b.mu.Unlock()
	for _, j := range skipped {
		b.skip(j)
	}
}

// State is how it stands.
func (b *Beside) State() BesideState {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.state
	s.Waiting = len(b.queue)
	s.Lost += b.tally.lost
	s.Seen, s.Took = b.tally.seenSoFar(), b.tally.tookSoFar()
	return s
}
