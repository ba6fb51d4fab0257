package intake

import (
	"context"
	"io"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// SiteSystem is the system of the identifiers that a list's sites have, unless it is told otherwise.
const SiteSystem = "urn:mediconnect:site-list"

// LocationsOrder says which list of sites to import, into which organisation and how.
type LocationsOrder struct {
	Name         string // of the file
	List         io.Reader
	Organization uuid.UUID
	// Owner finds the organisation when none is named, once the list is read.
	Owner     func(ctx context.Context) (uuid.UUID, error)
	System    string                 // of the sites' identifiers; empty for SiteSystem
	Hours     []provider.WeeklyHours // of every site; nil for DefaultHours
	From      civil.Date             // the first day of the hours; zero: today, at each site
	Visit     time.Duration          // whole minutes; zero for DefaultVisit, or what the organisation's kind of visit says
	Specialty *clinic.Coding         // of every site's desk; nil for none
	ZoneOf    ZoneOf                 // nil for WorldZones
	Progress  func(Progress)         // nil for none
	Clock     clock.Clock
}

// deskLanguage is the language that a desk has until the staff say otherwise.
const deskLanguage = "en"

// ImportLocations reads a list of sites, a CSV file with a header, and sets up each as a location with a provider of its own on
// weekly hours. A broken row is refused and the rest goes on; a file that can't be read ends the import before anything is
// written.
func ImportLocations(ctx context.Context, into Directory, actor access.Actor, o LocationsOrder) (RosterReport, error) {
	o, err := o.checked()
	if err != nil {
		return RosterReport{}, err
	}
	l := newSiteList(o)
	if err := l.read(ctx, o); err != nil {
		return l.report, err
	}
	if len(l.sites) == 0 {
		return l.report, nil
	}
	if o.Organization == uuid.Nil {
		if o.Organization, err = o.Owner(ctx); err != nil {
			return l.report, err
		}
	}
	e := &entry{
		clerk: newClerk(into, actor, o.Organization, o.Visit, DefaultVisit), reading: &l.reading, report: &l.report,
		roster: roster{sites: l.sites, members: l.desks(o)}, now: o.Clock, from: o.From, turnedAway: map[string]string{},
	}
	err = e.enter(ctx)
	return l.report, err
}

// checked fills in what was left out.
func (o LocationsOrder) checked() (LocationsOrder, error) {
	var check form.Check
	if o.System == "" {
		o.System = SiteSystem
	}
	o.System = check.System(o.System, "system")
	check.That(o.Visit%time.Minute == 0 && o.Visit >= 0 && o.Visit <= 24*time.Hour, "A visit lasts whole minutes, at most a day.", "visitMinutes")
	check.That(o.Organization != uuid.Nil || o.Owner != nil, "Name the organisation.", "organizationId")
	if o.From.IsValid() {
		check.Date(o.From, "from")
	}
	if o.Specialty != nil {
		o.Specialty.Checked(&check, "specialty")
	}
	err := check.Err()
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Hours == nil && err == nil {
		o.Hours, err = ParseHours(DefaultHours, 1)
	}
	if o.ZoneOf == nil && err == nil {
		o.ZoneOf, err = WorldZones()
	}
	return o, err
}
