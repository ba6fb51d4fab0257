package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// measured are figures of all organisations, as they were read last. One process of all reads them; another one's are nought.
type measured[T any] struct {
	read   func(context.Context, time.Time) (T, error)
	clock  clock.Clock
	latest atomic.Pointer[T]
}

// Measure is documented at workers.Measurer.
func (m *measured[T]) Measure(ctx context.Context) error {
	f, err := m.read(ctx, m.clock.Now())
	if err == nil {
		m.latest.Store(&f)
	}
	return err
}

// forget is for a process that reads them no longer: what it read last is not how things stand.
func (m *measured[T]) forget() { m.latest.Store(nil) }

// of reads a figure of the latest.
func (m *measured[T]) of(read func(T) float64) func() float64 {
	return func() float64 {
		if f := m.latest.Load(); f != nil {
			return read(*f)
		}
		return 0
	}
}
