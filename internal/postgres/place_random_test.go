package postgres_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// globe is a database with places drawn at random, all of one organisation.
type globe struct {
	pool  *pgxpool.Pool
	rooms *clinic.Service
	of    uuid.UUID
}

type spot struct {
	id            uuid.UUID
	at            clinic.GeoPoint
	code, country string
}

func newGlobe(t *testing.T) globe {
	pool := pgtest.New(t)
	w := clinictest.NewWorld(t, postgres.New(pool, keytest.Of(t, pool)).Directory())
	return globe{pool, w.Service, w.Organization}
}

const replaceSpots = `
WITH gone AS (DELETE FROM locations)
INSERT INTO locations (organization_id, id, identifier_system, identifier_value, name, time_zone, address_lines, latitude, longitude, postal_code, country)
SELECT $1, id, 'urn:test', id::text, 'Spot', 'UTC', '{}', latitude, longitude, code, country
FROM unnest($2::uuid[], $3::float8[], $4::float8[], $5::text[], $6::text[]) s (id, latitude, longitude, code, country)`

func (g globe) holds(t *rapid.T, spots []spot) {
	var ids []uuid.UUID
	var latitudes, longitudes []float64
	var codes, countries []string
	for _, s := range spots {
		ids, latitudes, longitudes = append(ids, s.id), append(latitudes, s.at.Latitude), append(longitudes, s.at.Longitude)
		codes, countries = append(codes, s.code), append(countries, s.country)
	}
	if _, err := g.pool.Exec(t.Context(), replaceSpots, g.of, ids, latitudes, longitudes, codes, countries); err != nil {
		t.Fatal(err)
	}
}

// Anywhere, at a pole, or where the date changes.
var points = rapid.Custom(func(t *rapid.T) clinic.GeoPoint {
	latitude := rapid.OneOf(rapid.Float64Range(-90, 90), rapid.Float64Range(88, 90), rapid.Float64Range(-90, -88), rapid.SampledFrom([]float64{-90, 0, 90}))
	longitude := rapid.OneOf(rapid.Float64Range(-180, 180), rapid.Float64Range(178, 180), rapid.Float64Range(-180, -178), rapid.SampledFrom([]float64{-180, 0, 180}))
	return clinic.GeoPoint{Latitude: written(latitude.Draw(t, "latitude")), Longitude: written(longitude.Draw(t, "longitude"))}
})

// written keeps the decimals that people write: a centimetre.
func written(degrees float64) float64 { return math.Round(degrees*1e7) / 1e7 }

// beside is up to two degrees from a point, over a pole or the date line, too.
func beside(t *rapid.T, p clinic.GeoPoint) clinic.GeoPoint {
	q := clinic.GeoPoint{
		Latitude:  written(p.Latitude + rapid.Float64Range(-2, 2).Draw(t, "north")),
		Longitude: written(p.Longitude + rapid.Float64Range(-2, 2).Draw(t, "east")),
	}
	if math.Abs(q.Latitude) > 90 {
		q.Latitude, q.Longitude = math.Copysign(180, q.Latitude)-q.Latitude, q.Longitude+180
	}
	for q.Longitude > 180 {
		q.Longitude -= 360
	}
	for q.Longitude < -180 {
		q.Longitude += 360
	}
	return q
}

// over is the way over the ground of a sphere of the mean radius, by the haversine formula
// (https://en.wikipedia.org/wiki/Haversine_formula).
func over(a, b clinic.GeoPoint) float64 {
	const radius = 6_371_008.8
	rad := func(d float64) float64 { return d * math.Pi / 180 }
	hav := func(d float64) float64 { return math.Pow(math.Sin(rad(d)/2), 2) }
	h := hav(b.Latitude-a.Latitude) + math.Cos(rad(a.Latitude))*math.Cos(rad(b.Latitude))*hav(b.Longitude-a.Longitude)
	return 2 * radius * math.Asin(math.Sqrt(min(1, h)))
}

