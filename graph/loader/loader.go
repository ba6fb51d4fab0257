package loader

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// Services are the rooms that loaders ask. Each answers those of the keys that exist and that the caller may see.
type Services struct {
	Clinic interface {
		Organizations(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]clinic.Organization, error)
		Locations(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.Location, error)
		VisitKinds(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.VisitKind, error)
		Resources(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]clinic.Resource, error)
		ResourcesOf(ctx context.Context, actor access.Actor, visits []clinic.Ref) (map[clinic.Ref][]clinic.Resource, error)
		TravelRules(ctx context.Context, actor access.Actor, organizations []uuid.UUID) (map[uuid.UUID]clinic.TravelRules, error)
	}
	Provider interface {
		Providers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]provider.Provider, error)
		InsurancePlans(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.InsurancePlan, error)
		Exceptions(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]provider.Exception, error)
		Specialties(ctx context.Context, refs []provider.SpecialtyRef) (map[provider.SpecialtyRef]clinic.Coding, error)
	}
	Patient interface {
		Patients(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]patient.Patient, error)
	}
	Invitations interface {
		LinkedAccounts(ctx context.Context, actor access.Actor, patients []clinic.Ref) (map[clinic.Ref][]patient.LinkedAccount, error)
	}
	BreakGlass interface {
		Grants(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]breakglass.Grant, error)
	}
	Retention interface {
		LegalHolds(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]retention.LegalHold, error)
		LegalHoldsOf(ctx context.Context, actor access.Actor, patients []clinic.Ref) (map[clinic.Ref][]retention.LegalHold, error)
	}
	Availability interface {
		SlotsOf(ctx context.Context, actor access.Actor, ids []availability.SlotID) (map[availability.SlotID]availability.Slot, error)
	}
	Search interface {
		Matches(ctx context.Context, actor access.Actor, ids []availability.MatchID) (map[availability.MatchID]availability.Match, error)
	}
	Appointment interface {
		Appointments(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]appointment.Appointment, error)
		Holds(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]appointment.Hold, error)
		agendas
		Identifiers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref][]clinic.Identifier, error)
		Overrides(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref][]appointment.Overridden, error)
		Series(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]appointment.Series, error)
	}
	Audit interface {
		Find(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]audit.Event, error)
	}
	Ledger interface {
		Messages(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]reminder.Message, error)
		Attempts(ctx context.Context, actor access.Actor, messages []clinic.Ref) (map[clinic.Ref][]reminder.Attempt, error)
		told
	}
	DeadLetters interface {
		Find(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]reminder.DeadLetter, error)
	}
	Partner interface {
		Clients(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]partner.Client, error)
		Keys(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]partner.APIKey, error)
	}
	Choices interface {
		Of(ctx context.Context, actor access.Actor, patients []clinic.Ref) (map[clinic.Ref]reminder.Preferences, error)
	}
	Waitlist interface {
		Entries(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]waitlist.Entry, error)
		Offers(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]waitlist.Offer, error)
		Positions(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]int, error)
	}
	Closure interface {
		Closures(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]closure.Closure, error)
		Items(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]closure.Item, error)
	}
	People interface {
		Accounts(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]identity.Account, error)
	}
}

// Loaders remember what they fetched. They live as long as one request, and in a request that changes things as long as one
// change, so that nothing is answered as it was before.
type Loaders struct {
	Organizations  *Loader[uuid.UUID, clinic.Organization]
	Locations      *Loader[clinic.Ref, clinic.Location]
	VisitKinds     *Loader[clinic.Ref, clinic.VisitKind]
	Resources      *Loader[clinic.Ref, clinic.Resource]
	ResourcesOf    *Loader[clinic.Ref, []clinic.Resource] // by appointment
	TravelRules    *Loader[uuid.UUID, clinic.TravelRules] // by organisation
	Providers      *Loader[clinic.Ref, provider.Provider]
	Plans          *Loader[clinic.Ref, clinic.InsurancePlan]
	Exceptions     *Loader[clinic.Ref, provider.Exception]
	Specialties    *Loader[provider.SpecialtyRef, clinic.Coding]
	Patients       *Loader[clinic.Ref, patient.Patient]
	LinkedAccounts *Loader[clinic.Ref, []patient.LinkedAccount]
	Preferences    *Loader[clinic.Ref, reminder.Preferences] // by patient
	Grants         *Loader[clinic.Ref, breakglass.Grant]
	LegalHolds     *Loader[clinic.Ref, retention.LegalHold]
	LegalHoldsOf   *Loader[clinic.Ref, []retention.LegalHold] // by patient
	Slots          *Loader[availability.SlotID, availability.Slot]
	Matches        *Loader[availability.MatchID, availability.Match]
	Appointments   *Loader[clinic.Ref, appointment.Appointment]
	Holds          *Loader[clinic.Ref, appointment.Hold]
	Identifiers    *Loader[clinic.Ref, []clinic.Identifier]
	Overrides      *Loader[clinic.Ref, []appointment.Overridden]
	Series         *Loader[clinic.Ref, appointment.Series]
	AuditEvents    *Loader[clinic.Ref, audit.Event]
	Reminders      *Loader[clinic.Ref, reminder.Message]
	Attempts       *Loader[clinic.Ref, []reminder.Attempt] // by message
	DeadLetters    *Loader[clinic.Ref, reminder.DeadLetter]
	Clients        *Loader[clinic.Ref, partner.Client]
	APIKeys        *Loader[clinic.Ref, partner.APIKey]
	Accounts       *Loader[clinic.Ref, identity.Account]

	WaitlistEntries *Loader[clinic.Ref, waitlist.Entry]
	WaitlistOffers  *Loader[clinic.Ref, waitlist.Offer]
	Positions       *Loader[clinic.Ref, int] // by waitlist entry
	Closures        *Loader[clinic.Ref, closure.Closure]
	ClosureItems    *Loader[clinic.Ref, closure.Item]

	actor        access.Actor
	appointments agendas
	agendas      listings[appointment.AgendaPage]
	counts       listings[int]
	ledger       told
	told         listings[paging.Page[reminder.Message]] // by visit
	toldCounts   listings[int]                           // by visit
}

