package resolvers

import (
	"context"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// search reads what a patient is looking for. The providers and the appointment that it names exist for the caller.
func (r *Resolver) search(ctx context.Context, where model.AvailabilitySearchInput) (availability.Search, error) {
	var read ids
	q := availability.Search{
		Organization: read.organization(where.OrganizationID, "where", "organizationId"),
		VisitKind:    read.optional(globalid.VisitKind, where.VisitKindID, "where", "visitKindId"),
		Specialty:    specialtyRef(&read, where.SpecialtyID, "where", "specialtyId"),
		Providers:    read.list(globalid.Provider, where.ProviderIds, "where", "providerIds"),
		Near:         near(&read, where.Near, "where", "near"),
		Modalities:   where.Modalities,
		Language:     where.Language,
		Plan:         read.optional(globalid.InsurancePlan, where.InsurancePlanID, "where", "insurancePlanId"),
		From:         where.From,
		To:           where.To,
		TimeZone:     where.TimeZone,
		StepFree:     where.StepFreeAccess != nil && *where.StepFreeAccess,
		Moving:       read.optional(globalid.Appointment, where.ReschedulingAppointmentID, "where", "reschedulingAppointmentId"),
	}
	for _, t := range where.TimesOfDay {
		q.TimesOfDay = append(q.TimesOfDay, availability.TimeRange{From: t.From, To: t.To})
	}
	if read.fault != nil {
		return q, read.fault
	}
	return q, knownNames(ctx, q)
}

func specialtyRef(read *ids, id *string, path ...string) *provider.SpecialtyRef {
	if id == nil {
		return nil
	}
	named := read.parse(globalid.Specialty, *id, path)
	return &provider.SpecialtyRef{Organization: named.Ref.Organization, System: named.Coding.System, Code: named.Coding.Code}
}

// knownNames fails when a search names a provider or an appointment that doesn't exist for the caller.
func knownNames(ctx context.Context, q availability.Search) error {
	if q.Moving != nil {
		moving, err := loader.From(ctx).Appointments.Load(ctx, *q.Moving)
		if err := orMissing(moving, err, "appointment", "where", "reschedulingAppointmentId"); err != nil {
			return err
		}
	}
	if len(q.Providers) > relay.MaxPage {
		return nil // is refused
	}
	found, err := loader.From(ctx).Providers.LoadAll(ctx, q.Providers)
	for i, p := range found {
		if err := orMissing(p, err, "provider", form.At([]string{"where", "providerIds"}, i)...); err != nil {
			return err
		}
	}
	return err
}

// knownParts fails when a search without a match names something that doesn't exist: whatever has matches exists.
func (r *Resolver) knownParts(ctx context.Context, where model.AvailabilitySearchInput, q availability.Search) error {
	all := loader.From(ctx)
	if where.OrganizationID != nil {
		found, err := all.Organizations.Load(ctx, q.Organization)
		if err := orMissing(found, err, "organization", "where", "organizationId"); err != nil {
			return err
		}
	}
	if q.VisitKind != nil {
		found, err := all.VisitKinds.Load(ctx, *q.VisitKind)
		if err := orMissing(found, err, "kind of visit", "where", "visitKindId"); err != nil {
			return err
		}
	}
	if q.Specialty != nil {
		found, err := all.Specialties.Load(ctx, *q.Specialty)
		if err := orMissing(found, err, "specialty", "where", "specialtyId"); err != nil {
			return err
		}
	}
	if q.Plan != nil {
		found, err := all.Plans.Load(ctx, *q.Plan)
		return orMissing(found, err, "insurance plan", "where", "insurancePlanId")
	}
	return nil
}

var matches = order[availability.Match]{"AvailabilityMatchConnection", availability.Match.Key}

func (r *Resolver) matches(ctx context.Context, where model.AvailabilitySearchInput, by availability.Order, args pageArgs) (*relay.Connection[availability.Match], error) {
	q, err := r.search(ctx, where)
	if err != nil {
		return nil, err
	}
	return follow(args, matches, func(w paging.Window) (paging.Page[availability.Match], string, error) {
		found, err := r.Services.Search.Search(ctx, viewer.Actor(ctx), q, by, w)
		if err == nil && len(found.Items) == 0 {
			return found.Page, found.StreamCursor, r.knownParts(ctx, where, q)
		}
		loader.From(ctx).OfMatches(found.Items)
		return found.Page, found.StreamCursor, inFilter(err)
	}, func(ctx context.Context) (int, error) {
		return r.Services.Search.CountMatches(ctx, viewer.Actor(ctx), q)
	})
}

func (r *Resolver) calendar(ctx context.Context, where model.AvailabilitySearchInput, days availability.Days) (*availability.Calendar, error) {
	if err := days.Check(); err != nil {
		return nil, err
	}
	q, err := r.search(ctx, where)
	if err != nil {
		return nil, err
	}
	found, err := r.Services.Search.Calendar(ctx, viewer.Actor(ctx), q, days)
	if err == nil && found.IsClosed() {
		return &found, r.knownParts(ctx, where, q)
	}
	return &found, inFilter(err)
}

// match finds a match again, or nil. Whoever may not see the appointment that it is a move of has no such match.
func (r *Resolver) match(ctx context.Context, id availability.MatchID) (*availability.Match, error) {
	if fit, _ := availability.ReadFitting(id.Fitting); fit.Moving != nil {
		moving, err := loader.From(ctx).Appointments.Load(ctx, *fit.Moving)
		if err != nil || moving == nil {
			return nil, err
		}
	}
	return loader.From(ctx).Matches.Load(ctx, id)
}

// placeOf is the location of a match, as far as it is from where the search began.
func placeOf(ctx context.Context, m *availability.Match) (*clinic.Location, error) {
	at, err := loaded(ctx, loader.From(ctx).Locations, clinic.Ref{Organization: m.Provider.Organization, ID: m.Location})
	if err != nil || m.Metres == nil {
		return at, err
	}
	away := *at
	away.DistanceMeters = m.Metres
	return &away, nil
}

func upcoming(ctx context.Context, m *availability.Match, limit int) ([]*availability.Slot, error) {
	slots, err := m.Upcoming(limit)
	loader.From(ctx).OfSlots(slots)
	return pointers(slots), err
}
