package waitlist

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// KeyParts is how many values the key of an entry, or an offer, in a list has: its time, then the id.
const KeyParts = 2

// Key is the key of an entry in a list.
func (e Entry) Key() []string {
	return []string{strconv.FormatInt(e.JoinedAt.UnixMicro(), 10), e.ID.String()}
}

// Key is the key of an offer in a list.
func (o Offer) Key() []string {
	return []string{strconv.FormatInt(o.OfferedAt.UnixMicro(), 10), o.ID.String()}
}

// may says whether the caller may look at waitlists at all.
func may(a access.Actor) bool { return a.Has(access.WaitlistRead) }

// Entries answers those that exist and that the caller may see.
func (s *Service) Entries(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Entry, error) {
	here := within(a, refs)
	if len(here) == 0 {
		return map[clinic.Ref]Entry{}, nil
	}
	found, err := s.Store.Entries(ctx, here)
	if err != nil {
		return nil, err
	}
	return seen(ctx, a, here, found, entryKind)
}

// Offers answers those that exist and that the caller may see.
func (s *Service) Offers(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Offer, error) {
	here := within(a, refs)
	if len(here) == 0 {
		return map[clinic.Ref]Offer{}, nil
	}
	found, err := s.Store.Offers(ctx, here)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	for ref, o := range found {
		found[ref] = o.at(now)
	}
	return seen(ctx, a, here, found, offerKind)
}

func within(a access.Actor, refs []clinic.Ref) []clinic.Ref {
	if !may(a) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(refs), func(r clinic.Ref) bool { return !a.In(r.Organization) || r.ID == uuid.Nil })
}

// List pages by the time of joining through the entries that the caller may see. Faults are at fields of "where".
func (s *Service) List(ctx context.Context, a access.Actor, f Filter, w paging.Window) (paging.Page[Entry], error) {
	f, some, err := s.narrowed(ctx, a, f)
	if err != nil || !some {
		return paging.Page[Entry]{}, err
	}
	page, err := s.Store.ListEntries(ctx, f, w)
	if err != nil {
		return page, err
	}
	people := make([]uuid.UUID, len(page.Items))
	for i, e := range page.Items {
		people[i] = e.PatientID
	}
	see, err := a.Sees(ctx, people...)
	for _, e := range page.Items {
		a.Trail.Saw(access.Sight{Organization: e.OrganizationID, Kind: entryKind, ID: e.ID, Patient: e.PatientID, Grant: see.Under(e.PatientID)})
	}
	if f.Patient != uuid.Nil && len(page.Items) == 0 {
		err = errors.Join(err, sawNone(ctx, a, f))
	}
	return page, err
}

// Count counts what List lists, up to paging.MaxCount.
func (s *Service) Count(ctx context.Context, a access.Actor, f Filter) (int, error) {
	f, some, err := s.narrowed(ctx, a, f)
	if err != nil || !some {
		return 0, err
	}
	if f.Patient != uuid.Nil {
		if err := sawNone(ctx, a, f); err != nil {
			return 0, err
		}
	}
	return s.Store.CountEntries(ctx, f)
}

// sawNone notes that the caller is told how much a patient waits for, if only that it is nothing.
func sawNone(ctx context.Context, a access.Actor, f Filter) error {
	see, err := a.Sees(ctx, f.Patient)
	a.Trail.Saw(access.Sight{Organization: f.Organization, Kind: "Patient", ID: f.Patient, Patient: f.Patient, Grant: see.Under(f.Patient)})
	return err
}

// narrowed keeps a filter to what the caller may see; some says whether that leaves anything to look for.
func (s *Service) narrowed(ctx context.Context, a access.Actor, f Filter) (narrow Filter, some bool, err error) {
	if f.Organization, err = a.OwnOrganization(f.Organization, "where", "organizationId"); err != nil {
		return f, false, err
	}
	what, at := f.named()
	if err := a.Need(access.WaitlistRead, f.Organization, what, "where", at); err != nil {
		return f, false, err
	}
	if f.Patient != uuid.Nil {
		acts, err := a.ActsFor(ctx, f.Patient)
		if err == nil && !acts {
			err = errs.Missing("patient", "where", "patientId")
		}
		return f, err == nil, err
	}
	reach, err := a.Reach(ctx)
	if err != nil || reach.All {
		return f, err == nil, err
	}
	f.Among = &reach
	return f, len(reach.Patients) > 0 || reach.Provider != uuid.Nil, nil
}

