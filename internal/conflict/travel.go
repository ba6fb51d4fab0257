package conflict

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// tooFar says whether somebody who is at the location over a span can't come from where they are before, or get to where they are after.
// Where they are meanwhile is too far, too, unless that is another rule's business.
func tooFar(here availability.Span, c Case, f Facts, elsewhere []Elsewhere, meanwhile bool) bool {
	return slices.ContainsFunc(elsewhere, func(e Elsewhere) bool {
		switch {
		case e.Overlaps(here):
			return meanwhile
		case !e.End.After(here.Start):
			return here.Start.Sub(e.End) < way(f.Travel, e.Location, c.Plan.Location, e.At, f.Here)
		}
		return e.Start.Sub(here.End) < way(f.Travel, c.Plan.Location, e.Location, f.Here, e.At)
	})
}

// way is how long it takes from one location to another, at most clinic.MaxWay: as the rules know, else by the distance, else, where a point
// isn't known, the margin alone.
func way(t clinic.TravelRules, from, to uuid.UUID, a, b *clinic.GeoPoint) time.Duration {
	for _, r := range t.Routes {
		if r.From == from && r.To == to {
			return min(r.Takes, clinic.MaxWay)
		}
	}
	if a == nil || b == nil || t.Speed <= 0 {
		return t.Margin
	}
	hours := a.Metres(*b) / 1000 / float64(t.Speed)
	return min(t.Margin+time.Duration(hours*float64(time.Hour)).Round(time.Second), clinic.MaxWay)
}
