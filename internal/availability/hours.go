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

// How many local days before a visit its hours can begin: an overnight window on the day before, or two if a date is
// skipped. A grid that counts from a window's start also depends on the windows it touches, up to a week back.
const (
	overnight = 3
	lookback  = 12
)

// offer is what hours can be limited to: a kind of visit and a way of meeting.
type offer struct {
	kind     clinic.VisitKind
	modality clinic.Modality
}

// hours are a place's open and closed time around a period, as far as they hold for an offer.
type hours struct {
	offer
	clock   clock.Calendar               // the place's
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
	back := overnight
	if o.kind.GridAnchor == clinic.GridWindow {
		back = lookback
	}
	h := hours{offer: o, clock: clock.CalendarOf(around.Start.AddDate(0, 0, -back-3), around.End.AddDate(0, 0, 3), p.Zone)}
	windows := touching(h.daily(r, p, around, back))
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

// minute is the instant of a minute of a local day; 1440 and more are of the next.
func (h hours) minute(d civil.Date, m int) time.Time {
	return h.clock.Instant(civil.DateTimeOf(time.Date(d.Year, d.Month, d.Day, 0, m, 0, 0, time.UTC)))
}
