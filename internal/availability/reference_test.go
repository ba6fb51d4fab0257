package availability_test

import (
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// reference answers by watching a place's wall clock tick by tick and deciding each tick on its own. It shares nothing with
// the engine but the types. A tick is a minute, or a second where the zone's offset has seconds.
type reference struct {
	world
	place availability.Place
	kind  clinic.VisitKind
	way   clinic.Modality

	first time.Time
	tick  time.Duration
	shown []int64 // what the wall clock shows at each tick, as seconds of a calendar without zones

	open    []int  // capacity at each tick, before cuts
	closed  []bool // at each tick
	patient []bool // at each tick
	windows []refWindow
	capped  []refCap
	lanes   map[int][]byte // at each tick: 0 free, 1 held, 2 booked
}

type refWindow struct {
	from, to, anchor int // ticks
	day              civil.Date
	capacity         int
}

type refCap struct {
	id       uuid.UUID
	cap      int
	from, to int
}

// Days before and after the period that are watched; a grid that counts from windows needs more than a week.
const (
	refBack       = 4
	refBackWindow = 15
	refAhead      = 4
)

func watch(w world, p availability.Place, k clinic.VisitKind, way clinic.Modality) *reference {
	f := &reference{world: w, place: p, kind: k, way: way, tick: time.Minute}
	f.first = w.query.From.AddDate(0, 0, -refBack)
	if k.GridAnchor == clinic.GridWindow {
		f.first = w.query.From.AddDate(0, 0, -refBackWindow)
	}
	last := w.query.To.AddDate(0, 0, refAhead)
	for at := f.first; at.Before(last); at = at.Add(time.Hour) {
		if _, offset := at.In(p.Zone).Zone(); offset%60 != 0 {
			f.tick = time.Second
		}
	}
	f.shown = make([]int64, 0, last.Sub(f.first)/f.tick+1)
	for at := f.first; at.Before(last); at = at.Add(f.tick) {
		_, offset := at.In(p.Zone).Zone()
		f.shown = append(f.shown, at.Unix()+int64(offset))
	}
	f.open, f.closed, f.patient = make([]int, len(f.shown)), make([]bool, len(f.shown)), make([]bool, len(f.shown))
	f.watchHours()
	f.watchExceptions()
	f.watchClaims()
	return f
}

// when is the tick at which the clock shows a local time: the first such, or as far behind a jump as it was ahead.
func (f *reference) when(local civil.DateTime) int {
	wanted := local.In(time.UTC).Unix()
	for i, now := range f.shown {
		switch {
		case now == wanted:
			return i
		case i > 0 && f.shown[i-1] < wanted && wanted < now:
			return i - 1 + int((wanted-f.shown[i-1])/int64(f.tick/time.Second))
		}
	}
	if wanted < f.shown[0] {
		return 0
	}
	return len(f.shown)
}

func (f *reference) tickOf(t time.Time) int {
	return min(max(0, int(t.Sub(f.first)/f.tick)), len(f.shown))
}

func (f *reference) timeOf(tick int) time.Time { return f.first.Add(time.Duration(tick) * f.tick) }

func (f *reference) date(tick int) civil.Date {
	return civil.DateOf(time.Unix(f.shown[tick], 0).UTC())
}

func (f *reference) watchHours() {
	var days []civil.Date
	const calendarDay = 24 * 60 * 60
	for i, shown := range f.shown {
		turned := i == 0 || f.shown[i-1]/calendarDay != shown/calendarDay
		if turned && !slices.Contains(days, f.date(i)) {
			days = append(days, f.date(i))
		}
	}
	for _, d := range days[1 : len(days)-2] { // the outermost ones are seen in part only
		for _, h := range f.hoursOn(d) {
			kind := len(h.VisitKinds) == 0 || slices.Contains(h.VisitKinds, f.kind.ID)
			way := len(h.Modalities) == 0 || slices.Contains(h.Modalities, f.way)
			from, to := f.when(minuteOf(d, h.From)), f.when(minuteOf(d, h.To))
			if kind && way && from < to {
				f.windows = append(f.windows, refWindow{from, to, 0, d, h.Capacity})
			}
		}
	}
	for i, w := range f.windows {
		f.windows[i].anchor = f.beginning(w)
	}
}

func (f *reference) hoursOn(d civil.Date) []provider.Hours {
	if own, replaced := f.place.DateHours[d]; replaced {
		return own
	}
	for _, s := range f.place.Schedules {
		if d.Before(s.EffectiveFrom) || (s.EffectiveUntil != nil && d.After(*s.EffectiveUntil)) {
			continue
		}
		var hours []provider.Hours
		for _, w := range s.Weekly {
			if int(w.Weekday)%7 == int(d.Weekday()) {
				hours = append(hours, w.Hours)
			}
		}
		return hours
	}
	return nil
}

// beginning walks back through windows that touch. Of those that end together, the longest is followed. A walk of a week or
// more leads nowhere: then it stays within the day.
func (f *reference) beginning(w refWindow) int {
	back := func(w refWindow) (refWindow, bool) {
		found, ok := refWindow{}, false
		for _, v := range f.windows {
			if v.to == w.from && (!ok || v.from < found.from) {
				found, ok = v, true
			}
		}
		return found, ok
	}
	far, sameDay := w, w
	for v, ok := back(far); ok; v, ok = back(far) {
		if v.day == w.day && sameDay == far {
			sameDay = v
		}
		far = v
	}
	if w.day.DaysSince(far.day) < 7 {
		return far.from
	}
	return sameDay.from
}

func (f *reference) watchExceptions() {
	for _, e := range f.place.Exceptions {
		if (e.ProviderID != uuid.Nil && e.ProviderID != f.rules.Provider) ||
			(e.LocationID != uuid.Nil && e.LocationID != f.place.Location) {
			continue
		}
		from, to := f.when(e.From), f.when(e.To)
		switch {
		case e.Effect == provider.Closed:
			for i := from; i < to; i++ {
				f.closed[i] = true
			}
		case from < to:
			f.windows = append(f.windows, refWindow{from, to, from, civil.Date{}, e.Capacity})
			if e.MaxAppointments != nil {
				f.capped = append(f.capped, refCap{e.ID, *e.MaxAppointments, from, to})
			}
		}
	}
	for _, w := range f.windows {
		for i := w.from; i < w.to; i++ {
			f.open[i] = max(f.open[i], w.capacity)
		}
	}
	for _, v := range f.taken.Patient {
		if f.query.Asking.Moving != nil && v.Appointment == f.query.Asking.Moving.Appointment {
			continue
		}
		for i := f.tickOf(v.Start); i < f.tickOf(v.End); i++ {
			f.patient[i] = true
		}
	}
}

func (f *reference) watchClaims() {
	f.lanes = map[int][]byte{}
	for _, c := range f.taken.Claims {
		if f.lanes[c.Lane] == nil {
			f.lanes[c.Lane] = make([]byte, len(f.shown))
		}
		state := byte(2)
		if c.Hold != uuid.Nil {
			state = 1
		}
		if f.stepsAside(c) {
			continue
		}
		for i := f.tickOf(c.Start); i < f.tickOf(c.End); i++ {
			f.lanes[c.Lane][i] = max(f.lanes[c.Lane][i], state)
		}
	}
}

func (f *reference) stepsAside(c availability.Claim) bool {
	a := f.query.Asking
	if c.Hold == uuid.Nil {
		return a.Moving != nil && c.Appointment == a.Moving.Appointment
	}
	if c.ExpiresAt.Compare(f.query.Now) <= 0 {
		return true
	}
	otherPatient := c.Holder.Patient != uuid.Nil && a.Holder.Patient != uuid.Nil && c.Holder.Patient != a.Holder.Patient
	return a.Holder.Actor != uuid.Nil && c.Holder.Actor == a.Holder.Actor && !otherPatient
}

func minuteOf(d civil.Date, minute int) civil.DateTime {
	return civil.DateTimeOf(d.In(time.UTC).Add(time.Duration(minute) * time.Minute))
}
