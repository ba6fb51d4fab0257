package postgres_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func weekly(first availability.SlotID, count int) appointment.BookSeries {
	return appointment.BookSeries{
		Recurrence: appointment.Recurrence{First: first, EveryWeeks: 1, Count: count}, Take: appointment.TakeAll, Key: key(),
	}
}

func (d *desk) mustBookSeries(a access.Actor, in appointment.BookSeries) (appointment.BookedSeries, []appointment.Appointment) {
	d.t.Helper()
	done, err := d.BookSeries(d.t.Context(), a, in)
	if err != nil {
		d.t.Fatal(err, left(err))
	}
	return done, d.visitsOf(done.Series)
}

func (d *desk) visitsOf(s appointment.Series) []appointment.Appointment {
	d.t.Helper()
	visits, err := postgres.NewAppointmentStore(postgres.New(d.pool, nil)).VisitsOf(d.t.Context(), s.Ref())
	if err != nil {
		d.t.Fatal(err)
	}
	return visits
}

// left are the dates that a series couldn't have, by their rules.
func left(err error) map[int][]availability.Rule {
	unavailable, _ := errors.AsType[appointment.SeriesUnavailable](err)
	return skipped(unavailable.Dates)
}

func skipped(dates []appointment.SeriesDate) map[int][]availability.Rule {
	rules := map[int][]availability.Rule{}
	for _, d := range dates {
		rules[d.Index] = d.BlockedBy
	}
	return rules
}

func weeks(slot availability.SlotID, n int) availability.SlotID {
	zone, _ := clock.Zone("America/New_York")
	local := clock.Local(slot.Start, zone)
	slot.Start = clock.Instant(civil.DateTime{Date: local.Date.AddDays(7 * n), Time: local.Time}, zone)
	return slot
}

func TestAWeeklySeriesKeepsItsWallClockOverBothChanges(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
		d := newDesk(t)
		zone, err := clock.Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		d.Set(`UPDATE locations SET time_zone = $2 WHERE organization_id = $1`, name)
		first := d.Slot(d.Provider(1), 9, 0)
		monday := civil.Date{Year: 2026, Month: time.June, Day: 15}
		first.Start = clock.Instant(civil.DateTime{Date: monday, Time: civil.Time{Hour: 10}}, zone)
		const count = 44 // into April: both changes lie between
		_, visits := d.mustBookSeries(d.Patient(), weekly(first, count))
		if len(visits) != count {
			t.Fatalf("%s: %d visits", name, len(visits))
		}
		shifts := 0
		for i, ap := range visits {
			want := civil.DateTime{Date: monday.AddDays(7 * i), Time: civil.Time{Hour: 10}}
			if ap.LocalStart != want || clock.Local(ap.Start, zone) != want || ap.SeriesAt != i || ap.TimeZone != name {
				t.Errorf("%s: visit %d is at %v, shown as %v", name, ap.SeriesAt, ap.Start, ap.LocalStart)
			}
			if i > 0 && ap.Start.Sub(visits[i-1].Start) != 7*24*time.Hour {
				shifts++
			}
		}
		if shifts != 2 {
			t.Errorf("%s: the clocks changed %d times", name, shifts)
		}
		d.standing()
	}
}

// all counts the rows of everything that a booking could leave behind, and what is counted in them.
func (d *desk) all() (n [9]int) {
	d.t.Helper()
	for i, sql := range []string{
		`SELECT count(*)::int FROM appointments`, `SELECT count(*)::int FROM claims`, `SELECT count(*)::int FROM event_log`,
		`SELECT count(*)::int FROM message_notices`, `SELECT count(*)::int FROM audit_events`, `SELECT count(*)::int FROM appointment_series`,
		`SELECT count(*)::int FROM idempotency_keys`, `SELECT coalesce(sum(booked), 0)::int FROM party_days`, `SELECT coalesce(sum(booked), 0)::int FROM window_counts`,
	} {
		n[i] = d.count(sql)
	}
	return n
}

