package provider

import (
	"context"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Store keeps providers and their hours. Each change commits together with its audit row and, where openings follow from
// it, the raised revisions and events of the providers concerned. A change that finds everything as it wants it writes
// nothing. Providers, locations and kinds named in a change exist. Any method may fail with a busy error (errs.Busy).
type Store interface {
	// PutProvider saves a provider under the id of the one with the same identifier, if there is one, else under its own,
	// and answers what is stored then. The plans are those that it accepts, in order of their ids; new ones are saved with it.
	// It fails with errs.NotFound at "organizationId".
	PutProvider(ctx context.Context, by clinic.Stamp, p Provider, plans []clinic.InsurancePlan) (Provider, error)
	// SetSchedule adds a schedule that replaces earlier ones on the days it covers. It fails with errs.InvalidInput when
	// there are too many different ones.
	SetSchedule(ctx context.Context, by clinic.Stamp, at Desk, s Schedule) error
	// SetDateHours sets the hours of one date; nil brings the weekly ones back.
	SetDateHours(ctx context.Context, by clinic.Stamp, at Desk, date civil.Date, hours []Hours) error
	// AddExceptions adds an exception, or all times of one that repeats, and answers the first, or the one that the same key and
	// input made before. All are of the same provider and location. It fails with errs.KeyInUse and errs.KeyReused.
	AddExceptions(ctx context.Context, by clinic.Stamp, once clinic.Once, times []Exception) (Exception, error)
	// RemoveException removes a part of what an exception repeats with, and answers what it removed by its beginning. Those that
	// are left repeat until the day before a part that nothing comes after. It fails with errs.NotFound at "exceptionId".
	RemoveException(ctx context.Context, by clinic.Stamp, exception clinic.Ref, part Part) ([]clinic.Ref, error)
	// PutOpenings saves open exceptions of one desk under their own ids, in one transaction, and counts those that are
	// new or changed.
	PutOpenings(ctx context.Context, by clinic.Stamp, at Desk, list []Exception) (changed int, err error)

	// Providers, InsurancePlans, Exceptions and Specialties answer those that exist.
	Providers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Provider, error)
	InsurancePlans(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.InsurancePlan, error)
	Exceptions(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Exception, error)
	Specialties(ctx context.Context, refs []SpecialtyRef) (map[SpecialtyRef]clinic.Coding, error)
	// ListProviders pages by name, then id; of all organisations when organization is zero. It fails with
	// errs.InvalidInput at "after" or "before".
	ListProviders(ctx context.Context, organization uuid.UUID, s Search, w paging.Window) (paging.Page[Provider], error)
	// CountProviders stops at paging.MaxCount.
	CountProviders(ctx context.Context, organization uuid.UUID, s Search) (int, error)
	// ScheduleInForce answers the latest schedule that covers a local day, if any does.
	ScheduleInForce(ctx context.Context, at Desk, on civil.Date) (Schedule, bool, error)
	// Zones answers the zones of the locations that a provider has any hours at.
	Zones(ctx context.Context, provider clinic.Ref) (map[uuid.UUID]string, error)
	// ListExceptions pages by beginning, then id, through the exceptions that a provider's hours follow from and that meet
	// the periods: those of a location its own, those of all locations any of them. It fails with errs.InvalidInput at
	// "after" or "before".
	ListExceptions(ctx context.Context, provider clinic.Ref, periods []Period, w paging.Window) (paging.Page[Exception], error)
	// CountExceptions stops at paging.MaxCount.
	CountExceptions(ctx context.Context, provider clinic.Ref, periods []Period) (int, error)
}

// Clinic tells what the clinic room knows.
type Clinic interface {
	Locations(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.Location, error)
	VisitKinds(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.VisitKind, error)
	Area(ctx context.Context, actor access.Actor, n clinic.Near) (clinic.Area, error)
}

// Desk is a provider at a location.
type Desk struct{ Organization, Provider, Location uuid.UUID }

// Period is a span of a location's wall clock; of any place, when Location is zero.
type Period struct {
	Location uuid.UUID
	From, To civil.DateTime
}
