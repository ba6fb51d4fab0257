package conflict

import (
	"context"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Bulkhead is how much is done at once of what no request waits for.
type Bulkhead struct {
	Workers int           // and so the most connections to the database
	Queue   int           // jobs that may wait
	Longest time.Duration // that one may have waited to be worth doing
	Drain   time.Duration // that what waits is still done for once the process ends; the rest is skipped
}

// DefaultBulkhead are two workers, who leave requests nearly all connections.
func DefaultBulkhead() Bulkhead {
	return Bulkhead{Workers: 2, Queue: 1000, Longest: time.Second, Drain: 2 * time.Second}
}

// Beside does what no request waits for: it judges in the shadow, and keeps comparisons for the report. Whoever hands it a job goes on at
// once, whatever becomes of that. The zero value does nothing.
type Beside struct {
	bulkhead Bulkhead
	store    TallyStore
	source   clinic.Source // whose clock nobody sets

	more     chan struct{} // a signal a worker that there is a job
	flushing sync.Mutex
	mu       sync.Mutex
	queue    []job // the oldest first
	state    BesideState
	tally    tally
}

// job is run, or else skipped, once.
type job struct {
	run, skip func()
	since     time.Time
}

// BesideState is how the work beside stands. What only grows does so since the process began.
type BesideState struct {
	Waiting, Running int
	Full             int64 // jobs that were skipped as too many waited
	Late             int64 // jobs that were skipped as they had waited for too long
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
	return &Beside{bulkhead: b, store: store, source: source, more: make(chan struct{}, max(b.Workers, 1)), tally: newTally()}
}

// Do has a job run soon. When too many wait, or it has waited for too long, skip is called in its place, the former at once.
func (b *Beside) Do(run, skip func()) {
	if !b.put(job{run: run, skip: skip}) {
		b.safely(skip)
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
	select {
	case b.more <- struct{}{}:
	default: // all workers have one
	}
	return true
}

// safely lets nothing that goes wrong in a job get any further.
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

// Run works until ctx ends, and then a bounded time on what waits. A job that doesn't end is left behind.
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

// work runs jobs until ctx ends and none waits, or draining ends.
func (b *Beside) work(ctx, draining context.Context) {
	for draining.Err() == nil {
		if j, ok := b.take(); ok {
			b.safely(j.run)
			b.ran()
			continue
		}
		select {
		case <-b.more:
		case <-ctx.Done():
			return
		}
	}
}

func (b *Beside) take() (job, bool) {
	b.SkipLate()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return job{}, false
	}
	j := b.queue[0]
	b.queue[0] = job{}
	b.queue = b.queue[1:]
	b.state.Running++
	return j, true
}

func (b *Beside) ran() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.Running--
}

// SkipEvery is how often SkipLate is called.
const SkipEvery = 250 * time.Millisecond

// SkipLate skips the jobs that have waited for too long. It is called now and then, so that no job waits for workers who hang.
func (b *Beside) SkipLate() {
	now := b.source.Clock.Now()
	b.skipThose(func(j job) bool { return now.Sub(j.since) > b.bulkhead.Longest })
}

// skipThose skips the oldest jobs for as long as these are such.
func (b *Beside) skipThose(late func(job) bool) {
	b.mu.Lock()
	n := 0
	for n < len(b.queue) && late(b.queue[n]) {
		n++
	}
	skipped := b.queue[:n:n]
	b.queue = b.queue[n:]
	b.state.Late += int64(n)
	b.mu.Unlock()
	for _, j := range skipped {
		b.safely(j.skip)
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