func TestOfASeriesAllOrNothingIsBooked(t *testing.T) {
	d := newDesk(t)
	p, ann := d.Provider(1), d.Patient()
	first := d.Slot(p, 10, 0)
	d.capDay(p, 5)
	d.capWindow(p, 5)
	taken := d.mustBook(d.Patient(), weeks(first, 2))
	d.mustBook(ann, weeks(d.Slot(d.Provider(1), 10, 0), 4))
	before := d.all()
	_, err := d.BookSeries(t.Context(), ann, weekly(first, 6))
	if got := left(err); len(got) != 2 || !slices.Equal(got[2], []availability.Rule{availability.ProviderBusy}) || !slices.Equal(got[4], []availability.Rule{availability.PatientBusy}) {
		t.Errorf("%v: %v", err, got)
	}
	if after := d.all(); after != before {
		t.Errorf("of a series that can't be had there is left %v after %v", after, before)
	}
	unavailable, _ := errors.AsType[appointment.SeriesUnavailable](err)
	date := unavailable.Dates[0]
	near, err := d.Alternatives(t.Context(), ann, date.Slot, date.For, 2)
	if err != nil || len(near) != 2 || near[0].Start.Sub(taken.Start).Abs() > time.Hour || near[0].Provider != p.ID {
		t.Errorf("beside %v there are %v, %v", taken.Start, near, err)
	}
	in := weekly(first, 6)
	in.Choices = []appointment.Choice{{Index: 2, Slot: near[0].SlotID}, {Index: 4, Slot: weeks(d.Slot(p, 15, 30), 4)}}
	done, visits := d.mustBookSeries(ann, in)
	if len(visits) != 6 || len(done.Skipped) != 0 || visits[2].Start != near[0].Start || visits[5].Start != weeks(first, 5).Start {
		t.Errorf("%+v", visits)
	}
	d.standing()
}

func TestOfASeriesWhateverIsFreeIsBooked(t *testing.T) {
	d := newDesk(t)
	p, ann, desk := d.Provider(1), d.Patient(), d.FrontDesk()
	first := d.Slot(p, 10, 0)
	blocker := d.Patient()
	d.mustBook(blocker, first)
	d.mustBook(blocker, weeks(first, 2))
	in := weekly(first, 5)
	in.Take, in.Patient = appointment.TakeFree, new(clinic.Ref{Organization: d.Organization, ID: ann.PatientID})
	for again := range 2 {
		done, err := d.BookSeries(t.Context(), desk, in)
		if err != nil || done.Replayed != (again == 1) || done.Series.EveryWeeks != 1 {
			t.Fatalf("%+v, %v", done, err)
		}
		visits := d.visitsOf(done.Series)
		if got := skipped(done.Skipped); len(got) != 2 || len(got[0]) != 1 || got[2][0] != availability.ProviderBusy || done.Skipped[1].LocalStart.Date != (civil.Date{Year: 2026, Month: 6, Day: 22}) {
			t.Errorf("left out %v", done.Skipped)
		}
		if len(visits) != 3 || visits[0].SeriesAt != 1 || visits[2].SeriesAt != 4 {
			t.Errorf("%+v", visits)
		}
	}
	if n := d.count(`SELECT count(*)::int FROM message_notices n JOIN appointments a ON a.id = n.appointment_id WHERE n.kind = 'BOOKED' AND a.series_id IS NOT NULL`); n != 1 {
		t.Errorf("%d visits are confirmed", n)
	}
	if n := d.count(`SELECT count(*)::int FROM message_notices n JOIN appointments a ON a.id = n.appointment_id WHERE n.kind = 'REPLANNED' AND a.series_id IS NOT NULL`); n != 2 {
		t.Errorf("%d visits are only reminded of", n)
	}
	in.Count = 4
	if _, err := d.BookSeries(t.Context(), desk, in); !errors.As(err, new(errs.KeyReused)) {
		t.Errorf("another series under the same key got %v", err)
	}
	d.standing()
}

func TestASeriesForNobodyIsNone(t *testing.T) {
	d := newDesk(t)
	in := weekly(d.Slot(d.Provider(1), 10, 0), 2)
	in.Patient = &clinic.Ref{Organization: d.Organization, ID: sample.NewID()}
	_, err := d.BookSeries(t.Context(), d.FrontDesk(), in)
	if errs.Of(err) != errs.NotFound || err.(*errs.Error).Path[0] != "patientId" {
		t.Errorf("a patient who doesn't exist got %v", err)
	}
}

