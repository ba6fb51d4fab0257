package waitlist

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// FeatureKey is the flag that gates the waitlist.
const FeatureKey = "waitlist.auto-offer"

// Visits is what the waitlist asks of appointments.
type Visits interface {
	Offer(ctx context.Context, a access.Actor, in appointment.OfferVisit) (appointment.Answer, error)
	Keep(ctx context.Context, a access.Actor, slot availability.SlotID, r appointment.Reserve) (appointment.Answer, error)
	TakeOffer(ctx context.Context, a access.Actor, in appointment.TakeOffer) (appointment.Booking, error)
	OfferStands(ctx context.Context, a access.Actor, in appointment.TakeOffer) (bool, error)
	Appointments(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]appointment.Appointment, error)
}

// Openings finds what fits.
type Openings interface {
	OpeningsFor(ctx context.Context, a access.Actor, q availability.Search, patient uuid.UUID, limit int) ([]availability.Slot, error)
}

// Service is what can be done with the waitlist.
type Service struct {
	Store    Store
	Visits   Visits
	Openings Openings
	Contacts Contacts
	// Flag decides whether freed times are offered in an organisation, for a caller or, for nobody, for the matching.
	Flag func(organization uuid.UUID, a access.Actor) access.Feature
	clinic.Source
}

// Matcher is who finds those for whom there is a time, as the record of it says.
var Matcher = uuid.MustParse("77616974-6c69-4373-8000-000000000001")

// onBehalf is the system as it acts for a clinic's waitlist.
func onBehalf(organization uuid.UUID) access.Actor {
	return access.Actor{
		Kind: access.System, ID: Matcher, Client: "waitlist", Organization: organization, Role: access.FrontDesk,
		Scopes: []string{access.AppointmentsRead, access.AppointmentsWrite},
	}
}

// Keeps implements appointment.Waiting.
func (s *Service) Keeps(organization uuid.UUID) *appointment.Reserve {
	if !s.Flag(organization, access.Actor{}).Enabled {
		return nil
	}
	return &appointment.Reserve{Hold: s.NewID(), Holder: Matcher, ExpiresAt: s.Clock.Now().Add(keptFor)}
}

// Join has a patient wait. Failures: errs.FeatureOff, KeyInUse, KeyReused; errs.LimitReached when they wait for as much as they may.
func (s *Service) Join(ctx context.Context, a access.Actor, in Join) (Entry, error) {
	once, err := clinic.NewOnce(in.Key, "joinWaitlist", in)
	if err != nil {
		return Entry{}, err
	}
	e, err := s.entry(ctx, a, in)
	if err != nil {
		return Entry{}, err
	}
	by := s.Stamp(a)
	if by.Actor, err = a.For(ctx, e.PatientID); err != nil {
		return Entry{}, err
	}
	id, err := s.Store.Join(ctx, by, once, e)
	if errors.As(err, &ErrWaits{}) {
		err = errs.Invalid(ErrWaits{}.Error(), "wanted", "visitKindId")
	}
	if err != nil {
		return Entry{}, err
	}
	a.Trail.Changed(entryKind, id)
	return s.own(ctx, a, clinic.Ref{Organization: e.OrganizationID, ID: id}, "idempotencyKey")
}

// entry checks what somebody asks for, and makes the entry of it.
func (s *Service) entry(ctx context.Context, a access.Actor, in Join) (Entry, error) {
	organization, err := a.OwnOrganization(in.organization(), "wanted", "organizationId")
	if err != nil {
		return Entry{}, err
	}
	if err := a.Need(access.WaitlistWrite, organization, "organisation", "wanted", "organizationId"); err != nil {
		return Entry{}, err
	}
	if f := s.Flag(organization, a); !f.Enabled {
		return Entry{}, errs.FeatureOff{Feature: FeatureKey}
	}
	e := Entry{ID: s.NewID(), OrganizationID: organization, Status: Active, JoinedAt: s.Clock.Now(), JoinedBy: a.ID, MinimumNotice: defaultNotice, Wanted: in.Wanted}
	if e.PatientID, err = forWhom(ctx, a, in.Patient, organization); err != nil {
		return e, err
	}
	var check form.Check
	if in.Priority != nil {
		e.Priority = *in.Priority
		check.That(e.Priority >= -MaxPriority && e.Priority <= MaxPriority, "The priority is from -100 to 100.", "priority")
		if e.Priority != 0 && !a.IsStaff() {
			check.Keep(errs.Denied("Priorities are the clinic's to give.", "priority"))
		}
	}
	if in.MinimumNotice != nil {
		e.MinimumNotice = *in.MinimumNotice
		check.That(e.MinimumNotice >= 0 && e.MinimumNotice <= MaxNotice && e.MinimumNotice%time.Minute == 0,
			"This is from PT0S to P30D, in whole minutes.", "minimumNotice")
	}
	check.That(in.Wanted.Moving == nil, "Name the visit as currentAppointmentId.", "wanted", "reschedulingAppointmentId")
	if err := check.Err(); err != nil {
		return e, err
	}
	return s.wanting(ctx, a, in, e)
}

