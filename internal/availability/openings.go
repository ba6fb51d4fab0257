package availability

import (
	"cmp"
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
	judges := q.judges(r, t)
	possible := candidates(judges, q.period())
	most := len(possible)
	if q.Limit > 0 {
		most = min(most, q.Limit)
	}
	slots := make([]Slot, 0, most)
	for _, c := range possible {
		v := judges[c.judge].verdict(c.start)
		if !v.Exists() || !q.wants(v.Slot.Status) {
			continue
		}
		slots = append(slots, v.Slot)
		if len(slots) == q.Limit {
			break
		}
	}
	return slots
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
func (q Query) judges(r Rules, t Taken) []judge {
	kind, ok := r.Kind(q.VisitKind)
	if !ok || q.period().IsEmpty() {
		return nil
	}
	d := newDesk(r, t, q.Now, q.Asking)
	var all []judge
	for _, p := range r.Places {
		for _, m := range kind.Modalities {
			ofPlace := q.Location == uuid.Nil || q.Location == p.Location
			if ofPlace && (len(q.Modalities) == 0 || slices.Contains(q.Modalities, m)) {
				all = append(all, d.judge(p, offer{kind, m}, q.period()))
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
