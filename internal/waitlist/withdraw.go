package waitlist

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// mostDoubtful is how many offers of an organisation are looked at in a turn at most.
const mostDoubtful = 2000

// withdraw ends an organisation's open offers of times that can't be had any more, as their hours are closed by now, and of those in place of a visit
// that stands elsewhere. Who has such an offer waits on.
func (s *Service) withdraw(ctx context.Context, organization uuid.UUID) error {
	var after uuid.UUID
	var failed []error
	for looked := 0; looked < mostDoubtful && ctx.Err() == nil; looked += candidates {
		list, err := s.Store.Doubtful(ctx, organization, after, candidates)
		if err != nil || len(list) == 0 {
			return errors.Join(append(failed, err)...)
		}
		entries, err := s.Store.Entries(ctx, entriesOf(list))
		if err != nil {
			return err
		}
		for _, d := range list {
			failed = append(failed, s.withdrawOne(ctx, d, entries[d.Entry()]))
		}
		after = list[len(list)-1].ID
	}
	return errors.Join(failed...)
}

func entriesOf(list []Doubt) []clinic.Ref {
	refs := make([]clinic.Ref, len(list))
	for i, d := range list {
		refs[i] = d.Entry()
	}
	return refs
}

func (s *Service) withdrawOne(ctx context.Context, d Doubt, e Entry) error {
	by := onBehalf(d.OrganizationID)
	if !d.Moved {
		stands, err := s.Visits.OfferStands(ctx, by, d.taking(e))
		if err != nil || stands {
			return err
		}
	}
	_, err := s.Store.EndOffer(ctx, OfferEnd{Stamp: s.Stamp(by), Offer: d.Offer, State: OfferWithdrawn, Entry: Active, Reserve: s.Keeps(d.OrganizationID)})
	return err
}
