package postgres

import (
	"context"
	"fmt"
	"math"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Points lie on a sphere of the mean radius, as locations.point has them: metres from its centre.
const earthRadius = 6371008.8

// vector is where a point lies.
func vector(p clinic.GeoPoint) []float64 {
	latitude, longitude := p.Latitude*math.Pi/180, p.Longitude*math.Pi/180
	return []float64{
		earthRadius * math.Cos(latitude) * math.Cos(longitude),
		earthRadius * math.Cos(latitude) * math.Sin(longitude),
		earthRadius * math.Sin(latitude),
	}
}

// chord is the straight line between points that are so many metres from each other over the ground.
func chord(metres int) float64 {
	return 2 * earthRadius * math.Sin(float64(metres)/(2*earthRadius))
}

// placed is an area in SQL: whether a location l lies in it, and how far from its middle, in whole metres over the ground.
type placed struct{ holds, distance string }

// place adds the arguments that an area needs.
func (w *where) place(a *clinic.Area) placed {
	switch {
	case a == nil:
		return placed{"true", "NULL::int"}
	case a.Circle != nil:
		return w.circle(*a.Circle)
	}
	organizations, ids := split(a.Locations)
	named := "(l.organization_id, l.id) IN (SELECT * FROM unnest(" + w.mark(organizations) + "::uuid[], " + w.mark(ids) + "::uuid[]))"
	return placed{named, "NULL::int"}
}

// circle looks for the box around a circle, which an index can do, and lets the distance decide.
func (w *where) circle(c clinic.Circle) placed {
	center, reach := "cube("+w.mark(vector(c.Center))+"::float8[])", w.mark(chord(c.Radius))+"::float8"
	return placed{
		fmt.Sprintf("l.point <@ cube_enlarge(%[1]s, %[2]s, 3) AND cube_distance(l.point, %[1]s) <= %[2]s", center, reach),
		fmt.Sprintf("round(%[1]f * asin(least(1, cube_distance(l.point, %[2]s) / %[1]f)))::int", 2*earthRadius, center),
	}
}

// Codes are letters and digits, all of which sort before ~. The code itself is tried first, then what begins with it, then
// what begins with less and less of it.
const selectPostalCenter = `
WITH tries AS (
    SELECT 0 AS turn, $2::text AS least, $2::text AS most
    UNION ALL SELECT 1 + length($2) - n, left($2, n), left($2, n) || '~' FROM generate_series((length($2) + 1) / 2, length($2)) n
), best AS (
    SELECT least, most FROM tries
    WHERE EXISTS (SELECT FROM locations WHERE country = $1 AND postal_key ~>=~ least AND postal_key ~<=~ most AND point IS NOT NULL)
    ORDER BY turn LIMIT 1
), middle AS (
    SELECT avg(point -> 1) AS x, avg(point -> 2) AS y, avg(point -> 3) AS z FROM locations, best
    WHERE country = $1 AND postal_key ~>=~ least AND postal_key ~<=~ most AND point IS NOT NULL
)
SELECT degrees(atan2(z, sqrt(x * x + y * y))) AS latitude, degrees(atan2(y, x)) AS longitude FROM middle WHERE x IS NOT NULL`

// PostalCenter is documented at clinic.Store.
func (d *Directory) PostalCenter(ctx context.Context, country, code string) (clinic.GeoPoint, bool, error) {
	found, err := list[clinic.GeoPoint](ctx, d.db, selectPostalCenter, country, code)
	if err != nil || len(found) == 0 {
		return clinic.GeoPoint{}, false, err
	}
	return found[0], true, nil
}
