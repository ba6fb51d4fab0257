package audit

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Recorder records what requests were told and refused, before they are answered.
type Recorder struct {
	store  Recording
	source clinic.Source
	tally  tally
}

// NewRecorder puts a recorder over its store.
func NewRecorder(store Recording, source clinic.Source) *Recorder {
	return &Recorder{store: store, source: source}
}

// Keep records what the caller's trail holds; fields are what the request asked for of each kind of thing. Until it returns
// nothing may be answered: it fails with errs.Busy, or errs.InvalidInput when there is too much for one answer. Refusals of
// callers whom nobody knows are counted and recorded later, by Flush.
func (r *Recorder) Keep(ctx context.Context, a access.Actor, fields map[string][]string) error {
	seen, complete := a.Trail.Sights()
	if !complete {
		return errs.Invalid("This shows more than can be recorded at once. Ask for smaller pages.")
	}
	parts := map[uuid.UUID][]Event{}
	for _, s := range seen {
		parts[s.Organization] = append(parts[s.Organization], r.read(a, s, fields[s.Kind]))
	}
	refused, times := a.Trail.Refusals()
	for i, refusal := range refused {
		if a.Kind == access.Anonymous {
			r.tally.add(counted{refusal.At, outcomeOf(refusal), r.source.Clock.Now().Truncate(time.Minute)}, times[i])
			continue
		}
		parts[a.Organization] = append(parts[a.Organization], r.refused(a, refusal, times[i]))
	}
	for organization, events := range parts {
		if err := r.store.Record(ctx, organization, events); err != nil {
			return errs.TryAgain(err)
		}
	}
	return nil
}

func (r *Recorder) event(a access.Actor, organization uuid.UUID) Event {
	return Event{
		Organization: organization, ID: r.source.NewID(), At: r.source.Clock.Now(), ActorKind: a.Kind, Actor: a.ID, Client: a.Client,
		Request: a.RequestID, Effect: Read, Outcome: Done, Purpose: a.Purpose(), Fields: []string{}, Flags: NoFlags, Times: 1,
	}
}

func (r *Recorder) read(a access.Actor, s access.Sight, fields []string) Event {
	e := r.event(a, s.Organization)
	e.Action, e.EntityKind, e.Entity, e.Patient, e.Grant = ActionOf(s.Kind), s.Kind, s.ID, s.Patient, s.Grant
	if fields != nil {
		e.Fields = fields
	}
	if s.Grant != uuid.Nil {
		e.Purpose = access.BreakGlass
	}
	return e
}

func (r *Recorder) refused(a access.Actor, refusal access.Refusal, times int) Event {
	e := r.event(a, a.Organization)
	e.Action, e.Outcome, e.Times = refusal.At, outcomeOf(refusal), times
	e.EntityKind, e.Entity = refusal.Kind, refusal.ID
	if refusal.Organization == a.Organization {
		e.Patient = refusal.Patient
	}
	if changes(refusal.At) {
		e.Effect = Write
	}
	return e
}

// changes says whether a coordinate is a change's.
func changes(at string) bool {
	const root = "Mutation."
	return len(at) > len(root) && at[:len(root)] == root
}

func outcomeOf(r access.Refusal) Outcome {
	if r.Missing {
		return NotFound
	}
	return Denied
}

// Flush records the refusals that were counted. What can't be recorded is kept for the next time.
func (r *Recorder) Flush(ctx context.Context) error {
	counts := r.tally.take()
	events := make([]Event, 0, len(counts))
	for c, times := range counts {
		e := r.event(access.Nobody(""), uuid.Nil)
		e.Action, e.Outcome, e.Times = c.at, c.outcome, times
		if c.at != others {
			e.At = c.minute
		}
		if changes(c.at) {
			e.Effect = Write
		}
		events = append(events, e)
	}
	if len(events) == 0 {
		return nil
	}
	err := r.store.Record(ctx, uuid.Nil, events)
	if err != nil {
		for c, times := range counts {
			r.tally.add(c, times)
		}
	}
	return err
}

// tally counts refusals of callers whom nobody knows: to record each would let them fill the disk.
type tally struct {
	mu     sync.Mutex
	counts map[counted]int
}

type counted struct {
	at      string
	outcome Outcome
	minute  time.Time
}

// What is beyond so many kinds of refusal and minutes is counted as one.
const (
	maxCounted = 1000
	others     = "others"
)

func (t *tally) add(c counted, times int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[counted]int{}
	}
	if _, known := t.counts[c]; !known && len(t.counts) >= maxCounted {
		c = counted{at: others, outcome: c.outcome}
	}
	t.counts[c] += times
}

func (t *tally) take() map[counted]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := t.counts
	t.counts = nil
	return counts
}
