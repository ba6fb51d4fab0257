// Package stream belongs to the door: it lets a transport pull the events of a subscription one by one, so that none is made before
// the last one has been sent, and an idle subscription has no goroutine but the transport's own.
package stream

import (
	"context"
	"errors"
	"io"

	"github.com/mediconnect/mediconnect/internal/live"
)

// Driver pulls the events of one subscription.
type Driver struct {
	next   func(context.Context) bool
	close  func()
	cursor string
	failed error
}

type key struct{}

// With gives a subscription's context its driver. The transport then calls Await before each response.
func With(ctx context.Context) (context.Context, *Driver) {
	d := &Driver{}
	return context.WithValue(ctx, key{}, d), d
}

// Await waits until the next event can be marshalled. It is false when there is none any more: the stream has ended, failed, or
// ctx has. A subscription that never began has nothing to wait for.
func (d *Driver) Await(ctx context.Context) bool { return d.next == nil || d.next(ctx) }

// Began says whether there is a stream: a subscription that is refused has none.
func (d *Driver) Began() bool { return d.next != nil }

// Cursor continues the stream after the event that Await waited for.
func (d *Driver) Cursor() string { return d.cursor }

// Err is why the stream ended, nil when it just did.
func (d *Driver) Err() error { return d.failed }

// Close ends the stream.
func (d *Driver) Close() {
	if d.close != nil {
		d.close()
	}
}

// Serve hands a stream to the executor: through the context's driver, or else by a goroutine that ends with ctx.
func Serve(ctx context.Context, s live.Stream) <-chan live.Event {
	events := make(chan live.Event, 1)
	d, driven := ctx.Value(key{}).(*Driver)
	if !driven {
		go pump(ctx, s, events)
		return events
	}
	d.close = s.Close
	d.next = func(ctx context.Context) bool {
		e, err := s.Next(ctx)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				d.failed = err
			}
			return false
		}
		d.cursor = e.Cursor()
		events <- e
		return true
	}
	return events
}

func pump(ctx context.Context, s live.Stream, events chan<- live.Event) {
	defer close(events)
	defer s.Close()
	for {
		e, err := s.Next(ctx)
		if err != nil {
			return
		}
		select {
		case events <- e:
		case <-ctx.Done():
			return
		}
	}
}
