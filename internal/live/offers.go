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
}

// Offers makes a stream of the offers of the caller's organisation that they may see.
func (s Streams) Offers(_ context.Context, a access.Actor, after *string) (Stream, error) {
	if err := s.Waiting.MayFollow(a); err != nil {
		return nil, err
	}
	return begin(s, Interest{Offers: []uuid.UUID{a.Organization}}, after, offered{a, s.Waiting}, 1)
}

// offered tells of offers. What is noted of each is the last position at which it changed.
type offered struct {
	actor   access.Actor
	waiting Waiting
}

func (offered) note(pending *Pending[clinic.Ref, int64], e Entry) {
	if e.Offer != uuid.Nil {
		pending.Put(clinic.Ref{Organization: e.Organization, ID: e.Offer}, e.Position, func(last *int64) { *last = max(*last, e.Position) })
	}
}

func (o offered) tell(ctx context.Context, things []Told[clinic.Ref, int64], at Place) (Event, error) {
	ref, to := things[0].Thing, o.actor.Anew()
	found, err := o.waiting.Offers(ctx, to, []clinic.Ref{ref})
	offer, ok := found[ref]
	if err != nil || !ok {
		return nil, err
	}
	return WaitlistOfferChanged{at, offer, to}, nil
}

func (offered) pass(context.Context, *Pending[clinic.Ref, int64], time.Time, time.Time) (time.Time, error) {
	return time.Time{}, nil
}
