package bench_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/app"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// size is how much a database holds of what grows.
type size struct{ providers, appointments int }

func (s size) String() string {
	return fmt.Sprintf("%d providers and %d appointments", s.providers, s.appointments)
}

// care is a database that `mediconnect demo load` has filled, with a server over it and an anonymous caller.
type care struct {
	*rig.Rig
	size
	url          string
	server       *rig.Server
	client       rig.Client
	organization uuid.UUID
	kind         string // global id of a kind of visit
	origins      []clinic.GeoPoint
	providers    []string // global ids
	offering     []string // the kind of visit
	words        []string // of providers' names
	now          time.Time
}

// quick says whether this only tests that something can be measured: no figure is told, so that the cluster needn't be as in earnest.
func quick(t testing.TB) bool {
	_, inEarnest := t.(*testing.B)
	return !inEarnest
}

// newRig starts a cluster for as long as the test runs.
func newRig(t testing.TB) *rig.Rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	r, err := rig.Start(ctx, quick(t))
	t.Cleanup(r.Close)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const connections = 4 // of a server that one caller asks, one request after the other

func newCare(t testing.TB, r *rig.Rig, s size) *care {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	w := &care{Rig: r, size: s, now: time.Now().UTC().Truncate(time.Second)}
	var err error
	check := func() {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.url, err = r.NewDatabase(ctx)
	check()
	err = w.load(ctx)
	check()
	err = w.know(ctx)
	check()
	w.server, err = r.Serve(ctx, w.url, connections)
	check()
	t.Cleanup(func() { _ = w.server.Kill() })
	w.client = rig.Client{Server: w.server, HTTP: rig.NewHTTP(1)}
	return w
}

// load fills the database as `mediconnect demo load` does, and leaves it as it is after a while: swept and written to the disk.
func (w *care) load(ctx context.Context) error {
	opts := app.DefaultLoad()
	opts.Providers, opts.Appointments = w.size.providers, w.appointments
	fmt.Fprintf(os.Stderr, "loading %s\n", w.size)
	report, err := app.LoadDemo(ctx, []string{"MEDICONNECT_DATABASE_URL=" + w.url, "MEDICONNECT_KEYS=" + w.Keys}, opts, io.Discard, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "loaded in %s\n", report.Took.Round(time.Second))
	if report.Appointments != w.appointments {
		return fmt.Errorf("%d appointments were loaded, not %d", report.Appointments, w.appointments)
	}
	w.organization = report.Organization
	conn, err := w.admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range []string{"VACUUM (ANALYZE)", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// admin connects to the database as the cluster's superuser.
func (w *care) admin(ctx context.Context) (*pgx.Conn, error) {
	url, err := w.AdminURL(w.url)
	if err != nil {
		return nil, err
	}
	return pgx.Connect(ctx, url)
}

const (
	oneKind       = `SELECT id FROM visit_kinds WHERE key = 'vaccination'`
	everyProvider = `SELECT id FROM providers ORDER BY identifier_value`
	whoOffers     = `SELECT provider_id FROM provider_visit_kinds WHERE visit_kind_id = (` + oneKind + `) ORDER BY 1`
	everyName     = `SELECT DISTINCT split_part(name, ' ', -1) FROM providers ORDER BY 1`
	everySite     = `SELECT latitude, longitude FROM locations ORDER BY identifier_value`
)

// know reads what the requests are about.
func (w *care) know(ctx context.Context) error {
	conn, err := w.admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	kinds, err := w.named(ctx, conn, globalid.VisitKind, oneKind)
	if err != nil || len(kinds) != 1 {
		return fmt.Errorf("%d kinds of visit: %w", len(kinds), err)
	}
	w.kind = kinds[0]
	if w.providers, err = w.named(ctx, conn, globalid.Provider, everyProvider); err != nil {
		return err
	}
	if w.offering, err = w.named(ctx, conn, globalid.Provider, whoOffers); err != nil {
		return err
	}
	if w.words, err = listed(ctx, conn, everyName, pgx.RowTo[string]); err != nil {
		return err
	}
	sites, err := listed(ctx, conn, everySite, pgx.RowToStructByName[clinic.GeoPoint])
	w.origins = around(sites)
	return err
}

// named lists global ids.
func (w *care) named(ctx context.Context, conn *pgx.Conn, of globalid.Type, query string) ([]string, error) {
	found, err := listed(ctx, conn, query, pgx.RowTo[uuid.UUID])
	ids := make([]string, len(found))
	for i, id := range found {
		ids[i] = globalid.Of(of, clinic.Ref{Organization: w.organization, ID: id})
	}
	return ids, err
}

func listed[T any](ctx context.Context, conn *pgx.Conn, query string, row pgx.RowToFunc[T]) ([]T, error) {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, row)
}

const (
	origins = 300
	astray  = 20_000.0  // metres that an origin is from a site, at most
	degree  = 111_195.0 // metres, of a sphere of the mean radius
)

// around draws points where patients may be: each some way from a site in some direction, the same each time.
func around(sites []clinic.GeoPoint) []clinic.GeoPoint {
	rng := rand.New(rand.NewPCG(1, 2))
	points := make([]clinic.GeoPoint, origins)
	for i := range points {
		p := sites[rng.IntN(len(sites))]
		sin, cos := math.Sincos(rng.Float64() * 2 * math.Pi)
		way := rng.Float64() * astray / degree
		points[i] = clinic.GeoPoint{Latitude: p.Latitude + way*cos, Longitude: p.Longitude + way*sin/math.Cos(p.Latitude*math.Pi/180)}
	}
	return points
}
