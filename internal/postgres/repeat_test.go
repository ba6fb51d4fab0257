package postgres_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// localDay lists where a provider's free slots begin on a local day.
func (o *office) localDay(of clinic.Ref, day civil.Date, zone *time.Location) (free []civil.Time) {
	o.t.Helper()
	view, err := o.openings.Slots(context.Background(), access.Nobody("r"), availability.Listing{
		Provider: of, VisitKind: o.VisitKind, From: clock.Instant(civil.DateTime{Date: day}, zone), To: clock.Instant(civil.DateTime{Date: day.AddDays(1)}, zone),
	}, everything)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, s := range view.Items {
		free = append(free, s.LocalStart.Time)
	}
	return free
}

// zoned puts the clinic somewhere else, with hours round the clock, at a time.
func (o *office) zoned(name string, now time.Time) *time.Location {
	o.t.Helper()
	zone, err := clock.Zone(name)
	if err != nil {
		o.t.Fatal(err)
	}
	o.Set(`UPDATE locations SET time_zone = $2 WHERE organization_id = $1`, name)
	o.Set(`UPDATE schedules SET weekly = (SELECT jsonb_agg(w || '{"from": 0, "to": 1440}') FROM jsonb_array_elements(weekly) w) WHERE organization_id = $1`)
	o.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`)
	o.clock.Set(now)
	return zone
}

func (o *office) adds(in provider.AddException) provider.Exception {
	o.t.Helper()
	in.Effect, in.Key = provider.Closed, key()
	e, err := o.providers.AddException(context.Background(), o.FrontDesk(), in)
	if err != nil {
		o.t.Fatal(err)
	}
	return e
}

// everyWeek closes a provider's time every week for so many weeks.
func everyWeek(of clinic.Ref, from, to civil.DateTime, weeks int) provider.AddException {
	return provider.AddException{Provider: &of, From: from, To: to, Repeat: &provider.AddRepeat{EveryWeeks: 1, Until: from.Date.AddDays(7 * (weeks - 1))}}
}

func clockTimes(from, to int) (times []civil.Time) { // in minutes, each half an hour
	for m := from; m < to; m += 30 {
		times = append(times, civil.Time{Hour: m / 60, Minute: m % 60})
	}
	return times
}

func TestTimeOffThatReturnsKeepsItsWallClockOverBothClockChanges(t *testing.T) {
	for _, name := range []string{"America/New_York", "Australia/Lord_Howe", "Europe/Berlin"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			doctor := o.Provider(1)
			zone := o.zoned(name, time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC))
			wednesday := civil.Date{Year: 2027, Month: 1, Day: 6}
			offsets := map[int]bool{}
			o.adds(everyWeek(doctor, civil.DateTime{Date: wednesday, Time: civil.Time{Hour: 13}}, civil.DateTime{Date: wednesday, Time: civil.Time{Hour: 17}}, 52))
			want := slices.Concat(clockTimes(0, 13*60), clockTimes(17*60, 24*60))
			for day := wednesday; day.Year == 2027; day = day.AddDays(7) {
				_, offset := clock.Instant(civil.DateTime{Date: day, Time: civil.Time{Hour: 13}}, zone).In(zone).Zone()
				offsets[offset] = true
				if got := o.localDay(doctor, day, zone); !slices.Equal(got, want) {
					t.Errorf("on %v slots begin at %v", day, got)
				}
				o.clock.Advance(7 * 24 * time.Hour)
			}
			if len(offsets) != 2 {
				t.Errorf("over a year the clocks showed %v", offsets)
			}
		})
	}
}

// On the days of the changes a time in a gap or a fold is what it is for time off that is added for the day alone.
func TestTimeOffThatReturnsInAGapOrAFoldIsAsIfItWereAlone(t *testing.T) {
	for _, name := range []string{"America/New_York", "Australia/Lord_Howe", "Europe/Berlin"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			one, other := o.Provider(1), o.Provider(1)
			sunday := civil.Date{Year: 2027, Month: 3, Day: 7}
			zone := o.zoned(name, time.Date(2027, 3, 5, 0, 0, 0, 0, time.UTC))
			from, to := civil.DateTime{Date: sunday, Time: civil.Time{Hour: 1, Minute: 40}}, civil.DateTime{Date: sunday, Time: civil.Time{Hour: 2, Minute: 20}}
			o.adds(everyWeek(one, from, to, 40))
			lengths := map[int]bool{}
			for range 40 {
				alone := provider.AddException{Provider: &other, From: from, To: to}
				o.adds(alone)
				got, want := o.localDay(one, from.Date, zone), o.localDay(other, from.Date, zone)
				if !slices.Equal(got, want) {
					t.Errorf("on %v slots begin at %v, and at %v for who has that day off alone", from.Date, got, want)
				}
				lengths[len(got)] = true
				from.Date, to.Date = from.Date.AddDays(7), to.Date.AddDays(7)
				o.clock.Advance(7 * 24 * time.Hour)
			}
			if len(lengths) < 2 {
				t.Errorf("no Sunday is unlike the others: %v", lengths)
			}
		})
	}
}

// Whoever decides by the hours of before, on any date of the span, decides again.
func TestBookingsWaitForTimeOffThatReturnsAndDecideAgain(t *testing.T) {
	o := newOffice(t)
	doctor := o.Provider(1)
	monday := civil.DateOf(sample.Monday)
	in := everyWeek(doctor, civil.DateTime{Date: monday, Time: civil.Time{Hour: 13}}, civil.DateTime{Date: monday, Time: civil.Time{Hour: 17}}, 40)
	in.Effect, in.Key, in.Repeat.Except = provider.Closed, key(), []civil.Date{monday.AddDays(14)}
	tx, err := o.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(provider_lock($1, $2))`, o.Organization, doctor.ID); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := o.providers.AddException(context.Background(), o.FrontDesk(), in); err != nil {
			t.Error(err)
		}
	})
	o.waiting(1)
	zone, err := clock.Zone(sample.Zone)
	if err != nil {
		t.Fatal(err)
	}
	booked := map[int]error{} // by week
	var mu sync.Mutex
	weeks := []int{0, 1, 2, 20, 39, 40}
	for _, week := range weeks {
		slot, by := o.Slot(doctor, 14, 0), o.Patient()
		slot.Start = clock.Instant(civil.DateTime{Date: monday.AddDays(7 * week), Time: civil.Time{Hour: 14}}, zone)
		wg.Go(func() {
			_, err := o.book(by, slot)
			mu.Lock()
			defer mu.Unlock()
			booked[week] = err
		})
	}
	o.waiting(1 + len(weeks))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	for _, week := range weeks {
		open := week == 2 || week == 40
		closed, refused := errors.AsType[appointment.SlotUnavailable](booked[week])
		if open && booked[week] != nil || !open && (!refused || !slices.Contains(closed.BlockedBy, availability.ProviderClosed)) {
			t.Errorf("in week %d: %v", week, booked[week])
		}
	}
}