func TestACircleHoldsWhatIsNearOverTheGround(t *testing.T) {
	g := newGlobe(t)
	inside := 0
	rapid.Check(t, func(t *rapid.T) {
		center := points.Draw(t, "centre")
		var spots []spot
		for i := range rapid.IntRange(1, 12).Draw(t, "spots") {
			s := spot{id: clinictest.NewID(), at: beside(t, center)}
			if i%4 == 3 {
				s.at = points.Draw(t, "spot")
			}
			spots = append(spots, s)
		}
		g.holds(t, spots)
		radius := rapid.OneOf(rapid.IntRange(100, 200_000), rapid.IntRange(100, 20_000)).Draw(t, "radius")
		near := &clinic.Near{Circle: &clinic.Circle{Center: center, Radius: radius}}
		page, err := g.rooms.ListLocations(t.Context(), access.Nobody(""), clinic.LocationFilter{Near: near}, paging.Window{Size: 100})
		if err != nil {
			t.Fatal(err)
		}
		inside += len(page.Items)
		for _, s := range spots {
			i := slices.IndexFunc(page.Items, func(l clinic.Location) bool { return l.ID == s.id })
			switch d := over(center, s.at); {
			case math.Abs(d-float64(radius)) < 0.001: // on the edge
			case i >= 0 != (d < float64(radius)):
				t.Fatalf("%v is %.3f m from %v: listed within %d m: %v", s.at, d, center, radius, i >= 0)
			case i >= 0 && math.Abs(float64(*page.Items[i].DistanceMeters)-d) > 0.501:
				t.Fatalf("%v is %.3f m from %v, told %d m", s.at, d, center, *page.Items[i].DistanceMeters)
			}
		}
	})
	if inside == 0 {
		t.Error("no circle held anything")
	}
}

var postalCodes = rapid.StringMatching(`[01Ab]{1,4}[- ]?[01aB]{0,3}`)

func TestAPostalCodeIsWhereTheLongestBeginningOfItIs(t *testing.T) {
	g := newGlobe(t)
	answers := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		var spots []spot
		for range rapid.IntRange(0, 8).Draw(t, "spots") {
			spots = append(spots, spot{clinictest.NewID(), points.Draw(t, "at"), postalCodes.Draw(t, "code"), rapid.SampledFrom([]string{"US", "DE"}).Draw(t, "country")})
		}
		g.holds(t, spots)
		code := postalCodes.Draw(t, "asked for")
		if len(spots) > 0 && rapid.Bool().Draw(t, "one of them") {
			code = rapid.SampledFrom(spots).Draw(t, "spot").code
		}
		n := clinic.Near{Postal: &clinic.PostalArea{Code: code, Country: "US", Radius: 100}}
		area, err := g.rooms.Area(t.Context(), access.Nobody(""), n)
		want, how := expectedCenter(spots, code)
		answers[how]++
		switch {
		case how == "unknown":
			if err == nil {
				t.Fatalf("%q is known, at %v", code, area.Circle.Center)
			}
		case err != nil:
			t.Fatalf("%q (%s): %v", code, how, err)
		case !math.IsNaN(want.Latitude) && over(want, area.Circle.Center) > 1:
			t.Fatalf("%q (%s) is at %v, want %v", code, how, area.Circle.Center, want)
		}
	})
	for _, how := range []string{"exact", "prefix", "unknown"} {
		if answers[how] == 0 {
			t.Errorf("no code was %s: %v", how, answers)
		}
	}
}

func postalKey(code string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
}

// expectedCenter reads the rule as it is written: every spot, every beginning. It is NaN where spots lie opposite each other.
func expectedCenter(spots []spot, code string) (clinic.GeoPoint, string) {
	if found := those(spots, func(k string) bool { return k == postalKey(code) }); len(found) > 0 {
		return middle(found), "exact"
	}
	for n := len(postalKey(code)); 2*n >= len(postalKey(code)); n-- {
		if found := those(spots, func(k string) bool { return strings.HasPrefix(k, postalKey(code)[:n]) }); len(found) > 0 {
			return middle(found), "prefix"
		}
	}
	return clinic.GeoPoint{}, "unknown"
}

func those(spots []spot, fits func(key string) bool) (found []clinic.GeoPoint) {
	for _, s := range spots {
		if s.country == "US" && fits(postalKey(s.code)) {
			found = append(found, s.at)
		}
	}
	return found
}

func middle(all []clinic.GeoPoint) clinic.GeoPoint {
	var x, y, z float64
	for _, p := range all {
		latitude, longitude := p.Latitude*math.Pi/180, p.Longitude*math.Pi/180
		x, y, z = x+math.Cos(latitude)*math.Cos(longitude), y+math.Cos(latitude)*math.Sin(longitude), z+math.Sin(latitude)
	}
	if math.Hypot(math.Hypot(x, y), z) < 1e-6 {
		return clinic.GeoPoint{Latitude: math.NaN()}
	}
	return clinic.GeoPoint{Latitude: math.Atan2(z, math.Hypot(x, y)) * 180 / math.Pi, Longitude: math.Atan2(y, x) * 180 / math.Pi}
}
