package availability

import (
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Plan is what a booking of a slot claims, counts for and touches.
type Plan struct {
	SlotID
	End        time.Time
	LocalStart civil.DateTime
	TimeZone   string
	Occupied   Span // the visit widened by its buffers: what the provider's claim covers
	Lanes      int  // a free one of 0 to Lanes-1 is to be claimed; 0 outside the hours
	Day        civil.Date
	MaxDaily   *int
	Windows    []WindowCap  // by id
	Days       []civil.Date // sorted: the local days whose openings the booking can change
}

// WindowCap is a capped opening window that a visit is counted for.
type WindowCap struct {
	ID  uuid.UUID
	Cap int
}

// Visit is the bare visit: what the patient's claim covers.
func (p Plan) Visit() Span { return Span{p.Start, p.End} }

// PlanOf tells what a booking would claim, whether or not it can be made; false when the provider doesn't offer the kind or
// isn't at the place.
func PlanOf(r Rules, id SlotID) (Plan, bool) {
	id.Start = id.Start.UTC()
	place, kind, ok := r.find(id)
	if !ok {
		return Plan{}, false
	}
	j := newDesk(r, Taken{}, time.Time{}, Asking{}).judge(place, offer{kind, id.Modality}, moment(id.Start))
	slot := j.slot(id.Start)
	p := Plan{
		SlotID: id, End: slot.End, LocalStart: slot.LocalStart, TimeZone: slot.TimeZone,
		Occupied: Span{id.Start.Add(-kind.BufferBefore), slot.End.Add(kind.BufferAfter)},
		Lanes:    j.capacity(Span{id.Start, slot.End}),
		Day:      slot.LocalStart.Date,
		MaxDaily: r.MaxDaily,
	}
	for _, e := range j.capped.over(moment(id.Start)) {
		p.Windows = append(p.Windows, WindowCap{e.ID, *e.MaxAppointments})
	}
	slices.SortFunc(p.Windows, func(a, b WindowCap) int { return slices.Compare(a.ID[:], b.ID[:]) })
	p.Days = r.touchedDays(p)
	return p, true
}

// touchedDays lists the local days, in the zones of all the provider's places, on which a visit can start that would
// overlap the planned one, and those of the capped windows it is counted for: the last visit closes all of a window.
func (r Rules) touchedDays(p Plan) []civil.Date {
	var longest time.Duration
	for _, k := range r.Kinds {
		longest = max(longest, k.BufferBefore+k.Duration+k.BufferAfter)
	}
	capped := func(id uuid.UUID) bool {
		return slices.ContainsFunc(p.Windows, func(w WindowCap) bool { return w.ID == id })
	}
	var days []civil.Date
	for _, place := range r.Places {
		days = append(days, clock.Days(p.Occupied.Start.Add(-longest), p.Occupied.End.Add(longest), place.Zone)...)
		for e, span := range r.exceptions(place) {
			if capped(e.ID) {
				days = append(days, clock.Days(span.Start, span.End, place.Zone)...)
			}
		}
	}
	slices.SortFunc(days, civil.Date.Compare)
	return slices.Compact(days)
}