// New makes empty loaders for a caller.
func (s Services) New(a access.Actor) *Loaders {
	l := &Loaders{
		Organizations:  batch(s.Clinic.Organizations),
		Locations:      batch(s.Clinic.Locations),
		VisitKinds:     batch(s.Clinic.VisitKinds),
		Resources:      batch(as(&a, s.Clinic.Resources)),
		TravelRules:    batch(as(&a, s.Clinic.TravelRules)),
		Plans:          batch(s.Provider.InsurancePlans),
		Exceptions:     batch(as(&a, s.Provider.Exceptions)),
		Specialties:    batch(s.Provider.Specialties),
		Patients:       batch(as(&a, s.Patient.Patients)),
		LinkedAccounts: batch(as(&a, s.Invitations.LinkedAccounts)),
		Preferences:    batch(as(&a, s.Choices.Of)),
		Grants:         batch(as(&a, s.BreakGlass.Grants)),
		LegalHolds:     batch(as(&a, s.Retention.LegalHolds)),
		LegalHoldsOf:   batch(as(&a, s.Retention.LegalHoldsOf)),
		Appointments:   batch(as(&a, s.Appointment.Appointments)),
		Identifiers:    batch(s.Appointment.Identifiers),
		Overrides:      batch(s.Appointment.Overrides),
		Series:         batch(as(&a, s.Appointment.Series)),
		actor:          a,
		appointments:   s.Appointment,
		AuditEvents:    batch(as(&a, s.Audit.Find)),
		Reminders:      batch(as(&a, s.Ledger.Messages)),
		Attempts:       batch(as(&a, s.Ledger.Attempts)),
		DeadLetters:    batch(as(&a, s.DeadLetters.Find)),
		ledger:         s.Ledger,
		Clients:        batch(as(&a, s.Partner.Clients)),
		APIKeys:        batch(as(&a, s.Partner.Keys)),
		Accounts:       batch(as(&a, s.People.Accounts)),

		WaitlistEntries: batch(as(&a, s.Waitlist.Entries)),
		WaitlistOffers:  batch(as(&a, s.Waitlist.Offers)),
		Positions:       batch(as(&a, s.Waitlist.Positions)),
		Closures:        batch(as(&a, s.Closure.Closures)),
		ClosureItems:    batch(as(&a, s.Closure.Items)),
	}
	l.chain(s, a)
	return l
}

// chain makes the loaders of things that refer to others, which are then fetched together.
func (l *Loaders) chain(s Services, a access.Actor) {
	l.Providers = batch(func(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]provider.Provider, error) {
		found, err := s.Provider.Providers(ctx, refs)
		l.OfProviders(slices.Collect(maps.Values(found)))
		return found, err
	})
	l.Slots = batch(func(ctx context.Context, ids []availability.SlotID) (map[availability.SlotID]availability.Slot, error) {
		found, err := s.Availability.SlotsOf(ctx, a, ids)
		l.OfSlots(slices.Collect(maps.Values(found)))
		return found, err
	})
	l.Matches = batch(func(ctx context.Context, ids []availability.MatchID) (map[availability.MatchID]availability.Match, error) {
		found, err := s.Search.Matches(ctx, a, ids)
		l.OfMatches(slices.Collect(maps.Values(found)))
		return found, err
	})
	l.ResourcesOf = batch(func(ctx context.Context, visits []clinic.Ref) (map[clinic.Ref][]clinic.Resource, error) {
		found, err := s.Clinic.ResourcesOf(ctx, a, visits)
		for _, list := range found {
			l.OfResources(list)
		}
		return found, err
	})
	l.Holds = batch(func(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Hold, error) {
		found, err := s.Appointment.Holds(ctx, a, refs)
		l.OfHolds(slices.Collect(maps.Values(found)))
		return found, err
	})
}

// Forget frees what the loaders hold. Nobody may use them any more.
func (l *Loaders) Forget() { *l = Loaders{} }

func as[K comparable, V any](a *access.Actor, fetch func(context.Context, access.Actor, []K) (map[K]V, error)) func(context.Context, []K) (map[K]V, error) {
	return func(ctx context.Context, keys []K) (map[K]V, error) { return fetch(ctx, *a, keys) }
}

type key struct{}

// With puts loaders into a context.
func With(ctx context.Context, l *Loaders) context.Context { return context.WithValue(ctx, key{}, l) }

// From returns the loaders of a request.
func From(ctx context.Context) *Loaders { return ctx.Value(key{}).(*Loaders) }
