package intake

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
)

// siteList is what is kept of a list while it is read.
type siteList struct {
	reading
	sheet  *sheet
	system string
	zoning zoning
	sites  []*site
	byID   map[string]*site
	report RosterReport
}

func newSiteList(o LocationsOrder) *siteList {
	l := &siteList{system: o.System, zoning: newZoning(o.ZoneOf, o.Clock.Now()), byID: map[string]*site{}}
	l.reading = reading{found: &l.report.Findings, progress: o.Progress}
	l.sheet = &sheet{reading: &l.reading, check: l.header, take: l.add}
	return l
}

func (l *siteList) read(ctx context.Context, o LocationsOrder) error {
	err := l.file(ctx, o.Name, o.List, l.sheet.push)
	if err == nil {
		err = l.sheet.finish()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", quoted(o.Name), err)
	}
	tellApart(l.sites)
	return nil
}

// The columns of a list; others are ignored.
const (
	siteID, siteBrand, siteLine, siteCity, siteRegion, sitePostalCode = "site_id", "brand", "line1", "city", "region", "postal_code"
	siteCountry, siteLatitude, siteLongitude, siteZone, sitePhone     = "country", "latitude", "longitude", "timezone", "phone"
)

var siteColumns = []string{
	siteID, siteBrand, siteLine, siteCity, siteRegion, sitePostalCode, siteCountry, siteLatitude, siteLongitude, siteZone, sitePhone,
}

func (l *siteList) header(columns []string) error {
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(columns, name) })
	}
	switch {
	case !has(siteID, siteBrand):
		return fmt.Errorf("it needs the columns %s and %s", siteID, siteBrand)
	case !has(siteLatitude, siteLongitude) && !has(siteZone):
		return fmt.Errorf("it needs the columns %s and %s, or %s", siteLatitude, siteLongitude, siteZone)
	}
	for _, name := range columns {
		if !slices.Contains(siteColumns, name) {
			l.report.Ignored = append(l.report.Ignored, Ignored{What: "column " + quoted(name), Count: 1})
		}
	}
	return nil
}

func (l *siteList) add(r row) error {
	s, err := l.site(r)
	if err != nil {
		return err
	}
	id := s.put.Identifier.Value
	if other := l.byID[id]; other != nil {
		return refuse("the %s %s is that of line %d", siteID, quoted(id), other.at.line)
	}
	if len(l.sites) == maxSites {
		return refuse("more than %d locations", maxSites)
	}
	l.byID[id] = s
	l.sites = append(l.sites, s)
	return nil
}

// site reads a row as the published Location that it would be.
func (l *siteList) site(r row) (*site, error) {
	published, err := l.location(r)
	if err != nil {
		return nil, err
	}
	note := l.noteAt(r.at)
	s := &site{at: r.at, where: published.Address.where(), put: published.location("", note)}
	if s.put.Name == "" {
		return nil, refuse("no %s", siteBrand)
	}
	var point *clinic.GeoPoint
	if published.Position != nil {
		there, err := published.point()
		if err != nil {
			return nil, err
		}
		point, s.put.Latitude, s.put.Longitude = &there, &there.Latitude, &there.Longitude
	}
	if s.put.TimeZone, s.zone, err = l.zoning.decide(r.value(siteZone), point, note); err != nil {
		return nil, err
	}
	return s, s.brief()
}

func (l *siteList) location(r row) (fhirLocation, error) {
	var check form.Check
	id := check.Line(r.value(siteID), form.MaxValue, siteID)
	if reason, wrong := refusedBy(check.Err()); wrong {
		return fhirLocation{}, refusal(reason)
	}
	position, err := r.position()
	return fhirLocation{
		Identifier: []fhirIdentifier{{System: l.system, Value: id}},
		Name:       r.value(siteBrand),
		Telecom:    []fhirContact{{System: contactPhone, Value: r.value(sitePhone)}},
		Address: fhirAddress{
			Line: []string{r.value(siteLine)}, City: r.value(siteCity), State: r.value(siteRegion),
			PostalCode: r.value(sitePostalCode), Country: r.value(siteCountry),
		},
		Position: position,
	}, err
}

// position is nil where a row has none.
func (r row) position() (*fhirPosition, error) {
	if r.value(siteLatitude) == "" && r.value(siteLongitude) == "" {
		return nil, nil
	}
	latitude, err := r.degrees(siteLatitude)
	if err != nil {
		return nil, err
	}
	longitude, err := r.degrees(siteLongitude)
	return &fhirPosition{Latitude: &latitude, Longitude: &longitude}, err
}

func (r row) degrees(column string) (float64, error) {
	degrees, err := strconv.ParseFloat(r.value(column), 64)
	if err != nil || math.IsNaN(degrees) {
		return 0, refuse("%s is no %s", quoted(r.value(column)), column)
	}
	return degrees, nil
}

// desks gives each site a provider of its own, which is called as the site is.
func (l *siteList) desks(o LocationsOrder) []*member {
	hours := make([]shift, len(o.Hours))
	for i, h := range o.Hours {
		hours[i] = shift{WeeklyHours: h}
	}
	list := make([]*member, len(l.sites))
	for i, s := range l.sites {
		list[i] = &member{
			at: s.at, identifier: s.put.Identifier, name: s.put.Name, languages: []string{deskLanguage}, assumed: true,
			services: []service{anyService}, posts: []post{{site: s, terms: []term{{hours: hours}}}},
		}
		if o.Specialty != nil {
			list[i].specialties = []clinic.Coding{*o.Specialty}
		}
	}
	return list
}
