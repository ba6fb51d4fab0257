// Package stream belongs to the door: it lets a transport pull the events of a subscription one by one, so that none is made before
// the last one has been sent, and an idle subscription has no goroutine but the transport's own.
package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/live"
)

// Driver pulls the events of one subscription.
type Driver struct {
	stream live.Stream // nil: the subscription never began
	events chan live.Event
	event  live.Event // at hand; nil when there is none
	failed error
	over   bool
	waits  bool
	after  *string // told to the transport
}

type key struct{}

// With gives a subscription's context its driver. The transport then calls Await before each response.
func With(ctx context.Context) (context.Context, *Driver) {
	d := &Driver{events: make(chan live.Event, 1)}
	return context.WithValue(ctx, key{}, d), d
}

// Of is the driver of a subscription that has begun; nil of anything else.
func Of(ctx context.Context) *Driver {
	if d, driven := ctx.Value(key{}).(*Driver); driven && d.stream != nil {
		return d
	}
	return nil
}

// Began says whether there is a stream: a subscription that is refused has none.
func (d *Driver) Began() bool { return d.stream != nil }

// Await waits until the next event can be marshalled. It is false when there is none any more: the stream has ended, failed, or
// ctx has. A subscription that never began has nothing to wait for.
func (d *Driver) Await(ctx context.Context) bool {
	for !d.Poll(ctx) {
		if !d.waits {
			return false
		}
		d.Rest(ctx)
	}
	return true
}

// Poll is Await for a transport that waits by itself: when it is false and the driver Waits, Rest is next, and then Poll again.
func (d *Driver) Poll(ctx context.Context) bool {
	if d.stream == nil {
		return true
	}
	if d.over {
		return false
	}
	d.event, d.waits, d.failed = d.pull(ctx)
	if d.waits {
		return false
	}
	if d.over = d.event == nil; d.over {
		return false
	}
	d.events <- d.event
	return true
}

// Waits says that nothing could be told yet.
func (d *Driver) Waits() bool { return d.waits }

// Rest waits until there may be something to tell, or ctx ends. Nothing large is on the stack meanwhile but its caller's.
func (d *Driver) Rest(ctx context.Context) { _ = d.stream.(live.Patient).Rest(ctx) }

// pull asks for the next event. A stream that isn't patient is waited for. One that panics ends as one that fails.
func (d *Driver) pull(ctx context.Context) (e live.Event, waits bool, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			e, waits, err = nil, false, fmt.Errorf("panic in a stream: %s\n%s", errs.Panicked(cause), debug.Stack())
		}
	}()
	if p, patient := d.stream.(live.Patient); patient {
		e, err = p.Poll(ctx)
		waits = e == nil && err == nil
	} else {
		e, err = d.stream.Next(ctx)
	}
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil, false, nil
	}
	return e, waits, err
}

// Again is Await for an event that couldn't be sent: its things are looked at anew.
func (d *Driver) Again(ctx context.Context) bool {
	d.stream.Again()
	return d.Await(ctx)
}

// Event is the one at hand, or nil.
func (d *Driver) Event() live.Event { return d.event }

// Cursor continues the stream after the event at hand.
func (d *Driver) Cursor() string {
	if d.event == nil {
		return ""
	}
	return d.event.Cursor()
}

// Err is why the stream ended, nil when it just did. The client is still to be told.
func (d *Driver) Err() error { return d.failed }

// Resume has the subscription continue after a cursor that the client told its transport, not the document.
func (d *Driver) Resume(cursor string) { d.after = &cursor }

// After is where a subscription is to continue: the cursor that the transport was told, which is younger than the document's, or else
// the one asked for.
func After(ctx context.Context, asked *string) *string {
	if d, driven := ctx.Value(key{}).(*Driver); driven && d.after != nil {
		return d.after
	}
	return asked
}

// Close ends the stream.
func (d *Driver) Close() {
	if d.stream != nil {
		d.stream.Close()
	}
}

// Serve hands a stream to the executor, through the context's driver. Whoever has none can't be told what comes later.
func Serve(ctx context.Context, s live.Stream) (<-chan live.Event, error) {
	d, driven := ctx.Value(key{}).(*Driver)
	if !driven {
		s.Close()
		return nil, presenter.Refuse(presenter.BadRequest, "A subscription is answered over graphql-transport-ws, or as server-sent events.")
	}
	d.stream = s
	return d.events, nil
}
