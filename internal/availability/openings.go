package availability

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Query asks for a provider's slots.
type Query struct {
	VisitKind  uuid.UUID
	EveryKind  bool              // of all kinds that the provider offers, whatever VisitKind is
	Location   uuid.UUID         // zero: all
	Modalities []clinic.Modality // empty: all of the kind
	From, To   time.Time         // visits that start in [From, To)
	Times      []TimeRange       // visits that start in one of these; empty: at any time
	TimesZone  *time.Location    // whose wall clock Times are on; nil: the place's own
	Now        time.Time
	Asking     Asking
	Statuses   []Status // empty: Free
	Limit      int      // at most so many, the earliest; 0: all
}

// TimeRange is a part of the day, [From, To) on a wall clock.
type TimeRange struct {
	From provider.TimeOfDay `json:"f"`
	To   provider.TimeOfDay `json:"t"`
}

// Openings lists slots by start, location, way of meeting and kind of visit. The times come from the hours before closed
// periods are cut out of them; what each of them is comes from Check's validator. Rules and Taken must hold what ReachOf names.
func Openings(r Rules, t Taken, q Query) []Slot {
	var slots []Slot
	for v, more := range q.verdicts(r, t) {
		if !q.wants(v.Slot.Status) {
			continue
		}
		if q.Limit == 0 && slots == nil {
			slots = make([]Slot, 0, 1+more)
		}
		slots = append(slots, v.Slot)
		if len(slots) == q.Limit {
			break
		}
	}
	return slots
}

// count counts free slots, up to a most.
func (q Query) count(v View, most int) (n int) {
	for verdict := range q.verdicts(v.Rules, v.Taken) {
		if verdict.Bookable() {
			n++
		}
		if n == most {
			break
		}
	}
	return n
}

// verdicts yields what becomes of the starts on the grid, in the order of Openings, with how many more there may be at once.
func (q Query) verdicts(r Rules, t Taken) iter.Seq2[Verdict, int] {
	return func(yield func(Verdict, int) bool) {
		d := newDesk(r, t, q.Now, q.Asking)
		for part := range q.parts() {
			judges, suits := q.judges(d, part), q.suits(part)
			possible := candidates(judges, part)
			for i, c := range possible {
				if !suits(judges[c.judge], c.start) {
					continue
				}
				if v := judges[c.judge].verdict(c.start); v.Exists() && !yield(v, len(possible)-i-1) {
					return
				}
			}
		}
	}
}

// suits says of starts in a part of the period whether they are at one of the times asked for.
func (q Query) suits(part Span) func(judge, time.Time) bool {
	if len(q.Times) == 0 {
		return func(judge, time.Time) bool { return true }
	}
	wall := func(j judge, start time.Time) time.Time { return j.clock.Wall(start) }
	if q.TimesZone != nil {
		asked := clock.CalendarOf(part.Start.Add(-day), part.End.Add(day), q.TimesZone)
		wall = func(_ judge, start time.Time) time.Time { return asked.Wall(start) }
	}
	return func(j judge, start time.Time) bool {
		shown := wall(j, start)
		at := provider.TimeOfDay(shown.Sub(shown.Truncate(day)) / time.Second)
		return slices.ContainsFunc(q.Times, func(r TimeRange) bool { return r.From <= at && at < r.To })
	}
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

// judges lists one judge for each place, way of meeting and kind that is asked for, in the order of the answer.
func (q Query) judges(d *desk, part Span) []judge {
	var all []judge
	for _, p := range d.rules.Places {
		if q.Location != uuid.Nil && q.Location != p.Location {
			continue
		}
		for _, k := range d.rules.Kinds {
			for _, m := range k.Modalities {
				ofKind := q.EveryKind || q.VisitKind == k.ID
				if ofKind && (len(q.Modalities) == 0 || slices.Contains(q.Modalities, m)) {
					all = append(all, d.judge(p, offer{k, m}, part))
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b judge) int {
		return cmp.Or(slices.Compare(a.place.Location[:], b.place.Location[:]), cmp.Compare(a.modality, b.modality),
			slices.Compare(a.kind.ID[:], b.kind.ID[:]))
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
