package live

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Source is a log that also tells whether more is to come soon.
type Source interface {
	Log
	// Underway says whether positions have been taken that can't be read yet, since somebody is still writing.
	Underway() bool
}

// Bus carries messages to all processes that listen. It keeps none: who doesn't listen has missed them.
type Bus interface {
	// Publish sends a message. It takes a second or two at most.
	Publish(ctx context.Context, message []byte) error
	// Listen hands over each message until ctx ends, the connection is lost, or nothing has come for so long as silence.
	Listen(ctx context.Context, silence time.Duration, each func(message []byte)) error
}

// Office is held by one process of all at a time.
type Office interface {
	// Hold runs work while this process holds the office, and answers whether it did. What work is given ends with the office.
	Hold(ctx context.Context, work func(context.Context)) (held bool, err error)
	// Close frees what candidates hold.
	Close()
}

// Relay hands the log to all processes over a bus. One of all does so at a time. Two at once, as there may be for a moment
// when one is cut off, do no harm: a hub takes nothing twice.
type Relay struct {
	Log    Source
	Office Office
	Bus    Bus
	Key    Key
	Clock  clock.Clock // the machine's

	elected atomic.Bool
}

// Elected says whether this process is the one that relays.
func (r *Relay) Elected() bool { return r != nil && r.elected.Load() }

// How often the relay looks, and how it is elected.
const (
	soonest      = 10 * time.Millisecond // after entries came
	underwayRest = 10 * time.Millisecond // at most, while somebody is writing
	quietRest    = 50 * time.Millisecond
	heartbeat    = 200 * time.Millisecond // between messages
	candidacy    = 500 * time.Millisecond // between tries to be elected
	recess       = time.Second            // before one who gave up tries again
	patience     = 2 * time.Second        // without success before one gives up, so that a process with better connections may try
)

// Run relays whenever this process is elected, until ctx ends.
func (r *Relay) Run(ctx context.Context) {
	defer r.Office.Close()
	for ctx.Err() == nil {
		pause := candidacy
		if held, _ := r.Office.Hold(ctx, r.serve); held {
			pause = recess
		}
		_ = rest(ctx, pause)
	}
}

// term is one time in office.
type term struct {
	*Relay
	at   Cursor    // read up to here
	sent int64     // sent up to here, or lost on the way
	beat time.Time // of the last message that was sent
	well time.Time // the same, or when the term began
	rest time.Duration
}

func (r *Relay) serve(ctx context.Context) {
	r.elected.Store(true)
	defer r.elected.Store(false)
	t := &term{Relay: r, well: r.Clock.Now()}
	for ctx.Err() == nil && clock.Fresh(t.well, r.Clock.Now(), patience) {
		if t.step(ctx) != nil {
			t.rest = quietRest
		}
		_ = rest(ctx, t.rest)
	}
}

// step reads once and sends what there is.
func (t *term) step(ctx context.Context) error {
	if t.at.Epoch == "" {
		head, err := t.Log.Head(ctx)
		if err != nil {
			return err
		}
		t.at, t.sent = head, head.Position
	}
	entries, next, err := t.Log.Read(ctx, t.at, batch)
	if errors.Is(err, ErrReset) {
		t.at = Cursor{}
		return err
	}
	if err != nil {
		return err
	}
	t.at = next
	t.pace(len(entries))
	return t.send(ctx, entries)
}

// pace rests the longer, the longer nothing has come.
func (t *term) pace(came int) {
	switch longest := quietRest; {
	case came == batch:
		t.rest = 0
	case came > 0:
		t.rest = soonest
	default:
		if t.Log.Underway() {
			longest = underwayRest
		}
		t.rest = min(max(t.rest, soonest)*5/4, longest)
	}
}

// send hands on entries up to where was read. What can't be sent is passed over: hubs notice that it is missing, and read it.
func (t *term) send(ctx context.Context, entries []Entry) error {
	pieces := cut(entries)
	for i, piece := range pieces {
		upto := piece[len(piece)-1].Position
		if i == len(pieces)-1 {
			upto = t.at.Position
		}
		if err := t.publish(ctx, upto, piece); err != nil {
			t.sent = t.at.Position
			return err
		}
	}
	if len(pieces) == 0 && !clock.Fresh(t.beat, t.Clock.Now(), heartbeat) {
		return t.publish(ctx, t.at.Position, nil)
	}
	return nil
}

func (t *term) publish(ctx context.Context, upto int64, entries []Entry) error {
	b := Batch{Epoch: t.at.Epoch, After: t.sent, Upto: upto, Entries: entries}
	t.sent = upto
	message, ok := t.Key.sign(b)
	if !ok {
		return nil
	}
	if err := t.Bus.Publish(ctx, message); err != nil {
		return err
	}
	t.beat = t.Clock.Now()
	t.well = t.beat
	return nil
}
