package live

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// Waiting shows offers to whoever may see them.
type Waiting interface {
	// MayFollow fails for who may follow none.
	MayFollow(a access.Actor) error
	// Offers answers those that the caller may see.
	Offers(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]waitlist.Offer, error)
	Concerned
}

// Offers makes a stream of the offers of the caller's organisation that they may see.
func (s Streams) Offers(_ context.Context, a access.Actor, after *string) (Stream, error) {
	if err := s.Waiting.MayFollow(a); err != nil {
		return nil, err
	}
	return begin(s, Interest{Offers: []uuid.UUID{a.Organization}}, after, offered{a, s.Waiting, s.Awaited}, 1)
}

// offered tells of offers. What is noted of each is the last position at which it changed.
type offered struct {
	actor    access.Actor
	waiting  Waiting
	concerns *Concerns
}

func (o offered) note(pending *Pending[clinic.Ref, int64], e Entry) {
	if e.Offer == uuid.Nil {
		return
	}
	if o.actor.ActsForOthers() {
		o.concerns.expect(e.OfferRef(), e.Position)
	}
	pending.Put(e.OfferRef(), e.Position, func(last *int64) { *last = max(*last, e.Position) })
}

// tell looks at an offer with rights that are found out anew, unless it is to nobody whom the caller acts for: with many patients who
// wait, that is so for all but one.
func (o offered) tell(ctx context.Context, things []Told[clinic.Ref, int64], at Place) (Event, error) {
	ref := things[0].Thing
	if o.actor.ActsForOthers() {
		c, err := o.concerns.of(ctx, ref, things[0].Value)
		if err != nil || !c.Of(o.actor) {
			return nil, err
		}
	}
	to := o.actor.Anew()
	found, err := o.waiting.Offers(ctx, to, []clinic.Ref{ref})
	offer, ok := found[ref]
	if err != nil || !ok {
		return nil, err
	}
	return WaitlistOfferChanged{at, offer, to}, nil
}

// narrow implements narrower: who acts for patients reads the entries of offers to these, unless they had very many.
func (o offered) narrow(ctx context.Context, of Interest) (Interest, error) {
	if !o.actor.ActsForOthers() {
		return of, nil
	}
	own, all, err := o.waiting.Concerning(ctx, o.actor, mostConcerning)
	if err != nil || !all {
		return of, err
	}
	return Interest{OwnOffers: own}, nil
}

// sift implements sifter.
func (o offered) sift(ctx context.Context, entries []Entry) ([]Entry, error) {
	if !o.actor.ActsForOthers() {
		return entries, nil
	}
	return sifted(ctx, o.waiting, o.actor, entries, Entry.OfferRef)
}

func (offered) pass(context.Context, *Pending[clinic.Ref, int64], time.Time, time.Time) (time.Time, error) {
	return time.Time{}, nil
}
