package postgres

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// displacedParam is the closure that a visit is moved, or cancelled, for.
type displacedParam struct {
	Closure uuid.UUID `json:"closure"`
	Cause   string    `json:"cause,omitempty"`
}

// meets narrows to visits that meet the span of their location's zone. The bounds around all spans let an index find them.
func (w *where) meets(spans []appointment.ZonedSpan) {
	if spans == nil {
		return
	}
	var zones []string
	var starts, ends []time.Time
	var first, last time.Time
	for i, s := range spans {
		zones, starts, ends = append(zones, s.Zone), append(starts, s.Start), append(ends, s.End)
		if i == 0 || s.Start.Before(first) {
			first = s.Start
		}
		if i == 0 || s.End.After(last) {
			last = s.End
		}
	}
	w.and("a.starts_at > $%d", first.Add(-clinic.MaxOccupied))
	w.and("a.starts_at < $%d", last)
	n := len(w.args)
	w.args = append(w.args, zones, starts, ends)
	w.conditions = append(w.conditions, fmt.Sprintf(`EXISTS (SELECT FROM locations l JOIN unnest($%d::text[], $%d::timestamptz[], $%d::timestamptz[]) z(zone, starts, ends)
    ON z.zone = l.time_zone WHERE l.organization_id = a.organization_id AND l.id = a.location_id AND a.starts_at < z.ends AND a.ends_at > z.starts)`, n+1, n+2, n+3))
}

// startsIn narrows to visits that start in one of some spans; nil: whenever.
func (w *where) startsIn(spans []availability.Span) {
	if spans == nil {
		return
	}
	n := len(w.args)
	w.args = append(w.args, column(spans, func(s availability.Span) time.Time { return s.Start }), column(spans, func(s availability.Span) time.Time { return s.End }))
	w.conditions = append(w.conditions, fmt.Sprintf(`EXISTS (SELECT FROM unnest($%d::timestamptz[], $%d::timestamptz[]) z(starts, ends)
    WHERE a.starts_at >= z.starts AND a.starts_at < z.ends)`, n+1, n+2))
}
