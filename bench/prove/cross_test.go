package prove_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// Twenty patients have each opening, and all of them change places with those of an opening on another day at the same moment,
// again and again. There are lanes for everybody, so every move must succeed, at the latest when it is asked for again. Each
// move locks both days: in the wrong order, some would deadlock.
func TestCrossingMovesAllSucceed(t *testing.T) {
	const together, rounds = 20, 3
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.Provider(ctx, 2*together, 0) })
	openings := p.acrossDays(providers)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tries, ends := p.race(openings, nil)
	p.want(ends, map[string]int{"DONE": *clients})
	views := make([]view, len(tries))
	for i, t := range tries {
		views[i] = view{}
		views[i].see(t.answer.Visit)
	}
	for round := range rounds {
		moved := &tally{}
		var repeated atomic.Int64
		took := p.together(func(i int, patient rig.Patient) {
			at := i % len(openings)
			if round%2 == 0 {
				at ^= 1 // 0 and 1 change places, 2 and 3, and so on
			}
			key := uuid.NewString()
			answer, sent, err := rig.Insist(ctx, func(ctx context.Context) (rig.Answer, error) {
				return patient.Move(ctx, tries[i].answer.Visit.ID, openings[at].ID, key)
			})
			if err != nil {
				p.t.Errorf("client %d: %v", i, err)
			}
			repeated.Add(int64(sent - 1))
			views[i].see(answer.Visit)
			moved.add(answer.Code())
		})
		p.t.Logf("%d clients change places at once: %s; %.1f s, %d requests sent again", len(p.patients), moved, took.Seconds(), repeated.Load())
		p.want(moved, map[string]int{"DONE": *clients})
	}
	if i := slices.IndexFunc(views, func(v view) bool { return len(v) != 1 }); i >= 0 {
		t.Errorf("client %d has %v", i, views[i])
	}
	p.agree(views)
	p.tablesHold()
	p.mirrored(providers, 3)
	p.noDeadlock()
}

// acrossDays takes five openings of two days of each provider, those of the same hour beside each other.
func (p *proof) acrossDays(providers []string) (openings []rig.Slot) {
	p.t.Helper()
	for _, id := range providers {
		both := p.openings(id, 2)
		for i := range 5 {
			openings = append(openings, both[i], both[len(both)/2+i])
		}
	}
	return openings
}
