package waitlist

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Store keeps entries and offers. Any method may fail with errs.Busy.
type Store interface {
	// Join keeps an entry, or answers the id of the one that the key made before. It fails with errs.NotFound at "patientId", ErrWaits, errs.KeyInUse,
	// errs.KeyReused and errs.LimitReached.
	Join(ctx context.Context, by clinic.Stamp, once clinic.Once, e Entry) (uuid.UUID, error)
	// End ends an entry that has no open offer. Not done: it has one, or has ended.
	End(ctx context.Context, by clinic.Stamp, e Entry, as Status) (done bool, err error)
	// EndOffer ends an open offer that isn't taken; its Answer says Done, Replayed, OfferEnded, or what stands against the key.
	EndOffer(ctx context.Context, w OfferEnd) (appointment.Answer, error)

	// Entries and Offers answer those that exist.
	Entries(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Entry, error)
	Offers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Offer, error)
	// ListEntries pages by the time of joining, then id. It fails with errs.NotFound at "where", "patientId", and so does CountEntries.
	ListEntries(ctx context.Context, f Filter, w paging.Window) (paging.Page[Entry], error)
	// CountEntries stops at paging.MaxCount.
	CountEntries(ctx context.Context, f Filter) (int, error)
	// ListOffers pages an entry's offers by time, then id; CountOffers stops at paging.MaxCount.
	ListOffers(ctx context.Context, entry clinic.Ref, w paging.Window) (paging.Page[Offer], error)
	CountOffers(ctx context.Context, entry clinic.Ref) (int, error)
	// Concerns answers whom those of some offers are to that exist; Concerning lists the offers to whom a caller acts for, at most so many.
	Concerns(ctx context.Context, offers []clinic.Ref) (map[clinic.Ref]appointment.Concern, error)
	Concerning(ctx context.Context, a access.Actor, limit int) ([]clinic.Ref, error)
	// Positions answers, of those entries that wait, which place they have among those who wait for the same kind of visit, from 1.
	Positions(ctx context.Context, entries []clinic.Ref) (map[clinic.Ref]int, error)

	// Rules are an organisation's, or the default ones; errs.NotFound when there is no such organisation.
	Rules(ctx context.Context, organization uuid.UUID) (Rules, error)
	SetRules(ctx context.Context, by clinic.Stamp, r Rules) error

	Matching
}

// Matching is how those are found for whom there is a time.
type Matching interface {
	// Turns takes turns that are due, of all organisations, for 10 seconds: the longest first.
	Turns(ctx context.Context, now time.Time, limit int) ([]Turn, error)
	// Kept is what a turn's hold keeps. Not ok: it isn't kept any more, and the turn has gone.
	Kept(ctx context.Context, t Turn, now time.Time) (k Kept, ok bool, err error)
	// Candidates lists those who may want a time, in their order, after one of them; with a zero span, all who wait.
	Candidates(ctx context.Context, q Wish, limit int) ([]Candidate, error)
	// Doubtful lists an organisation's open offers that may not be had any more, by id after one; at most limit.
	Doubtful(ctx context.Context, organization, after uuid.UUID, limit int) ([]Doubt, error)
	// Release gives a time back that nobody wants, and ends its turn.
	Release(ctx context.Context, by clinic.Stamp, k Kept) error
	// EndTurn ends a turn, or puts it off: until is when it comes again, as it is given; zero: never. A look that nobody waits for any more ends.
	EndTurn(ctx context.Context, t Turn, until time.Time) error
}

// ErrWaits reports that the patient waits for the kind of visit already.
type ErrWaits struct{}

func (ErrWaits) Error() string { return "The patient waits for this kind of visit already." }

// OfferEnd ends an offer.
type OfferEnd struct {
	clinic.Stamp
	Once    *clinic.Once // nil: no idempotency key
	Offer   Offer
	State   OfferState
	Entry   Status               // of the entry, then
	Reserve *appointment.Reserve // of its time; nil: that is free. Its Hold isn't looked at: the offer's own goes on
}

// TurnKind is what a turn is for.
type TurnKind string

// The kinds.
const (
	TurnFreed TurnKind = "FREED"
	TurnLook  TurnKind = "LOOK"
	TurnOffer TurnKind = "OFFER"
)

// Turn is something that the matching has to do.
type Turn struct {
	Organization, ID uuid.UUID
	Kind             TurnKind
	Wave             int
	Taken            time.Time // until when whoever has it has it to themselves
	After            uuid.UUID // of a look that goes on: the last entry that was looked at; zero: none
}

func (t Turn) from(after uuid.UUID) Turn { t.After = after; return t }

// Ref names what the turn is about.
func (t Turn) Ref() clinic.Ref { return clinic.Ref{Organization: t.Organization, ID: t.ID} }

// Kept is a time that is kept for whoever is found.
type Kept struct {
	Turn
	Provider, Location uuid.UUID
	Start, End         time.Time
}

// Wish asks for candidates.
type Wish struct {
	Organization uuid.UUID
	Provider     uuid.UUID // zero: whoever
	From, To     time.Time // zero: any
	Now          time.Time
	After        uuid.UUID // an entry; zero: from the first
}

// Candidate is an entry with what counts for its turn.
type Candidate struct {
	Entry
	Current     *time.Time // the start of the visit that would be moved forward, if that stands; nil otherwise
	Open        bool       // the patient has an open offer
	OfferedADay int        // to the patient, within 24 hours
	Had         []Had      // times that were offered to them by this entry
}

// Doubt is an open offer of a provider whose hours have changed since or, if Moved, in place of a visit that stands elsewhere by now.
type Doubt struct {
	Offer
	Moved bool
}

// Had is a time that was offered.
type Had struct {
	Provider uuid.UUID `json:"provider"`
	Start    time.Time `json:"start"`
}
