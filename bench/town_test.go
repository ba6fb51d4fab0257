// Package bench measures whole paths: bookings over HTTP against the statement alone, and their cost when much is stored.
package bench_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/graph/globalid"
	_ "github.com/mediconnect/mediconnect/internal/app" // what the built program is made of: a change of it makes a cached result void
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// town is a clinic of many providers and patients in a database of its own, with openings enough for every booking.
type town struct {
	*rig.Rig
	*rig.Clinic
	url       string
	server    *rig.Server
	pool      *pgxpool.Pool
	providers []uuid.UUID
	globalIDs []string // of the providers
	patients  []rig.Patient
}

const (
	days   = 300 // that can be booked
	perDay = 16  // openings of a provider on a day
)

func newTown(t testing.TB, providers, patients, connections int) *town {
	t.Helper()
	return setUpTown(t, providers, patients, connections, false)
}

// newStampedTown is a town whose database notes when each transaction was committed.
func newStampedTown(t testing.TB, providers, patients, connections int) *town {
	t.Helper()
	return setUpTown(t, providers, patients, connections, true)
}

func setUpTown(t testing.TB, providers, patients, connections int, stamped bool) *town {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	w := &town{}
	var err error
	check := func() {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Rig, err = rig.Start(ctx, quick(t) && !stamped)
	t.Cleanup(w.Rig.Close)
	check()
	if stamped {
		err = w.StampCommits(ctx)
		check()
	}
	w.url, err = w.NewDatabase(ctx)
	check()
	w.server, err = w.Serve(ctx, w.url, connections)
	check()
	t.Cleanup(func() { _ = w.server.Kill() })
	w.Clinic, err = w.NewClinic(ctx, w.server, &rig.Client{HTTP: rig.NewHTTP(connections)})
	check()
	for range providers {
		var id string
		id, err = w.Provider(ctx, 2, 0)
		check()
		ref, _ := w.Ref(id)
		w.providers, w.globalIDs = append(w.providers, ref.ID), append(w.globalIDs, id)
	}
	w.patients, err = w.Patients(ctx, patients)
	check()
	w.pool = w.look(t, w.url)
	return w
}

// look is a pool of the superuser's on a database, for what a measurement looks at and puts there.
func (w *town) look(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := w.Rig.Open(context.Background(), url, 8)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// side is half of a town's providers and patients: what is measured in turn doesn't meet.
type side struct {
	*town
	providers []uuid.UUID
	patients  []rig.Patient
}

func (w *town) sides() (a, b side) {
	p, q := len(w.providers)/2, len(w.patients)/2
	return side{w, w.providers[:p], w.patients[:q]}, side{w, w.providers[p:], w.patients[q:]}
}

// slot is the n-th opening, one provider after the other, and the patient who comes for it. Nobody comes for two at once:
// there are at least as many patients as providers.
func (w side) slot(n int) (availability.SlotID, rig.Patient) {
	location, _ := w.Ref(w.Location)
	kind, _ := w.Ref(w.VisitKind)
	at := n / len(w.providers)
	start := w.Day.AddDate(0, 0, at/perDay%days).Add(9*time.Hour + time.Duration(at%perDay)*30*time.Minute)
	return availability.SlotID{
		Organization: location.Organization, Provider: w.providers[n%len(w.providers)], Location: location.ID, VisitKind: kind.ID,
		Modality: clinic.InPerson, Start: start,
	}, w.patients[(n+at)%len(w.patients)]
}

func slotID(s availability.SlotID) string { return globalid.OfSlot(s) }

const bookedSoFar = `SELECT count(*) FROM appointments`

func (w *town) booked(t testing.TB, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(context.Background(), bookedSoFar).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
