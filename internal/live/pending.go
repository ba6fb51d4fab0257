package live

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// Pending is what a listener has still to tell: each thing once, in the order in which it first changed, and at most so many. It
// allocates nothing while there is nothing to tell.
type Pending[K comparable, V any] struct {
	mu    sync.Mutex
	most  int
	items map[K]*item[V]
	order []K
	heard int64 // the last position that was put
	wake  chan struct{}
	over  bool // more than fits, or the log went another way
}

type item[V any] struct {
	first int64
	value V
}

// NewPending holds at most so many things.
func NewPending[K comparable, V any](most int) *Pending[K, V] {
	return &Pending[K, V]{most: most, wake: make(chan struct{}, 1)}
}

// afterAll is behind every position: what time changes is told from wherever the log is.
const afterAll = math.MaxInt64

// Put adds a change at a position to what is to be told of a thing. change gets what was put before, or the zero value. Changes are
// put in the order of the log, but for those that are afterAll, and for a replay, whose are all put before anything is taken.
func (p *Pending[K, V]) Put(thing K, position int64, change func(*V)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	i, ok := p.items[thing]
	if !ok {
		if len(p.order) == p.most {
			p.giveUp()
			return
		}
		if p.items == nil {
			p.items = map[K]*item[V]{}
		}
		i = &item[V]{first: position}
		p.items[thing] = i
		p.order = append(p.order, thing)
	}
	i.first = min(i.first, position)
	if position != afterAll {
		p.heard = max(p.heard, position)
	}
	change(&i.value)
	p.signal()
}

// GiveUp forgets everything: whoever is told has to begin anew.
func (p *Pending[K, V]) GiveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.giveUp()
}

func (p *Pending[K, V]) giveUp() {
	p.over, p.items, p.order = true, nil, nil
	p.signal()
}

// Over says that there was more than fits, or that it was given up.
func (p *Pending[K, V]) Over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// Empty begins anew after GiveUp.
func (p *Pending[K, V]) Empty() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over, p.items, p.order = false, nil, nil
}

func (p *Pending[K, V]) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Wake receives after something was put, or given up.
func (p *Pending[K, V]) Wake() <-chan struct{} { return p.wake }

// Told is one thing to tell.
type Told[K comparable, V any] struct {
	Thing K
	Value V
}

// Take hands out the things that changed first, at most so many. Once they have been told, everything up to a position has been:
// whatever comes before what is left, and if nothing is left, the later of what was put last and upto, where the hub stood before Take
// was called. ok is false after GiveUp.
func (p *Pending[K, V]) Take(most int, upto int64) (told []Told[K, V], position int64, left, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil, upto, false, false
	}
	upto = max(upto, p.heard)
	slices.SortStableFunc(p.order, func(a, b K) int { return cmp.Compare(p.items[a].first, p.items[b].first) }) // a replay may have come later
	n := min(most, len(p.order))
	for _, thing := range p.order[:n] {
		told = append(told, Told[K, V]{thing, p.items[thing].value})
		delete(p.items, thing)
	}
	if p.order = p.order[n:]; len(p.order) == 0 {
		p.items, p.order = nil, nil
		return told, upto, false, true
	}
	p.signal()
	for _, i := range p.items {
		upto = min(upto, i.first-1)
	}
	return told, upto, true, true
}