func TestASeriesIsWithinItsBounds(t *testing.T) {
	d := limitedDesk(t, appointment.Limits{Ahead: 4})
	p, ann := d.Provider(1), d.Patient()
	first := d.Slot(p, 10, 0)
	for what, r := range map[string]appointment.Recurrence{
		"one visit": {First: first, EveryWeeks: 1, Count: 1}, "53 visits": {First: first, EveryWeeks: 1, Count: 53},
		"every 0 weeks": {First: first, Count: 2}, "every 27 weeks": {First: first, EveryWeeks: 27, Count: 2},
	} {
		if _, err := d.BookSeries(t.Context(), ann, appointment.BookSeries{Recurrence: r, Take: appointment.TakeAll, Key: key()}); errs.Of(err) != errs.InvalidInput {
			t.Errorf("%s: %v", what, err)
		}
	}
	d.mustBook(ann, d.Slot(p, 15, 0))
	for _, take := range []appointment.Take{appointment.TakeAll, appointment.TakeFree} {
		in := weekly(first, 4)
		in.Take = take
		before := d.all()
		_, err := d.BookSeries(t.Context(), ann, in)
		d.wantReached(err, errs.FutureAppointments, 4, 1, d.Slot(p, 15, 0).Start)
		if after := d.all(); after != before {
			t.Errorf("%v is left of %v", after, before)
		}
	}
	d.mustBookSeries(ann, weekly(first, 3))
	dates, err := d.SeriesOptions(t.Context(), d.FrontDesk(), appointment.SeriesWanted{Recurrence: appointment.Recurrence{First: d.Slot(p, 11, 0), EveryWeeks: 26, Count: 4}})
	if err != nil {
		t.Fatal(err)
	}
	for i, date := range dates {
		far := []availability.Rule{availability.BeyondMaximumAdvance}
		if (i < 3) != (date.Free != nil) || i == 3 && !slices.Equal(date.BlockedBy, far) || i < 3 && len(date.BlockedBy) > 0 {
			t.Errorf("date %d is free: %v, kept out by %v", i, date.Free, date.BlockedBy)
		}
	}
}

// The dates of a series are judged together: of a kind that may come every second week only, every second can be had.
func TestDatesOfASeriesAreInEachOthersWay(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Requiring(`repeat_after = 1209600`)
	in := weekly(d.Slot(d.Provider(1), 10, 0), 5)
	ann := d.Patient()
	_, err := d.BookSeries(t.Context(), ann, in)
	if got := left(err); len(got) != 2 || !slices.Equal(got[1], []availability.Rule{availability.DuplicateVisit}) || len(got[3]) != 1 {
		t.Errorf("%v: %v", err, got)
	}
	in.EveryWeeks, in.Key = 2, key()
	if _, visits := d.mustBookSeries(ann, in); len(visits) != 5 {
		t.Errorf("%d visits", len(visits))
	}
}

// While others book single visits at the same times, a series is had whole or not at all.
func TestNoSeriesIsHadInHalf(t *testing.T) {
	d := newDesk(t)
	for round := range 6 {
		p, ann := d.Provider(1), d.Patient()
		first := d.Slot(p, 10, 0)
		others := make([]error, 3)
		var series error
		var all sync.WaitGroup
		for i := range others {
			ben := d.Patient()
			all.Go(func() { _, others[i] = d.book(ben, weeks(first, 2*i+1)) })
		}
		all.Go(func() { _, series = d.BookSeries(t.Context(), ann, weekly(first, 6)) })
		all.Wait()
		won := 0
		for _, err := range others {
			if err == nil {
				won++
			}
		}
		visits := d.count(`SELECT count(*)::int FROM appointments WHERE patient_id = $1`, ann.PatientID)
		switch {
		case series == nil && visits == 6 && won == 0:
		case errors.As(series, new(appointment.SeriesUnavailable)) && visits == 0 && won > 0 && won == 3:
		default:
			t.Errorf("round %d: the series got %v with %d visits, %d others", round, series, visits, won)
		}
	}
	d.standing()
	d.withoutDeadlock()
}

func TestThisAndLaterAreCancelled(t *testing.T) {
	d := newDesk(t)
	d.Set(`UPDATE visit_kinds SET late_fee_minor_units = 2500, late_fee_currency = 'USD', free_cancellation_before = 1814400 WHERE organization_id = $1`)
	p, ann := d.Provider(1), d.Patient()
	_, visits := d.mustBookSeries(ann, weekly(d.Slot(p, 10, 0), 6))
	d.mustCancel(ann, visits[3])
	in := appointment.CancelVisit{Appointment: visits[1].Ref(), Reason: appointment.Other, Preview: true}
	seen, err := d.CancelSeries(t.Context(), ann, in)
	if err != nil || len(seen.Appointments) != 4 || seen.Fee == nil || seen.Fee.MinorUnits != 5000 {
		t.Fatalf("%+v, %v", seen.Fee, err)
	}
	in.Preview, in.Key = false, new(key())
	in.AcceptFee = new(4999)
	if _, err := d.CancelSeries(t.Context(), ann, in); !errors.As(err, new(appointment.PolicyBroken)) {
		t.Errorf("too small a fee got %v", err)
	}
	in.AcceptFee = new(5000)
	for range 2 {
		done, err := d.CancelSeries(t.Context(), ann, in)
		if err != nil || len(done.Appointments) != 4 || done.Appointments[0].Status != appointment.Cancelled {
			t.Fatalf("%+v, %v", done, err)
		}
	}
	var left []int
	for _, ap := range d.visitsOf(appointment.Series{OrganizationID: d.Organization, ID: visits[0].SeriesID}) {
		if ap.Status == appointment.Booked {
			left = append(left, ap.SeriesAt)
		}
	}
	if !slices.Equal(left, []int{0}) {
		t.Errorf("%v are left", left)
	}
	if n := d.count(`SELECT count(*)::int FROM message_notices WHERE kind = 'CANCELLED'`); n != 5 {
		t.Errorf("of %d cancellations patients are told", n)
	}
	d.standing()
}

