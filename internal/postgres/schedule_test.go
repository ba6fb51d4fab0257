package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/provider/providertest"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestProviderStore(t *testing.T) {
	providertest.Contract(t, func(t *testing.T) providertest.Stores { return onFresh(t).Directory() })
}

// deskWorld is a world with its pool, and a second provider at the same location.
type deskWorld struct {
	providertest.World
	pool   *pgxpool.Pool
	second provider.Provider
}

func newDeskWorld(t *testing.T) deskWorld {
	pool := pgtest.New(t)
	w := deskWorld{World: providertest.NewWorld(t, postgres.New(pool, keytest.Of(t, pool)).Directory()), pool: pool}
	w.second = w.PutProvider(t, 2)
	in := w.Schedule(w.Tomorrow)
	w.SetSchedule(t, in)
	in.Provider = w.Ref(w.second.ID)
	w.SetSchedule(t, in)
	return w
}

var (
	once    = traces{Audits: 1, Events: 1, Revisions: 1}
	both    = traces{Audits: 1, Events: 2, Revisions: 2}
	nothing = traces{}
)

func TestChangesOfHoursLeaveOneTraceAndRepetitionsNone(t *testing.T) {
	w := newDeskWorld(t)
	ctx := t.Context()
	schedule := w.Schedule(w.NextMonth)
	setSchedule := func() error {
		_, err := w.Service.SetSchedule(ctx, w.FrontDesk, schedule)
		return err
	}
	leaves(t, w.pool, once, setSchedule)
	leaves(t, w.pool, nothing, setSchedule)
	day := provider.SetDateHours{Provider: w.P, Location: w.L, Date: w.NextMonth, Hours: []provider.Opening{schedule.Hours[0].Opening}}
	setDay := func() error {
		_, err := w.Service.SetDateHours(ctx, w.FrontDesk, day)
		return err
	}
	for _, hours := range [][]provider.Opening{day.Hours, {}, nil} {
		day.Hours = hours
		leaves(t, w.pool, once, setDay)
		leaves(t, w.pool, nothing, setDay)
	}
	var e provider.Exception
	addException := func() (err error) {
		e, err = w.Service.AddException(ctx, w.FrontDesk, w.TimeOff(w.Tomorrow, "k"))
		return err
	}
	leaves(t, w.pool, once, addException)
	leaves(t, w.pool, nothing, addException)
	leaves(t, w.pool, once, func() error {
		_, err := w.Service.RemoveException(ctx, w.FrontDesk, w.Ref(e.ID), provider.This)
		return err
	})
	putOpenings := func() error {
		_, err := w.Service.PutOpenings(ctx, w.FrontDesk, w.P, w.L, []provider.OpenWindow{
			{Key: "1", From: providertest.At(w.Tomorrow, 9, 0), To: providertest.At(w.Tomorrow, 12, 0), Capacity: 2},
			{Key: "2", From: providertest.At(w.Tomorrow, 13, 0), To: providertest.At(w.Tomorrow, 15, 0), Capacity: 2},
		})
		return err
	}
	leaves(t, w.pool, once, putOpenings)
	leaves(t, w.pool, nothing, putOpenings)
}

func TestWhatAllProvidersFollowFromConcernsAllOfThem(t *testing.T) {
	w := newDeskWorld(t)
	ctx := t.Context()
	location, kind, person := clinictest.Location(1), clinictest.VisitKind(1), w.Input(1)
	put := func() error {
		_, err := w.Clinic().PutLocation(ctx, w.Admin, location)
		return err
	}
	location.Name = "Renamed"
	leaves(t, w.pool, traces{Audits: 1}, put)
	for _, change := range []func(){
		func() { location.TimeZone = "America/Chicago" },
		func() { location.Latitude, location.Longitude = new(41.0), new(-87.0) },
		func() { location.StepFreeAccess = new(true) },
	} {
		change()
		leaves(t, w.pool, both, put)
	}
	leaves(t, w.pool, nothing, put)
	kind.Duration = 20 * time.Minute
	leaves(t, w.pool, both, func() error {
		_, err := w.Clinic().PutVisitKind(ctx, w.Admin, kind)
		return err
	})
	closed := w.TimeOff(w.Tomorrow, "holiday")
	closed.Provider = nil
	var e provider.Exception
	leaves(t, w.pool, both, func() (err error) {
		e, err = w.Service.AddException(ctx, w.FrontDesk, closed)
		return err
	})
	leaves(t, w.pool, both, func() error {
		_, err := w.Service.RemoveException(ctx, w.FrontDesk, w.Ref(e.ID), provider.This)
		return err
	})
	person.Name = "Renamed"
	putPerson := func() error {
		_, err := w.Service.PutProvider(ctx, w.Admin, person)
		return err
	}
	leaves(t, w.pool, once, putPerson)
	leaves(t, w.pool, nothing, putPerson)
}

// span is what the last event tells.
type span struct {
	Location        uuid.UUID
	From, Until     string
	Provider, Topic string
}

