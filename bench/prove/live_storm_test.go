package prove_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// bustle is what goes on in a town: people book where there is room, others hold, book, move and cancel the same few openings, each at
// a rate, and the desk changes hours. It can be halted.
type bustle struct {
	*town
	openings map[string][]node // that are few, by kind of visit
	wide     []opening         // of the providers who have room
	shut     []atomic.Bool     // of these: refused once
	stirs    chan struct{}
	books    chan struct{}
	idle     chan *booker
	door     sync.RWMutex // held for writing while nothing may happen
	all      sync.WaitGroup
	stop     context.CancelFunc
	ends     tally
	bookings atomic.Int64
	calm     atomic.Int64 // nanoseconds during which nothing was to happen
}

// bookAtOnce is how many of those who book where there is room do so at a time.
const bookAtOnce = 40

// begin lets it loose; it ends with halt, or with ctx.
func (w *town) begin(ctx context.Context) *bustle {
	w.t.Helper()
	b := &bustle{town: w, openings: map[string][]node{}, stirs: make(chan struct{}), books: make(chan struct{}), idle: make(chan *booker, w.size.bookers)}
	for _, kind := range []string{w.short, w.long} {
		for _, provider := range w.doctors {
			list, err := w.free(ctx, provider, kind, 0)
			w.must(err)
			b.openings[kind] = append(b.openings[kind], list...)
		}
		for _, provider := range w.roomy {
			list, err := w.free(ctx, provider, kind, 0)
			w.must(err)
			for _, n := range list {
				b.wide = append(b.wide, openingOf(n, kind == w.long))
			}
		}
	}
	b.shut = make([]atomic.Bool, len(b.wide))
	ctx, b.stop = context.WithCancel(ctx)
	b.all.Go(func() { b.beat(ctx, w.size.stir, b.stirs) })
	b.all.Go(func() { b.beat(ctx, w.size.rate, b.books) })
	others := w.patients[1+followers:]
	for i, patient := range others[:w.size.patients] {
		v := &visitor{bustle: b, Patient: patient, told: view{}, kinds: map[string]string{}, dithers: i < followers/2}
		b.all.Go(func() { b.turns(ctx, b.stirs, v.step) })
	}
	for _, patient := range others[w.size.patients:] {
		b.idle <- &booker{visitor: visitor{bustle: b, Patient: patient, told: view{}}, taken: map[time.Time]string{}}
	}
	for range min(bookAtOnce, w.size.bookers) {
		b.all.Go(func() { b.turns(ctx, b.books, b.bookOne) })
	}
	b.all.Go(func() { b.desk(ctx) })
	return b
}

// beat gives so many turns a second, but for the time of a calm. Those that find no taker in time are given as soon as there is one.
func (b *bustle) beat(ctx context.Context, rate int, turns chan<- struct{}) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for given := 0; ; given++ {
		for given >= int((time.Since(began)-time.Duration(b.calm.Load())).Seconds()*float64(rate)) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
		select {
		case turns <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

// turns does something at each turn.
func (b *bustle) turns(ctx context.Context, turns <-chan struct{}, do func(context.Context)) {
	for {
		select {
		case <-turns:
		case <-ctx.Done():
			return
		}
		b.door.RLock()
		do(context.WithoutCancel(ctx))
		b.door.RUnlock()
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

// booker is somebody who books where there is room, and now and then cancels.
type booker struct {
	visitor
	taken map[time.Time]string // half-hours of theirs, and the visit
}

// bookOne has whoever comes next book, at a time that they have left.
func (b *bustle) bookOne(ctx context.Context) {
	p := <-b.idle
	defer func() { b.idle <- p }()
	n := rand.IntN(len(b.wide))
	for tries := 0; (p.busy(b.wide[n]) || b.shut[n].Load()) && tries < 50; tries++ {
		n = rand.IntN(len(b.wide))
	}
	slot := b.wide[n]
	if p.busy(slot) || rand.IntN(10) == 0 {
		p.giveBack(ctx)
	}
	if p.busy(slot) {
		return
	}
	a := p.do(ctx, "book with room", func(ctx context.Context, p rig.Patient, key string) (rig.Answer, error) {
		return p.Book(ctx, slot.ID, key)
	})
	if a.Visit == nil {
		b.shut[n].Store(a.Code() == "SLOT_TAKEN" || a.Code() == "SLOT_UNAVAILABLE") // as anybody sees who follows it
		return
	}
	for _, t := range slot.halves {
		p.taken[t] = a.Visit.ID
	}
}

// opening is a slot, and the half-hours that it lasts.
type opening struct {
	node
	halves []time.Time
}

func openingOf(n node, long bool) opening {
	start, _ := time.Parse(time.RFC3339, n.Start)
	o := opening{n, []time.Time{start}}
	if long {
		o.halves = append(o.halves, start.Add(30*time.Minute))
	}
	return o
}

func (p *booker) busy(o opening) bool {
	return slices.ContainsFunc(o.halves, func(t time.Time) bool { return p.taken[t] != "" })
}

func (p *booker) giveBack(ctx context.Context) {
	for _, visit := range p.taken {
		p.do(ctx, "cancel with room", func(ctx context.Context, p rig.Patient, key string) (rig.Answer, error) {
			return p.Cancel(ctx, visit, key)
		})
		maps.DeleteFunc(p.taken, func(_ time.Time, of string) bool { return of == visit })
		return
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
	if v.ends.add(what + " " + a.Code()); a.Visit != nil && strings.HasPrefix(what, "book") {
		v.bookings.Add(1)
	}
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