// wanting completes an entry with the kind of visit and the visit that would be moved forward, and tries its search.
func (s *Service) wanting(ctx context.Context, a access.Actor, in Join, e Entry) (Entry, error) {
	for i, p := range in.Wanted.Providers { // told before what else is missing, as one that never was is
		if p.Organization != e.OrganizationID {
			return e, errs.Missing("provider", form.At([]string{"wanted", "providerIds"}, i)...)
		}
	}
	if in.Current != nil {
		ap, err := s.current(ctx, a, *in.Current, e)
		if err != nil {
			return e, err
		}
		e.Current = ap.ID
		kind := clinic.Ref{Organization: ap.OrganizationID, ID: ap.VisitKindID}
		if e.Wanted.VisitKind != nil && *e.Wanted.VisitKind != kind {
			return e, errs.Invalid("The visit is of another kind.", "wanted", "visitKindId")
		}
		e.Wanted.VisitKind = &kind
	}
	if e.Wanted.VisitKind == nil {
		return e, errs.Invalid("Name the kind of visit.", "wanted", "visitKindId")
	}
	if e.Wanted.VisitKind.Organization != e.OrganizationID {
		return e, errs.Missing("kind of visit", "wanted", "visitKindId")
	}
	e.VisitKindID, e.Wanted.Organization = e.Wanted.VisitKind.ID, e.OrganizationID
	if e.Wanted.To != nil && !s.Clock.Now().Before(*e.Wanted.To) {
		return e, errs.Invalid("The period is over.", "wanted", "to")
	}
	_, err := s.Openings.OpeningsFor(ctx, a, e.Wanted, uuid.Nil, 1)
	return e, errs.Under(err, "wanted")
}

// current finds the visit that somebody wants to move forward.
func (s *Service) current(ctx context.Context, a access.Actor, ref clinic.Ref, e Entry) (appointment.Appointment, error) {
	found, err := s.Visits.Appointments(ctx, a, []clinic.Ref{ref})
	ap, ok := found[ref]
	switch {
	case err != nil:
		return ap, err
	case !ok || ap.PatientID != e.PatientID || ref.Organization != e.OrganizationID:
		return ap, errs.Missing("appointment", "currentAppointmentId")
	case !standing(ap, s.Clock.Now()):
		return ap, errs.Invalid("This visit can't be moved any more.", "currentAppointmentId")
	}
	return ap, nil
}

// standing says whether a visit can still be moved.
func standing(ap appointment.Appointment, now time.Time) bool {
	return slices.Contains([]appointment.Status{appointment.Booked, appointment.Pending}, ap.Status) && now.Before(ap.Start)
}

// organization is the one that an input names, if only by what it is about.
func (in Join) organization() uuid.UUID {
	switch {
	case in.Wanted.Organization != uuid.Nil:
		return in.Wanted.Organization
	case in.Wanted.VisitKind != nil:
		return in.Wanted.VisitKind.Organization
	case in.Current != nil:
		return in.Current.Organization
	}
	return uuid.Nil
}

// forWhom resolves the patient: the one named, else the account's only one.
func forWhom(ctx context.Context, a access.Actor, asked *clinic.Ref, organization uuid.UUID) (uuid.UUID, error) {
	if asked == nil {
		links, err := a.Patients(ctx)
		if err == nil && len(links) != 1 {
			err = errs.Invalid("Name the patient.", "patientId")
		}
		if err != nil {
			return uuid.Nil, err
		}
		return links[0].Patient, nil
	}
	if asked.Organization != organization || asked.ID == uuid.Nil {
		return uuid.Nil, errs.Missing("patient", "patientId")
	}
	acts, err := a.ActsFor(ctx, asked.ID)
	if err == nil && !acts {
		err = errs.Missing("patient", "patientId")
	}
	return asked.ID, err
}

// Leave ends an entry, and the offer that is open, whose time goes to the next one. Leaving twice answers as the first time. One that is fulfilled
// or over stays so.
func (s *Service) Leave(ctx context.Context, a access.Actor, ref clinic.Ref) (Entry, error) {
	for range tries {
		e, err := s.own(ctx, a, ref, "entryId")
		if err != nil || e.EndedAt != nil {
			return e, err
		}
		by := s.Stamp(a)
		if by.Actor, err = a.For(ctx, e.PatientID); err != nil {
			return e, err
		}
		done, err := s.end(ctx, by, e, Left)
		if err != nil {
			return e, err
		}
		if done {
			a.Trail.Changed(entryKind, e.ID)
			return s.own(ctx, a, ref, "entryId")
		}
	}
	return Entry{}, errs.TryAgain(nil)
}

// Withdraw ends what a patient waits for to whom a time is offered, for who is about to be erased: that goes to the next one.
func (s *Service) Withdraw(ctx context.Context, a access.Actor, p clinic.Ref) error {
	page, err := s.Store.ListEntries(ctx, Filter{Organization: p.Organization, Patient: p.ID, Statuses: []Status{Offered}}, paging.Window{Size: MaxEntries})
	for _, e := range page.Items {
		_, failed := s.end(ctx, s.Stamp(a), e, Left)
		err = errors.Join(err, failed)
	}
	return err
}

// tries bounds how often something is done again that has changed meanwhile.
const tries = 4

// end ends an entry with its open offer. Not done: it is another by now.
func (s *Service) end(ctx context.Context, by clinic.Stamp, e Entry, as Status) (bool, error) {
	if e.Status == Active {
		return s.Store.End(ctx, by, e, as)
	}
	open, err := s.open(ctx, e)
	if err != nil || open == nil {
		return false, err
	}
	answer, err := s.Store.EndOffer(ctx, OfferEnd{Stamp: by, Offer: *open, State: OfferWithdrawn, Entry: as, Reserve: s.Keeps(e.OrganizationID)})
	return answer.Outcome == appointment.Done, err
}