// A week later, each goes where the next one stood; another time of day and provider go with all that follow.
func TestThisAndLaterAreMoved(t *testing.T) {
	d := newDesk(t)
	p, ann, desk := d.Provider(1), d.Patient(), d.FrontDesk()
	first := d.Slot(p, 10, 0)
	_, visits := d.mustBookSeries(ann, weekly(weeks(first, 18), 6)) // over the change in November
	d.capDay(p, 1)
	d.raiseRules(p)
	in := appointment.MoveSeries{Appointment: visits[1].Ref(), Slot: visits[2].Slot(), ExpectedVersion: new(1), Key: key()}
	for range 2 {
		done, err := d.MoveSeries(t.Context(), desk, in)
		if err != nil || len(done.Appointments) != 5 || done.Appointments[4].Start != weeks(first, 24).Start || done.Appointments[0].Version != 2 {
			t.Fatalf("%+v, %v, %v", done, err, left(err))
		}
	}
	d.standing()
	q := d.Provider(1)
	other := weeks(d.Slot(q, 14, 30), 20)
	other.Start = other.Start.AddDate(0, 0, 1)
	busy := d.mustBook(d.Patient(), weeks(other, 2))
	in = appointment.MoveSeries{Appointment: visits[1].Ref(), Slot: other, Key: key()}
	before := d.all()
	_, err := d.MoveSeries(t.Context(), ann, in)
	if got := left(err); len(got) != 1 || !slices.Equal(got[3], []availability.Rule{availability.ProviderBusy}) {
		t.Errorf("%v: %v", err, got)
	}
	if after := d.all(); after != before {
		t.Errorf("%v is left of %v", after, before)
	}
	d.mustCancel(access.Actor(d.FrontDesk()), busy)
	if _, err := d.MoveSeries(t.Context(), ann, in); err != nil {
		t.Fatal(err, left(err))
	}
	for i, ap := range d.visitsOf(appointment.Series{OrganizationID: d.Organization, ID: visits[0].SeriesID}) {
		if i > 0 && (ap.ProviderID != q.ID || ap.LocalStart.Time != (civil.Time{Hour: 14, Minute: 30}) || ap.Reschedules != 1) || i == 0 && ap.Version != 1 {
			t.Errorf("visit %d is at %v with %s", i, ap.LocalStart, ap.ProviderID)
		}
	}
	d.standing()
	alone := d.mustBook(ann, d.Slot(p, 16, 0))
	if _, err := d.MoveSeries(t.Context(), ann, appointment.MoveSeries{Appointment: alone.Ref(), Slot: d.Slot(p, 16, 30), Key: key()}); errs.Of(err) != errs.InvalidInput {
		t.Errorf("what is in no series got %v", err)
	}
}

// Each for itself may go where one of the series is counted, but not all of them together.
func TestVisitsThatMoveTogetherExceedNoCap(t *testing.T) {
	d := newDesk(t)
	p, desk := d.Provider(1), d.FrontDesk()
	first := d.Slot(p, 10, 0)
	_, visits := d.mustBookSeries(d.Patient(), weekly(first, 3))
	next := first
	next.Start = first.Start.AddDate(0, 0, 1)
	for i, to := range []availability.SlotID{1: d.Slot(p, 14, 0), 2: next} {
		if i > 0 {
			if _, err := d.move(desk, visits[i], to); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.capDay(p, 1)
	d.raiseRules(p)
	before := d.all()
	_, err := d.MoveSeries(t.Context(), desk, appointment.MoveSeries{Appointment: visits[0].Ref(), Slot: next, Key: key()})
	if got := left(err); len(got) != 1 || !slices.Equal(got[0], []availability.Rule{availability.DailyCapReached}) {
		t.Errorf("%v: %v", err, got)
	}
	if after := d.all(); after != before {
		t.Errorf("%v is left of %v", after, before)
	}
	d.standing()
}
