package intake

import (
	"fmt"
	"sync"

	"github.com/ringsaturn/tzf"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// WorldZones reads the boundaries of the world's time zones: about 0.8 s the first time and, from then on, 30 MB. At a border it
// is right to about a hundred metres. It knows the zones of open sea too, which no place of ours can have.
var WorldZones = sync.OnceValues(readZones)

func readZones() (ZoneOf, error) {
	finder, err := tzf.NewDefaultFinder()
	if err != nil {
		return nil, fmt.Errorf("time zone boundaries: %w", err)
	}
	return func(p clinic.GeoPoint) string { return finder.GetTimezoneName(p.Longitude, p.Latitude) }, nil
}