func (w deskWorld) lastSpan(t *testing.T) (s span) {
	t.Helper()
	var payload struct {
		Location    uuid.UUID
		From, Until string
	}
	err := w.pool.QueryRow(t.Context(), `SELECT topic, provider_id::text, payload FROM event_log ORDER BY position DESC LIMIT 1`).
		Scan(&s.Topic, &s.Provider, &payload)
	if err != nil {
		t.Fatal(err)
	}
	s.Location, s.From, s.Until = payload.Location, payload.From, payload.Until
	return s
}

func TestAnEventTellsWhoseOpeningsChangeAndWhen(t *testing.T) {
	w := newDeskWorld(t)
	w.AddException(t, w.TimeOff(w.Tomorrow, "k"))
	want := span{Topic: "schedule.changed", Provider: w.P.ID.String(), Location: w.L.ID, From: "2027-02-28", Until: "2027-03-04"}
	if got := w.lastSpan(t); got != want {
		t.Errorf("%+v", got)
	}
}

// What is open at a location to all is open with whoever comes, and so is what is open with them wherever they are, on any day.
func TestWhoComesToALocationComesToAllThatIsOpenThere(t *testing.T) {
	w := newDeskWorld(t)
	third := w.PutProvider(t, 3)
	elsewhere, err := w.Clinic().PutLocation(t.Context(), w.Admin, clinictest.Location(2))
	if err != nil {
		t.Fatal(err)
	}
	open := func(in provider.AddException) {
		in.Effect, in.Capacity = provider.Open, new(1)
		w.AddException(t, in)
	}
	toAll := w.TimeOff(w.Tomorrow.AddDays(20), "fair")
	toAll.Provider = nil
	open(toAll)
	everywhere := w.TimeOff(w.Tomorrow.AddDays(21), "rounds")
	everywhere.Provider, everywhere.Location = new(w.Ref(third.ID)), nil
	around := span{Topic: "schedule.changed", Provider: third.ID.String(), From: "2027-02-28", Until: "2027-03-11"}
	whole := span{Topic: "schedule.changed", Provider: third.ID.String()}
	one := []provider.Opening{{From: provider.At(9, 0), To: provider.At(10, 0), Capacity: 1}}
	two := []provider.Opening{{From: provider.At(9, 0), To: provider.At(10, 0), Capacity: 2}}
	for _, step := range []struct {
		what   string
		before func()
		at     uuid.UUID
		hours  []provider.Opening
		want   span
	}{
		{"comes", nil, w.L.ID, one, whole},
		{"is there", nil, w.L.ID, two, around},
		{"leaves", nil, w.L.ID, nil, whole},
		{"comes where nothing is open", nil, elsewhere.ID, one, around},
		{"leaves where nothing is open", nil, elsewhere.ID, nil, around},
		{"comes with what is open wherever they are", func() { open(everywhere) }, elsewhere.ID, one, whole},
	} {
		if step.before != nil {
			step.before()
		}
		in := provider.SetDateHours{Provider: w.Ref(third.ID), Location: w.Ref(step.at), Date: w.Tomorrow, Hours: step.hours}
		if _, err := w.Service.SetDateHours(t.Context(), w.Admin, in); err != nil {
			t.Fatal(err)
		}
		step.want.Location = step.at
		if got := w.lastSpan(t); got != step.want {
			t.Errorf("who %s: %+v", step.what, got)
		}
	}
}

func TestAWindowThatIsTakenBackKeepsItsCounter(t *testing.T) {
	w := newDeskWorld(t)
	in := w.TimeOff(w.Tomorrow, "k")
	in.Effect, in.MaxAppointments = provider.Open, new(int)
	e := w.AddException(t, in)
	_, err := w.pool.Exec(t.Context(), `INSERT INTO window_counts VALUES ($1, $2, $3, 1)`, w.Organization, e.ID, w.P.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(e.ID), provider.This); err != nil {
		t.Fatal(err)
	}
	var booked int
	if err := w.pool.QueryRow(t.Context(), `SELECT booked FROM window_counts`).Scan(&booked); err != nil || booked != 1 {
		t.Errorf("the visits in the window would lower %d (%v)", booked, err)
	}
}

