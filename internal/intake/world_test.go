package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	now = time.Date(2026, 3, 5, 17, 0, 0, 0, time.UTC)
	// begin is two days before New York's clocks go forward.
	begin = civil.Date{Year: 2026, Month: time.March, Day: 6}
)

// world is an organisation in a database of its own, and the rooms that an import calls.
type world struct {
	*clinic.Service
	*rooms
	pool         *pgxpool.Pool
	db           *postgres.DB
	admin        access.Actor
	organization uuid.UUID
}

// rooms lets both services be embedded, whose names would clash.
type rooms struct{ *provider.Service }

func newWorld(t *testing.T) *world {
	t.Helper()
	pool := pgtest.New(t)
	db := postgres.New(pool, keytest.Of(t, pool))
	source := clinic.Source{Clock: clock.FrozenAt(now), NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) }}
	w := &world{Service: clinic.NewService(db.Directory(), source), pool: pool, db: db}
	w.rooms = &rooms{provider.NewService(db.Directory(), w.Service, source)}
	w.admin = access.Actor{
		Kind: access.System, ID: uuid.New(), Client: "test", Role: access.PlatformAdmin, Scopes: access.ScopesOf(access.PlatformAdmin),
	}
	o, err := w.CreateOrganization(t.Context(), w.admin, clinic.CreateOrganization{Name: "Rite Aid", Key: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	w.organization = o.ID
	return w
}

// run imports into the organisation.
func (w *world) run(t *testing.T, order intake.Order) (intake.Report, error) {
	t.Helper()
	order.Organization = w.organization
	var err error
	if order.ZoneOf, err = intake.WorldZones(); err != nil {
		t.Fatal(err)
	}
	return intake.Import(t.Context(), w, w.admin, order)
}

func (w *world) count(t *testing.T, query string) (n int) {
	t.Helper()
	if err := w.pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) ids(t *testing.T, query string) (ids []uuid.UUID) {
	t.Helper()
	if err := w.pool.QueryRow(t.Context(), "SELECT array_agg(id) FROM ("+query+") q").Scan(&ids); err != nil {
		t.Fatal(err)
	}
	return ids
}

// digest sums up the rows of all tables.
func (w *world) digest(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{
		"organizations", "locations", "visit_kinds", "providers", "provider_visit_kinds", "provider_specialties", "provider_plans", "schedules",
		"schedule_exceptions", "date_hours", "audit_events", "event_log", "window_counts",
	} {
		var rows int
		var sum string
		query := "SELECT count(*), coalesce(md5(string_agg(r::text, '' ORDER BY r::text)), '') FROM " + table + " r"
		if err := w.pool.QueryRow(t.Context(), query).Scan(&rows, &sum); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %d %s\n", table, rows, sum)
	}
	return all.String()
}

var firstPage = paging.Window{Size: 10}

func at(s string) civil.DateTime {
	d, err := civil.ParseDateTime(s)
	if err != nil {
		panic(err)
	}
	return d
}
