package intake

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// DefaultBase stands for a server of which nothing is known.
const DefaultBase = "urn:mediconnect:fhir:"

// DefaultFHIRVisit is how long a service's visit lasts unless it is told otherwise, as a HealthcareService says nothing of it.
const DefaultFHIRVisit = 30 * time.Minute

// FHIROrder says which FHIR resources to import, into which organisation and how.
type FHIROrder struct {
	Resources    Resources
	Organization uuid.UUID
	// Owner finds the organisation when none is named, once everything is read.
	Owner    func(ctx context.Context) (uuid.UUID, error)
	Base     string         // address of the server, under which its ids are kept; empty for DefaultBase
	From     civil.Date     // the first day of the hours; zero: today, at each location
	Visit    time.Duration  // whole minutes; zero for DefaultFHIRVisit, or what the organisation's kinds of visit say
	ZoneOf   ZoneOf         // nil for WorldZones
	Progress func(Progress) // nil for none
	Clock    clock.Clock
}

// ImportFHIR reads FHIR R4 resources, as bundles or as NDJSON, and sets up the directory that they describe: who offers what,
// where and when. A broken line or entry is refused and the rest goes on; a file that can't be read ends the import before
// anything is written.
func ImportFHIR(ctx context.Context, into Directory, actor access.Actor, o FHIROrder) (RosterReport, error) {
	o, err := o.checked()
	if err != nil {
		return RosterReport{}, err
	}
	var report RosterReport
	set := newResourceSet(&report, o.Progress)
	if err := set.read(ctx, o.Resources); err != nil {
		return report, err
	}
	now := o.Clock.Now()
	d := newDirectory(set, o.Base, newZoning(o.ZoneOf, now), now)
	d.build()
	if len(d.roster.sites)+len(d.roster.shut) == 0 {
		return report, nil
	}
	if o.Organization == uuid.Nil {
		if o.Organization, err = o.Owner(ctx); err != nil {
			return report, err
		}
	}
	e := &entry{
		clerk: newClerk(into, actor, o.Organization, o.Visit, DefaultFHIRVisit), reading: &set.reading, report: &report,
		roster: d.roster, now: o.Clock, from: o.From, turnedAway: map[string]string{},
	}
	err = e.enter(ctx)
	return report, err
}

// checked fills in what was left out.
func (o FHIROrder) checked() (FHIROrder, error) {
	if o.Base == "" {
		o.Base = DefaultBase
	}
	var check form.Check
	check.System(o.Base+resourceRole, "base")
	check.That(o.Visit%time.Minute == 0 && o.Visit >= 0 && o.Visit <= 24*time.Hour, "A visit lasts whole minutes, at most a day.", "visitMinutes")
	if o.From.IsValid() {
		check.Date(o.From, "from")
	}
	if err := check.Err(); err != nil {
		return o, err
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
