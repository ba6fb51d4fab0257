package waitlist

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// withdraw ends an organisation's open offers of times that can't be had any more, as their hours are closed by now. Who has such an offer waits on.
func (s *Service) withdraw(ctx context.Context, organization uuid.UUID) error {
	var after uuid.UUID
	var failed []error
	for ctx.Err() == nil {
		open, err := s.Store.Open(ctx, organization, after, candidates)
		if err != nil || len(open) == 0 {
			return errors.Join(append(failed, err)...)
		}
		entries, err := s.Store.Entries(ctx, entriesOf(open))
		if err != nil {
			return err
		}
		for _, o := range open {
			failed = append(failed, s.withdrawOne(ctx, o, entries[o.Entry()]))
		}
		after = open[len(open)-1].ID
	}
	return errors.Join(failed...)
}

func entriesOf(offers []Offer) []clinic.Ref {
	refs := make([]clinic.Ref, len(offers))
	for i, o := range offers {
		refs[i] = o.Entry()
	}
	return refs
}

func (s *Service) withdrawOne(ctx context.Context, o Offer, e Entry) error {
	by := onBehalf(o.OrganizationID)
	stands, err := s.Visits.OfferStands(ctx, by, o.taking(e))
	if err != nil || stands {
		return err
	}
	_, err = s.Store.EndOffer(ctx, OfferEnd{Stamp: s.Stamp(by), Offer: o, State: OfferWithdrawn, Entry: Active})
	return err
}
