package reminder

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Channel sends by one vendor, in its wire format.
type Channel interface {
	// Kind says what it sends.
	Kind() ChannelKind
	// Enter waits for a place among the letters that are in flight. It fails with NotAsked when too many wait, or the vendor isn't asked
	// just now. Exit gives the place back.
	Enter(ctx context.Context) (exit func(), err error)
	// MayRetry says whether an attempt may follow one that failed, or fails with NotAsked while too many of those are made.
	MayRetry() error
	// Send hands a letter to the vendor, within the vendor's time, for who has entered. It asks leave once, when nothing but the letter's bytes is left to be
	// sent; while leave is refused nothing leaves. It fails with
	//   NotAsked  before anything left: it is no attempt
	//   Refused   the vendor will never take it
	//   Later     the vendor has not taken it, and may another time
	//   Unclear   it left, and no answer came: it may have been taken
	// Whatever leave answered as an error is passed on.
	Send(ctx context.Context, l Letter, leave Leave) (Receipt, error)
	// Find asks the vendor what became of a letter that may have been taken. A channel whose vendor can't be asked fails with CannotAsk,
	// and waits for its reports instead.
	Find(ctx context.Context, s Sought) (Finding, error)
}

// Leave is permission for a letter to leave. Whoever gets it calls left once the last byte has left, or none will; it is bounded in time.
type Leave func(ctx context.Context) (left func(), err error)

// Receipt is what a vendor calls a letter that it has taken.
type Receipt struct{ VendorID string }

// Sought is a letter that may have been taken.
type Sought struct {
	Message   clinic.Ref
	To        access.Private
	Reference string
	Since     time.Time // it left after this
}

// Finding is what a vendor says of a letter.
type Finding struct {
	Found  bool
	Report Report // if it was found
}

// Report is news of a letter from its vendor. It counts if it says more than is known.
type Report struct {
	Message  clinic.Ref
	VendorID string
	Fate     Fate
	Cause    Cause  // of NotDelivered ones
	Code     string // the vendor's, of failures
	At       time.Time
}

// Fate is what became of a letter.
type Fate string

// The fates. A vendor may tell them twice, and in any order.
const (
	Taken        Fate = "TAKEN"
	Arrived      Fate = "ARRIVED"
	Undelivered  Fate = "NOT_DELIVERED"
	Unsubscribed Fate = "UNSUBSCRIBED" // and wants no more
)

// Inbound is a text that somebody sent back.
type Inbound struct {
	ID   string         // tells one from another, so that each counts once
	From access.Private // an E.164 number
	Body string
	// OptOut is what the vendor took it for by itself: STOP, START or HELP; empty: nothing.
	OptOut string
	At     time.Time
}

// NotAsked reports that a vendor wasn't asked: it fails too often just now, or too many wait for it.
type NotAsked struct {
	Why   string        // such as WhyOpen, or "full"
	After time.Duration // when it may be of use to try again
	Shut  time.Duration // of WhyOpen: how long it has failed too often by now, though it was tried meanwhile; else 0
}

// WhyOpen is why a vendor isn't asked that fails too often.
const WhyOpen = "open"

func (n NotAsked) Error() string { return "the vendor was not asked: " + n.Why }

// handsOver says whether a message that is so late is the next channel's to send. A vendor that has failed for less than the time allowed may soon
// be back, for what was late before, too.
func (n NotAsked) handsOver(late, allowed time.Duration) bool {
	return late >= allowed && (n.Why != WhyOpen || n.Shut >= allowed)
}

// Refused reports a letter that its vendor will never take.
type Refused struct {
	Cause Cause
	Code  string // the vendor's, or an HTTP status
}

func (r Refused) Error() string { return fmt.Sprintf("refused for good: %s (%s)", r.Cause, r.Code) }

// Later reports a letter that its vendor has not taken.
type Later struct {
	Cause Cause
	Code  string
	After time.Duration // as the vendor wants it; 0: it didn't say
}

func (l Later) Error() string { return fmt.Sprintf("not taken: %s (%s)", l.Cause, l.Code) }

// Unclear reports a letter that may have been taken.
type Unclear struct{ Code string }

func (u Unclear) Error() string { return "it left, and no answer came (" + u.Code + ")" }

// CannotAsk reports a vendor that answers no questions.
type CannotAsk struct{}

func (CannotAsk) Error() string { return "this vendor can't be asked" }

// Task is what the queue carries of a message: its name and generation, and nothing else.
type Task struct {
	Channel    ChannelKind
	Message    clinic.Ref
	Generation int
	At         time.Time // not before
	Trace      string    // W3C traceparent
}

// Name is the same for the same message and generation, so that asking twice queues it once.
func (t Task) Name() string {
	return fmt.Sprintf("msg:%s:%s:%d", t.Message.Organization, t.Message.ID, t.Generation)
}

// Zero says that a task names no message.
func (t Task) Zero() bool { return t.Message.ID == uuid.Nil }
