package availability

import (
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
)

// Former are a provider's rules as they were before a change.
type Former struct {
	Rules
	From, Until civil.Date // local days that they are known for, and on which openings may differ since; zero: any
}

// span is when visits start that they are known for: in no zone do these days begin earlier or end later.
func (f Former) span(within Span) Span {
	if f.From.IsValid() {
		within.Start = later(within.Start, f.From.AddDays(-1).In(time.UTC))
	}
	if f.Until.IsValid() {
		within.End = earlier(within.End, f.Until.AddDays(2).In(time.UTC))
	}
	return within
}

// Turn is what other rules than before have made of a provider's slots. Both lists are in the order of their starts.
type Turn struct {
	Slots []Slot // as they stand, those that differ
	Gone  []Slot // as they were, those that are no longer
}

// TurnOf compares the slots that start in a period under rules as they are with those under each of the former ones, all with what
// is taken now. What was taken before is told apart by who follows it; where that can't be seen from what rules are now, as when
// buffers or caps have changed, all slots concerned are told.
func TurnOf(v View, former []Former, period Span, now time.Time, a Asking) Turn {
	q := Query{EveryKind: true, From: period.Start, To: period.End, Now: now, Asking: a.knowing(v.Taken), Statuses: AllStatuses}
	present := q.all(v.Rules, v.Taken)
	is := make(map[SlotID]bool, len(present))
	for _, p := range present {
		is[p.Slot.SlotID] = true
	}
	differs, gone := make([]bool, len(present)), map[SlotID]Slot{}
	for _, f := range former {
		known := f.span(period)
		if q.From, q.To = known.Start, known.End; known.IsEmpty() {
			continue
		}
		was := map[SlotID]Verdict{}
		for _, v := range q.all(f.Rules, v.Taken) {
			was[v.Slot.SlotID] = v
			if !is[v.Slot.SlotID] {
				gone[v.Slot.SlotID] = v.Slot
			}
		}
		other := remade(f.Rules, v.Rules)
		for i, p := range present {
			w, existed := was[p.Slot.SlotID]
			differs[i] = differs[i] || known.Contains(p.Slot.Start) &&
				(!existed || p.lanes != w.lanes || !p.Slot.looks(w.Slot) || other(p.Slot))
		}
	}
	var t Turn
	for i, p := range present {
		if differs[i] {
			t.Slots = append(t.Slots, p.Slot)
		}
	}
	for _, s := range gone {
		t.Gone = append(t.Gone, s)
	}
	slices.SortFunc(t.Gone, func(a, b Slot) int { return a.Start.Compare(b.Start) })
	return t
}

// all gathers what becomes of every slot.
func (q Query) all(r Rules, t Taken) (list []Verdict) {
	for v := range q.verdicts(r, t) {
		list = append(list, v)
	}
	return list
}

// looks says whether nothing but its version tells two slots apart.
func (s Slot) looks(o Slot) bool {
	o.Version = s.Version
	return s == o
}

// remade says of slots whether visits count, or keep their provider busy, otherwise than under former rules.
func remade(was, is Rules) func(Slot) bool {
	if !sameCap(was.MaxDaily, is.MaxDaily) {
		return func(Slot) bool { return true }
	}
	kinds := map[uuid.UUID]bool{}
	for _, k := range is.Kinds {
		old, ok := was.Kind(k.ID)
		kinds[k.ID] = !ok || old.BufferBefore != k.BufferBefore || old.BufferAfter != k.BufferAfter || old.Duration != k.Duration
	}
	capped := append(recapped(was, is), recapped(is, was)...)
	return func(s Slot) bool {
		return kinds[s.VisitKind] || slices.ContainsFunc(capped, func(c placed) bool { return c.at == s.Location && c.Contains(s.Start) })
	}
}

func sameCap(a, b *int) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// placed is a span at a location.
type placed struct {
	Span
	at uuid.UUID
}

// recapped lists the capped windows that other rules don't have in the same way.
func recapped(r, other Rules) (list []placed) {
	for _, p := range r.Places {
		there, _ := other.place(p.Location)
		same := map[uuid.UUID]Span{}
		caps := map[uuid.UUID]*int{}
		for e, span := range other.exceptions(there) {
			if there.Zone != nil {
				same[e.ID], caps[e.ID] = span, e.MaxAppointments
			}
		}
		for e, span := range r.exceptions(p) {
			if e.MaxAppointments != nil && (same[e.ID] != span || !sameCap(caps[e.ID], e.MaxAppointments)) {
				list = append(list, placed{span, p.Location})
			}
		}
	}
	return list
}