// waiting returns once so many sessions wait for a lock.
func (d *desk) waiting(sessions int) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 30*time.Second)
	defer cancel()
	for n := 0; n < sessions; {
		if err := d.pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n); err != nil {
			d.t.Fatal(err)
		}
	}
}

func TestTimeOffThatReturnsLeavesOneTraceOfAllItsDays(t *testing.T) {
	w := newDeskWorld(t)
	var e provider.Exception
	add := func() (err error) {
		e, err = w.Service.AddException(t.Context(), w.FrontDesk, w.Fortnightly("k"))
		return err
	}
	leaves(t, w.pool, once, add)
	told := func(from, until string) {
		t.Helper()
		if got, want := w.lastSpan(t), (span{Topic: "schedule.changed", Provider: w.P.ID.String(), Location: w.L.ID, From: from, Until: until}); got != want {
			t.Errorf("told of %+v, want %+v", got, want)
		}
	}
	told("2027-02-28", "2027-04-29")
	leaves(t, w.pool, nothing, add)
	takes := func(part provider.Part, of uuid.UUID) func() error {
		return func() error {
			_, err := w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(of), part)
			return err
		}
	}
	times := map[string]uuid.UUID{}
	rows, err := w.pool.Query(t.Context(), `SELECT id, local_from::date::text FROM schedule_exceptions`)
	for err == nil && rows.Next() {
		var id uuid.UUID
		var day string
		err = rows.Scan(&id, &day)
		times[day] = id
	}
	if err != nil || len(times) != 5 {
		t.Fatal(times, err)
	}
	leaves(t, w.pool, once, takes(provider.This, times["2027-03-16"]))
	told("2027-03-14", "2027-03-18")
	leaves(t, w.pool, once, takes(provider.ThisAndLater, times["2027-04-13"]))
	told("2027-04-11", "2027-04-29")
	leaves(t, w.pool, once, takes(provider.AllTimes, e.ID))
	told("2027-02-28", "2027-04-01")
	closed := w.Fortnightly("everybody")
	closed.Provider = nil
	leaves(t, w.pool, both, func() (err error) {
		e, err = w.Service.AddException(t.Context(), w.FrontDesk, closed)
		return err
	})
	leaves(t, w.pool, both, takes(provider.AllTimes, e.ID))
}

