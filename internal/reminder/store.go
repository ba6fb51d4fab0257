package reminder

import (
	"context"
	"errors"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Situation is all that planning needs to know of a visit and whose it is.
type Situation struct {
	Visit   Visit
	Contact Contact
	Rules   []Rule
}

// Draft is a message with what its words say, and whom they are for.
type Draft struct {
	Message Message
	Facts   Facts
	To      access.Private // empty: the patient has none for the channel
	Blocked Cause          // why it must not be sent, or empty
}

// Claim asks for a message, to send it to somebody.
type Claim struct {
	Message    clinic.Ref
	Generation int
	Patient    clinic.Ref
	Channel    ChannelKind
	To         access.Private
	At, Until  time.Time
	Counts     []Count // limits that hold; none: it isn't limited
}

// Conclusion is what came of having a message.
type Conclusion struct {
	State    State
	Cause    Cause
	Code     string // the vendor's
	VendorID string
	At       time.Time
	Due      *time.Time // of one that is tried again
	Until    *time.Time // of one that is still being asked for: when somebody asks next
	Left     bool       // and it is known to have left
	Outcome  Outcome    // of the attempt; empty: it isn't over
	Attempts int        // of the episode, from now on
	Episode  int
	NextTask bool          // its next task in the queue is another one
	Dead     bool          // it is kept as a dead letter
	PassOn   bool          // to the next channel, if there is one
	Rest     time.Duration // of a next channel that has failed before
	Reached  bool          // no other channel is needed
}

// Outcome is what came of an attempt.
type Outcome string

// The outcomes.
const (
	AttemptFailed    Outcome = "FAILED"
	AttemptNotMade   Outcome = "NOT_ASKED"
	AttemptOvertaken Outcome = "OVERTAKEN"
	AttemptRefused   Outcome = "REFUSED"
	AttemptSent      Outcome = "SENT"
	AttemptUnknown   Outcome = "UNKNOWN"
)

// ErrOvertaken is why a letter may not leave: its visit has changed, or somebody else has the message by now.
var ErrOvertaken = errors.New("the message must not be sent any more")

// Others is how what a message tells is told by other channels.
type Others struct {
	Hope    bool // one has told it, or has its turn
	Unclear bool // one may have told it, and nobody knows
	Limited bool // one was over a limit
}

// ErrLimitReached is why a message wasn't claimed: too many were, to the same address or of the same organisation.
var ErrLimitReached = errors.New("too many messages are sent")

// Store is what the room keeps.
type Store interface {
	Planner
	Dispatcher
	Courier
}

// Planner is what becomes of notices.
type Planner interface {
	// DueNotices takes notices that wait, of all organisations, for 10 seconds: news first, then what is to be planned anew, of each the longest
	// first.
	DueNotices(ctx context.Context, now time.Time, limit int) ([]Notice, error)
	// Situation reads what a notice is about, in one snapshot. Not ok: the visit is gone.
	Situation(ctx context.Context, n Notice) (s Situation, ok bool, err error)
	// Save keeps messages, unless they are kept already, and takes the notice away. Not done: the visit, or the notice, is another by now.
	Save(ctx context.Context, n Notice, at time.Time, messages []Message) (done bool, err error)
	// Replan takes a turn at what is to be planned anew since rules changed: it leaves notices of an organisation's next visits ahead, at most limit
	// of them, and takes back their reminders that have more than a minute to go. Visits are how many it looked at. No more: nothing is to be
	// planned anew, or so many notices wait for that that it shall go on later.
	Replan(ctx context.Context, now time.Time, limit int) (visits int, more bool, err error)
	// PutOff leaves a notice for later, since something failed, or it can't be said yet what to tell.
	PutOff(ctx context.Context, n Notice, until time.Time) error
}

// Dispatcher is how messages get to the queue, and how those are found that it lost.
type Dispatcher interface {
	// ToQueue lists messages that are planned and due before a time, the soonest first.
	ToQueue(ctx context.Context, before time.Time, limit int) ([]Task, error)
	// Queued notes that tasks are in the queue.
	Queued(ctx context.Context, tasks []Task, at time.Time) error
	// Overdue lists messages that the queue has had since before a time, and that were due before it.
	Overdue(ctx context.Context, before time.Time, limit int) ([]Task, error)
	// Renew makes the next generation of a message whose task is stuck. Not done: it isn't waiting any more.
	Renew(ctx context.Context, t Task, at time.Time) (next Task, done bool, err error)
	// Waiting lists messages of a channel that are due, wherever they wait, by time and id: those after a task, or, if it is zero, from the first.
	Waiting(ctx context.Context, c ChannelKind, now time.Time, after Task, limit int) ([]Task, error)
	// Expire ends messages that make no sense any more, and answers them, with when they were due.
	Expire(ctx context.Context, now time.Time, limit int) ([]Message, error)
}

// Courier is how messages are sent.
type Courier interface {
	// Draft reads a message and what it says. Not ok: there is none such, or it isn't waiting in this generation.
	Draft(ctx context.Context, t Task) (d Draft, ok bool, err error)
	// Suppress ends a message that must not be sent, and gives the next channel its turn, at once, or after rest if it has failed before. Not done: it
	// isn't waiting in this generation.
	Suppress(ctx context.Context, t Task, why Cause, at time.Time, rest time.Duration) (done bool, err error)
	// Rest has a message tried when its patient may be disturbed, by its next task, and lets whatever tells the same keep as long.
	Rest(ctx context.Context, t Task, until, expires time.Time) error
	// Claim takes a waiting message for one attempt. Not ok: somebody else has it, or it isn't waiting in this generation, or not due. The
	// first claim of a message counts towards its limits. It fails with ErrLimitReached when the message is over one of them, and counts it
	// towards none.
	Claim(ctx context.Context, c Claim) (m Message, ok bool, err error)
	// Leave lets a letter go, if its message is still as it was claimed: until left is called, a second at most, no change of its visit is
	// answered. It fails with ErrOvertaken.
	Leave(ctx context.Context, m Message) (left func(), err error)
	// Conclude keeps what came of a claim. Not done: somebody else has the message by now.
	Conclude(ctx context.Context, m Message, c Conclusion) (done bool, err error)
	// Others says how the same is told by other channels.
	Others(ctx context.Context, m Message) (Others, error)
	// PassOn hands over to the next channel, if there is one that hasn't been tried.
	PassOn(ctx context.Context, t Task, why Cause, at time.Time, rest time.Duration) (done bool, err error)
	// Lost lists messages of a channel whose claims are over, the longest first: nobody said what came of them.
	Lost(ctx context.Context, c ChannelKind, now time.Time, limit int) ([]Message, error)
	// Reclaim takes one of those, to find out. To is whom it was sent to.
	Reclaim(ctx context.Context, m Message, until time.Time) (again Message, to access.Private, ok bool, err error)
	// Tell keeps reports of a vendor, those of a message in their order, all of one channel. News that comes late, twice or in another order changes nothing
	// that is known better. It answers the messages that were changed, as they were then, also if it fails: one report that can't be kept leaves the
	// others kept. Rest is that of a next channel that has failed before.
	Tell(ctx context.Context, reports []Report, rest time.Duration) (changed []Message, err error)
}
