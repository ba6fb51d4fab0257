package demo_test

import (
	"testing"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake/demo"
)

func TestTheSitesAreWholeAndInEightZones(t *testing.T) {
	sites, err := demo.Sites()
	if err != nil || len(sites) != 1705 {
		t.Fatalf("%d sites, %v", len(sites), err)
	}
	zones, ids := map[string]bool{}, map[string]bool{}
	for _, s := range sites {
		if _, err := clock.Zone(s.TimeZone); err != nil || *s.Latitude == 0 || *s.Longitude == 0 || *s.Phone == "" || *s.PostalCode == "" {
			t.Fatalf("%+v: %v", s, err)
		}
		zones[s.TimeZone], ids[s.Identifier.Value] = true, true
	}
	if len(zones) != 8 || len(ids) != len(sites) {
		t.Errorf("%d zones, %d different ids", len(zones), len(ids))
	}
}
