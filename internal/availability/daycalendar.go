package availability

import (
	"context"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Level is how much of a day is left, for colouring.
type Level string

// The levels of the contract. Closed: nothing was offered that could still be booked. Full: all of it is taken. Limited: fewer
// openings than few are left. Open: more.
const (
	DayClosed  Level = "CLOSED"
	DayFull    Level = "FULL"
	DayLimited Level = "LIMITED"
	DayOpen    Level = "OPEN"
)

const few = 5

// CalendarDay is what a local day has to offer.
type CalendarDay struct {
	Date         civil.Date
	OpeningCount int // up to 100
	FirstStart   *time.Time
	Level        Level
}

// Calendar holds a run of days.
type Calendar struct {
	Days                []CalendarDay
	TimeZone            string
	NextDayWithOpenings *civil.Date // after the days, when they have no opening
	StreamCursor        string
}

// MaxCalendarDays bounds a calendar.
const MaxCalendarDays = 92

// MaxDeskDays bounds how much a calendar looks at: so many days of one provider, or of several at a location each.
const MaxDeskDays = 100_000

// maxAheadDays bounds how far the next day with an opening is looked for, by as much as a search looks at.
const maxAheadDays = MaxDesks * int(MaxSearch/day)

const maxDayOpenings = 100

// Days are those of a calendar.
type Days struct {
	From  civil.Date
	Count int
}

// Check says what is wrong with them.
func (d Days) Check() error {
	var check form.Check
	check.Date(d.From, "from")
	check.Count(d.Count, 1, MaxCalendarDays, "days")
	return check.Err()
}

// Calendar counts the openings that fit on each of some local days. Faults are at fields of the search.
func (f *Finder) Calendar(ctx context.Context, a access.Actor, q Search, days Days) (Calendar, error) {
	h, err := f.hunt(ctx, a, q, Soonest)
	if err != nil {
		return Calendar{}, err
	}
	if q.To == nil {
		h.period.End = farAhead
	}
	c := calendar{hunt: h, from: days.From, days: days.Count}
	cursor, err := f.store.StreamCursor(ctx, h.query.Now)
	if err != nil {
		return Calendar{}, err
	}
	if err = f.store.Snapshot(ctx, c.read); err != nil {
		return Calendar{}, err
	}
	return Calendar{Days: c.tally, TimeZone: c.zone.String(), NextDayWithOpenings: c.next, StreamCursor: cursor}, nil
}

// IsClosed says whether there is nothing at all.
func (c Calendar) IsClosed() bool {
	return c.NextDayWithOpenings == nil && !slices.ContainsFunc(c.Days, func(d CalendarDay) bool { return d.Level != DayClosed })
}

// farAhead is later than anything that can be booked.
var farAhead = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)

// calendar is a calendar under way.
type calendar struct {
	*hunt
	from  civil.Date
	days  int
	zone  *time.Location
	clock clock.Calendar
	tally []CalendarDay
	full  []bool // on the days without openings: whether there would be some, were they not taken
	next  *civil.Date
}

func (c *calendar) read(ctx context.Context, s Snapshot) error {
	if err := c.begin(ctx, s); err != nil {
		return err
	}
	if err := c.place(); err != nil {
		return err
	}
	if len(c.open)*c.days > MaxDeskDays {
		return errs.Invalid("These are " + strconv.Itoa(c.days) + " days of " + strconv.Itoa(len(c.open)) + " providers, and at most " +
			strconv.Itoa(MaxDeskDays) + " days are counted. Narrow the search, or ask for fewer days.")
	}
	end := c.midnight(c.days)
	if err := c.count(ctx, s, Span{later(c.period.Start, c.midnight(0)), earlier(c.period.End, end)}); err != nil {
		return err
	}
	c.settle()
	if slices.ContainsFunc(c.tally, func(d CalendarDay) bool { return d.OpeningCount > 0 }) {
		return nil
	}
	return c.lookAhead(ctx, s, Span{later(c.period.Start, end), c.period.End})
}

// place finds the zone that days are read in.
func (c *calendar) place() error {
	if c.zone = c.query.TimesZone; c.zone == nil {
		c.zone = time.UTC
		for i, p := range c.open {
			if p.TimeZone != c.open[0].TimeZone {
				return errs.Invalid("The places that match are in several time zones. Name the one that days are to be read in.", "timeZone")
			}
			if i == 0 {
				zone, err := clock.Zone(p.TimeZone)
				if err != nil {
					return err
				}
				c.zone = zone
			}
		}
	}
	c.clock = clock.CalendarOf(c.midnight(0).Add(-2*day), c.midnight(c.days).Add(2*day), c.zone)
	c.tally, c.full = make([]CalendarDay, c.days), make([]bool, c.days)
	for i := range c.tally {
		c.tally[i].Date = c.from.AddDays(i)
	}
	return nil
}

