package availability

import (
	"iter"
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// AllStatuses are those of the contract.
var AllStatuses = []Status{Blocked, Booked, Free, Held}

// SeesAll says whether a caller's listings and streams show slots of every status, not free ones only.
func SeesAll(a access.Actor, organization uuid.UUID) bool {
	return a.IsStaff() && a.In(organization) && a.Has(access.AppointmentsRead)
}

// AskingOf is for whom a caller looks at a provider's openings: holds of their own don't hide any from them.
func AskingOf(a access.Actor, provider clinic.Ref) Asking {
	if !a.In(provider.Organization) {
		return Asking{}
	}
	return asking(a)
}

// SlotsOf lists all slots of a view that start in a period, whatever their state, as who is asking sees them.
func SlotsOf(v View, period Span, now time.Time, a Asking) []Slot {
	return Openings(v.Rules, v.Taken, Query{
		EveryKind: true, From: period.Start, To: period.End, Now: now, Asking: a.knowing(v.Taken), Statuses: AllStatuses,
	})
}

// Owns says whether any hold that stands is kept for whoever is asking.
func (a Asking) Owns(t Taken, now time.Time) bool {
	return a.Holder.Actor != uuid.Nil && slices.ContainsFunc(t.Claims, func(c Claim) bool {
		return c.Hold != uuid.Nil && c.ExpiresAt.After(now) && a.own(c)
	})
}

// Moved is what has come, gone or passed, and may have changed some of a provider's slots.
type Moved struct {
	Busy    []Span             // claims that came, went or changed
	Starts  []Span             // visits that start in here crossed a bound that moves with time
	Whole   []civil.Date       // anything that starts on these local days
	Days    map[civil.Date]int // no more visits than this were counted for a day, before or after
	Windows map[uuid.UUID]int  // the same of capped windows
}

// Touched are the slots that what has moved may have changed, under some rules.
type Touched struct {
	busy     timeline[struct{}]
	starts   timeline[struct{}]
	days     map[civil.Date]bool
	capped   map[uuid.UUID][]Span // by location
	occupied map[uuid.UUID]margin // by kind of visit
	reach    []Span
}

// margin is how far a visit keeps its provider busy before it starts, and after that.
type margin struct{ before, after time.Duration }

func (m margin) of(start time.Time) Span { return Span{start.Add(-m.before), start.Add(m.after)} }

// Under tells which slots may differ. Counts matter when fewer are left of a cap than there are lanes: as many slots as lanes
// can show what is left, and the last one closes all.
func (m Moved) Under(r Rules) Touched {
	t := Touched{
		busy: lineUp(entries(m.Busy)), starts: lineUp(entries(m.Starts)), days: map[civil.Date]bool{},
		capped: map[uuid.UUID][]Span{}, occupied: map[uuid.UUID]margin{}, reach: slices.Clone(m.Starts),
	}
	var widest margin
	for _, k := range r.Kinds {
		of := margin{k.BufferBefore, k.Duration + k.BufferAfter}
		t.occupied[k.ID] = of
		widest = margin{max(widest.before, of.before), max(widest.after, of.after)}
	}
	for _, b := range m.Busy {
		if !b.IsEmpty() {
			t.reach = append(t.reach, Span{b.Start.Add(1 - widest.after), b.End.Add(widest.before)})
		}
	}
	for _, d := range m.Whole {
		t.day(r, d)
	}
	lanes := r.mostLanes()
	for d, counted := range m.Days {
		if r.MaxDaily != nil && *r.MaxDaily-counted < lanes {
			t.day(r, d)
		}
	}
	t.windows(r, m.Windows, lanes)
	return t
}

func entries(spans []Span) []entry[struct{}] {
	list := make([]entry[struct{}], len(spans))
	for i, s := range spans {
		list[i].Span = s
	}
	return list
}

func (t *Touched) day(r Rules, d civil.Date) {
	t.days[d] = true
	for _, p := range r.Places {
		midnight := func(d civil.Date) time.Time { return clock.Instant(civil.DateTime{Date: d}, p.Zone) }
		t.reach = append(t.reach, Span{midnight(d).Add(-day), midnight(d.AddDays(1)).Add(day)}) // a clock that goes back over midnight
	}
}

func (t *Touched) windows(r Rules, counted map[uuid.UUID]int, lanes int) {
	if len(counted) == 0 {
		return
	}
	for _, p := range r.Places {
		for e, span := range r.exceptions(p) {
			n, ok := counted[e.ID]
			if ok && e.MaxAppointments != nil && *e.MaxAppointments-n < lanes {
				t.capped[p.Location] = append(t.capped[p.Location], span)
				t.reach = append(t.reach, span)
			}
		}
	}
}

// mostLanes is the largest number of visits that may run at a time.
func (r Rules) mostLanes() int {
	most := 1
	for _, p := range r.Places {
		for _, s := range p.Schedules {
			for _, w := range s.Weekly {
				most = max(most, w.Capacity)
			}
		}
		for _, hours := range p.DateHours {
			for _, h := range hours {
				most = max(most, h.Capacity)
			}
		}
		for _, e := range p.Exceptions {
			most = max(most, e.Capacity)
		}
	}
	return most
}

// Days yields the days of UTC on which touched slots may start.
func (t Touched) Days() iter.Seq2[civil.Date, Span] {
	return func(yield func(civil.Date, Span) bool) {
		for _, s := range t.reach {
			for d := civil.DateOf(s.Start.UTC()); d.In(time.UTC).Before(s.End); d = d.AddDays(1) {
				start := d.In(time.UTC)
				if !yield(d, Span{later(s.Start, start), earlier(s.End, start.Add(day))}) {
					return
				}
			}
		}
	}
}

// Has says whether a slot may have changed.
func (t Touched) Has(s Slot) bool {
	if t.days[s.LocalStart.Date] || t.starts.touches(moment(s.Start)) {
		return true
	}
	if m, ok := t.occupied[s.VisitKind]; ok && t.busy.touches(m.of(s.Start)) {
		return true
	}
	return slices.ContainsFunc(t.capped[s.Location], func(w Span) bool { return w.Contains(s.Start) })
}

// MayOpen says whether any visit may start in a span, as far as open hours go. Days that the rules don't hold for may have any.
func (r Rules) MayOpen(starts Span) bool {
	first, last := civil.DateOf(starts.Start.UTC()).AddDays(-overnight-1), civil.DateOf(starts.End.UTC()).AddDays(1)
	if first.Before(r.From) || last.After(r.Until) {
		return true
	}
	for _, p := range r.Places {
		for _, k := range r.Kinds {
			for _, m := range k.Modalities {
				if r.hours(p, offer{k, m}, starts).open.touches(starts) {
					return true
				}
			}
		}
	}
	return false
}

// RoughDays lists the days of UTC on which what has moved lies. Slots of others may be touched as well.
func (m Moved) RoughDays() []civil.Date {
	found := map[civil.Date]bool{}
	for _, s := range slices.Concat(m.Busy, m.Starts) {
		found[civil.DateOf(s.Start.UTC())] = true
	}
	for _, d := range m.Whole {
		found[d] = true
	}
	return slices.SortedFunc(maps.Keys(found), civil.Date.Compare)
}
