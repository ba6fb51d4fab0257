package availability

import (
	"iter"
	"slices"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/provider"
)

// dayWindow is a window of the weekly hours or of a date's own, of the local day that it starts on.
type dayWindow struct {
	Span
	day      civil.Date
	capacity int
}

// daily lists the windows that start on the local days of a period, or so many before, and hold for the offer. A date that
// the zone's calendar skipped has none; a local time within a gap moves forward.
func (h hours) daily(r Rules, p Place, around Span, back int) []dayWindow {
	first := civil.DateOf(h.clock.Wall(around.Start)).AddDays(-back)
	last := civil.DateOf(h.clock.Wall(around.End)).AddDays(1)
	if first.Before(r.From) {
		first = r.From
	}
	if last.After(r.Until) {
		last = r.Until
	}
	var all []dayWindow
	for d := first; !d.After(last); d = d.AddDays(1) {
		if !h.clock.HasDay(d) {
			continue
		}
		for w := range p.on(d) {
			span := Span{h.minute(d, w.From), h.minute(d, w.To)}
			if h.within(w) && w.Capacity > 0 && !span.IsEmpty() {
				all = append(all, dayWindow{span, d, w.Capacity})
			}
		}
	}
	return all
}

// on yields the hours that start on a local day: the date's own, else those of the latest schedule that covers it.
func (p Place) on(d civil.Date) iter.Seq[provider.Hours] {
	if own, ok := p.DateHours[d]; ok {
		return slices.Values(own)
	}
	covers := func(s provider.Schedule) bool { return s.Covers(d) }
	return func(yield func(provider.Hours) bool) {
		latest := slices.IndexFunc(p.Schedules, covers)
		if latest < 0 {
			return
		}
		for _, w := range p.Schedules[latest].Weekly {
			if w.Weekday == weekday(d) && !yield(w.Hours) {
				return
			}
		}
	}
}

// within says whether hours that may be limited to kinds or ways of meeting hold for the offer.
func (o offer) within(h provider.Hours) bool {
	ofKind := len(h.VisitKinds) == 0 || slices.Contains(h.VisitKinds, o.kind.ID)
	return ofKind && (len(h.Modalities) == 0 || slices.Contains(h.Modalities, o.modality))
}

// touching merges windows that touch, as far as their grid goes: each counts from the first of its run. A run may never
// have begun (round the clock), so once it has lasted a week each local day counts from its own first window.
func touching(windows []dayWindow) []entry[window] {
	type run struct {
		dayWindow
		anchor   time.Time // of the grid
		began    time.Time // of the run
		beganDay civil.Date
	}
	slices.SortFunc(windows, func(a, b dayWindow) int { return a.Start.Compare(b.Start) })
	ended := map[int64]run{} // by its end, the run that started first
	merged := make([]entry[window], 0, len(windows))
	for _, w := range windows {
		this := run{w, w.Start, w.Start, w.day}
		if before, ok := ended[w.Start.Unix()]; ok {
			this.began, this.beganDay = before.began, before.beganDay
			switch {
			case w.day.DaysSince(this.beganDay) < 7:
				this.anchor = this.began
			case before.day == w.day:
				this.anchor = before.anchor
			}
		}
		if _, ok := ended[w.End.Unix()]; !ok {
			ended[w.End.Unix()] = this
		}
		merged = append(merged, entry[window]{Span: w.Span, value: window{this.anchor, w.capacity}})
	}
	return merged
}

func weekday(d civil.Date) provider.Weekday {
	if w := d.Weekday(); w != time.Sunday {
		return provider.Weekday(w)
	}
	return 7
}
