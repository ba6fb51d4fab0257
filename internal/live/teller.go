package live

import (
	"context"
	"time"
)

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

// narrower is a teller that a replay needs to read less for than the hub is asked for.
type narrower interface {
	// narrow answers what to read instead. It is asked after the hub's position was taken up to which is read: what the subscriber is
	// to be told of from then on is offered. It may fail with errs.Busy.
	narrow(ctx context.Context, of Interest) (Interest, error)
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
