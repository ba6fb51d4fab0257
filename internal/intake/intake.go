// Package intake is the loading bay: it reads publications that others made and has the rooms set up what they say.
package intake

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Directory is what an import sets up: the services of the rooms clinic and provider. Putting what is there already
// changes nothing, which makes an import safe to run again.
type Directory interface {
	ListLocations(ctx context.Context, actor access.Actor, f clinic.LocationFilter, w paging.Window) (paging.Page[clinic.Location], error)
	ListProviders(ctx context.Context, actor access.Actor, f provider.Filter, w paging.Window) (paging.Page[provider.Provider], error)
	ListVisitKinds(ctx context.Context, actor access.Actor, organization uuid.UUID, w paging.Window) (paging.Page[clinic.VisitKind], error)
	ListExceptions(ctx context.Context, actor access.Actor, by clinic.Ref, from, to time.Time, w paging.Window) (paging.Page[provider.Exception], error)
	InsurancePlans(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.InsurancePlan, error)
	PutLocation(ctx context.Context, actor access.Actor, in clinic.PutLocation) (clinic.Location, error)
	PutVisitKind(ctx context.Context, actor access.Actor, in clinic.PutVisitKind) (clinic.VisitKind, error)
	PutProvider(ctx context.Context, actor access.Actor, in provider.PutProvider) (provider.Provider, error)
	// PutOpenings answers how many windows are new or other than before.
	PutOpenings(ctx context.Context, actor access.Actor, by, at clinic.Ref, windows []provider.OpenWindow) (changed int, err error)
	// AddException does so once for a key.
	AddException(ctx context.Context, actor access.Actor, in provider.AddException) (provider.Exception, error)
	RemoveException(ctx context.Context, actor access.Actor, exception clinic.Ref, part provider.Part) ([]clinic.Ref, error)
	SetSchedule(ctx context.Context, actor access.Actor, in provider.SetSchedule) (provider.Provider, error)
	WeeklyHours(ctx context.Context, actor access.Actor, by, at clinic.Ref, on *civil.Date) ([]provider.WeeklyHours, error)
}

// DefaultVisit is how long an imported visit lasts unless it is told otherwise.
const DefaultVisit = 15 * time.Minute

// Order says what to import, into which organisation and how.
type Order struct {
	From         Source
	Organization uuid.UUID
	// Owner finds the organisation when none is named, once the publication is read. The publisher is its host's name.
	Owner       func(ctx context.Context, publisher string) (uuid.UUID, error)
	Visit       time.Duration  // whole minutes; zero for DefaultVisit, or what the organisation's kind of visit says
	ShiftTo     civil.Date     // the day that the publication shall begin on; zero: where it does
	WeeklyHours bool           // whether the weeks after the publication follow its pattern
	WeeklyFrom  civil.Date     // the day from which they also lead up to it; zero: they don't
	ZoneOf      ZoneOf         // nil for WorldZones
	Progress    func(Progress) // nil for none
}

// Import reads a publication as SMART Scheduling Links defines it
// (https://github.com/smart-on-fhir/smart-scheduling-links/blob/master/specification.md) and then sets it up site by
// site, each in transactions of its own. A broken line is refused and the rest goes on; a file that can't be read ends the
// import before anything is written. What stops it later can be begun again.
func Import(ctx context.Context, into Directory, actor access.Actor, o Order) (Report, error) {
	o, err := o.checked()
	if err != nil {
		return Report{}, err
	}
	p := newPublication(o.ZoneOf, o.Progress)
	if err := p.read(ctx, o.From); err != nil {
		return p.report, err
	}
	p.settle()
	if len(p.sites) == 0 {
		return p.report, nil
	}
	if o.Organization == uuid.Nil {
		if o.Organization, err = o.Owner(ctx, p.publisher()); err != nil {
			return p.report, err
		}
	}
	w := &writer{publication: p, order: o, clerk: newClerk(into, actor, o.Organization, o.Visit, DefaultVisit)}
	err = w.write(ctx)
	return p.report, err
}

// checked fills in what was left out.
func (o Order) checked() (Order, error) {
	if o.Visit%time.Minute != 0 || o.Visit < 0 || o.Visit > 24*time.Hour {
		return o, errs.Invalid("A visit lasts whole minutes, at most a day.", "visitMinutes")
	}
	if o.Organization == uuid.Nil && o.Owner == nil {
		return o, errs.Invalid("Name the organisation.", "organizationId")
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.ZoneOf != nil {
		return o, nil
	}
	var err error
	o.ZoneOf, err = WorldZones()
	return o, err
}
