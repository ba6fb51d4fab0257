package intake

import (
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// zoning finds the zone of a site out of what is said about it.
type zoning struct {
	of    ZoneOf
	year  time.Time // zones are alike when they show the same time for a year from here
	alike map[[2]string]bool
}

func newZoning(of ZoneOf, year time.Time) zoning {
	return zoning{of: of, year: year, alike: map[[2]string]bool{}}
}

// decide prefers the zone that is named, as its owner knows it, to the one that the point is in. Either may be absent.
func (z zoning) decide(named string, point *clinic.GeoPoint, note func(Repair, string, string)) (string, *time.Location, error) {
	found := ""
	if point != nil {
		found = z.of(*point)
	}
	zone, err := clock.Zone(named)
	switch {
	case err == nil && point != nil && !z.agree(named, found):
		note(ZoneContradicts, named+" though at "+found, named)
		return named, zone, nil
	case err == nil:
		return named, zone, nil
	}
	zone, err = clock.Zone(found)
	switch {
	case err == nil && named == "":
		note(ZoneFromPoint, "", found)
		return found, zone, nil
	case err == nil:
		note(ZoneUnknown, named, found)
		return found, zone, nil
	case point != nil:
		return "", nil, refuse("no country's time zone at latitude %g, longitude %g", point.Latitude, point.Longitude)
	case named != "":
		return "", nil, refuse("%s is no time zone, and there are no coordinates", quoted(named))
	}
	return "", nil, refusal("neither a time zone nor coordinates")
}

// agree says whether two zones show the same time, as those do that differed only once.
func (z zoning) agree(a, b string) bool {
	if a == b {
		return true
	}
	pair := [2]string{a, b}
	known, ok := z.alike[pair]
	if !ok {
		known = z.compare(a, b)
		z.alike[pair] = known
	}
	return known
}

func (z zoning) compare(a, b string) bool {
	one, errA := clock.Zone(a)
	other, errB := clock.Zone(b)
	if errA != nil || errB != nil {
		return false
	}
	for day := range 366 {
		if at := z.year.AddDate(0, 0, day); offset(at, one) != offset(at, other) {
			return false
		}
	}
	return true
}
