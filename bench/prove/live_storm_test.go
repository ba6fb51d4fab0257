package prove_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// bustle is what goes on in a town: people book, hold, move and cancel at a rate, and the desk changes hours. It can be halted.
type bustle struct {
	*town
	openings map[string][]node // by kind of visit
	pace     chan struct{}
	door     sync.RWMutex // held for writing while nothing may happen
	all      sync.WaitGroup
	stop     context.CancelFunc
	ends     tally
	turns    atomic.Int64
}

// begin lets it loose; it ends with halt, or with ctx.
func (w *town) begin(ctx context.Context) *bustle {
	w.t.Helper()
	b := &bustle{town: w, openings: map[string][]node{}, pace: make(chan struct{})}
	for _, provider := range w.doctors {
		for _, kind := range []string{w.short, w.long} {
			list, err := w.free(ctx, provider, kind, 0)
			w.must(err)
			b.openings[kind] = append(b.openings[kind], list...)
		}
	}
	ctx, b.stop = context.WithCancel(ctx)
	b.all.Go(func() { b.beat(ctx) })
	for i, patient := range w.patients[ringer+1:] {
		b.all.Go(func() {
			(&visitor{bustle: b, Patient: patient, told: view{}, kinds: map[string]string{}, dithers: i < followers/2}).run(ctx)
		})
	}
	b.all.Go(func() { b.desk(ctx) })
	return b
}

