package intake_test

import (
	"context"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/intake/demo"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// load imports the publication that the project carries.
func (w *world) load(t *testing.T, on civil.Date) intake.Report {
	t.Helper()
	report, err := w.run(t, demo.Order(w.organization, on, nil))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestThePublicationIsImportedWhole(t *testing.T) {
	w := newWorld(t)
	r := w.load(t, begin)
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"locations", r.Locations, 112},
		{"providers", r.Providers, 112},
		{"windows", r.Windows, 1430},
		{"changed", r.Changed, 1430},
		{"busy", r.Busy, 112},
		{"visits", r.Visits, 46_702},
		{"schedules", r.Schedules, 112},
		{"refused", r.RefusedTotal, 0},
		{"ZIP codes", r.Repaired(intake.PostalCodePadded), 112},
		{"offsets", r.Repaired(intake.OffsetContradicts), 1430},
		{"phones", r.Repaired(intake.PhoneDropped), 29},
		{"kinds of repair", len(r.Repairs), 3},
		{"days moved", r.Shift, begin.DaysSince(civil.Date{Year: 2023, Month: time.March, Day: 24})},
		{"rows of locations", w.count(t, "SELECT count(*) FROM locations"), 112},
		{"distinct names", w.count(t, "SELECT count(DISTINCT name) FROM locations"), 112},
		{"whole ZIP codes", w.count(t, `SELECT count(*) FROM locations WHERE postal_code ~ '^0[78]\d{3}-\d{4}$'`), 112},
		{"whole phones", w.count(t, `SELECT count(*) FROM locations WHERE phone ~ '^\+1\d{10}$'`), 83},
		{"in New York's zone", w.count(t, "SELECT count(*) FROM locations WHERE time_zone = 'America/New_York' AND country = 'US'"), 112},
		{"capped windows", w.count(t, "SELECT count(*) FROM schedule_exceptions WHERE effect = 'OPEN' AND max_appointments > 0"), 1430},
		{"of two lanes", w.count(t, "SELECT count(*) FROM schedule_exceptions WHERE capacity = 2"), 235},
		{"of one lane", w.count(t, "SELECT count(*) FROM schedule_exceptions WHERE capacity = 1"), 1195},
		{"on the first day", w.count(t, "SELECT count(*) FROM schedule_exceptions WHERE local_from < '2026-03-07'"), 0},
		{"on the last day", w.count(t, "SELECT count(*) FROM schedule_exceptions WHERE local_from >= '2026-03-19'"), 112},
		{"after it", w.count(t, "SELECT count(*) FROM schedule_exceptions WHERE local_from >= '2026-03-20'"), 0},
		{"weekly from the day after", w.count(t, "SELECT count(*) FROM schedules WHERE effective_from = '2026-03-20' AND effective_until IS NULL"), 112},
		{"kinds of visit", w.count(t, "SELECT count(*) FROM visit_kinds WHERE key = 'covid19-immunization' AND duration = 900"), 1},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.what, c.got, c.want)
		}
	}
}

func TestASecondImportChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.load(t, begin)
	before := w.digest(t)
	r := w.load(t, begin)
	if after := w.digest(t); after != before {
		t.Errorf("tables changed:\n%s\n%s", before, after)
	}
	if r.Changed != 0 || r.Withdrawn != 0 || r.Windows != 1430 {
		t.Errorf("the report says\n%v", r)
	}
}

func TestAnImportThatWasStoppedGoesOnWhereItWas(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	order := demo.Order(w.organization, begin, func(p intake.Progress) {
		if p.Step == "setting up sites" && p.Done == 40 {
			stop()
		}
	})
	order.ZoneOf, _ = intake.WorldZones()
	if r, err := intake.Import(ctx, w, w.admin, order); err == nil || r.Locations != 40 {
		t.Fatalf("%d locations, %v", r.Locations, err)
	}
	r := w.load(t, begin)
	if n := w.count(t, "SELECT count(*) FROM schedule_exceptions"); n != 1430 || r.Windows != 1430 || r.Locations != 112 || r.Changed == 1430 {
		t.Errorf("%d windows, report\n%v", n, r)
	}
}

