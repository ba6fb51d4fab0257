package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/provider/providertest"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// All kinds of changes of one location, its kinds and its providers, at once and crosswise.
func TestCrossingChangesNeverDeadlock(t *testing.T) {
	url := pgtest.NewURL(t)
	pool, err := pgxpool.New(t.Context(), url+"&pool_max_conns=12")
	if err != nil {
		t.Fatal(err)
	}
	w := providertest.NewWorld(t, postgres.New(pool, keytest.Of(t, pool)).Directory())
	people := []clinic.Ref{w.P, w.Ref(w.PutProvider(t, 2).ID), w.Ref(w.PutProvider(t, 3).ID)}
	other := w.Ref(w.PutVisitKind(t, 2).ID)
	changes := []func(i int) error{
		func(i int) error {
			in := clinictest.Location(1)
			in.TimeZone = []string{"America/Chicago", "America/New_York"}[i%2]
			_, err := w.Clinic().PutLocation(t.Context(), w.Admin, in)
			return err
		},
		func(i int) error {
			in := clinictest.VisitKind(1 + i%2)
			in.Duration = time.Duration(1+i) * time.Minute
			_, err := w.Clinic().PutVisitKind(t.Context(), w.Admin, in)
			return err
		},
		func(i int) error {
			in := w.Input(1 + i%3)
			in.Name, in.VisitKinds = fmt.Sprint(i), [][]clinic.Ref{{w.K, other}, {other, w.K}, {w.K}}[i%3]
			_, err := w.Service.PutProvider(t.Context(), w.Admin, in)
			return err
		},
		func(i int) error {
			in := w.Schedule(w.Tomorrow.AddDays(i))
			in.Provider = people[i%3]
			_, err := w.Service.SetSchedule(t.Context(), w.FrontDesk, in)
			return err
		},
		func(i int) error {
			in := w.TimeOff(w.Tomorrow.AddDays(i), fmt.Sprint(i))
			if in.Provider = &people[i%3]; i%2 == 0 {
				in.Provider = nil
			}
			if i%3 == 0 {
				in.Repeat = &provider.AddRepeat{EveryWeeks: 1, Until: in.From.Date.AddDays(28)}
			}
			e, err := w.Service.AddException(t.Context(), w.FrontDesk, in)
			if err != nil || i%4 > 1 {
				return err
			}
			_, err = w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(e.ID), []provider.Part{provider.AllTimes, provider.This}[i/3%2])
			return err
		},
		func(i int) error {
			window := provider.OpenWindow{Key: "k", From: providertest.At(w.Tomorrow, 9, 0), To: providertest.At(w.Tomorrow, 12, 0), Capacity: 1 + i}
			_, err := w.Service.PutOpenings(t.Context(), w.FrontDesk, people[i%3], w.L, []provider.OpenWindow{window})
			return err
		},
	}
	if err := clinictest.AtOnce(2*len(changes), func(worker int) error {
		for i := range 30 {
			if err := changes[worker/2](2*i + worker%2); err != nil {
				return fmt.Errorf("worker %d, change %d: %w", worker, i, err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	pool.Close() // sessions report what they counted when they end
	if n := deadlocks(t, url); n != 0 {
		t.Errorf("PostgreSQL counted %d deadlocks", n)
	}
}

// The same new plans are named by several providers at once, each in an order of its own.
func TestNewPlansAtOnceNeverDeadlock(t *testing.T) {
	url := pgtest.NewURL(t)
	pool, err := pgxpool.New(t.Context(), url+"&pool_max_conns=8")
	if err != nil {
		t.Fatal(err)
	}
	w := providertest.NewWorld(t, postgres.New(pool, keytest.Of(t, pool)).Directory())
	if err := clinictest.AtOnce(8, func(worker int) error {
		for round := range 20 {
			in := w.Input(worker)
			for i := range 50 {
				name := (i*(2*worker+1) + worker) % 64
				in.AcceptedPlans = append(in.AcceptedPlans, provider.AcceptedPlan{Carrier: fmt.Sprint(round), Name: fmt.Sprint(name)})
			}
			if _, err := w.Service.PutProvider(t.Context(), w.Admin, in); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	pool.Close()
	if n := deadlocks(t, url); n != 0 {
		t.Errorf("PostgreSQL counted %d deadlocks", n)
	}
}

func deadlocks(t *testing.T, url string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	err = conn.QueryRow(t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
