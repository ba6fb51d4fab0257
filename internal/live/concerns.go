package live

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// The bounds of Concerns.
const (
	mostConcerns = 10_000          // known at a time
	concernsFor  = 2 * time.Second // and no longer: accounts are linked, and links end
	concernsTake = 5 * time.Second // one look
)

// Concerned says of things whom they concern.
type Concerned interface {
	// Concerns answers whom things concern, of those that exist.
	Concerns(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Concern, error)
	// Concerning lists the things that concern a caller who acts for patients; all is false, and the list empty, when there are
	// more than most.
	Concerning(ctx context.Context, a access.Actor, most int) (refs []clinic.Ref, all bool, err error)
}

// mostConcerning is how many things of a subscriber the log is asked for one by one.
const mostConcerning = 1000

// Concerns finds out whom things concern, once a process for each change, however many follow.
type Concerns struct {
	things Concerned
	clock  clock.Clock

	mu       sync.Mutex
	known    *lru.Cache[clinic.Ref, known]
	expected map[clinic.Ref]int64 // changed, and not looked at yet: the last position
	looking  *look                // under way; nil: none is
}

type known struct {
	appointment.Concern
	upto  int64 // the change that it was found out after
	since time.Time
}

// look is one question for all that are expected. What it found is read once it is done.
type look struct {
	done  chan struct{}
	found map[clinic.Ref]known
	err   error
}

// NewConcerns knows nothing yet.
func NewConcerns(things Concerned, c clock.Clock) *Concerns {
	cache, err := lru.New[clinic.Ref, known](mostConcerns)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return &Concerns{things: things, clock: c, known: cache, expected: map[clinic.Ref]int64{}}
}

// expect says that something has changed: whoever asks for any first has all that are expected looked at together.
func (c *Concerns) expect(ref clinic.Ref, position int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.known.Peek(ref); ok && k.upto >= position {
		return
	}
	if last, ok := c.expected[ref]; ok || len(c.expected) < mostConcerns {
		c.expected[ref] = max(last, position)
	}
}

// of answers whom a thing concerns after a change to it. It fails with errs.Busy.
func (c *Concerns) of(ctx context.Context, ref clinic.Ref, position int64) (appointment.Concern, error) {
	for {
		concern, ok, l := c.recall(ctx, ref, position)
		if ok {
			return concern, nil
		}
		select {
		case <-l.done:
		case <-ctx.Done():
			return appointment.Concern{}, ctx.Err()
		}
		if l.err != nil {
			return appointment.Concern{}, l.err
		}
		if k, looked := l.found[ref]; looked && k.upto >= position {
			return k.Concern, nil
		}
	}
}

// recall answers what is known, or else the look to wait for.
func (c *Concerns) recall(ctx context.Context, ref clinic.Ref, position int64) (appointment.Concern, bool, *look) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.known.Get(ref); ok && k.upto >= position && c.clock.Now().Sub(k.since) < concernsFor {
		return k.Concern, true, nil
	}
	if c.looking == nil {
		c.looking = &look{done: make(chan struct{}), found: map[clinic.Ref]known{}}
		asked := c.take(ref, position)
		go c.look(context.WithoutCancel(ctx), c.looking, asked)
	}
	return appointment.Concern{}, false, c.looking
}

// take takes what a look is to ask for: one thing, and what else is expected.
func (c *Concerns) take(ref clinic.Ref, position int64) map[clinic.Ref]int64 {
	asked := map[clinic.Ref]int64{ref: max(c.expected[ref], position)}
	delete(c.expected, ref)
	for other, last := range c.expected {
		if len(asked) == batch {
			break
		}
		asked[other] = last
		delete(c.expected, other)
	}
	return asked
}

// look asks once.
func (c *Concerns) look(ctx context.Context, l *look, asked map[clinic.Ref]int64) {
	ctx, cancel := context.WithTimeout(ctx, concernsTake)
	defer cancel()
	since := c.clock.Now()
	found, err := c.ask(ctx, slices.Collect(maps.Keys(asked)))
	c.mu.Lock()
	defer c.mu.Unlock()
	l.err = err
	for ref, position := range asked {
		if err == nil {
			l.found[ref] = known{found[ref], position, since}
			c.known.Add(ref, l.found[ref])
		} else if len(c.expected) < mostConcerns {
			c.expected[ref] = max(c.expected[ref], position)
		}
	}
	c.looking = nil
	close(l.done)
}

// ask turns a panic into an error: in a goroutine of its own it would end the process.
func (c *Concerns) ask(ctx context.Context, refs []clinic.Ref) (found map[clinic.Ref]appointment.Concern, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = errors.New("panic in a look: " + errs.Panicked(cause))
		}
	}()
	return c.things.Concerns(ctx, refs)
}

// sifted keeps the entries that are about what concerns a caller who acts for patients. It may fail with errs.Busy.
func sifted(ctx context.Context, things Concerned, a access.Actor, entries []Entry, about func(Entry) clinic.Ref) ([]Entry, error) {
	var refs []clinic.Ref
	for _, e := range entries {
		if ref := about(e); ref.ID != uuid.Nil {
			refs = append(refs, ref)
		}
	}
	found, err := things.Concerns(ctx, refs)
	if err != nil {
		return nil, err
	}
	var kept []Entry
	for _, e := range entries {
		if found[about(e)].Of(a) {
			kept = append(kept, e)
		}
	}
	return kept, nil
}