func TestAnImportOnAnotherDayMovesTheWindows(t *testing.T) {
	w := newWorld(t)
	w.load(t, begin)
	order := demo.Order(w.organization, begin, nil)
	order.ShiftTo = begin.AddDays(1)
	r, err := w.run(t, order)
	if err != nil {
		t.Fatal(err)
	}
	// The first open day is now before the published period and stays; each other one holds what it would hold alone.
	want := 1430 + w.count(t, "SELECT count(*) FROM schedule_exceptions WHERE local_from < '2026-03-07'")
	if n := w.count(t, "SELECT count(*) FROM schedule_exceptions"); n != want || r.Windows != 1430 || r.Withdrawn == 0 {
		t.Errorf("%d windows, want %d, report\n%v", n, want, r)
	}
}

func TestTheDemoKeepsItsWeekdaysAndIsNeverDry(t *testing.T) {
	for today, friday := range map[civil.Date]civil.Date{begin: begin, begin.AddDays(1): begin.AddDays(7), begin.AddDays(-6): begin} {
		if order := demo.Order(uuid.New(), today, nil); order.ShiftTo != friday || order.WeeklyFrom != today {
			t.Errorf("on %s it begins on %s, with weekly hours from %s", today, order.ShiftTo, order.WeeklyFrom)
		}
	}
	w := newWorld(t)
	w.load(t, begin.AddDays(-4))
	if n := w.count(t, "SELECT count(*) FROM schedules WHERE effective_from = '2026-03-02' AND effective_until = '2026-03-05'"); n != 112 {
		t.Errorf("%d sites have hours until the publication begins", n)
	}
}

// Every window is filled visit by visit, on the rules as they were stored, until nothing in it is free.
func TestEveryWindowCanBeBookedToItsFullCapacity(t *testing.T) {
	w := newWorld(t)
	w.load(t, begin)
	store := postgres.NewAvailabilityStore(w.db)
	visits, windows := 0, 0
	for _, id := range w.ids(t, "SELECT id FROM providers") {
		rules, err := store.Rules(t.Context(), clinic.Ref{Organization: w.organization, ID: id}, begin.AddDays(-14), begin.AddDays(16))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range rules.Places[0].Exceptions {
			windows++
			if booked := fill(t, rules, e); booked != *e.MaxAppointments {
				t.Errorf("%s at %v: %d booked of %d", id, e.From, booked, *e.MaxAppointments)
			} else {
				visits += booked
			}
		}
	}
	if windows != 1430 || visits != 46_702 {
		t.Errorf("%d windows, %d visits", windows, visits)
	}
}

// fill takes whatever remains of a window's openings and counts it.
func fill(t *testing.T, rules availability.Rules, e provider.Exception) (booked int) {
	t.Helper()
	zone := rules.Places[0].Zone
	query := availability.Query{
		VisitKind: rules.Kinds[0].ID, From: clock.Instant(e.From, zone), To: clock.Instant(e.To, zone), Now: now,
	}
	taken := availability.Taken{Days: map[civil.Date]availability.Day{}, Windows: map[uuid.UUID]int{}}
	for {
		openings := availability.Openings(rules, taken, query)
		if len(openings) == 0 {
			return booked
		}
		for _, s := range openings {
			for lane := range min(s.Remaining, *e.MaxAppointments-booked) {
				taken.Claims = append(taken.Claims, availability.Claim{
					ID: uuid.New(), Lane: lane, Start: s.Start, End: s.End, Appointment: uuid.New(),
				})
				booked++
			}
		}
		taken.Windows[e.ID] = booked
	}
}

func TestTheDemoNeverRunsDry(t *testing.T) {
	w := newWorld(t)
	w.load(t, begin)
	store := postgres.NewAvailabilityStore(w.db)
	late := time.Date(2026, 3, 7, 3, 30, 0, 0, time.UTC) // the first day at 22:30
	for _, id := range w.ids(t, "SELECT id FROM providers") {
		for _, at := range []time.Time{late, late.AddDate(0, 0, 13), late.AddDate(0, 0, 14), late.AddDate(0, 6, 0)} {
			rules, err := store.Rules(t.Context(), clinic.Ref{Organization: w.organization, ID: id},
				civil.DateOf(at).AddDays(-14), civil.DateOf(at).AddDays(6))
			if err != nil {
				t.Fatal(err)
			}
			free := availability.Openings(rules, availability.Taken{}, availability.Query{
				VisitKind: rules.Kinds[0].ID, From: at, To: at.AddDate(0, 0, 3), Now: at,
			})
			if len(free) == 0 {
				t.Errorf("provider %s has nothing in the three days after %v", id, at)
			}
		}
	}
}
