package clinic

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Near names a place on the map: exactly one of its parts is set.
type Near struct {
	Locations []Ref
	Circle    *Circle
	Postal    *PostalArea
}

// Circle is what lies within a distance over the ground of a point.
type Circle struct {
	Center GeoPoint
	Radius int // metres
}

// PostalArea is what lies within a distance of a postal code.
type PostalArea struct {
	Code    string
	Country string // ISO 3166 alpha-2
	Radius  int    // metres
}

// Area is a place that was found: these locations, or a circle.
type Area struct {
	Locations []Ref
	Circle    *Circle
}

// Distance is how far a point is from the middle of a circle over the ground, in whole metres; nil when the area is none or the
// point isn't known.
func (a *Area) Distance(at *GeoPoint) *int {
	if a == nil || a.Circle == nil || at == nil {
		return nil
	}
	metres := int(math.Round(a.Circle.Center.Metres(*at)))
	return &metres
}

// MaxRadius bounds circles, in metres.
const MaxRadius = 200_000

const (
	minRadius    = 100
	maxLocations = 100 // that a place names
)

// checked is the place as it is looked for.
func (n Near) checked() (Near, error) {
	var check form.Check
	parts := 0
	if n.Locations != nil {
		parts++
		ok := len(n.Locations) > 0 && len(n.Locations) <= maxLocations
		check.That(ok, fmt.Sprintf("Name from 1 to %d locations.", maxLocations), "locationIds")
	}
	if n.Circle != nil {
		parts++
		n.Circle = n.Circle.checked(&check, "circle")
	}
	if n.Postal != nil {
		parts++
		n.Postal = n.Postal.checked(&check, "postalCode")
	}
	check.That(parts == 1, "Give exactly one of the fields.")
	return n, check.Err()
}

func (c Circle) checked(check *form.Check, path string) *Circle {
	return &Circle{
		Center: GeoPoint{
			Latitude:  check.Degrees(c.Center.Latitude, 90, path, "latitude"),
			Longitude: check.Degrees(c.Center.Longitude, 180, path, "longitude"),
		},
		Radius: check.Count(c.Radius, minRadius, MaxRadius, path, "radiusMeters"),
	}
}

func (p PostalArea) checked(check *form.Check, path string) *PostalArea {
	key := postalKey(p.Code)
	ok := key != "" && len(key) <= form.MaxPostalCode
	check.That(ok, fmt.Sprintf("A postal code has from 1 to %d letters and digits.", form.MaxPostalCode), path, "code")
	return &PostalArea{
		Code:    key,
		Country: check.Country(p.Country, path, "country"),
		Radius:  check.Count(p.Radius, minRadius, MaxRadius, path, "radiusMeters"),
	}
}

// postalKey is a postal code as codes are compared: its letters and digits, in capitals.
func postalKey(code string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, code)
}

// Area finds a place. Faults are at the place's own fields, such as "circle", "radiusMeters".
func (s *Service) Area(ctx context.Context, actor access.Actor, n Near) (Area, error) {
	n, err := n.checked()
	switch {
	case err != nil:
		return Area{}, err
	case n.Circle != nil:
		return Area{Circle: n.Circle}, nil
	case n.Postal != nil:
		return s.around(ctx, *n.Postal)
	}
	return s.named(ctx, actor, n.Locations)
}

func (s *Service) around(ctx context.Context, p PostalArea) (Area, error) {
	center, known, err := s.store.PostalCenter(ctx, p.Country, p.Code)
	switch {
	case err != nil:
		return Area{}, err
	case !known:
		return Area{}, errs.Invalid("No place with such a postal code is known here.", "postalCode", "code")
	}
	return Area{Circle: &Circle{Center: center, Radius: p.Radius}}, nil
}

// named fails at the first location that isn't there for the actor.
func (s *Service) named(ctx context.Context, actor access.Actor, refs []Ref) (Area, error) {
	found, err := s.store.Locations(ctx, refs)
	if err != nil {
		return Area{}, err
	}
	for i, ref := range refs {
		foreign := actor.Organization != uuid.Nil && actor.Organization != ref.Organization
		if _, ok := found[ref]; !ok || foreign {
			return Area{}, errs.Missing("location", form.At([]string{"locationIds"}, i)...)
		}
	}
	return Area{Locations: refs}, nil
}

// LocationFilter narrows a list of locations.
type LocationFilter struct {
	Organization uuid.UUID // zero: the caller's own, else all
	Near         *Near
}

// area finds the place of a filter, if it has one.
func (s *Service) area(ctx context.Context, actor access.Actor, n *Near) (*Area, error) {
	if n == nil {
		return nil, nil
	}
	area, err := s.Area(ctx, actor, *n)
	return &area, errs.Under(err, "near")
}

// earth is the mean radius of the earth in metres (IUGG: 6371.0088 km, https://doi.org/10.1007/s001900050278).
const earth = 6371008.8

// Metres is the distance over the ground of a sphere, by the haversine formula.
func (p GeoPoint) Metres(o GeoPoint) float64 {
	half := func(a, b float64) float64 { return math.Pow(math.Sin((b-a)/2), 2) }
	lat1, lat2 := radians(p.Latitude), radians(o.Latitude)
	h := half(lat1, lat2) + math.Cos(lat1)*math.Cos(lat2)*half(radians(p.Longitude), radians(o.Longitude))
	return 2 * earth * math.Asin(math.Sqrt(min(h, 1)))
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
