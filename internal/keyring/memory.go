package keyring

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// memory is what a process remembers, each thing for the same time after it was put there and no longer: then it is forgotten by itself,
// so that no key stays in memory. Where there are too many, those go first that would be forgotten first. While it is empty nothing runs,
// and whoever lets go of it need not close it.
type memory[K comparable, V any] struct {
	mu    sync.Mutex
	life  time.Duration
	list  *simplelru.LRU[K, mortal[V]] // oldest first: what is looked up doesn't move
	sweep *time.Timer                  // nil: nothing is remembered
}

// mortal is a value with when it is forgotten, as clock.Uptime: a clock that is set back makes nothing last longer.
type mortal[V any] struct {
	value V
	end   time.Duration
}

func newMemory[K comparable, V any](size int, life time.Duration) *memory[K, V] {
	list, err := simplelru.NewLRU[K, mortal[V]](size, nil)
	if err != nil {
		panic(err) // only of a size below 1
	}
	return &memory[K, V]{life: life, list: list}
}

func (m *memory[K, V]) Get(key K) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.list.Peek(key)
	if !ok || found.end <= clock.Uptime() {
		return value, false
	}
	return found.value, true
}

func (m *memory[K, V]) Add(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list.Add(key, mortal[V]{value: value, end: clock.Uptime() + m.life})
	if m.sweep == nil {
		m.sweep = time.AfterFunc(m.life, m.forgetOld)
	}
}

func (m *memory[K, V]) Purge() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list.Purge()
}

// forgetOld forgets what has had its time, and comes back for what is left.
func (m *memory[K, V]) forgetOld() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		_, oldest, ok := m.list.GetOldest()
		if !ok {
			m.sweep = nil
			return
		}
		if left := oldest.end - clock.Uptime(); left > 0 {
			m.sweep.Reset(max(left, m.life/100)) // many at once rather than one by one
			return
		}
		m.list.RemoveOldest()
	}
}
