package live

import (
	"context"
	"errors"
	"time"

	"github.com/mediconnect/mediconnect/internal/errs"
)

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
	f.things, f.upto, f.stood, f.refilled = things, f.reached(upto, passed), f.stands, 0
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