// midnight is when the day so many days after the first begins.
func (c *calendar) midnight(days int) time.Time {
	return clock.Instant(civil.DateTime{Date: c.from.AddDays(days)}, c.zone)
}

func (c *calendar) dayOf(start time.Time) int {
	return civil.DateOf(c.clock.Wall(start)).DaysSince(c.from)
}

func (c *calendar) count(ctx context.Context, s Snapshot, period Span) error {
	if period.IsEmpty() || len(c.open) == 0 {
		return nil
	}
	views, err := c.views(ctx, s, c.open, period)
	if err != nil {
		return err
	}
	for _, p := range c.open {
		if err := ctx.Err(); err != nil {
			return err
		}
		v := views[p.Provider]
		for verdict := range c.query.at(p.Desk, period, v).verdicts(v.Rules, v.Taken) {
			c.add(verdict)
		}
	}
	return nil
}

func (c *calendar) add(v Verdict) {
	i := c.dayOf(v.Slot.Start)
	if i < 0 || i >= len(c.tally) {
		return // a zone's clock went back over midnight
	}
	d := &c.tally[i]
	switch {
	case v.Bookable():
		d.OpeningCount = min(d.OpeningCount+1, maxDayOpenings)
		if d.FirstStart == nil || v.Slot.Start.Before(*d.FirstStart) {
			start := v.Slot.Start
			d.FirstStart = &start
		}
	case v.taken():
		c.full[i] = true
	}
}

// taken says whether nothing but others' visits stands against a slot.
func (v Verdict) taken() bool {
	return !slices.ContainsFunc(v.Blocked, func(r Rule) bool {
		return r != ProviderBusy && r != DailyCapReached && r != WindowCapReached
	})
}

func (c *calendar) settle() {
	for i := range c.tally {
		d := &c.tally[i]
		switch {
		case d.OpeningCount >= few:
			d.Level = DayOpen
		case d.OpeningCount > 0:
			d.Level = DayLimited
		case c.full[i]:
			d.Level = DayFull
		default:
			d.Level = DayClosed
		}
	}
}

// lookAhead finds the first day with an opening in a period.
func (c *calendar) lookAhead(ctx context.Context, s Snapshot, period Span) error {
	looked := 0
	for _, reach := range ahead {
		leg := Span{period.Start, earlier(period.Start.Add(reach), period.End)}
		if leg.IsEmpty() || len(c.open) == 0 {
			return nil
		}
		if looked += len(c.open) * int(reach/day); looked > maxAheadDays {
			return errs.Invalid("None of these days has an opening, and too many providers would have to be looked at for the next that has. Narrow the search.")
		}
		views, err := c.views(ctx, s, c.open, leg)
		if err != nil {
			return err
		}
		first, err := c.earliest(ctx, views, leg)
		if err != nil {
			return err
		}
		if !first.IsZero() {
			date := clock.Local(first, c.zone).Date
			c.next = &date
			return nil
		}
		c.open = slices.DeleteFunc(c.open, func(p prospect) bool { return leg.End.After(c.query.horizon(views[p.Provider].Rules)) })
		period.Start = leg.End
	}
	return nil
}

// earliest is the start of the first opening in a leg, or zero.
func (c *calendar) earliest(ctx context.Context, views map[clinic.Ref]View, leg Span) (first time.Time, err error) {
	for _, p := range c.open {
		if err := ctx.Err(); err != nil {
			return first, err
		}
		v := views[p.Provider]
		q := c.query.at(p.Desk, leg, v)
		q.Limit = 1
		if slots := Openings(v.Rules, v.Taken, q); len(slots) > 0 {
			first, leg.End = slots[0].Start, slots[0].Start
		}
	}
	return first, nil
}

// horizon is how far ahead visits can be booked.
func (q Query) horizon(r Rules) time.Time {
	last := q.Now
	for _, k := range r.Kinds {
		if q.EveryKind || k.ID == q.VisitKind {
			last = later(last, q.Now.Add(k.Policy.MaximumAdvance))
		}
	}
	return last
}
