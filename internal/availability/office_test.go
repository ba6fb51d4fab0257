package availability_test

import (
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// office is a doctor in New York who sees one patient at a time, Monday to Friday from 9 to 12, for half an hour, and can
// be booked from now, Sunday 1 March 2026, 12:00 UTC, to a year ahead. Times in tests are her wall clock.
func office(changes ...func(*world)) world {
	var weekly []provider.WeeklyHours
	for weekday := provider.Weekday(1); weekday <= 5; weekday++ {
		weekly = append(weekly, provider.WeeklyHours{Weekday: weekday, Hours: provider.Hours{From: 540, To: 720, Capacity: 1}})
	}
	w := world{
		rules: availability.Rules{
			Organization: clinicID, Provider: doctorID, Revision: 1000,
			From: date("2000-01-01"), Until: date("2100-01-01"),
			Kinds: []clinic.VisitKind{{
				ID: kindIDs[0], Duration: 30 * time.Minute, SlotStep: 30 * time.Minute, GridAnchor: clinic.GridDay,
				Modalities: []clinic.Modality{clinic.InPerson}, Policy: clinic.Policy{MaximumAdvance: 365 * 24 * time.Hour},
			}},
			Places: []availability.Place{{
				Location: places[0], DateHours: map[civil.Date][]provider.Hours{},
				Schedules: []provider.Schedule{{EffectiveFrom: date("2000-01-01"), Weekly: weekly}},
			}},
		},
		taken: availability.Taken{Days: map[civil.Date]availability.Day{}, Windows: map[uuid.UUID]int{}},
		query: availability.Query{VisitKind: kindIDs[0], Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
	}
	in("America/New_York")(&w)
	for _, change := range changes {
		change(&w)
	}
	return w
}

func in(zone string) func(*world) {
	return func(w *world) {
		loc, err := clock.Zone(zone)
		if err != nil {
			panic(err)
		}
		w.rules.Places[0].TimeZone, w.rules.Places[0].Zone = zone, loc
	}
}

func kind(change func(*clinic.VisitKind)) func(*world) {
	return func(w *world) { change(&w.rules.Kinds[0]) }
}

// daily gives the office the same windows each day of the week: "09:00-12:00", "22:00-02:00", "09:00-12:00 x2".
func daily(windows ...string) func(*world) {
	return func(w *world) {
		var weekly []provider.WeeklyHours
		for weekday := provider.Weekday(1); weekday <= 7; weekday++ {
			for _, h := range hours(windows...) {
				weekly = append(weekly, provider.WeeklyHours{Weekday: weekday, Hours: h})
			}
		}
		w.rules.Places[0].Schedules[0].Weekly = weekly
	}
}

func hours(windows ...string) []provider.Hours {
	var all []provider.Hours
	for _, s := range windows {
		h := provider.Hours{Capacity: 1}
		span, times, many := strings.Cut(s, " x")
		if many {
			h.Capacity = int(times[0] - '0')
		}
		from, to, _ := strings.Cut(span, "-")
		h.From, h.To = clockMinute(from), clockMinute(to)
		if h.To <= h.From {
			h.To += 1440
		}
		all = append(all, h)
	}
	return all
}

func clockMinute(s string) int {
	return int(s[0]-'0')*600 + int(s[1]-'0')*60 + int(s[3]-'0')*10 + int(s[4]-'0')
}

func on(d string, windows ...string) func(*world) {
	return func(w *world) { w.rules.Places[0].DateHours[date(d)] = hours(windows...) }
}

func except(e provider.Exception, from, to string) func(*world) {
	return func(w *world) {
		e.From, e.To = dateTime(from), dateTime(to)
		if e.ProviderID == uuid.Nil && e.LocationID == uuid.Nil {
			e.ProviderID = doctorID
		}
		w.rules.Places[0].Exceptions = append(w.rules.Places[0].Exceptions, e)
	}
}

var (
	closed = provider.Exception{ID: exceptions[0], Effect: provider.Closed}
	open   = provider.Exception{ID: exceptions[1], Effect: provider.Open, Capacity: 1}
)

func capped(most int) provider.Exception {
	e := open
	e.MaxAppointments = &most
	return e
}

// booked keeps a lane busy, from and to the wall clock of New York.
func booked(lane int, from, to string) func(*world) {
	return func(w *world) {
		w.taken.Claims = append(w.taken.Claims, availability.Claim{
			Lane: lane, Start: w.at(from), End: w.at(to), Appointment: id("other"),
		})
	}
}

func held(by availability.Holder, expires time.Duration, from, to string) func(*world) {
	return func(w *world) {
		w.taken.Claims = append(w.taken.Claims, availability.Claim{
			Start: w.at(from), End: w.at(to), Hold: id("hold"), Holder: by, ExpiresAt: w.query.Now.Add(expires),
			CountedDay: dateTime(from).Date, CountedWindows: []uuid.UUID{exceptions[1]},
		})
	}
}

func askedBy(h availability.Holder) func(*world) {
	return func(w *world) { w.query.Asking.Holder = h }
}

func (w world) at(local string) time.Time {
	return clock.Instant(dateTime(local), w.rules.Places[0].Zone)
}

func (w world) slot(local string) availability.SlotID {
	return availability.SlotID{
		Organization: clinicID, Provider: doctorID, Location: places[0], VisitKind: kindIDs[0], Modality: clinic.InPerson, Start: w.at(local),
	}
}

func (w world) check(id availability.SlotID) availability.Verdict {
	return availability.Check(w.rules, w.taken, id, w.query.Now, w.query.Asking)
}

// day lists the openings of visits that start on a local day, as what the wall clock shows.
func (w world) day(d string) string {
	w.query.From, w.query.To = w.at(d+"T00:00:00"), w.at(date(d).AddDays(1).String()+"T00:00:00")
	var shown []string
	for _, s := range availability.Openings(w.rules, w.taken, w.query) {
		shown = append(shown, s.LocalStart.Time.String()[:5])
	}
	return strings.Join(shown, " ")
}

func date(s string) civil.Date {
	d, err := civil.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func dateTime(s string) civil.DateTime {
	if len(s) == len("2026-03-02T09:00") {
		s += ":00"
	}
	d, err := civil.ParseDateTime(s)
	if err != nil {
		panic(err)
	}
	return d
}

// dayCase says which openings a day has.
type dayCase struct {
	why, day string
	w        world
	want     string
}

func runDays(t *testing.T, cases []dayCase) {
	t.Helper()
	for _, c := range cases {
		if got := c.w.day(c.day); got != c.want {
			t.Errorf("%s: on %s %q, want %q", c.why, c.day, got, c.want)
		}
	}
}
