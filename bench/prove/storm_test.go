package prove_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

const (
	patience = 3 * time.Minute
	steps    = 5 // that each client takes
)

// storm is many clients who book, hold, move and cancel at once on few openings.
type storm struct {
	*proof
	openings []rig.Slot
	killer   *killer
	ends     tally
	repeated atomic.Int64
}

// walker is one client of a storm, and what it knows of its visits.
type walker struct {
	*storm
	rig.Patient
	ctx  context.Context
	told view
}

// expected are the refusals that a storm may bring.
var expected = []string{"DONE", "SLOT_TAKEN", "SLOT_UNAVAILABLE", "PATIENT_CONFLICT"}

func TestAStormOfMovesAndCancelsEndsInOrder(t *testing.T) { rage(t, nil) }

func TestAStormEndsInOrderThoughTheServerIsKilled(t *testing.T) {
	all := *clients * steps
	rage(t, newKiller(t, all/10, all/2, all*4/5))
}

// rage lets a storm loose on providers with one lane, with three, with a daily cap and with capped windows.
func rage(t *testing.T, k *killer) {
	p := newProof(t, *clients)
	providers := p.providers(*clients/200, func(ctx context.Context) (string, error) { return p.Provider(ctx, 1, 0) })
	for _, add := range []func(context.Context) (string, error){
		func(ctx context.Context) (string, error) { return p.Provider(ctx, 3, 0) },
		func(ctx context.Context) (string, error) { return p.Provider(ctx, 2, 7) },
		func(ctx context.Context) (string, error) { return p.WindowProvider(ctx, 2, 7) },
	} {
		providers = append(providers, p.providers(1, add)...)
	}
	s := &storm{proof: p, openings: p.contested(providers), killer: k}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	views := make([]view, len(p.patients))
	took := p.together(func(i int, patient rig.Patient) {
		w := walker{storm: s, Patient: patient, ctx: ctx, told: view{}}
		for range steps {
			w.step()
			k.count()
		}
		views[i] = w.told
	})
	k.rest()
	k.hit(s.repeated.Load())
	t.Logf("%d clients at once, %d steps each, on %d openings: %s; %.1f s, %d requests sent again, %s",
		len(views), steps, len(s.openings), &s.ends, took.Seconds(), s.repeated.Load(), k)
	for end := range s.ends.n {
		if !slices.ContainsFunc(expected, func(e string) bool { return end == e || endsIn(end, e) }) {
			t.Errorf("some were told %s", end)
		}
	}
	p.agree(views)
	p.tablesHold()
	p.mirrored(providers, 3)
	p.noDeadlock()
}

func endsIn(end, code string) bool {
	return len(end) > len(code) && end[len(end)-len(code)-1:] == " "+code
}

// step does one thing at random: books, books by way of a hold, moves or cancels. Who has a visit mostly moves it.
func (w walker) step() {
	slot := w.openings[rand.IntN(len(w.openings))].ID
	turn, mine := rand.IntN(10), w.booked()
	if len(mine) == 0 && turn >= 2 {
		turn = 1
	}
	switch {
	case turn == 0:
		w.byHold(slot)
	case turn == 1:
		w.do("book", func(ctx context.Context, key string) (rig.Answer, error) { return w.Book(ctx, slot, key) })
	case turn <= 3:
		visit := mine[rand.IntN(len(mine))]
		w.do("cancel", func(ctx context.Context, key string) (rig.Answer, error) { return w.Cancel(ctx, visit, key) })
	default:
		visit := mine[rand.IntN(len(mine))]
		w.do("move", func(ctx context.Context, key string) (rig.Answer, error) { return w.Move(ctx, visit, slot, key) })
	}
}

func (w walker) booked() (ids []string) {
	for id, v := range w.told {
		if v.Status == "BOOKED" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (w walker) byHold(slot string) {
	held := w.insist("hold", func(ctx context.Context, key string) (rig.Answer, error) { return w.Hold(ctx, slot, key) })
	if held.Visit == nil {
		return
	}
	booking := w.do("book held", func(ctx context.Context, key string) (rig.Answer, error) { return w.BookHold(ctx, held.Visit.ID, key) })
	if booking.Visit == nil { // the patient is busy then
		w.insist("release", func(ctx context.Context, _ string) (rig.Answer, error) { return w.Release(ctx, held.Visit.ID) })
	}
}

// do makes a change and remembers what was told about the visit.
func (w walker) do(what string, change func(context.Context, string) (rig.Answer, error)) rig.Answer {
	answer := w.insist(what, change)
	w.told.see(answer.Visit)
	return answer
}

func (w walker) insist(what string, change func(context.Context, string) (rig.Answer, error)) rig.Answer {
	key := uuid.NewString()
	answer, sent, err := rig.Insist(w.ctx, func(ctx context.Context) (rig.Answer, error) { return change(ctx, key) })
	if err != nil {
		w.t.Errorf("%s: %v", what, err)
	}
	w.repeated.Add(int64(sent - 1))
	w.ends.add(fmt.Sprintf("%s %s", what, answer.Code()))
	return answer
}
