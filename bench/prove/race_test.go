package prove_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/graph/globalid"
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

// race sends every client after one of the openings at the same moment, as many after each. Whoever goes unanswered, or is
// told to come again later, sends the same again; with nothing in the way nobody may need to.
func (p *proof) race(openings []rig.Slot, k *killer) ([]try, *tally) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	tries := make([]try, len(p.patients))
	ends := &tally{}
	var again, replayed atomic.Int64
	took := p.together(func(i int, patient rig.Patient) {
		t := try{slot: openings[i%len(openings)]}
		key := uuid.NewString()
		answer, sent, err := rig.Insist(ctx, func(ctx context.Context) (rig.Answer, error) {
			t.asked = time.Now()
			return patient.Book(ctx, t.slot.ID, key)
		})
		t.answer, t.at = answer, time.Now()
		if err != nil || sent > 1 && k == nil && alone() {
			p.t.Errorf("client %d asked %d times: %v", i, sent, err)
		}
		if answer.Visit != nil && !answer.Visit.Start.Equal(t.slot.Start) {
			p.t.Errorf("client %d asked for %v and has a visit at %v", i, t.slot.Start, answer.Visit.Start)
		}
		again.Add(int64(sent - 1))
		if answer.Replayed {
			replayed.Add(1)
		}
		tries[i] = t
		ends.add(answer.Code())
		k.count()
	})
	k.rest()
	k.hit(again.Load())
	p.t.Logf("%d clients at once on %d openings: %s; %.1f s, %d requests sent again, %d of them answered before, %s",
		len(tries), len(openings), ends, took.Seconds(), again.Load(), replayed.Load(), k)
	return tries, ends
}

// helped checks that everybody who was refused was offered openings that were free. A day of a provider has room for most
// visits, 0: for as many as it has openings.
func (p *proof) helped(tries []try, most int) {
	p.t.Helper()
	gone := goneSince(tries, most)
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
			if since, known := gone(a); known && since.Before(t.asked) {
				p.t.Errorf("a client was offered %v, which was known to be taken %v before the client asked", a.Start, t.asked.Sub(since))
			}
			last = distance
			offered++
		}
	}
	p.t.Logf("%d alternatives were offered, nearest first, none of them known to be taken", offered)
}

// goneSince tells when the last place of an opening, or of its day, was known to be taken: its winner had been answered.
func goneSince(tries []try, most int) func(rig.Slot) (time.Time, bool) {
	winners, slots, days := map[string]int{}, map[string]time.Time{}, map[string]time.Time{}
	byTime := slices.SortedFunc(slices.Values(tries), func(a, b try) int { return a.at.Compare(b.at) })
	for _, t := range byTime {
		if t.answer.Visit == nil {
			continue
		}
		day := dayOf(t.slot)
		winners[t.slot.ID]++
		winners[day]++
		if winners[t.slot.ID] == t.slot.Remaining {
			slots[t.slot.ID] = t.at
		}
		if winners[day] == most {
			days[day] = t.at
		}
	}
	return func(s rig.Slot) (time.Time, bool) {
		if since, ok := slots[s.ID]; ok {
			return since, true
		}
		since, ok := days[dayOf(s)]
		return since, ok
	}
}

// dayOf names a provider's day.
func dayOf(s rig.Slot) string {
	id, err := globalid.Parse(s.ID)
	if err != nil {
		panic(err)
	}
	return id.Slot.Provider.String() + s.Start.Format(time.DateOnly)
}

// contested takes the first ten openings of each provider's day.
func (p *proof) contested(providers []string) (openings []rig.Slot) {
	p.t.Helper()
	for _, id := range providers {
		openings = append(openings, p.openings(id, 1)[:10]...)
	}
	return openings
}

func TestOneClientOfManyGetsAnOpening(t *testing.T) {
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.Provider(ctx, 1, 0) })
	openings := p.contested(providers)
	tries, ends := p.race(openings, nil)
	p.want(ends, map[string]int{"DONE": len(openings), "SLOT_TAKEN": *clients - len(openings)})
	p.settle(tries, providers, 0)
}

func TestOneClientOfManyGetsAnOpeningThoughTheServerIsKilled(t *testing.T) {
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.Provider(ctx, 1, 0) })
	openings := p.contested(providers)
	tries, ends := p.race(openings, newKiller(t, *clients/100, *clients/20, *clients/4))
	p.want(ends, map[string]int{"DONE": len(openings), "SLOT_TAKEN": *clients - len(openings)})
	p.settle(tries, providers, 0)
}

func TestAsManyAsThereAreLanesGetAnOpening(t *testing.T) {
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.Provider(ctx, 3, 0) })
	openings := p.contested(providers)
	tries, ends := p.race(openings, nil)
	p.want(ends, map[string]int{"DONE": 3 * len(openings), "SLOT_TAKEN": *clients - 3*len(openings)})
	p.settle(tries, providers, 0)
}

func TestADailyCapHolds(t *testing.T) {
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.Provider(ctx, 2, 7) })
	tries, ends := p.race(p.contested(providers), nil)
	p.capped(ends, 7*len(providers))
	p.settle(tries, providers, 7)
}

func TestAWindowCapHolds(t *testing.T) {
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.WindowProvider(ctx, 2, 7) })
	tries, ends := p.race(p.contested(providers), nil)
	p.capped(ends, 7*len(providers))
	p.settle(tries, providers, 7)
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
func (p *proof) settle(tries []try, providers []string, most int) {
	p.t.Helper()
	p.helped(tries, most)
	views := make([]view, len(tries))
	for i, t := range tries {
		views[i] = view{}
		views[i].see(t.answer.Visit)
	}
	p.agree(views)
	p.tablesHold()
	p.mirrored(providers, 3)
	p.noDeadlock()
}
