package clinic

import (
	"math"
	"strings"
	"testing"
)

func round(latitude, longitude float64, radius int) Near {
	return Near{Circle: &Circle{Center: GeoPoint{latitude, longitude}, Radius: radius}}
}

func postal(code, country string, radius int) Near {
	return Near{Postal: &PostalArea{Code: code, Country: country, Radius: radius}}
}

func TestPlacesWithinTheirBoundsAreTaken(t *testing.T) {
	for _, n := range []Near{
		round(90, 180, 100), round(-90, -180, 200_000), postal("1", "US", 100), postal(strings.Repeat("9", 20), "CI", 200_000),
		postal(" sw1a-1 aa ", "GB", 100), {Locations: make([]Ref, 1)}, {Locations: make([]Ref, 100)},
	} {
		if _, err := n.checked(); err != nil {
			t.Errorf("%+v: %v", n, err)
		}
	}
}

func TestBadPlacesAreRefusedWithTheirPath(t *testing.T) {
	both := round(0, 0, 100)
	both.Postal = postal("07030", "US", 100).Postal
	for _, c := range []struct {
		near Near
		path string
	}{
		{Near{}, ""}, {both, ""},
		{round(90.000001, 0, 100), "circle latitude"}, {round(-91, 0, 100), "circle latitude"},
		{round(math.NaN(), 0, 100), "circle latitude"}, {round(math.Inf(-1), 0, 100), "circle latitude"},
		{round(0, 180.000001, 100), "circle longitude"}, {round(0, math.NaN(), 100), "circle longitude"},
		{round(0, math.Inf(1), 100), "circle longitude"},
		{round(0, 0, 99), "circle radiusMeters"}, {round(0, 0, 200_001), "circle radiusMeters"},
		{round(0, 0, 0), "circle radiusMeters"}, {round(0, 0, -100), "circle radiusMeters"},
		{postal("", "US", 100), "postalCode code"}, {postal(" -- ", "US", 100), "postalCode code"},
		{postal(strings.Repeat("9", 21), "US", 100), "postalCode code"},
		{postal("07030", "USA", 100), "postalCode country"}, {postal("07030", "us", 100), "postalCode country"},
		{postal("07030", "XX", 100), "postalCode country"}, {postal("07030", "", 100), "postalCode country"},
		{postal("07030", "US", 99), "postalCode radiusMeters"}, {postal("07030", "US", 200_001), "postalCode radiusMeters"},
		{Near{Locations: []Ref{}}, "locationIds"}, {Near{Locations: make([]Ref, 101)}, "locationIds"},
	} {
		_, err := c.near.checked()
		refused(t, err, c.path)
	}
}

func TestPostalCodesAreComparedByLettersAndDigits(t *testing.T) {
	for written, key := range map[string]string{
		"07030": "07030", " 07030-1234 ": "070301234", "sw1a 1aa": "SW1A1AA", "SW1A1AA": "SW1A1AA", "D-80331": "D80331", "１２": "",
	} {
		if got := postalKey(written); got != key {
			t.Errorf("%q is compared as %q, want %q", written, got, key)
		}
	}
}
