package load

import (
	"math"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// book is a provider's while it fills up. Its cells are days that begin at dawn; the first Behind of them are over.
type book struct {
	c         *crowd
	d         dice
	rules     availability.Rules
	bookedOut int                    // so many days ahead
	claims    [][]availability.Claim // by cell
	days      map[civil.Date]availability.Day
	windows   map[uuid.UUID]int
	full      map[page]bool
	weights   []int // of cells; 0: nothing fits any more
}

// page is a cell as far as one kind of visit goes.
type page struct {
	cell int
	kind uuid.UUID
}

// entry is a visit in a book.
type entry struct {
	plan    availability.Plan
	lane    int
	decided time.Time // when it was booked
	over    bool      // by the first day's morning
}

func (c *crowd) newBook(d dice, s Staff, bookedOut int) (*book, error) {
	rules, err := c.rules(s)
	cells := Behind + c.Days
	b := &book{
		c: c, d: d, rules: rules, bookedOut: bookedOut, claims: make([][]availability.Claim, cells), full: map[page]bool{},
		days: map[civil.Date]availability.Day{}, windows: map[uuid.UUID]int{}, weights: make([]int, cells),
	}
	for i := range b.weights {
		b.weights[i] = 1000
		if i >= Behind {
			b.weights[i] = 20 + int(1000*math.Exp(-float64(i-Behind)/20)) // the nearer, the fuller
		}
	}
	return b, err
}

// rules are what openings follow from, as the room reads them.
func (c *crowd) rules(s Staff) (availability.Rules, error) {
	reach := availability.ReachOf(c.cell(0), c.cell(Behind+c.Days))
	r := availability.Rules{
		Organization: s.OrganizationID, Provider: s.ID, Revision: int64(s.Revision()), From: reach.From, Until: reach.Until,
		MaxDaily: s.MaxDailyAppointments,
	}
	for _, k := range c.kinds {
		if slices.Contains(s.VisitKindIDs, k.ID) {
			r.Kinds = append(r.Kinds, k)
		}
	}
	for _, desk := range s.Desks {
		name := c.zones[desk.Location]
		zone, err := clock.Zone(name)
		if err != nil {
			return r, err
		}
		p := availability.Place{
			Location: desk.Location, TimeZone: name, Zone: zone, Schedules: []provider.Schedule{desk.Schedule}, DateHours: map[civil.Date][]provider.Hours{},
		}
		for _, e := range s.Exceptions {
			if e.LocationID == uuid.Nil || e.LocationID == desk.Location {
				p.Exceptions = append(p.Exceptions, e.Exception)
			}
		}
		r.Places = append(r.Places, p)
	}
	return r, nil
}

// cell is when the nth one begins.
func (c *crowd) cell(n int) time.Time { return c.now.Add(time.Duration(n-Behind) * day) }

// fill writes up to n visits, a third of them where it is over, and answers them.
func (b *book) fill(n int) []entry {
	var list []entry
	for cell := Behind; cell < min(Behind+b.bookedOut, len(b.weights)) && len(list) < n; {
		if e, ok := b.write(cell); ok {
			list = append(list, e)
		} else {
			b.weights[cell], cell = 0, cell+1
		}
	}
	list = append(list, b.scatter(b.weights[:Behind], 0, min((n+1)/3, n-len(list)))...)
	list = append(list, b.scatter(b.weights[Behind:], Behind, n-len(list))...)
	return append(list, b.scatter(b.weights[:Behind], 0, n-len(list))...)
}

// scatter writes up to n visits into some cells, from a first one on.
func (b *book) scatter(weights []int, first, n int) []entry {
	list := make([]entry, 0, n)
	for len(list) < n && slices.Max(weights) > 0 {
		cell := b.d.weighted(weights)
		if e, ok := b.write(first + cell); ok {
			list = append(list, e)
		} else {
			weights[cell] = 0
		}
	}
	return list
}

// write takes one of a cell's openings, if any is left.
func (b *book) write(cell int) (entry, bool) {
	kinds := slices.DeleteFunc(slices.Clone(b.rules.Kinds), func(k clinic.VisitKind) bool { return b.full[page{cell, k.ID}] })
	decided := b.c.cell(min(cell, Behind)).Add(-b.ahead())
	for _, i := range b.d.Perm(len(kinds)) {
		open := b.openings(cell, kinds[i], decided)
		if len(open) == 0 {
			b.full[page{cell, kinds[i].ID}] = true
			continue
		}
		if plan, ok := availability.PlanOf(b.rules, pick(b.d, open).SlotID); ok {
			return b.take(cell, plan, decided), true
		}
	}
	return entry{}, false
}

// ahead is how long before a visit's day it is booked: longer than any notice.
func (b *book) ahead() time.Duration {
	if b.d.chance(40) {
		return b.d.during(25*time.Hour, 4*day)
	}
	return b.d.during(4*day, 24*day)
}

// openings are those of a cell as somebody saw them who booked at that time, but that all visits stand already.
func (b *book) openings(cell int, kind clinic.VisitKind, decided time.Time) []availability.Slot {
	modality := kind.Modalities[0] // in person
	if len(kind.Modalities) > 1 && b.d.chance(35) {
		modality = pick(b.d, kind.Modalities[1:])
	}
	t := availability.Taken{Days: b.days, Windows: b.windows, Claims: slices.Concat(b.claims[max(0, cell-1):min(cell+2, len(b.claims))]...)}
	return availability.Openings(b.rules, t, availability.Query{
		VisitKind: kind.ID, Modalities: []clinic.Modality{modality}, From: b.c.cell(cell), To: b.c.cell(cell + 1), Now: decided,
	})
}

// take claims the lowest free lane, as a booking does, and counts.
func (b *book) take(cell int, plan availability.Plan, decided time.Time) entry {
	taken := map[int]bool{}
	for _, claims := range b.claims[max(0, cell-1):min(cell+2, len(b.claims))] {
		for _, claim := range claims {
			if (availability.Span{Start: claim.Start, End: claim.End}).Overlaps(plan.Occupied) {
				taken[claim.Lane] = true
			}
		}
	}
	lane := 0
	for taken[lane] {
		lane++
	}
	b.claims[cell] = append(b.claims[cell], availability.Claim{Lane: lane, Start: plan.Occupied.Start, End: plan.Occupied.End, Appointment: b.rules.Provider})
	day := b.days[plan.Day]
	day.Booked++
	b.days[plan.Day] = day
	for _, w := range plan.Windows {
		b.windows[w.ID]++
	}
	return entry{plan: plan, lane: lane, decided: decided, over: cell < Behind}
}
