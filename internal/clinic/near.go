package clinic

import "math"

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
