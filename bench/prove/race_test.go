package prove_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// tally counts how calls ended.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) add(end string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[end]++
}

func (c *tally) String() string {
	var parts []string
	for _, end := range slices.Sorted(maps.Keys(c.n)) {
		parts = append(parts, fmt.Sprintf("%d %s", c.n[end], end))
	}
	return strings.Join(parts, ", ")
}

// try is one client's attempt to book, as the client saw it.
type try struct {
	slot      rig.Slot
	answer    rig.Answer
	asked, at time.Time
}

// race sends every client after one of the openings at the same moment, as many after each.
func (p *proof) race(openings []rig.Slot) ([]try, *tally) {
	p.t.Helper()
	tries := make([]try, len(p.patients))
	ends := &tally{}
	took := p.together(func(i int, patient rig.Patient) {
		t := try{slot: openings[i%len(openings)], asked: time.Now()}
		var err error
		t.answer, err = patient.Book(p.t.Context(), t.slot.ID, uuid.NewString())
		t.at = time.Now()
		if err != nil {
			p.t.Errorf("client %d: %v", i, err)
		}
		tries[i] = t
		ends.add(t.answer.Code())
	})
	p.t.Logf("%d clients at once on %d openings: %s; %.1f s", len(tries), len(openings), ends, took.Seconds())
	return tries, ends
}

// helped checks that everybody who was refused was offered openings that were free.
func (p *proof) helped(tries []try) {
	p.t.Helper()
	full := map[string]time.Time{} // when the last place of an opening was known to be gone, by those that had one place
	for _, t := range tries {
		if t.answer.Visit != nil && t.slot.Remaining == 1 {
			full[t.slot.ID] = t.at
		}
	}
	offered := 0
	for _, t := range tries {
		if t.answer.Visit != nil {
			continue
		}
		r := t.answer.Errors[0]
		if len(r.Alternatives) != 5 {
			p.t.Errorf("a client who was told %s was offered %d openings", r.Code, len(r.Alternatives))
		}
		last := time.Duration(0)
		for _, a := range r.Alternatives {
			distance := a.Start.Sub(t.slot.Start).Abs()
			if a.ID == t.slot.ID || a.Remaining < 1 || a.Status != "FREE" || distance < last {
				p.t.Errorf("instead of %v a client was offered %+v after one %v away", t.slot.Start, a, last)
			}
			if gone, known := full[a.ID]; known && gone.Before(t.asked) {
				p.t.Errorf("a client was offered an opening that somebody had been told to have %v before the client asked", t.asked.Sub(gone))
			}
			last = distance
			offered++
		}
	}
	p.t.Logf("%d alternatives were offered, none of them known to be taken, nearest first", offered)
}

// contested takes the first ten openings of each provider's day.
func (p *proof) contested(providers []string) (openings []rig.Slot) {
	p.t.Helper()
	for _, id := range providers {
		openings = append(openings, p.openings(id, 1)[:10]...)
	}
	return openings
}

// answersMatchTable compares what each client was told with what the table says.
func (p *proof) answersMatchTable(tries []try) {
	p.t.Helper()
	for i, t := range tries {
		p.matches(p.patients[i], map[string]*rig.Visit{"": t.answer.Visit})
	}
}

func TestOneClientOfManyGetsAnOpening(t *testing.T) {
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.Provider(ctx, 1, 0) })
	openings := p.contested(providers)
	tries, ends := p.race(openings)
	p.want(ends, map[string]int{"DONE": len(openings), "SLOT_TAKEN": *clients - len(openings)})
	p.settle(tries, providers)
}

func TestAsManyAsThereAreLanesGetAnOpening(t *testing.T) {
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.Provider(ctx, 3, 0) })
	openings := p.contested(providers)
	tries, ends := p.race(openings)
	p.want(ends, map[string]int{"DONE": 3 * len(openings), "SLOT_TAKEN": *clients - 3*len(openings)})
	p.settle(tries, providers)
}

func TestADailyCapHolds(t *testing.T) {
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.Provider(ctx, 2, 7) })
	tries, ends := p.race(p.contested(providers))
	p.capped(ends, 7*len(providers))
	p.settle(tries, providers)
}

func TestAWindowCapHolds(t *testing.T) {
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.WindowProvider(ctx, 2, 7) })
	tries, ends := p.race(p.contested(providers))
	p.capped(ends, 7*len(providers))
	p.settle(tries, providers)
}

// capped wants exactly so many visits; whoever lost was told that the opening is taken or that the cap is reached.
func (p *proof) capped(ends *tally, most int) {
	p.t.Helper()
	if lost := ends.n["SLOT_TAKEN"] + ends.n["SLOT_UNAVAILABLE"]; ends.n["DONE"] != most || lost != *clients-most {
		p.t.Errorf("want %d booked and all others refused, got %s", most, ends)
	}
}

func (p *proof) want(ends *tally, want map[string]int) {
	p.t.Helper()
	if !maps.Equal(ends.n, want) {
		p.t.Errorf("want %v, got %s", want, ends)
	}
}

// settle compares what was answered, what is in the tables and what the log told.
func (p *proof) settle(tries []try, providers []string) {
	p.t.Helper()
	p.helped(tries)
	p.answersMatchTable(tries)
	p.tablesHold()
	p.mirrored(providers, 3)
	p.noDeadlock()
}