// Eight callers see that something is to be done before the first of them can do it: one of them writes it.
func TestTheSameChangeAtOnceIsWrittenOnce(t *testing.T) {
	w := newDeskWorld(t)
	ctx := t.Context()
	location, kind, person := clinictest.Location(1), clinictest.VisitKind(1), w.Input(1)
	location.TimeZone, kind.Duration, person.Name = "America/Chicago", time.Hour, "Renamed"
	w.PutLocation(t, 2)
	renamed := clinictest.Location(2)
	renamed.Name = "Renamed"
	for name, c := range map[string]struct {
		want   traces
		change func() error
	}{
		"schedule": {once, func() error {
			_, err := w.Service.SetSchedule(ctx, w.FrontDesk, w.Schedule(w.NextMonth))
			return err
		}},
		"date": {once, func() error {
			_, err := w.Service.SetDateHours(ctx, w.FrontDesk, provider.SetDateHours{Provider: w.P, Location: w.L, Date: w.NextMonth, Hours: []provider.Opening{}})
			return err
		}},
		"openings": {once, func() error {
			_, err := w.Service.PutOpenings(ctx, w.FrontDesk, w.P, w.L, []provider.OpenWindow{
				{Key: "1", From: providertest.At(w.Tomorrow, 9, 0), To: providertest.At(w.Tomorrow, 12, 0), Capacity: 2},
			})
			return err
		}},
		"provider": {once, func() error {
			_, err := w.Service.PutProvider(ctx, w.Admin, person)
			return err
		}},
		"location": {both, func() error {
			_, err := w.Clinic().PutLocation(ctx, w.Admin, location)
			return err
		}},
		"location without providers": {traces{Audits: 1}, func() error {
			_, err := w.Clinic().PutLocation(ctx, w.Admin, renamed)
			return err
		}},
		"kind": {both, func() error {
			_, err := w.Clinic().PutVisitKind(ctx, w.Admin, kind)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			leaves(t, w.pool, c.want, func() error {
				w.held(t, 8, w.bookingsUnderWay, func() error {
					return clinictest.AtOnce(8, func(int) error { return c.change() })
				})
				return nil
			})
		})
	}
}

// bookingsUnderWay keeps changes of both providers' hours waiting, and of all locations.
func (w deskWorld) bookingsUnderWay(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `SELECT FROM locations FOR SHARE`); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared(provider_lock($1, $2)), pg_advisory_xact_lock_shared(provider_lock($1, $3))`,
		w.Organization, w.P.ID, w.second.ID)
	return err
}

// held runs f beside a transaction that is in its way, and lets the transaction commit once so many sessions wait for it.
func (w deskWorld) held(t *testing.T, sessions int, block func(context.Context, pgx.Tx) error, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tx, err := w.pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := block(ctx, tx); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f() }()
	for waiting := 0; waiting < sessions; {
		if err := w.pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			t.Fatalf("it didn't wait (%v)", err)
		default:
		}
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func (w deskWorld) revision(t *testing.T, id uuid.UUID) (n int) {
	t.Helper()
	if err := w.pool.QueryRow(t.Context(), `SELECT schedule_revision FROM providers WHERE id = $1`, id).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAChangeWaitsForBookingsUnderWay(t *testing.T) {
	w := newDeskWorld(t)
	w.held(t, 1, w.bookingsUnderWay, func() error {
		_, err := w.Service.SetSchedule(t.Context(), w.FrontDesk, w.Schedule(w.NextMonth))
		return err
	})
}

// A provider who comes to a location while its zone changes, or while it is closed, is concerned too.
func TestAProviderWhoJoinsMeanwhileIsConcernedToo(t *testing.T) {
	for name, change := range map[string]func(w deskWorld) error{
		"zone": func(w deskWorld) error {
			in := clinictest.Location(1)
			in.TimeZone = "America/Chicago"
			_, err := w.Clinic().PutLocation(t.Context(), w.Admin, in)
			return err
		},
		"closing": func(w deskWorld) error {
			in := w.TimeOff(w.Tomorrow, "k")
			in.Provider = nil
			_, err := w.Service.AddException(t.Context(), w.FrontDesk, in)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newDeskWorld(t)
			third := w.PutProvider(t, 3)
			before := w.revision(t, third.ID)
			w.held(t, 1, func(ctx context.Context, tx pgx.Tx) error {
				_, err := tx.Exec(ctx, `SELECT FROM locations WHERE id = $1 FOR SHARE`, w.L.ID)
				if err == nil {
					_, err = tx.Exec(ctx, `INSERT INTO schedules VALUES ($1, $2, $3, $4, '2027-01-01', NULL, '[]')`,
						w.Organization, clinictest.NewID(), third.ID, w.L.ID)
				}
				return err
			}, func() error { return change(w) })
			if after := w.revision(t, third.ID); after != before+1 {
				t.Errorf("the revision of the provider who joined went from %d to %d", before, after)
			}
		})
	}
}

// A provider who begins to offer a kind while the kind changes is concerned too.
func TestAProviderWhoOffersAKindMeanwhileIsConcernedToo(t *testing.T) {
	w := newDeskWorld(t)
	in := w.Input(3)
	in.VisitKinds = nil
	third, err := w.Service.PutProvider(t.Context(), w.Admin, in)
	if err != nil {
		t.Fatal(err)
	}
	before := w.revision(t, third.ID)
	w.held(t, 1, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT FROM visit_kinds WHERE id = $1 FOR SHARE`, w.K.ID)
		if err == nil {
			_, err = tx.Exec(ctx, `INSERT INTO provider_visit_kinds VALUES ($1, $2, $3)`, w.Organization, third.ID, w.K.ID)
		}
		return err
	}, func() error {
		in := clinictest.VisitKind(1)
		in.Duration = time.Hour
		_, err := w.Clinic().PutVisitKind(t.Context(), w.Admin, in)
		return err
	})
	if after := w.revision(t, third.ID); after != before+1 {
		t.Errorf("the revision of the provider who joined went from %d to %d", before, after)
	}
}
