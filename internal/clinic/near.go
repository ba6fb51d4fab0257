package clinic

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
