package availability

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// tick is the smallest step of the clocks in use.
const tick = time.Microsecond

// edge is a bound that moves with time: so far ahead of now.
type edge struct {
	ahead time.Duration
	opens bool // visits behind it are shown, from the instant on at which they meet it; else they are hidden just after it
}

// edgesOf are those that a kind's visits meet: from its maximum advance on they may be had, until its minimum notice. More are ends
// of periods that are so long from now on.
func edgesOf(k clinic.VisitKind, more []time.Duration) []edge {
	list := []edge{{k.Policy.MaximumAdvance, true}, {k.Policy.MinimumNotice, false}}
	for _, ahead := range more {
		list = append(list, edge{ahead, false})
	}
	return list
}

// crossed is where visits start that met the bound after one instant, up to another.
func (b edge) crossed(from, to time.Time) Span {
	if b.opens {
		from, to = from.Add(tick), to.Add(tick)
	}
	return Span{from.Add(b.ahead), to.Add(b.ahead)}
}

// meets is the first instant at which a visit's crossing shows.
func (b edge) meets(start time.Time) time.Time {
	if b.opens {
		return start.Add(-b.ahead)
	}
	return start.Add(-b.ahead).Add(tick)
}

// Passing is how a provider's slots change by time alone: each becomes available when maximum advance has come to it, and stops
// being so when minimum notice has.
type Passing struct {
	bounds []edge
	span   Span        // that times are known for
	times  []time.Time // at which a slot crosses a bound, sorted
}

// Bounds lists how far ahead of now slots change by time alone. More are ends of periods that are so long from now on.
func (r Rules) Bounds(more ...time.Duration) []time.Duration {
	var list []time.Duration
	for _, b := range r.bounds(more) {
		list = append(list, b.ahead)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (r Rules) bounds(more []time.Duration) []edge {
	var list []edge
	for _, k := range r.Kinds {
		for _, b := range edgesOf(k, more) {
			if !slices.Contains(list, b) {
				list = append(list, b)
			}
		}
	}
	return list
}

// PassingOf finds the times at which slots change within a span, given rules that hold around each of its Bounds.
func PassingOf(r Rules, around map[time.Duration]Rules, span Span, more ...time.Duration) Passing {
	p := Passing{bounds: r.bounds(more), span: span}
	for _, k := range r.Kinds {
		for _, b := range edgesOf(k, more) {
			starts := b.crossed(span.Start, span.End)
			q := Query{VisitKind: k.ID, From: starts.Start, To: starts.End, Now: span.Start, Statuses: AllStatuses}
			for _, s := range Openings(around[b.ahead], Taken{}, q) {
				p.times = append(p.times, b.meets(s.Start))
			}
		}
	}
	slices.SortFunc(p.times, time.Time.Compare)
	p.times = slices.CompactFunc(p.times, time.Time.Equal)
	return p
}

// Knows says whether the times up to an instant are known.
func (p Passing) Knows(now time.Time) bool { return p.span.Contains(now) }

// Between lists where slots start that crossed a bound after one instant, up to another.
func (p Passing) Between(from, to time.Time) []Span {
	if !from.Before(to) || !from.Before(p.span.Start) && !p.any(from, to) {
		return nil
	}
	list := make([]Span, 0, len(p.bounds))
	for _, b := range p.bounds {
		list = append(list, b.crossed(from, to))
	}
	return list
}

func (p Passing) any(from, to time.Time) bool {
	next := p.Next(from)
	return !next.IsZero() && !next.After(to)
}

// Next is the first time after an instant at which a slot changes, or when that is no longer known; zero: never.
func (p Passing) Next(now time.Time) time.Time {
	i, _ := slices.BinarySearchFunc(p.times, now.Add(1), time.Time.Compare)
	if i == len(p.times) {
		return p.span.End
	}
	return p.times[i]
}

// Crossed lists where visits start that crossed a bound of former rules after one instant, up to another, as far as the rules as they
// are have another bound instead: what was seen before may have changed twice, and look as if it never had.
func Crossed(is Rules, former []Former, from, to time.Time) (list []Span) {
	if !from.Before(to) {
		return nil
	}
	for _, f := range former {
		for _, was := range f.Kinds {
			k, ok := is.Kind(was.ID)
			if !ok || slices.Equal(edgesOf(k, nil), edgesOf(was, nil)) {
				continue
			}
			for _, e := range edgesOf(was, nil) {
				if s := e.crossed(from, to); !slices.Contains(list, s) {
					list = append(list, s)
				}
			}
		}
	}
	return list
}

// Lasting is how long slots of a view stay as they are at an instant, as far as time alone goes: the first instant at which one differs.
func Lasting(v View, slots []Slot, now time.Time) time.Time {
	until := now.Add(day)
	note := func(at time.Time) {
		if at.After(now) && at.Before(until) {
			until = at
		}
	}
	for _, c := range v.Taken.Claims {
		if c.Hold != uuid.Nil {
			note(c.ExpiresAt)
		}
	}
	for _, k := range v.Rules.Kinds {
		for _, e := range edgesOf(k, nil) {
			for _, s := range slots {
				if s.VisitKind == k.ID {
					note(e.meets(s.Start))
				}
			}
		}
	}
	return until
}
