package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Stream is what a subscriber is told, one event after the other. It is used by one goroutine at a time.
type Stream interface {
	// Next waits for the next event. It fails with io.EOF after the last, and when ctx ends.
	Next(ctx context.Context) (Event, error)
	// Again has Next look anew at what it told last, as that couldn't be sent.
	Again()
	// Close frees what the stream holds. Next isn't called afterwards.
	Close()
}

// Patient is a stream that can be waited for apart from what it does when there is something, for which it needs a large stack.
type Patient interface {
	Stream
	// Poll is Next without the wait: nil when there is nothing to tell.
	Poll(ctx context.Context) (Event, error)
	// Rest waits, after a Poll that told nothing, until there may be something. It fails when ctx ends.
	Rest(ctx context.Context) error
}

// Reasons of a StreamReset.
const (
	CursorUnknown = "CURSOR_UNKNOWN" // of another life of the log, from the future, or no cursor at all
	CursorTooOld  = "CURSOR_TOO_OLD" // older than what is kept
	RulesChanged  = "RULES_CHANGED"  // so many slots differ because hours or kinds of visit do that the state is read faster anew
	TooSlow       = "TOO_SLOW"       // more has changed than is kept for a subscriber
	LogRestarted  = "LOG_RESTARTED"  // the log began a new life meanwhile
)

// ErrTooOld is an ErrReset that comes of age.
var ErrTooOld = fmt.Errorf("%w: too old", ErrReset)

// Streams makes the streams of a process.
type Streams struct {
	Hub   *Hub
	Log   Log
	Clock clock.Clock // that openings are judged by

	Visits   Visits
	Concerns *Concerns // of the visits
	Boards   *Boards
	Search   Searches
	Waiting  Waiting
	Awaited  *Concerns // of the offers
}

// The bounds of a stream.
const (
	mostPending  = 1000            // things of one subscriber
	quietFor     = 5 * time.Minute // before a StreamReady tells a younger cursor
	tryAgain     = 250 * time.Millisecond
	longestRest  = 10 * time.Minute    // between looks at what time has changed
	longestAway  = 31 * 24 * time.Hour // of a cursor, however quiet the log was: what time has changed since is looked at day by day
	mostRefills  = 3                   // in a row
	mostReplayed = 50_000              // entries, of which few may be the subscriber's: beyond them the state is read faster anew
)

// follower is what all streams have in common: it joins the hub, replays the log from a cursor up to where it joined, and then
// tells what the hub offers.
type follower[K comparable, V any] struct {
	Streams
	teller  teller[K, V]
	atOnce  int // things in one event
	of      Interest
	pending *Pending[K, V]
	seat    *Seat

	since    int64  // entries up to here were told before
	after    Cursor // the same, with the rest of the cursor
	joined   Cursor
	state    state
	reason   string    // of a reset
	passed   time.Time // what time has changed until then was noted
	lookNext time.Time
	things   []Told[K, V]  // taken, and still to be told
	upto     Cursor        // what is told with them
	told     []Told[K, V]  // last
	stands   Cursor        // everything up to here has been told
	stood    Cursor        // the same, before what was told last
	refilled int           // since anything was taken
	wait     time.Duration // until something may be told, unless something happens before
	quiet    *time.Timer   // since something was told
	calm     bool          // nothing was for long
}

type state int

const (
	fresh state = iota
	following
	ended
)

// begin begins a stream after a cursor, or now. It fails with errs.Busy while the hub stands nowhere.
func begin[K comparable, V any](s Streams, of Interest, after *string, t teller[K, V], atOnce int) (*follower[K, V], error) {
	f := &follower[K, V]{Streams: s, teller: t, atOnce: atOnce, of: of, pending: NewPending[K, V](mostPending)}
	var err error
	if after != nil {
		if f.after, err = ParseCursor(*after); err != nil {
			f.reason = CursorUnknown
		}
	}
	f.since = f.after.Position
	if f.seat, f.joined, err = s.Hub.Join(f, of); err != nil {
		return nil, err
	}
	f.joined.At = s.Clock.Now()
	if after == nil {
		f.after = f.joined
	}
	switch {
	case f.reason != "":
	case f.after.Epoch != f.joined.Epoch:
		f.reason = CursorUnknown
	case f.after.At.Before(f.joined.At.Add(-longestAway)):
		f.reason = CursorTooOld
	}
	f.stands = f.after
	return f, nil
}

// Offer implements Listener.
func (f *follower[K, V]) Offer(e Entry) {
	if e.Position > f.since {
		f.teller.note(f.pending, e)
	}
}

// Reset implements Listener.
func (f *follower[K, V]) Reset() { f.pending.GiveUp() }

// Close implements Stream.
func (f *follower[K, V]) Close() { f.seat.Leave() }

// Again implements Stream.
func (f *follower[K, V]) Again() {
	if f.things = f.told; f.told != nil {
		f.stands = f.stood
	}
	if l, ok := f.teller.(longer); ok {
		l.anew()
	}
}

