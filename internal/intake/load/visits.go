package load

import (
	"cmp"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// batch makes the nth one. It depends on no other.
func (c *crowd) batch(n int, s span) (Batch, error) {
	b := Batch{Organization: c.Organization}
	var books []*book
	var zones []string
	for i := s.from; i < s.to; i++ {
		staff := c.staff(i)
		_, bookedOut := c.fame(i)
		book, err := c.newBook(c.dice("book of "+c.Today.String(), i), staff, bookedOut)
		if err != nil {
			return b, err
		}
		b.Staff, books, zones = append(b.Staff, staff), append(books, book), append(zones, book.rules.Places[0].TimeZone)
	}
	w := &writer{crowd: c, d: c.dice("visits of "+c.Today.String(), n), people: c.newPeople(n, zones, c.quota(s)), batch: &b}
	left := 0
	for i, book := range books { // what doesn't fit into one's book goes into others'
		asked := left + c.quotas[s.from+i+1] - c.quotas[s.from+i]
		left = asked - w.write(book.fill(asked))
	}
	for _, book := range books {
		left -= w.write(book.fill(left))
	}
	b.People = w.people.list
	slices.SortStableFunc(b.Steps, func(a, b Step) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Visit, b.Visit)) })
	b.count()
	return b, nil
}

// writer makes visits from entries.
type writer struct {
	*crowd
	d      dice
	people *people
	batch  *Batch
}

func (w *writer) write(entries []entry) int {
	for _, e := range entries {
		w.visit(e)
	}
	return len(entries)
}

// reasons are what some say when they book.
var reasons = []string{"Annual shot", "Blood pressure", "New prescription", "Questions about side effects", "Refill", "School form", "Second dose", "Trip abroad"}

// visit is booked, perhaps confirmed, and if it is over: fulfilled, missed or cancelled.
func (w *writer) visit(e entry) {
	d, slot := w.d, e.plan.SlotID
	who := w.people.free(e.plan.Visit())
	caller := w.people.caller(who)
	if d.chance(40) {
		caller = w.frontDesk
	}
	v := Visit{Plan: e.plan, Lane: e.lane, Claim: d.id(e.decided), PatientClaim: d.id(e.decided), ClaimState: active}
	v.Appointment = appointment.Appointment{
		ID: d.id(e.decided), OrganizationID: w.Organization, ProviderID: slot.Provider, LocationID: slot.Location, VisitKindID: slot.VisitKind,
		PatientID: w.people.list[who].ID, Version: 1, Status: appointment.Booked, Modality: slot.Modality, Start: slot.Start, End: e.plan.End,
		LocalStart: e.plan.LocalStart, TimeZone: e.plan.TimeZone, TZDB: clock.ZoneVersion(), CreatedAt: e.decided, UpdatedAt: e.decided, CreatedBy: caller.ID,
	}
	if d.chance(30) {
		v.Reason = private(pick(d, reasons))
	}
	w.step(e.decided, caller, "")
	if at := e.decided.Add(d.during(time.Hour, 6*day)); d.chance(45) && at.Before(w.now) && at.Before(slot.Start.Add(-2*time.Hour)) {
		v.Appointment = appointment.After(v.Appointment, appointment.Confirm, at)
		w.step(at, caller, appointment.Confirm)
	}
	if e.over {
		w.end(&v, w.people.caller(who))
	}
	if e.plan.Occupied.End.Add(over).Compare(w.now) <= 0 && v.ClaimState == active {
		v.ClaimState = past
	}
	w.batch.Visits = append(w.batch.Visits, v)
}

// end takes the last step of a visit that is over.
func (w *writer) end(v *Visit, caller access.Actor) {
	d := w.d
	switch d.weighted([]int{84, 6, 10}) {
	case 0:
		at := v.End.Add(d.during(time.Minute, 10*time.Minute))
		v.Appointment = appointment.After(v.Appointment, appointment.Complete, at)
		w.step(at, w.frontDesk, appointment.Complete)
	case 1:
		at := v.Start.Add(d.during(15*time.Minute, time.Hour))
		v.Appointment = appointment.After(v.Appointment, appointment.MarkNoShow, at)
		w.step(at, w.frontDesk, appointment.MarkNoShow)
	default:
		c := appointment.Cancellation{Reason: appointment.ScheduleConflict, By: appointment.ByPatient}
		c.At = v.UpdatedAt.Add(d.during(time.Minute, v.Start.Sub(v.UpdatedAt)-time.Minute))
		switch d.weighted([]int{50, 20, 10, 20}) {
		case 1:
			c.Reason = appointment.FeelingBetter
		case 2:
			c.Reason = appointment.Transport
		case 3:
			c.Reason, c.By, caller = appointment.ProviderUnavailable, appointment.ByClinic, w.frontDesk
		}
		v.Appointment, v.ClaimState = appointment.AfterCancel(v.Appointment, appointment.Cancel, c), freed
		w.step(c.At, caller, appointment.Cancel)
	}
}

// step notes what is done with the visit that is being made.
func (w *writer) step(at time.Time, actor access.Actor, action appointment.Action) {
	w.batch.Steps = append(w.batch.Steps, Step{
		Stamp: clinic.Stamp{Actor: actor, At: at, AuditID: w.d.id(at)}, Visit: len(w.batch.Visits), Action: action,
	})
}

// count goes through the steps as they were taken: what each leaves of its days and windows, and what is left at the end.
func (b *Batch) count() {
	days := map[Day]availability.Day{}
	windows := map[Window]int{}
	for i := range b.Steps {
		s := &b.Steps[i]
		if s.Action == "" {
			b.Visits[s.Visit].count(s, days, windows, 1)
		} else if s.Action == appointment.Cancel {
			b.Visits[s.Visit].count(s, days, windows, -1)
		}
	}
	for _, v := range b.Visits {
		last := v.End.Add(-time.Microsecond)
		for d := civil.DateOf(v.Start); !d.After(civil.DateOf(last)); d = d.AddDays(1) {
			days[Day{Party: v.PatientID, Date: d}] = availability.Day{}
		}
	}
	for key, day := range days {
		b.Days = append(b.Days, Day{key.Party, key.Date, day})
	}
	for key, n := range windows {
		b.Windows = append(b.Windows, Window{key.Exception, key.Provider, n})
	}
	slices.SortFunc(b.Days, func(x, y Day) int { return cmp.Or(byID(x.Party, y.Party), x.Date.Compare(y.Date)) })
	slices.SortFunc(b.Windows, func(x, y Window) int { return cmp.Or(byID(x.Exception, y.Exception), byID(x.Provider, y.Provider)) })
}

// count has a visit counted once more, or once less.
func (v Visit) count(s *Step, days map[Day]availability.Day, windows map[Window]int, more int) {
	s.Days, s.Windows = map[civil.Date]availability.Day{}, map[uuid.UUID]int{}
	for _, date := range v.Plan.Days {
		key := Day{Party: v.ProviderID, Date: date}
		day := days[key]
		day.Revision++
		if date == v.Plan.Day {
			day.Booked += more
		}
		days[key], s.Days[date] = day, day
	}
	for _, w := range v.Plan.Windows {
		key := Window{Exception: w.ID, Provider: v.ProviderID}
		windows[key] += more
		s.Windows[w.ID] = windows[key]
	}
}
