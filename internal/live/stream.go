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
}

// teller is what a stream's own part does: it notes entries, and turns what was noted into events.
type teller[K comparable, V any] interface {
	// note puts what an entry changes for the subscriber. It is called under the hub's lock.
	note(pending *Pending[K, V], e Entry)
	// tell reads the present state of things that changed and puts it into words; nil when the subscriber is to be told nothing.
	// errs.Busy has it asked again.
	tell(ctx context.Context, things []Told[K, V], at Place) (Event, error)
	// pass notes what time alone has changed for the subscriber from one instant to another, and answers when to look again;
	// zero: never. It is called after whatever came before has been replayed.
	pass(ctx context.Context, pending *Pending[K, V], from, to time.Time) (next time.Time, err error)
}

// sifter is a teller that can say of many entries at once which of them the subscriber may be told of.
type sifter interface {
	// sift keeps those. It may fail with errs.Busy.
	sift(ctx context.Context, entries []Entry) ([]Entry, error)
}

// longer is a teller that may have more to tell of some things than one event holds.
type longer interface {
	// more has tell called again with the same things.
	more() bool
	// anew has tell begin with them again.
	anew()
}

// wakeful is a teller that may have learned of an earlier time to look at what time has changed.
type wakeful interface {
	// awake says so, once.
	awake() bool
}

// The bounds of a stream.
const (
	mostPending = 1000            // things of one subscriber
	quietFor    = 5 * time.Minute // before a StreamReady tells a younger cursor
	tryAgain    = 250 * time.Millisecond
	longestRest = 10 * time.Minute // between looks at what time has changed
	mostRefills = 3                // in a row
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
	if f.reason == "" && f.after.Epoch != f.joined.Epoch {
		f.reason = CursorUnknown
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
	f.things = f.told
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
	if f.after.Position > f.joined.Position { // another process is further on, unless nobody is
		_, _, err := f.Log.ReadOf(ctx, f.of, f.after, f.after.Position, 1)
		return err
	}
	return f.replay(ctx, f.after, f.joined.Position)
}

// replay notes everything that changed after a cursor up to a position.
func (f *follower[K, V]) replay(ctx context.Context, at Cursor, upto int64) error {
	for at.Position < upto {
		entries, next, err := f.Log.ReadOf(ctx, f.of, at, upto, batch)
		if err != nil {
			return err
		}
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

// look tells what there is, or how long to wait for more. After a calm it tells where the stream stands.
func (f *follower[K, V]) look(ctx context.Context, calm bool) (Event, time.Duration, error) {
	at := f.Hub.At()
	if now := f.Clock.Now(); !now.Before(f.lookNext) {
		next, err := f.teller.pass(ctx, f.pending, f.passed, now)
		if errs.Of(err) == errs.Busy {
			return nil, tryAgain, nil
		}
		if err != nil {
			return nil, 0, err
		}
		f.passed, f.lookNext = now, next
		if next.IsZero() || next.Sub(now) > longestRest {
			f.lookNext = now.Add(longestRest)
		}
	}
	for {
		if f.things == nil && !f.take(at) {
			return f.overflowed(ctx)
		}
		if len(f.things) == 0 {
			if f.things, f.stands = nil, f.upto; calm {
				return StreamReady{f.place(f.upto)}, 0, nil
			}
			return nil, max(f.lookNext.Sub(f.Clock.Now()), 0), nil
		}
		e, err := f.tell(ctx)
		switch {
		case errs.Of(err) == errs.Busy:
			return nil, tryAgain, nil
		case errors.Is(err, errTurned):
			return f.reset(RulesChanged), 0, nil
		case e != nil || err != nil:
			return e, 0, err
		}
	}
}

// take takes the next things to tell. It is false when there are more than fit.
func (f *follower[K, V]) take(at Cursor) bool {
	things, upto, left, ok := f.pending.Take(f.atOnce, at.Position)
	if !ok {
		return false
	}
	passed := f.passed
	if left { // it may be of what time has changed
		passed = f.stands.At
	}
	f.things, f.upto, f.refilled = things, f.reached(upto, passed), 0
	return true
}

// tell tells of the things at hand. An event that leaves some of it out has the cursor of the one before.
func (f *follower[K, V]) tell(ctx context.Context) (Event, error) {
	e, err := f.teller.tell(ctx, f.things, f.place(f.upto))
	f.told = f.things
	if err != nil {
		if errs.Of(err) != errs.Busy {
			f.things = nil
		}
		return nil, err
	}
	if w, ok := f.teller.(wakeful); ok && w.awake() {
		f.lookNext = time.Time{}
	}
	if l, ok := f.teller.(longer); ok && l.more() {
		if changed, ok := e.(SlotsChanged); ok {
			changed.Place = f.place(f.stands)
			return changed, nil
		}
		return e, nil
	}
	f.things, f.stands = nil, f.upto
	return e, nil
}

// overflowed goes on where nothing has been lost, or else ends the stream.
func (f *follower[K, V]) overflowed(ctx context.Context) (Event, time.Duration, error) {
	switch ok, err := f.refill(ctx); {
	case errs.Of(err) == errs.Busy:
		return nil, tryAgain, nil
	case err != nil && ok:
		return nil, 0, err
	case !ok:
		return f.reset(f.why()), 0, nil
	}
	return nil, 0, nil // there may be something to tell now
}

// reached is a cursor from which nothing is lost: the instant is before whatever is read from now on.
func (f *follower[K, V]) reached(position int64, passed time.Time) Cursor {
	return Cursor{f.joined.Epoch, max(position, f.stands.Position), passed}
}

func (f *follower[K, V]) place(at Cursor) Place { return Place{at, f.Clock.Now()} }

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
