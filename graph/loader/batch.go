// Package loader belongs to the door: it gathers what one request asks for piece by piece and fetches it at once, through the
// rooms' services.
package loader

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/vikstrous/dataloadgen"

	"github.com/mediconnect/mediconnect/internal/errs"
)

const (
	wait     = time.Millisecond // for others to ask
	capacity = 200              // twice the largest page
	timeout  = 5 * time.Second
)

// Loader fetches things by key; a key that stands for nothing, or for nothing that the caller may see, gives nil. Keys that are
// known to belong together, such as what a page refers to, are fetched together whenever the first is asked for; any others
// when they are asked for at about the same time.
type Loader[K comparable, V any] struct {
	asks func(context.Context, []K) (map[K]V, error)

	mu     sync.Mutex
	others *dataloadgen.Loader[K, *V] // made when somebody asks: of all loaders that a request has, it asks a few
	said   [][]K                      // to belong together, since somebody asked last
	groups map[K]*group[K]
}

type group[K comparable] struct {
	keys   []K
	once   sync.Once
	failed error
}

// batch makes a loader of a fetch that answers what it finds. A fetch outlives the field that happened to ask first, but not
// its timeout.
func batch[K comparable, V any](fetch func(context.Context, []K) (map[K]V, error)) *Loader[K, V] {
	return &Loader[K, V]{asks: fetch}
}

func (l *Loader[K, V]) fetch(ctx context.Context, keys []K) (map[K]V, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	return guarded(ctx, keys, l.asks)
}

// singly fetches keys that aren't known to belong together.
func (l *Loader[K, V]) singly() *dataloadgen.Loader[K, *V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.others == nil {
		l.others = dataloadgen.NewLoader(func(ctx context.Context, keys []K) ([]*V, []error) {
			found, err := l.fetch(ctx, keys)
			if err != nil {
				return nil, slices.Repeat([]error{err}, len(keys))
			}
			return inOrder(keys, found), nil
		}, dataloadgen.WithWait(wait), dataloadgen.WithBatchCapacity(capacity))
	}
	return l.others
}

func inOrder[K comparable, V any](keys []K, found map[K]V) []*V {
	values := make([]*V, len(keys))
	for i, key := range keys {
		if v, ok := found[key]; ok {
			values[i] = &v
		}
	}
	return values
}

// guarded turns a panic into an error: a batch runs in a goroutine of its own, where a panic would end the process.
func guarded[K comparable, V any](ctx context.Context, keys []K, fetch func(context.Context, []K) (map[K]V, error)) (found map[K]V, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic in a batch: %s\n%s", errs.Panicked(cause), debug.Stack())
		}
	}()
	return fetch(ctx, keys)
}

// Together says that these keys belong together. It fetches nothing yet, and costs nothing while nobody asks.
func (l *Loader[K, V]) Together(keys []K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, keys)
}

// groupOf is what a key belongs to, or nil.
func (l *Loader[K, V]) groupOf(key K) *group[K] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.groups == nil && len(l.said) > 0 {
		l.groups = map[K]*group[K]{}
	}
	for _, keys := range l.said {
		g := &group[K]{}
		for _, key := range keys {
			if l.groups[key] == nil {
				l.groups[key] = g
				g.keys = append(g.keys, key)
			}
		}
	}
	l.said = nil
	return l.groups[key]
}

// Load answers one.
func (l *Loader[K, V]) Load(ctx context.Context, key K) (*V, error) {
	if err := l.gather(ctx, key); err != nil {
		return nil, err
	}
	return l.singly().Load(ctx, key)
}

// LoadAll answers several, in the order asked.
func (l *Loader[K, V]) LoadAll(ctx context.Context, keys []K) ([]*V, error) {
	l.Together(keys)
	for _, key := range keys {
		if err := l.gather(ctx, key); err != nil {
			return nil, err
		}
	}
	return l.singly().LoadAll(ctx, keys)
}

// gather fetches what belongs to a key, once.
func (l *Loader[K, V]) gather(ctx context.Context, key K) error {
	g := l.groupOf(key)
	if g == nil {
		return nil
	}
	g.once.Do(func() {
		others := l.singly()
		for keys := range slices.Chunk(g.keys, capacity) {
			var found map[K]V
			if found, g.failed = l.fetch(ctx, keys); g.failed != nil {
				return
			}
			for i, value := range inOrder(keys, found) {
				others.Prime(keys[i], value)
			}
		}
	})
	return g.failed
}
