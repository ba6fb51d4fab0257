package availability

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Query asks for a provider's slots of one kind of visit.
type Query struct {
	VisitKind  uuid.UUID
	Location   uuid.UUID         // zero: all
	Modalities []clinic.Modality // empty: all of the kind
	From, To   time.Time         // visits that start in [From, To)
	Now        time.Time
	Asking     Asking
	Statuses   []Status // empty: Free
	Limit      int      // at most so many, the earliest; 0: all
}

// Openings lists slots by start, location and way of meeting. The times come from the hours before closed periods are cut
// out of them; what each of them is comes from Check's validator. Rules and Taken must hold what ReachOf names.
func Openings(r Rules, t Taken, q Query) []Slot {
	d := newDesk(r, t, q.Now, q.Asking)
	var slots []Slot
	for part := range q.parts() {
		judges := q.judges(d, part)
		possible := candidates(judges, part)
		if q.Limit == 0 {
			slots = slices.Grow(slots, len(possible))
		}
		for _, c := range possible {
			v := judges[c.judge].verdict(c.start)
			if !v.Exists() || !q.wants(v.Slot.Status) {
				continue
			}
			slots = append(slots, v.Slot)
			if len(slots) == q.Limit {
				return slots
			}
		}
	}
	return slots
}

// parts cuts the period for whoever wants the first slots only: a day, then each time twice as far, so that a slot of today
// doesn't wait for the hours and the starts of a year.
func (q Query) parts() iter.Seq[Span] {
	return func(yield func(Span) bool) {
		period, reach := q.period(), day
		if q.Limit == 0 {
			reach = period.End.Sub(period.Start)
		}
		for ; !period.IsEmpty(); period.Start, reach = period.Start.Add(reach), 2*reach {
			if !yield(Span{period.Start, earlier(period.Start.Add(reach), period.End)}) {
				return
			}
		}
	}
}

// Reach is what openings in a period can depend on.
type Reach struct {
	From, Until civil.Date // local days of the rules, and of the days taken
	Busy        Span       // claims and patient's visits that overlap it
}

// ReachOf tells what must be loaded to judge visits that start in [from, to), whatever the zones and kinds of visit.
// Exceptions count when they touch the days or begin on them; holds that are counted against a day or a capped window of
// the period also count when they lie elsewhere.
func ReachOf(from, to time.Time) Reach {
	const farthestZone = 1 // days
	return Reach{
		From:  civil.DateOf(from.UTC()).AddDays(-farthestZone - lookback),
		Until: civil.DateOf(to.Add(clinic.MaxOccupied).UTC()).AddDays(farthestZone),
		Busy:  Span{from.Add(-clinic.MaxOccupied), to.Add(clinic.MaxOccupied)},
	}
}

// judges lists one judge for each place and way of meeting that is asked for, in the order of the answer.
func (q Query) judges(d *desk, part Span) []judge {
	kind, ok := d.rules.Kind(q.VisitKind)
	if !ok {
		return nil
	}
	var all []judge
	for _, p := range d.rules.Places {
		for _, m := range kind.Modalities {
			ofPlace := q.Location == uuid.Nil || q.Location == p.Location
			if ofPlace && (len(q.Modalities) == 0 || slices.Contains(q.Modalities, m)) {
				all = append(all, d.judge(p, offer{kind, m}, part))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b judge) int {
		return cmp.Or(slices.Compare(a.place.Location[:], b.place.Location[:]), cmp.Compare(a.modality, b.modality))
	})
	return all
}

func (q Query) period() Span { return Span{q.From.UTC(), q.To.UTC()} }

func (q Query) wants(s Status) bool {
	if len(q.Statuses) == 0 {
		return s == Free
	}
	return slices.Contains(q.Statuses, s)
}

// candidate is a start that can be on a judge's grid.
type candidate struct {
	start time.Time
	judge int
}

func candidates(judges []judge, period Span) []candidate {
	var all []candidate
	for i, j := range judges {
		starts := j.starts(period)
		all = slices.Grow(all, len(starts))
		for _, start := range starts {
			all = append(all, candidate{start, i})
		}
	}
	if len(judges) > 1 {
		slices.SortFunc(all, func(a, b candidate) int {
			return cmp.Or(a.start.Compare(b.start), cmp.Compare(a.judge, b.judge))
		})
	}
	return all
}