// Next implements Stream.
func (f *follower[K, V]) Next(ctx context.Context) (Event, error) {
	for {
		if e, err := f.Poll(ctx); e != nil || err != nil {
			return e, err
		}
		if err := f.Rest(ctx); err != nil {
			return nil, err
		}
	}
}

// Poll implements Patient.
func (f *follower[K, V]) Poll(ctx context.Context) (e Event, err error) {
	if f.state != following {
		return f.first(ctx)
	}
	f.told = nil
	e, f.wait, err = f.look(ctx, f.calm)
	if e != nil {
		f.quiet, f.calm = nil, false
	}
	return e, err
}

// Rest implements Patient.
func (f *follower[K, V]) Rest(ctx context.Context) error {
	if f.quiet == nil {
		f.quiet = time.NewTimer(quietFor)
	}
	timer := time.NewTimer(f.wait)
	defer timer.Stop()
	select {
	case <-f.pending.Wake():
	case <-timer.C:
	case <-f.quiet.C:
		f.calm = true
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (f *follower[K, V]) first(ctx context.Context) (Event, error) {
	switch {
	case f.state == ended:
		return nil, io.EOF
	case f.reason != "":
		return f.reset(f.reason), nil
	}
	return f.ready(ctx)
}

// ready is the first event: what is missing since the cursor is at hand, and will follow.
func (f *follower[K, V]) ready(ctx context.Context) (Event, error) {
	for {
		switch err := f.missed(ctx); {
		case err == nil:
			f.state, f.passed = following, f.after.At
			return StreamReady{Place{f.after, f.Clock.Now()}}, nil
		case errors.Is(err, ErrTooOld):
			return f.reset(CursorTooOld), nil
		case errors.Is(err, ErrReset):
			return f.reset(CursorUnknown), nil
		case errs.Of(err) != errs.Busy:
			return nil, err
		}
		if err := rest(ctx, tryAgain); err != nil {
			return nil, err
		}
	}
}

// missed notes everything that changed after the cursor up to where the hub was joined.
func (f *follower[K, V]) missed(ctx context.Context) error {
	if f.after.Position > f.joined.Position {
		return f.reachable(ctx)
	}
	return f.replay(ctx, f.after, f.joined.Position)
}

// reachable is for a cursor beyond the hub: another process is further on, unless nobody is. It fails with errs.Busy until what is up
// to there can be read here, too: until then nothing that is read holds it, whatever a forged cursor says.
func (f *follower[K, V]) reachable(ctx context.Context) error {
	if _, _, err := f.Log.ReadOf(ctx, f.of, f.after, f.after.Position, 1); err != nil || f.Hub.At().Position >= f.after.Position {
		return err
	}
	head, err := f.Log.Head(ctx)
	if err == nil && head.Position < f.after.Position {
		err = errs.TryAgain(nil)
	}
	return err
}

// replay notes everything that changed after a cursor up to a position, where the hub stands or has stood since it was joined.
func (f *follower[K, V]) replay(ctx context.Context, at Cursor, upto int64) error {
	of, err := f.missable(ctx, at, upto)
	if err != nil {
		return err
	}
	for read := 0; at.Position < upto && !f.pending.Over(); {
		if read >= mostReplayed {
			f.pending.GiveUp()
			return nil
		}
		entries, next, err := f.Log.ReadOf(ctx, of, at, upto, batch)
		if err != nil {
			return err
		}
		read += len(entries)
		if sifting, ok := f.teller.(sifter); ok {
			if entries, err = sifting.sift(ctx, entries); err != nil {
				return err
			}
		}
		for _, e := range entries {
			f.teller.note(f.pending, e)
		}
		at = next
	}
	return nil
}

// missable is what a replay has to read.
func (f *follower[K, V]) missable(ctx context.Context, at Cursor, upto int64) (Interest, error) {
	if narrowing, ok := f.teller.(narrower); ok && at.Position < upto {
		return narrowing.narrow(ctx, f.of)
	}
	return f.of, nil
}

// refill reads again what was offered and didn't fit, for a teller that sifts: of most of it the subscriber is told nothing. It is
// false when there is too much all the same, or the log went another way.
func (f *follower[K, V]) refill(ctx context.Context) (ok bool, err error) {
	_, sifts := f.teller.(sifter)
	at := f.stands
	if f.refilled++; !sifts || f.refilled > mostRefills || f.Hub.At().Epoch != at.Epoch {
		return false, nil
	}
	f.pending.Empty()
	err = f.replay(ctx, at, f.Hub.At().Position)
	if errs.Of(err) == errs.Busy {
		f.pending.GiveUp()
		f.refilled--
	}
	return !errors.Is(err, ErrReset), err
}

func (f *follower[K, V]) why() string {
	if f.Hub.At().Epoch != f.joined.Epoch {
		return LogRestarted
	}
	return TooSlow
}

func (f *follower[K, V]) reset(reason string) Event {
	f.state = ended
	f.Close()
	at := f.Hub.At()
	at.At = f.Clock.Now()
	return StreamReset{Place{at, at.At}, reason}
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
