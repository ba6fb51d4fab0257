// Package loader belongs to the door: it gathers what one request asks for piece by piece and fetches it at once, through the
// rooms' services.
package loader

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/vikstrous/dataloadgen"
)

const (
	wait     = time.Millisecond // for others to ask
	capacity = 200              // twice the largest page
	timeout  = 5 * time.Second
)

// Loader fetches things by key; a key that stands for nothing, or for nothing that the caller may see, gives nil.
type Loader[K comparable, V any] = dataloadgen.Loader[K, *V]

// batch makes a loader of a fetch that answers what it finds, and puts its answers into the order asked. The fetch outlives
// the field that happened to ask first, but not its timeout.
func batch[K comparable, V any](fetch func(context.Context, []K) (map[K]V, error)) *Loader[K, V] {
	return dataloadgen.NewLoader(func(ctx context.Context, keys []K) ([]*V, []error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		found, err := guarded(ctx, keys, fetch)
		if err != nil {
			return nil, slices.Repeat([]error{err}, len(keys))
		}
		values := make([]*V, len(keys))
		for i, key := range keys {
			if v, ok := found[key]; ok {
				values[i] = &v
			}
		}
		return values, nil
	}, dataloadgen.WithWait(wait), dataloadgen.WithBatchCapacity(capacity))
}

// guarded turns a panic into an error: a batch runs in a goroutine of its own, where a panic would end the process.
func guarded[K comparable, V any](ctx context.Context, keys []K, fetch func(context.Context, []K) (map[K]V, error)) (found map[K]V, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic in a batch: %v\n%s", cause, debug.Stack())
		}
	}()
	return fetch(ctx, keys)
}
