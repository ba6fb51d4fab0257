package resolvers_test

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// waitlistRoom answers a canned entry with one offer.
type waitlistRoom struct{ *rooms }

func (r *rooms) entry() waitlist.Entry {
	kind := r.visit.VisitKindID
	return waitlist.Entry{
		ID: id(0x31), OrganizationID: r.organization.ID, PatientID: r.patient.ID, Status: waitlist.Offered, VisitKindID: kind, Priority: 2,
		MinimumNotice: 2 * time.Hour, Current: r.visit.ID, JoinedAt: start,
		Wanted: availability.Search{VisitKind: &clinic.Ref{Organization: r.organization.ID, ID: kind}, Providers: []clinic.Ref{{Organization: r.organization.ID, ID: r.provider.ID}},
			Near: &clinic.Near{Locations: []clinic.Ref{{Organization: r.organization.ID, ID: r.location.ID}}}},
	}
}

func (r *rooms) offer() waitlist.Offer {
	return waitlist.Offer{
		ID: id(0x32), OrganizationID: r.organization.ID, EntryID: r.entry().ID, PatientID: r.patient.ID, State: cmp.Or(r.state, waitlist.OfferOpen), Slot: r.visit.Slot(),
		OfferedAt: start, ToldAt: start, ExpiresAt: start.Add(time.Hour), Wave: 1, PassedOver: []appointment.PassedOver{{Entry: r.entry().ID, Reason: "FATIGUE"}},
	}
}

func (r waitlistRoom) Join(_ context.Context, _ access.Actor, in waitlist.Join) (waitlist.Entry, error) {
	r.note("Join", in)
	return r.entry(), r.fail
}

func (r waitlistRoom) Leave(_ context.Context, _ access.Actor, entry clinic.Ref) (waitlist.Entry, error) {
	r.note("Leave", entry)
	return r.entry(), r.fail
}

func (r waitlistRoom) Answer(_ context.Context, _ access.Actor, in waitlist.Answer) (waitlist.Answered, error) {
	r.note("Answer", in)
	return waitlist.Answered{Offer: r.offer(), Appointment: &r.visit}, r.fail
}

func (r waitlistRoom) SetRules(_ context.Context, _ access.Actor, in waitlist.SetRules) (waitlist.Rules, error) {
	r.note("SetRules", in)
	return waitlist.DefaultRules(r.organization.ID), r.fail
}

func (r waitlistRoom) Rules(_ context.Context, _ access.Actor, organization uuid.UUID) (waitlist.Rules, error) {
	r.note("Rules", organization)
	return waitlist.DefaultRules(r.organization.ID), r.fail
}

func (r waitlistRoom) List(_ context.Context, _ access.Actor, f waitlist.Filter, _ paging.Window) (paging.Page[waitlist.Entry], error) {
	r.note("ListEntries", f)
	return pageOf(r.entry()), r.fail
}

func (r waitlistRoom) Count(context.Context, access.Actor, waitlist.Filter) (int, error) {
	r.note("CountEntries", nil)
	return 1, r.fail
}

func (r waitlistRoom) ListOffers(_ context.Context, _ access.Actor, e waitlist.Entry, _ paging.Window) (paging.Page[waitlist.Offer], error) {
	r.note("ListOffers", e.Ref())
	return pageOf(r.offer()), r.fail
}

func (r waitlistRoom) CountOffers(context.Context, waitlist.Entry) (int, error) {
	r.note("CountOffers", nil)
	return 1, r.fail
}

func (r waitlistRoom) Entries(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]waitlist.Entry, error) {
	r.note("Entries", refs)
	return only(refs, r.entry().Ref(), r.entry()), nil
}

func (r waitlistRoom) Offers(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]waitlist.Offer, error) {
	r.note("Offers", refs)
	return only(refs, r.offer().Ref(), r.offer()), nil
}

func (r waitlistRoom) Positions(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]int, error) {
	r.note("Positions", refs)
	return only(refs, r.entry().Ref(), 1), nil
}

func (a *api) entryID() string { return a.globalID(globalid.WaitlistEntry, a.rooms.entry().ID) }
func (a *api) offerID() string { return a.globalID(globalid.WaitlistOffer, a.rooms.offer().ID) }
