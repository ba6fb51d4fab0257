package reminder

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// DeadLetter is kept of a message whose task was given up, for good or for a while.
type DeadLetter struct {
	ID, OrganizationID, MessageID uuid.UUID
	Generation                    int // of the task that ended here
	Channel                       ChannelKind
	Kind                          Kind
	Died                          time.Time
	Cause                         Cause
	Code                          string // the vendor's, or an HTTP status; empty: none
	Tries                         int    // by then
	Trace                         string // W3C traceparent of what caused the message; empty: none
	Replayed                      *time.Time
	Outcome                       ReplayOutcome // of replaying it; empty: it wasn't
}

// Ref names the letter.
func (d DeadLetter) Ref() clinic.Ref { return clinic.Ref{Organization: d.OrganizationID, ID: d.ID} }

// Message names what was given up.
func (d DeadLetter) Message() clinic.Ref {
	return clinic.Ref{Organization: d.OrganizationID, ID: d.MessageID}
}

// DeadLetterKey is the key of a letter in a list: when it died, then its id. It has KeyParts.
func DeadLetterKey(d DeadLetter) []string { return timeKey(d.Died, d.ID) }

// ReplayOutcome is what came of replaying a dead letter. Of all but Replayed nothing is sent.
type ReplayOutcome string

// The outcomes.
const (
	Replayed      ReplayOutcome = "REPLAYED"          // its message is due again, now
	AlreadySent   ReplayOutcome = "ALREADY_SENT"      // its vendor has taken the message since
	MaybeSent     ReplayOutcome = "MAYBE_SENT"        // nobody knows whether the message was sent
	UnderWay      ReplayOutcome = "UNDER_WAY"         // the message is on its way, or the same is by another channel
	ReachedAnyway ReplayOutcome = "REACHED_OTHERWISE" // another channel has told it
	Overtaken     ReplayOutcome = "VISIT_CHANGED"     // the visit isn't any more what the message tells
	PastIt        ReplayOutcome = "TOO_LATE"          // the visit has begun
	NotToBeSent   ReplayOutcome = "SUPPRESSED"        // the message is not sent on purpose
	OlderLetter   ReplayOutcome = "SUPERSEDED"        // a later letter of the same message was replayed with it
)

// LifeAfterReplay is how long a message may still be sent after its letter was replayed, unless its visit begins before.
const LifeAfterReplay = 6 * time.Hour

// DeadLetterFilter narrows a list of dead letters. Zero fields do not narrow.
type DeadLetterFilter struct {
	Organization uuid.UUID // of operators: zero is all of them
	IDs          []uuid.UUID
	Channel      ChannelKind
	Kind         Kind
	Cause        Cause
	From, To     time.Time // died at or after, and before
	Replayed     *bool     // or not
}

// MaxReplay is how many letters one change replays.
const MaxReplay = 500

// DeadLetters is the drawer of what was given up.
type DeadLetters struct {
	store  DeadLetterStore
	source clinic.Source
	rest   func(context.Context, time.Duration) error
}

// DeadLetterStore is what the drawer needs.
type DeadLetterStore interface {
	// DeadLetters pages letters, the longest dead first; of all organisations when the filter names none.
	DeadLetters(ctx context.Context, f DeadLetterFilter, w paging.Window) (paging.Page[DeadLetter], error)
	// CountDeadLetters counts them, up to paging.MaxCount.
	CountDeadLetters(ctx context.Context, f DeadLetterFilter) (int, error)
	// Replay makes messages of an organisation due whose letters wait, marks these, and records both, all at once. Letters that were replayed
	// before, or aren't there, are passed over. Once: nil, of operators. Failures: errs.KeyInUse, errs.KeyReused.
	Replay(ctx context.Context, r Replay) (Replayings, error)
	// Foresee says what Replay would do, and does nothing.
	Foresee(ctx context.Context, organization uuid.UUID, letters []uuid.UUID, now time.Time) ([]Replaying, error)
}

// Replay is one change that replays letters of an organisation.
type Replay struct {
	By           clinic.Stamp
	Once         *clinic.Once
	Organization uuid.UUID
	Letters      []uuid.UUID // at most MaxReplay
	NewID        func() uuid.UUID
}

// Replaying is what came of one letter.
type Replaying struct {
	Letter, Message, Patient uuid.UUID
	Outcome                  ReplayOutcome
}

// Replayings is what came of some.
type Replayings struct {
	List  []Replaying
	Again bool // this repeats an earlier answer, for the same key
}

// NewDeadLetters puts the drawer over its store. Rest waits, unless its context ends first.
func NewDeadLetters(store DeadLetterStore, source clinic.Source, rest func(context.Context, time.Duration) error) *DeadLetters {
	return &DeadLetters{store, source, rest}
}

// List pages the dead letters of the caller's organisation, the longest dead first.
func (d *DeadLetters) List(ctx context.Context, a access.Actor, f DeadLetterFilter, w paging.Window) (paging.Page[DeadLetter], error) {
	f, err := d.allowed(a, f)
	if err != nil {
		return paging.Page[DeadLetter]{}, err
	}
	return d.store.DeadLetters(ctx, f, w)
}

// Count counts what List pages, up to paging.MaxCount.
func (d *DeadLetters) Count(ctx context.Context, a access.Actor, f DeadLetterFilter) (int, error) {
	f, err := d.allowed(a, f)
	if err != nil {
		return 0, err
	}
	return d.store.CountDeadLetters(ctx, f)
}

// Find answers those of the letters that exist, to who may replay them.
func (d *DeadLetters) Find(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]DeadLetter, error) {
	found := map[clinic.Ref]DeadLetter{}
	var wanted []uuid.UUID
	for _, ref := range refs {
		if ref.Organization == a.Organization && a.Need(access.MessagesManage, ref.Organization, "dead letter") == nil {
			wanted = append(wanted, ref.ID)
		}
	}
	if len(wanted) == 0 {
		return found, nil
	}
	page, err := d.store.DeadLetters(ctx, DeadLetterFilter{Organization: a.Organization, IDs: wanted}, paging.Window{Size: len(wanted)})
	for _, letter := range page.Items {
		found[letter.Ref()] = letter
	}
	return found, err
}

func (d *DeadLetters) allowed(a access.Actor, f DeadLetterFilter) (DeadLetterFilter, error) {
	organization, err := a.OwnOrganization(f.Organization, "where")
	if err != nil {
		return f, err
	}
	if err := a.Need(access.MessagesManage, organization, "organisation", "where"); err != nil {
		return f, err
	}
	f.Organization = organization
	return f.checked("where")
}

func (f DeadLetterFilter) checked(path ...string) (DeadLetterFilter, error) {
	var check form.Check
	at := func(field string) []string { return append(append([]string{}, path...), field) }
	check.That(f.From.IsZero() || f.To.IsZero() || f.From.Before(f.To), "The period ends before it starts.", at("to")...)
	if f.Cause != "" {
		f.Cause = Cause(check.Line(string(f.Cause), form.MaxName, at("cause")...))
	}
	return f, check.Err()
}
