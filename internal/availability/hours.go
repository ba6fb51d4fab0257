package availability

import (
	"iter"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// lookback is how many local days before a visit its hours can depend on: a run of windows that touch each other counts
// its grid from its beginning, up to a week ago, and overnight windows and skipped days reach a little further.
const lookback = 12

// offer is what hours can be limited to: a kind of visit and a way of meeting.
type offer struct {
	kind     clinic.VisitKind
	modality clinic.Modality
}

// hours are a place's open and closed time around a period, as far as they hold for an offer.
type hours struct {
	offer
	zone    *time.Location
	windows timeline[window]             // may overlap
	open    timeline[int]                // capacity of the open time, in stretches that don't overlap
	closed  timeline[struct{}]           // cuts
	capped  timeline[provider.Exception] // open ones with a cap
}

// window is open time with a grid of its own.
type window struct {
	anchor   time.Time // where a WINDOW grid counts from
	capacity int
}

func (r Rules) hours(p Place, o offer, around Span) hours {
	h := hours{offer: o, zone: p.Zone}
	windows := touching(r.daily(p, o, around))
	windows = slices.DeleteFunc(windows, func(w entry[window]) bool { return !w.Overlaps(around) })
	var closed []entry[struct{}]
	var capped []entry[provider.Exception]
	for e, span := range r.exceptions(p) {
		switch {
		case !span.Overlaps(around):
		case e.Effect == provider.Closed:
			closed = append(closed, entry[struct{}]{Span: span})
		case e.Capacity > 0:
			windows = append(windows, entry[window]{Span: span, value: window{span.Start, e.Capacity}})
			if e.MaxAppointments != nil {
				capped = append(capped, entry[provider.Exception]{Span: span, value: e})
			}
		}
	}
	h.windows, h.closed, h.capped = lineUp(windows), lineUp(closed), lineUp(capped)
	h.open = lineUp(stretches(h.windows.entries))
	return h
}

// capacity is how many visits may run at the same time all through a span; 0 when it isn't all open, cuts aside.
func (h hours) capacity(visit Span) int {
	least, reached := 0, visit.End
	for stretch, capacity := range h.open.over(visit) {
		if stretch.End.Before(reached) {
			return 0
		}
		if least == 0 || capacity < least {
			least = capacity
		}
		reached = stretch.Start
	}
	if reached.After(visit.Start) {
		return 0
	}
	return least
}

// exceptions yields those of the provider at a place, with the instants they stand for.
func (r Rules) exceptions(p Place) iter.Seq2[provider.Exception, Span] {
	return func(yield func(provider.Exception, Span) bool) {
		for _, e := range p.Exceptions {
			ofProvider := e.ProviderID == uuid.Nil || e.ProviderID == r.Provider
			ofPlace := e.LocationID == uuid.Nil || e.LocationID == p.Location
			if ofProvider && ofPlace && !yield(e, Span{clock.Instant(e.From, p.Zone), clock.Instant(e.To, p.Zone)}) {
				return
			}
		}
	}
}

// stretches cuts windows, sorted by start, where the largest capacity may change.
func stretches(windows []entry[window]) []entry[int] {
	var edges []time.Time
	for _, w := range windows {
		edges = append(edges, w.Start, w.End)
	}
	slices.SortFunc(edges, time.Time.Compare)
	edges = slices.CompactFunc(edges, time.Time.Equal)
	var all []entry[int]
	var open []entry[window]
	for i := 1; i < len(edges); i++ {
		now := Span{edges[i-1], edges[i]}
		for len(windows) > 0 && !windows[0].Start.After(now.Start) {
			open, windows = append(open, windows[0]), windows[1:]
		}
		open = slices.DeleteFunc(open, func(w entry[window]) bool { return !w.End.After(now.Start) })
		largest := 0
		for _, w := range open {
			largest = max(largest, w.value.capacity)
		}
		if largest > 0 {
			all = append(all, entry[int]{Span: now, value: largest})
		}
	}
	return all
}

// minute is the instant of a minute of a local day; 1440 and more are of the next.
func minute(d civil.Date, m int, zone *time.Location) time.Time {
	return clock.Instant(civil.DateTimeOf(time.Date(d.Year, d.Month, d.Day, 0, m, 0, 0, time.UTC)), zone)
}