// Who is at a location only for hours that return comes with the first of them to all that is open there, and leaves with the last.
func TestWhoComesToALocationForHoursThatReturnLeavesItWithAllOfThem(t *testing.T) {
	w := newDeskWorld(t)
	third := w.Ref(w.PutProvider(t, 3).ID)
	fair := w.TimeOff(w.Tomorrow.AddDays(20), "fair")
	fair.Provider, fair.Effect, fair.Capacity = nil, provider.Open, new(1)
	w.AddException(t, fair)
	hours := w.Fortnightly("hours")
	hours.Provider, hours.Effect = &third, provider.Open
	whole := span{Topic: "schedule.changed", Provider: third.ID.String(), Location: w.L.ID}
	for _, part := range []provider.Part{provider.AllTimes, provider.ThisAndLater} {
		hours.Key = string(part)
		first := w.AddException(t, hours)
		if got := w.lastSpan(t); got != whole {
			t.Errorf("comes: told of %+v", got)
		}
		if _, err := w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(first.ID), part); err != nil {
			t.Fatal(err)
		}
		if got := w.lastSpan(t); got != whole {
			t.Errorf("leaves: told of %+v", got)
		}
	}
}

// Of several who take back parts of the same at once each succeeds or finds nothing left.
func TestPartsOfWhatReturnsAreTakenBackAtOnce(t *testing.T) {
	w := newDeskWorld(t)
	for range 5 {
		in := w.Fortnightly(key())
		in.Repeat.EveryWeeks = 1
		e := w.AddException(t, in)
		var ids []uuid.UUID
		rows, err := w.pool.Query(t.Context(), `SELECT id FROM schedule_exceptions ORDER BY local_from`)
		for err == nil && rows.Next() {
			var id uuid.UUID
			err = rows.Scan(&id)
			ids = append(ids, id)
		}
		if err != nil || len(ids) != len(e.Repeat.Dates) {
			t.Fatal(ids, err)
		}
		removed := make([][]clinic.Ref, 4)
		err = clinictest.AtOnce(len(removed), func(i int) (err error) {
			part := []provider.Part{provider.This, provider.ThisAndLater, provider.ThisAndLater, provider.AllTimes}[i]
			removed[i], err = w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(ids[[]int{7, 5, 2, 0}[i]]), part)
			if fault, ok := errors.AsType[*errs.Error](err); ok && fault.Kind == errs.NotFound {
				return nil
			}
			return err
		})
		each := map[uuid.UUID]bool{}
		for _, ref := range slices.Concat(removed...) {
			each[ref.ID] = true
		}
		if n := len(slices.Concat(removed...)); err != nil || n != len(ids) || len(each) != n {
			t.Errorf("of %d times %d were taken back, %d different ones (%v)", len(ids), n, len(each), err)
		}
	}
}
