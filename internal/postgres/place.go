package postgres

import (
	"context"
	"math"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

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
)
SELECT avg(point -> 1) AS x, avg(point -> 2) AS y, avg(point -> 3) AS z FROM locations, best
WHERE country = $1 AND postal_key ~>=~ least AND postal_key ~<=~ most AND point IS NOT NULL
HAVING count(*) > 0`

// PostalCenter is documented at clinic.Store.
func (d *Directory) PostalCenter(ctx context.Context, country, code string) (clinic.GeoPoint, bool, error) {
	found, err := list[struct{ X, Y, Z float64 }](ctx, d.db.everybody(), selectPostalCenter, country, code)
	if err != nil || len(found) == 0 {
		return clinic.GeoPoint{}, false, err
	}
	middle := found[0]
	return clinic.GeoPoint{
		Latitude:  math.Atan2(middle.Z, math.Hypot(middle.X, middle.Y)) * 180 / math.Pi,
		Longitude: math.Atan2(middle.Y, middle.X) * 180 / math.Pi,
	}, true, nil
}
