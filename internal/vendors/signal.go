package vendors

import (
	"context"
	"sync"
)

// signal wakes whoever waits for something to change.
type signal struct {
	mu   sync.Mutex
	next chan struct{} // closed by the next change
}

func newSignal() *signal { return &signal{next: make(chan struct{})} }

func (s *signal) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.next)
	s.next = make(chan struct{})
}

func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

// Until waits for a condition, which it looks at whenever a request came or ended, a message was accepted or its status changed, or a
// callback was sent.
func (v *Vendors) Until(ctx context.Context, condition func() bool) error {
	for {
		next := v.changed.wait()
		if condition() {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		case <-v.done:
			return context.Canceled
		}
	}
}

// Await waits until messages of n different keys were accepted.
func (v *Vendors) Await(ctx context.Context, n int) error {
	return v.Until(ctx, func() bool { return v.Distinct() >= n })
}