// beat gives so many turns a second, as far as there are takers.
func (b *bustle) beat(ctx context.Context) {
	tick := time.NewTicker(time.Second / time.Duration(b.size.rate))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		select {
		case b.pace <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

// halt ends all of it.
func (b *bustle) halt() {
	b.stop()
	b.all.Wait()
}

// insist repeats a change of the set-up that goes unanswered or finds the service busy.
func (w *town) insist(ctx context.Context, change func(context.Context) error) error {
	for {
		err := change(ctx)
		var top *rig.TopError
		if ctx.Err() != nil || !errors.Is(err, rig.ErrUnanswered) && (!errors.As(err, &top) || top.Code != "SERVICE_BUSY") {
			return err
		}
		pause := time.NewTimer(50 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

// visitor is somebody who books, holds, moves and cancels.
type visitor struct {
	*bustle
	rig.Patient
	told    view
	kinds   map[string]string // of them
	dithers bool              // holds, and never books
}

func (v *visitor) run(ctx context.Context) {
	for {
		select {
		case <-v.pace:
		case <-ctx.Done():
			return
		}
		v.door.RLock()
		v.step(context.WithoutCancel(ctx))
		v.door.RUnlock()
		v.turns.Add(1)
	}
}

const mostVisits = 6 // of one visitor at a time

func (v *visitor) step(ctx context.Context) {
	kind := []string{v.short, v.long}[rand.IntN(2)]
	slot := v.openings[kind][rand.IntN(len(v.openings[kind]))].ID
	mine := v.booked()
	switch turn := rand.IntN(10); {
	case turn == 0 || v.dithers:
		v.do(ctx, "hold", func(ctx context.Context, p rig.Patient, key string) (rig.Answer, error) {
			return p.Hold(ctx, slot, key)
		})
	case turn == 1:
		held := v.do(ctx, "hold", func(ctx context.Context, p rig.Patient, key string) (rig.Answer, error) {
			return p.Hold(ctx, slot, key)
		})
		if held.Visit != nil {
			v.keep(v.do(ctx, "book held", func(ctx context.Context, p rig.Patient, key string) (rig.Answer, error) {
				return p.BookHold(ctx, held.Visit.ID, key)
			}), kind)
		}
	case len(mine) > 0 && (turn <= 3 || len(mine) >= mostVisits):
		visit := mine[rand.IntN(len(mine))]
		v.keep(v.do(ctx, "cancel", func(ctx context.Context, p rig.Patient, key string) (rig.Answer, error) {
			return p.Cancel(ctx, visit, key)
		}), v.kinds[visit])
	case len(mine) > 0 && turn <= 5:
		visit := mine[rand.IntN(len(mine))]
		kind = v.kinds[visit] // a visit stays what it is
		slot = v.openings[kind][rand.IntN(len(v.openings[kind]))].ID
		v.keep(v.do(ctx, "move", func(ctx context.Context, p rig.Patient, key string) (rig.Answer, error) {
			return p.Move(ctx, visit, slot, key)
		}), kind)
	default:
		v.keep(v.do(ctx, "book", func(ctx context.Context, p rig.Patient, key string) (rig.Answer, error) {
			return p.Book(ctx, slot, key)
		}), kind)
	}
}

func (v *visitor) keep(a rig.Answer, kind string) {
	if v.told.see(a.Visit); a.Visit != nil {
		v.kinds[a.Visit.ID] = kind
	}
}

func (v *visitor) booked() (ids []string) {
	for id, visit := range v.told {
		if visit.Status == "BOOKED" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// orderly are what may be answered while everybody is after the same openings.
var orderly = []string{"DONE", "SLOT_TAKEN", "SLOT_UNAVAILABLE", "PATIENT_CONFLICT", "HOLD_EXPIRED"}

func (v *visitor) do(ctx context.Context, what string, change func(context.Context, rig.Patient, string) (rig.Answer, error)) rig.Answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := uuid.NewString()
	a, _, err := rig.Insist(ctx, func(ctx context.Context) (rig.Answer, error) {
		p := v.Patient
		p.Server = v.any()
		return change(ctx, p, key)
	})
	if err != nil || !slices.Contains(orderly, a.Code()) {
		v.t.Errorf("%s: %s %v", what, a.Code(), err)
	}
	v.ends.add(what + " " + a.Code())
	return a
}

// desk changes hours again and again: each change and, a turn later, its opposite.
func (b *bustle) desk(ctx context.Context) {
	var closing, everywhere string
	full, short := rig.Hours{From: "09:00", To: "17:00", Capacity: 3}, rig.Hours{From: "10:00", To: "14:00", Capacity: 1}
	changes := []func(context.Context, string) error{
		func(ctx context.Context, key string) (err error) {
			closing, err = b.Close(ctx, rig.Period{Provider: b.doctors[single], Day: 0, From: "11:00", To: "15:00"}, key)
			return err
		},
		func(ctx context.Context, _ string) error { return b.Weekly(ctx, b.doctors[shifted], b.Location, short) },
		func(ctx context.Context, _ string) error {
			return b.Weekly(ctx, b.doctors[rover], b.east, rig.Hours{From: "09:00", To: "12:00", Capacity: 2})
		},
		func(ctx context.Context, key string) (err error) {
			everywhere, err = b.Close(ctx, rig.Period{Location: b.east, Day: 0, From: "13:00", To: "16:00"}, key)
			return err
		},
		func(ctx context.Context, _ string) error {
			return b.OnDate(ctx, b.doctors[limited], b.Location, 0, false)
		},
		func(ctx context.Context, _ string) error { return b.lift(ctx, closing) },
		func(ctx context.Context, _ string) error { return b.Weekly(ctx, b.doctors[shifted], b.Location, full) },
		func(ctx context.Context, _ string) error { return b.Weekly(ctx, b.doctors[rover], b.east) },
		func(ctx context.Context, _ string) error { return b.lift(ctx, everywhere) },
		func(ctx context.Context, _ string) error {
			return b.OnDate(ctx, b.doctors[limited], b.Location, 0, true)
		},
	}
	tick := time.NewTicker(b.size.change)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		key := uuid.NewString()
		b.door.RLock()
		err := b.insist(context.WithoutCancel(ctx), func(ctx context.Context) error { return changes[n%len(changes)](ctx, key) })
		b.door.RUnlock()
		if err != nil {
			b.t.Errorf("change %d of the hours: %v", n%len(changes), err)
		}
		b.ends.add("hours changed")
	}
}

// lift takes an exception back. Somebody who asks again may find it gone.
func (b *bustle) lift(ctx context.Context, exception string) error {
	err := b.Lift(ctx, exception)
	if top, ok := errors.AsType[*rig.TopError](err); ok && top.Code == "NOT_FOUND" {
		return nil
	}
	return err
}

// free lists openings of a kind in as many days as the town's people look at, from one of them on.
func (w *town) free(ctx context.Context, provider, kind string, from int) (list []node, err error) {
	variables := map[string]any{"provider": provider, "kind": kind, "from": w.Day.AddDate(0, 0, from), "to": w.until().AddDate(0, 0, from)}
	_, err = gather(ctx, w.Admin, slotsThere, variables, true, func(text []byte) error {
		var n node
		err := json.Unmarshal(text, &n)
		list = append(list, n)
		return err
	})
	return list, err
}