// named is what of a filter took it to its organisation, and where it says so.
func (f Filter) named() (what, at string) {
	switch {
	case f.Patient != uuid.Nil:
		return "patient", "patientId"
	case f.VisitKind != uuid.Nil:
		return "kind of visit", "visitKindId"
	}
	return "organisation", "organizationId"
}

// ListOffers pages an entry's offers by time. The caller has been shown the entry.
func (s *Service) ListOffers(ctx context.Context, a access.Actor, e Entry, w paging.Window) (paging.Page[Offer], error) {
	page, err := s.Store.ListOffers(ctx, e.Ref(), w)
	if err != nil {
		return page, err
	}
	see, err := a.Sees(ctx, e.PatientID)
	now := s.Clock.Now()
	for i, o := range page.Items {
		page.Items[i] = o.at(now)
		a.Trail.Saw(access.Sight{Organization: o.OrganizationID, Kind: offerKind, ID: o.ID, Patient: o.PatientID, Grant: see.Under(o.PatientID)})
	}
	return page, err
}

// at is the offer as it shows at a time.
func (o Offer) at(now time.Time) Offer {
	o.State = o.StateAt(now)
	if o.State != OfferOpen && o.EndedAt == nil {
		o.EndedAt = &o.ExpiresAt
	}
	return o
}

// CountOffers counts an entry's offers, up to paging.MaxCount. The caller has been shown the entry.
func (s *Service) CountOffers(ctx context.Context, e Entry) (int, error) {
	return s.Store.CountOffers(ctx, e.Ref())
}

// Positions answers, of those entries that wait, which place they have: to the clinic, and to patients where the clinic shows it. The caller has
// been shown the entries.
func (s *Service) Positions(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]int, error) {
	shows := map[uuid.UUID]bool{}
	var asked []clinic.Ref
	for _, ref := range refs {
		show, known := shows[ref.Organization]
		if !known {
			show = a.IsClinic()
			if !show {
				r, err := s.Store.Rules(ctx, ref.Organization)
				if err != nil {
					return nil, err
				}
				show = r.ShowsPosition
			}
			shows[ref.Organization] = show
		}
		if show {
			asked = append(asked, ref)
		}
	}
	if len(asked) == 0 {
		return map[clinic.Ref]int{}, nil
	}
	return s.Store.Positions(ctx, asked)
}

// Rules are those of an organisation, for its staff, and for whoever may change them.
func (s *Service) Rules(ctx context.Context, a access.Actor, organization uuid.UUID) (Rules, error) {
	scope, changes := access.WaitlistRead, a.Has(access.DirectoryWrite)
	if changes {
		scope = access.DirectoryWrite
	}
	organization, err := clinic.Allowed(a, organization, scope)
	if err != nil {
		return Rules{}, err
	}
	if !changes && !a.IsClinic() {
		return Rules{}, errs.Denied("This is for the clinic's staff.")
	}
	return s.Store.Rules(ctx, organization)
}

// SetRules changes the rules of an organisation. They hold for offers that are made from then on.
func (s *Service) SetRules(ctx context.Context, a access.Actor, in SetRules) (Rules, error) {
	organization, err := clinic.Allowed(a, in.Organization, access.DirectoryWrite)
	if err != nil {
		return Rules{}, err
	}
	r, err := s.Store.Rules(ctx, organization)
	if err != nil {
		return r, err
	}
	if r, err = in.over(r); err != nil {
		return r, err
	}
	return r, s.Store.SetRules(ctx, s.Stamp(a), r)
}

// MayFollow fails for who may follow no offers.
func (s *Service) MayFollow(a access.Actor) error {
	organization, err := a.OwnOrganization(uuid.Nil)
	if err != nil {
		return err
	}
	return a.Need(access.WaitlistRead, organization, "organisation")
}
